"""Reports 2021-06-30: ordering reports, seeing how far they are, and fetching their documents."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from spapi.api import Api
from spapi.documents import Downloader
from spapi.operations import CREATE_REPORT, GET_REPORT, GET_REPORT_DOCUMENT, GET_REPORTS
from spapi.texts import clean, moment, parts, text
from spapi.types import Download, Report, ReportDocument
from spapi.writing import json_body, moments, query_text


class ReportsApi(Api):
    """https://developer-docs.amazon.com/sp-api/docs/reports-api-v2021-06-30-reference"""

    _downloader: Downloader

    def create_report(
        self,
        report_type: str,
        marketplace_ids: Collection[str],
        *,
        data_start: datetime | str | None = None,
        data_end: datetime | str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> str:
        """The id of the report that Amazon has begun to make for 1 to 25 marketplaces.

        Moments are aware datetimes, or texts that go to Amazon as they are. Each accepted call makes
        a report: of an error, `effect` says whether there may be one, and `get_reports` shows it.
        """
        if not 1 <= len(marketplace_ids) <= 25:
            raise ValueError("give 1 to 25 marketplaces")
        document: dict[str, object] = {
            "reportType": report_type,
            "marketplaceIds": list(marketplace_ids),
        }
        for name, value in (("dataStartTime", data_start), ("dataEndTime", data_end)):
            if value is not None:
                [document[name]] = moments(value)
        if options:
            document["reportOptions"] = dict(options)
        return self._ask(CREATE_REPORT, _read_id, body=json_body(document))

    def get_report(self, report_id: str) -> Report:
        """The report with its status and, when Amazon has made one, the id of its document."""
        return self._ask(GET_REPORT, read_report, GET_REPORT.url_path(report_id=report_id))

    def get_reports(
        self,
        report_types: Collection[str],
        *,
        processing_statuses: Collection[str] = (),
        marketplace_ids: Collection[str] = (),
        created_since: datetime | str | None = None,
        page_size: int = 10,
    ) -> tuple[Report, ...]:
        """The newest reports of these types (1 to 10), as many as the first page holds (1 to 100)."""
        query = query_text(
            reportTypes=report_types,
            processingStatuses=processing_statuses,
            marketplaceIds=marketplace_ids,
            pageSize=[str(page_size)],
            createdSince=moments(created_since),
        )
        return self._ask(GET_REPORTS, read_reports, query=query)

    def get_report_document(self, document_id: str) -> ReportDocument:
        """Where the document can be fetched for the next five minutes."""
        path = GET_REPORT_DOCUMENT.url_path(document_id=document_id)
        return self._ask(GET_REPORT_DOCUMENT, _read_document, path)

    def download_report_document(
        self,
        document: ReportDocument,
        write: Callable[[bytes], object],
        *,
        deadline: float = 300.0,
        max_bytes: int = 4 << 30,
    ) -> Download:
        """`write` has been given all of the document, unpacked, a little at a time.

        Goes without a token to Amazon's storage, over https to the public Internet alone (or to the
        client's own endpoint); a redirect is not followed. `deadline` is in seconds, from the first
        byte to the last; `max_bytes` counts unpacked ones. Raises UntrustedAddress, DocumentGone
        (ask for the document again), NoAnswer, ConnectFailed, ServerError, UnexpectedStatus,
        MalformedAnswer, and whatever `write` raises; what was written is then worth nothing.
        """
        return self._downloader.fetch(document, write, deadline, max_bytes)


def read_report(entry: object) -> Report | None:
    """The report in an answer of getReport, or in an entry of getReports; None if it is none."""
    if not isinstance(entry, Mapping) or not (report_id := text(entry, "reportId")):
        return None
    listed = entry.get("marketplaceIds")
    return Report(
        report_id,
        text(entry, "reportType") or "",
        text(entry, "processingStatus") or "",
        document_id=text(entry, "reportDocumentId"),
        marketplace_ids=tuple(
            found for one in (listed if isinstance(listed, list) else ()) if (found := clean(one))
        ),
        data_start=moment(entry.get("dataStartTime")),
        data_end=moment(entry.get("dataEndTime")),
        created_at=moment(entry.get("createdTime")),
        ended_at=moment(entry.get("processingEndTime")),
    )


def read_reports(document: object) -> tuple[Report, ...] | None:
    """The reports of an answer of getReports; None if it is none. One without an id is left out."""
    if not isinstance(document, Mapping) or not isinstance(document.get("reports"), list):
        return None
    found = (read_report(entry) for entry in parts(document, "reports"))
    return tuple(report for report in found if report is not None)


def _read_id(document: object) -> str | None:
    return text(document, "reportId") if isinstance(document, Mapping) else None


def _read_document(document: object) -> ReportDocument | None:
    if not isinstance(document, Mapping):
        return None
    document_id, url = text(document, "reportDocumentId"), text(document, "url")
    if not document_id or not url:
        return None
    return ReportDocument(document_id, url, text(document, "compressionAlgorithm"))
