"""Reports 2021-06-30: ordering them, and fetching their documents from an address that expires.

The document lies at an address of the sandbox's own, for five minutes and for whoever has it. A
report takes six seconds of Amazon's clock.
"""

import gzip
import hmac
import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

from sandbox.marketplaces import BY_ID
from sandbox.messages import Answer, error_answer, json_answer, storage_error
from sandbox.moments import DAY, from_text, to_exact_text
from sandbox.operations.paging import read_token, write_token
from sandbox.operations.parameters import (
    body_of,
    invalid,
    marketplaces,
    moment,
    one,
    refuse_unknown,
)
from sandbox.operations.routing import Call, RequestError, State
from sandbox.ordered import KEPT, MADE, QUEUED, Report
from sandbox.randomness import draw
from sandbox.report_columns import COLUMNS, MFN_RETURNS, SHIPMENTS
from sandbox.report_files import document_of, lives_of

EXPIRES = 300
_LONGEST = {
    SHIPMENTS: 31 * DAY,
    MFN_RETURNS: 60 * DAY,
}
_STATUSES = ("CANCELLED", "DONE", "FATAL", "IN_PROGRESS", "IN_QUEUE")
_SEARCH = (
    "reportTypes",
    "processingStatuses",
    "marketplaceIds",
    "pageSize",
    "createdSince",
    "createdUntil",
)
_FATAL = {"errorDetails": "The report failed for an internal reason. Please try again."}


def create_report(state: State, call: Call) -> Answer:
    """202 with the id of a report that Amazon begins to make."""
    refuse_unknown(call.request, ())
    document = body_of(call.request)
    kind = document.get("reportType")
    if kind not in COLUMNS:
        raise invalid("Invalid report type.", str(kind)[:100])
    listed = document.get("marketplaceIds")
    if not isinstance(listed, list) or not 1 <= len(listed) <= 25:
        raise invalid("marketplaceIds: 1 to 25 are needed.")
    if any(market not in BY_ID for market in listed):
        raise invalid("marketplaceIds: Invalid value.")
    start = _moment(document, "dataStartTime", call.now)
    end = _moment(document, "dataEndTime", call.now)
    if start > call.now or end < start:
        raise invalid("The start of the data must not lie after its end or now.")
    if end - start > _LONGEST.get(kind, end):
        raise invalid("The time between dataStartTime and dataEndTime is too long.")
    report = Report(
        number=len(state.reports) + 1,
        seller=call.partner.number,
        report_type=kind,
        marketplaces=tuple(listed),
        start=start,
        end=end,
        at=call.now,
        fatal=call.rule is not None and call.rule.kind == "report_fatal",
    )
    report = replace(report, orders=len(lives_of(state.world, call.partner, report)))
    state.reports[report.report_id] = report
    return json_answer(202, {"reportId": report.report_id})


def get_report(state: State, call: Call) -> Answer:
    """200 with the report as far as it is, or 404."""
    refuse_unknown(call.request, ())
    report = state.reports.get(call.order_id)
    if report is None or not _is_there(report, call):
        raise _not_found()
    return json_answer(200, _shown(report, call.now))


def get_reports(state: State, call: Call) -> Answer:
    """200 with one page of the seller's reports, newest first, and a token when there are more."""
    request = call.request
    token = one(request, "nextToken")
    if token is not None:
        refuse_unknown(request, ("nextToken",))
        place = read_token(state, token)
        if place is None or place[0] != call.partner.number:
            raise invalid("nextToken: Invalid value.")
        _, types, statuses, markets, size, since, until, start = place
    else:
        refuse_unknown(request, _SEARCH)
        types, statuses = request.values("reportTypes"), request.values("processingStatuses")
        if not 1 <= len(types) <= 10:
            raise invalid("reportTypes: 1 to 10 are needed.")
        if any(status not in _STATUSES for status in statuses):
            raise invalid("Invalid input", "Invalid input in processing status")
        markets, start = sorted(marketplaces(request)), 0
        size = _page_size(one(request, "pageSize"))
        since, until = moment(request, "createdSince"), moment(request, "createdUntil")
        since = call.now - KEPT if since is None else since
        until = call.now if until is None else until
    found = [
        report
        for report in reversed(state.reports.values())
        if _is_there(report, call)
        and report.report_type in types
        and (not statuses or report.status_at(call.now) in statuses)
        and (not markets or set(markets) & set(report.marketplaces))
        and since <= report.at <= until
    ]
    end = start + size
    document: dict[str, Any] = {
        "reports": [_shown(report, call.now) for report in found[start:end]]
    }
    if end < len(found):
        following = (call.partner.number, types, statuses, markets, size, since, until, end)
        document["nextToken"] = write_token(state, *following)
    return json_answer(200, document)


def get_report_document(state: State, call: Call) -> Answer:
    """200 with an address at which the document lies for five minutes, or 404."""
    refuse_unknown(call.request, ("enableContentEncodingUrlHeader",))
    report = _by_document(state, call.order_id)
    if report is None or not _is_there(report, call) or not _has_document(report, call.now):
        raise _not_found()
    until = int(call.now) + EXPIRES
    host = call.request.headers.get("host", "127.0.0.1")
    query = f"X-Amz-Expires={until}&X-Amz-Signature={_signature(state, report, until)}"
    document = {
        "reportDocumentId": report.document_id,
        "url": f"http://{host}/report-documents/{report.document_id}?{query}",
    }
    if not report.fatal:
        document["compressionAlgorithm"] = "GZIP"
    return json_answer(200, document)


def download_report_document(state: State, call: Call) -> Answer:
    """200 with the document's bytes; 403 in the storage's own words when the address is not good."""
    report = _by_document(state, call.order_id)
    until = (call.request.query.get("X-Amz-Expires") or ["0"])[0]
    given = (call.request.query.get("X-Amz-Signature") or [""])[0]
    if report is None or not until.isdigit() or call.now > int(until):
        return storage_error(403, "AccessDenied", "Request has expired")
    if not hmac.compare_digest(given.encode(), _signature(state, report, int(until)).encode()):
        return storage_error(403, "SignatureDoesNotMatch", "The signature does not match.")
    if report.fatal:
        return Answer(200, json.dumps(_FATAL).encode(), "text/plain;charset=UTF-8")
    body, charset = document_of(state.world, state.world.sellers[report.seller], report)
    return Answer(200, gzip.compress(body, 6, mtime=0), f"text/plain;charset={charset}")


def _shown(report: Report, now: float) -> dict[str, Any]:
    status = report.status_at(now)
    document: dict[str, Any] = {
        "reportId": report.report_id,
        "reportType": report.report_type,
        "marketplaceIds": list(report.marketplaces),
        "dataStartTime": to_exact_text(report.start),
        "dataEndTime": to_exact_text(report.end),
        "createdTime": to_exact_text(report.at),
        "processingStatus": status,
    }
    if status != "IN_QUEUE":
        document["processingStartTime"] = to_exact_text(report.at + QUEUED)
    if status not in ("IN_QUEUE", "IN_PROGRESS"):
        document["processingEndTime"] = to_exact_text(report.at + MADE)
    if _has_document(report, now):
        document["reportDocumentId"] = report.document_id
    return document


def _has_document(report: Report, now: float) -> bool:
    return report.status_at(now) in ("DONE", "FATAL")


def _is_there(report: Report, call: Call) -> bool:
    return report.seller == call.partner.number and call.now - report.at < KEPT


def _by_document(state: State, document_id: str) -> Report | None:
    every = state.reports.values()
    return next((one for one in every if one.document_id == document_id), None)


def _moment(document: dict[str, Any], name: str, now: float) -> float:
    text = document.get(name)
    if text is None:
        return now
    try:
        return from_text(str(text))
    except ValueError:
        raise invalid(f"{name}: Invalid date and time.", str(text)[:100]) from None


def _page_size(text: str | None) -> int:
    text = text or "10"
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 100):
        raise invalid("pageSize: Must be between 1 and 100.", text)
    return int(text)


def _signature(state: State, report: Report, until: int) -> str:
    key = draw(state.world.plan.seed, "documents").randbytes(32)
    return hmac.new(key, f"{report.document_id} {until}".encode(), sha256).hexdigest()


def _not_found() -> RequestError:
    return RequestError(error_answer(404, "NotFound", "The requested resource was not found."))
