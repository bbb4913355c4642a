import csv
import gzip
import io
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.marketplaces import BY_ID
from sandbox.messages import Answer
from sandbox.moments import DAY, to_text
from sandbox.operations.reports import EXPIRES
from sandbox.options import Options
from sandbox.ordered import KEPT, MADE, QUEUED
from sandbox.personal import MARK
from sandbox.report_columns import (
    BY_ORDER,
    BY_UPDATE,
    COLUMNS,
    FBA_RETURNS,
    MFN_RETURNS,
    SHIPMENTS,
)
from tests.sandbox.conftest import NOW, Desk, document
from tests.sandbox.schemas import Model

PATH = "/reports/2021-06-30"
MODEL = Model("reports_2021-06-30.json")
JAPAN = "A1VC38T7YXB528"
PERSONAL = {
    BY_UPDATE: {"ship-city", "ship-state", "ship-postal-code"},
    BY_ORDER: {"ship-city", "ship-state", "ship-postal-code", "cpf"},
    SHIPMENTS: {
        "buyer-email",
        "buyer-name",
        "buyer-phone-number",
        "recipient-name",
        "ship-address-1",
        "ship-city",
        "ship-state",
        "ship-postal-code",
        "ship-phone-number",
        "bill-address-1",
        "bill-city",
        "bill-state",
        "bill-postal-code",
    },
    FBA_RETURNS: {"customer-comments"},
    MFN_RETURNS: set(),
}


@pytest.fixture
def desk() -> Desk:
    """Smaller than the others' desk, which takes longer to make than these tests to run."""
    return Desk(Options(orders=150, seed=7))


def ask(desk: Desk, method: str, path: str, body: Any = None, **more: Any) -> Answer:
    """The bucket is full again before it."""
    desk.ticks += 10_000
    raw = b"" if body is None else json.dumps(body).encode()
    length = {} if body is None else {"content_length": str(len(raw))}
    return desk.ask(method, f"{PATH}/{path}", body=raw, **length, **more)


def order(desk: Desk, kind: str = BY_UPDATE, **changes: Any) -> Answer:
    """A report about the last 30 days."""
    body = {
        "reportType": kind,
        "marketplaceIds": [market.id for market in desk.seller.marketplaces],
        "dataStartTime": to_text(NOW - 30 * DAY),
        **changes,
    }
    return ask(desk, "POST", "reports", body)


def made(desk: Desk, kind: str = BY_UPDATE, **changes: Any) -> dict[str, Any]:
    """The report, when Amazon is done with it."""
    key = document(order(desk, kind, **changes))["reportId"]
    desk.clock += MADE
    found: dict[str, Any] = document(ask(desk, "GET", f"reports/{key}"))
    return found


def address(desk: Desk, report: dict[str, Any]) -> dict[str, Any]:
    path = f"documents/{report['reportDocumentId']}"
    found: dict[str, Any] = document(ask(desk, "GET", path, host="127.0.0.1:80"))
    return found


def download(desk: Desk, url: str, **more: Any) -> Answer:
    parts = urlsplit(url)
    headers = {"user_agent": None, "x_amz_access_token": None} | more
    return desk.ask("GET", f"{parts.path}?{parts.query}", **headers)


def lines(desk: Desk, kind: str, encoding: str = "utf-8", **changes: Any) -> list[dict[str, str]]:
    answer = download(desk, address(desk, made(desk, kind, **changes))["url"])
    text = gzip.decompress(answer.body).decode(encoding)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    assert tuple(rows.fieldnames or ()) == COLUMNS[kind]
    return list(rows)


def test_a_seller_who_ordered_no_report_has_none_as_the_model_has_it(desk):
    answer = desk.ask("GET", f"{PATH}/reports?reportTypes=GET_MERCHANT_LISTINGS_ALL_DATA")
    assert MODEL.faults("GetReportsResponse", document(answer)) == []
    assert document(answer) == {"reports": []}
    assert answer.headers["x-amzn-RateLimit-Limit"] == "0.0222"


def test_a_parameter_that_the_model_does_not_know_is_refused(desk):
    assert desk.ask("GET", f"{PATH}/reports?reportType=X").status == 400


def test_a_report_is_queued_made_and_done(desk):
    answer = order(desk)
    assert answer.status == 202
    assert MODEL.faults("CreateReportResponse", document(answer)) == []
    key = document(answer)["reportId"]
    seen = []
    for wait in (0, QUEUED, MADE - QUEUED):
        desk.clock += wait
        report = document(ask(desk, "GET", f"reports/{key}"))
        assert MODEL.faults("Report", report) == []
        seen.append((report["processingStatus"], "reportDocumentId" in report))
    assert seen == [("IN_QUEUE", False), ("IN_PROGRESS", False), ("DONE", True)]
    found = address(desk, report)
    assert MODEL.faults("ReportDocument", found) == []
    assert found["compressionAlgorithm"] == "GZIP"


def test_a_report_without_data_is_cancelled_and_has_no_document(desk):
    report = made(desk, dataStartTime=to_text(NOW))
    assert report["processingStatus"] == "CANCELLED"
    assert "reportDocumentId" not in report


def test_a_fault_makes_a_report_fatal_and_its_document_say_why(desk):
    rule = {"operation": "createReport", "when": {"nth": [1]}, "do": {"kind": "report_fatal"}}
    desk.amazon.set_faults([rule])
    report = made(desk)
    assert report["processingStatus"] == "FATAL"
    found = address(desk, report)
    assert "compressionAlgorithm" not in found
    assert "errorDetails" in json.loads(download(desk, found["url"]).body)
    assert made(desk)["processingStatus"] == "DONE"


@pytest.mark.parametrize(
    "changes",
    [
        {"reportType": "GET_NOTHING"},
        {"marketplaceIds": []},
        {"marketplaceIds": ["DE"]},
        {"marketplaceIds": "A1PA6795UKMFR9"},
        {"dataStartTime": "yesterday"},
        {"dataStartTime": to_text(NOW + DAY)},
        {"dataEndTime": to_text(NOW - 40 * DAY)},
        {"reportType": SHIPMENTS, "dataStartTime": to_text(NOW - 32 * DAY)},
        {"reportType": MFN_RETURNS, "dataStartTime": to_text(NOW - 61 * DAY)},
    ],
    ids=str,
)
def test_a_report_that_makes_no_sense_is_refused(desk, changes):
    assert order(desk, **changes).status == 400
    assert ask(desk, "POST", "reports", []).status == 400


def test_reports_are_listed_newest_first_and_page_by_page(desk):
    keys = [document(order(desk))["reportId"] for _ in range(3)]
    made(desk, BY_ORDER)
    page = document(ask(desk, "GET", f"reports?reportTypes={BY_UPDATE}&pageSize=2"))
    assert MODEL.faults("GetReportsResponse", page) == []
    token = page["nextToken"].replace("+", "%2B").replace("/", "%2F")
    assert ask(desk, "GET", f"reports?reportTypes={BY_UPDATE}&nextToken={token}").status == 400
    rest = document(ask(desk, "GET", f"reports?nextToken={token}"))
    assert "nextToken" not in rest
    listed = [report["reportId"] for report in (*page["reports"], *rest["reports"])]
    assert listed == keys[::-1]
    both = f"reports?reportTypes={BY_UPDATE},{BY_ORDER}"
    assert len(document(ask(desk, "GET", both))["reports"]) == 4
    assert document(ask(desk, "GET", f"{both}&processingStatuses=IN_QUEUE"))["reports"] == []
    since = to_text(int(desk.clock) + 1)
    assert document(ask(desk, "GET", f"{both}&createdSince={since}"))["reports"] == []


def test_a_report_is_the_sellers_own_and_kept_for_90_days(desk):
    report = made(desk)
    key, spare = report["reportId"], desk.amazon.world.sellers[1]
    assert ask(desk, "GET", f"reports/{key}", seller=spare).status == 404
    path = f"documents/{report['reportDocumentId']}"
    assert ask(desk, "GET", path, seller=spare).status == 404
    assert ask(desk, "GET", f"reports?reportTypes={BY_UPDATE}", seller=spare).status == 200
    desk.clock += KEPT
    assert ask(desk, "GET", f"reports/{key}").status == 404


def test_an_address_is_good_for_five_minutes_and_for_whoever_has_it(desk):
    report = made(desk)
    url = address(desk, report)["url"]
    assert url.startswith("http://127.0.0.1:80/report-documents/")
    desk.clock += EXPIRES - 1
    assert download(desk, url).status == 200
    forged = url.replace("X-Amz-Expires=1", "X-Amz-Expires=2")
    assert download(desk, forged).status == 403
    assert download(desk, url.partition("?")[0]).status == 403
    desk.clock += 2
    late = download(desk, url)
    assert (late.status, late.content_type) == (403, "application/xml")
    assert b"Request has expired" in late.body
    assert download(desk, address(desk, report)["url"]).status == 200


def test_a_token_sent_to_the_storage_is_found_out(desk):
    url = address(desk, made(desk))["url"]
    assert download(desk, url, x_amz_access_token=desk.token()).status == 400


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_report_has_its_columns_and_the_invented_buyer(kind):
    desk = Desk(Options(orders=500, sellers=1))
    found = lines(desk, kind)
    assert found
    named = {name for row in found for name, cell in row.items() if MARK.lower() in cell.lower()}
    extra = {"purchase-order-number"} if kind in (BY_UPDATE, BY_ORDER) else set()
    assert PERSONAL[kind] <= named <= PERSONAL[kind] | extra


def test_all_orders_are_reported_item_by_item(desk):
    rows = lines(desk, BY_ORDER)
    lives = [life for life in desk.lives() if life.purchased >= NOW - 30 * DAY]
    assert {row["amazon-order-id"] for row in rows} == {desk.order_id(life) for life in lives}
    assert len(rows) > len(lives)
    words = {row["order-status"] for row in rows}
    assert (
        "Shipped"
        in words
        <= {
            "Shipped",
            "Cancelled",
            "Pending",
            "PendingAvailability",
            "Unshipped",
            "PartiallyShipped",
            "Unfulfillable",
        }
    )
    assert {row["fulfillment-channel"] for row in rows} == {"Amazon", "Merchant"}
    updated = {row["amazon-order-id"] for row in lines(desk, BY_UPDATE)}
    assert updated >= {row["amazon-order-id"] for row in rows}
    since = [life for life in desk.lives() if life.updated_at(NOW) >= NOW - 30 * DAY]
    assert updated == {desk.order_id(life) for life in since}


def test_shipments_name_the_arrival_of_amazons_own_parcels(desk):
    rows = lines(desk, SHIPMENTS)
    lives = {
        desk.order_id(life): life
        for life in desk.lives()
        if life.by_amazon and life.shipped is not None and NOW - 30 * DAY <= life.shipped <= NOW
    }
    assert {row["amazon-order-id"] for row in rows} == set(lives)
    for row in rows:
        earliest, latest = lives[row["amazon-order-id"]].promise
        arrival = row["estimated-arrival-date"].replace("+00:00", "Z")
        assert to_text(earliest) <= arrival <= to_text(latest)


def test_returns_are_told_apart_by_who_sent_the_order():
    desk = Desk(Options(orders=1_000, sellers=1))
    by_id = {desk.order_id(life): life for life in desk.lives()}
    back = {row["order-id"] for row in lines(desk, FBA_RETURNS)}
    asked = {row["Order ID"] for row in lines(desk, MFN_RETURNS)}
    assert back
    assert asked
    assert all(by_id[key].by_amazon for key in back)
    assert not any(by_id[key].by_amazon for key in asked)


def test_a_report_of_japan_is_in_its_own_charset():
    desk = Desk(Options(orders=100, sellers=3))
    seller = desk.amazon.world.sellers[2]
    desk.amazon.world.sellers = (seller, *desk.amazon.world.sellers[1:])
    assert BY_ID[JAPAN] in seller.marketplaces
    body = {
        "reportType": BY_ORDER,
        "marketplaceIds": [JAPAN],
        "dataStartTime": to_text(NOW - 90 * DAY),
    }
    key = document(ask(desk, "POST", "reports", body, seller=seller))["reportId"]
    desk.clock += MADE
    report = document(ask(desk, "GET", f"reports/{key}", seller=seller))
    path = f"documents/{report['reportDocumentId']}"
    found = document(ask(desk, "GET", path, seller=seller))
    answer = download(desk, found["url"])
    assert answer.content_type == "text/plain;charset=Windows-31J"
    raw = gzip.decompress(answer.body)
    with pytest.raises(UnicodeDecodeError):
        raw.decode("utf-8")
    assert "ブランケット" in raw.decode("cp932")
