"""The client and the sandbox, which share no code, over HTTP: each checks the other."""

import csv
import dataclasses
import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

import spapi
from sandbox.testing import Running, running

ARN = "arn:aws:sqs:eu-west-1:123456789012:orders"
DATA_SETS = ("FULFILLMENT", "CANCELLATION", "PACKAGES", "PROCEEDS")
LONG_AGO = datetime.now(UTC) - timedelta(days=150)
ALL_ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"


@pytest.fixture(scope="module")
def amazon() -> Iterator[Running]:
    with running(orders=400, sellers=3, seed=5, rate_factor=100_000) as found:
        yield found


@pytest.fixture(scope="module")
def client(amazon: Running) -> Iterator[spapi.Client]:
    keys = amazon.sellers[0]
    credentials = spapi.Credentials(keys.client_id, keys.client_secret, keys.refresh_token)
    found = spapi.Client(
        keys.region,
        credentials,
        limiter=spapi.Unlimited(),
        endpoint=amazon.url,
        lwa_endpoint=amazon.url,
    )
    yield found
    found.close()


def test_orders_of_v0_are_those_of_2026(amazon: Running, client: spapi.Client) -> None:
    markets = amazon.sellers[0].marketplace_ids
    newer: dict[str, spapi.Order] = {}
    token = None
    while True:
        page = client.search_orders(
            created_after=LONG_AGO, included_data=DATA_SETS, pagination_token=token
        )
        newer |= {order.order_id: order for order in page.orders}
        token = page.next_token
        if token is None:
            break
    older: dict[str, spapi.Order] = {}
    while True:
        page = client.get_orders_v0(markets, created_after=LONG_AGO, next_token=token)
        older |= {order.order_id: order for order in page.orders}
        token = page.next_token
        if token is None:
            break
    assert len(newer) > 350
    assert older.keys() == newer.keys()
    for order_id, order in newer.items():
        found = older[order_id]
        if order_id[-1] in "05":  # each has two calls; a part is enough
            assert client.get_order_v0(order_id) == found
            found = spapi.with_items(found, [client.get_order_items_v0(order_id)])
            assert found == dataclasses.replace(order, packages=())
        else:
            programs = tuple(word for word in order.programs if word != "FBM_SHIP_PLUS")
            expected = dataclasses.replace(order, packages=(), items=(), programs=programs)
            assert found == expected


def test_notifications_are_set_up_delivered_and_taken_down(
    amazon: Running, client: spapi.Client
) -> None:
    made = client.create_destination("Orders", ARN)
    with pytest.raises(spapi.Conflict):
        client.create_destination("Orders again", ARN)
    assert client.get_destinations() == (made,)
    assert client.get_destination(made.destination_id) == made
    with pytest.raises(spapi.AccessDenied):
        client.create_destination("Orders", f"{ARN}-forbidden")

    wanted = spapi.EventFilter(
        "ORDER_CHANGE", amazon.sellers[0].marketplace_ids, ("OrderStatusChange",)
    )
    with pytest.raises(spapi.NotFound):
        client.get_subscription("ORDER_CHANGE")
    subscription = client.create_subscription(
        "ORDER_CHANGE", made.destination_id, event_filter=wanted
    )
    assert subscription.event_filter == wanted
    with pytest.raises(spapi.Conflict):
        client.create_subscription("ORDER_CHANGE", made.destination_id)
    assert client.get_subscription("ORDER_CHANGE") == subscription
    assert client.get_subscriptions("ORDER_CHANGE").subscriptions == (subscription,)
    found = client.get_subscription_by_id("ORDER_CHANGE", subscription.subscription_id)
    assert found == subscription
    with pytest.raises(spapi.StillInUse):
        client.delete_destination(made.destination_id)

    assert amazon.take_notifications() == []
    told = amazon.take_notifications(since=LONG_AGO.isoformat())
    assert {one["arn"] for one in told} == {ARN}
    change = json.loads(told[0]["body"])["Payload"]["OrderChangeNotification"]
    assert change["SellerId"] == amazon.sellers[0].selling_partner_id
    assert client.get_order(change["AmazonOrderId"]).order_id == change["AmazonOrderId"]

    client.delete_subscription_by_id("ORDER_CHANGE", subscription.subscription_id)
    client.delete_destination(made.destination_id)
    assert client.get_destinations() == ()


def ordered(amazon: Running, client: spapi.Client) -> spapi.Report:
    """A report that is done, whatever its end."""
    markets = amazon.sellers[0].marketplace_ids
    key = client.create_report(ALL_ORDERS, markets, data_start=LONG_AGO)
    assert client.get_report(key).status in {"IN_QUEUE", "IN_PROGRESS"}
    amazon.set_clock_offset(amazon.time()["offset_s"] + 6)
    return client.get_report(key)


def test_report_is_ordered_and_fetched(amazon: Running, client: spapi.Client) -> None:
    report = ordered(amazon, client)
    assert report.status == "DONE"
    assert report in client.get_reports([ALL_ORDERS], created_since=LONG_AGO, page_size=100)
    text = io.BytesIO()
    download = client.download_report_document(
        client.get_report_document(report.document_id or ""), text.write
    )
    assert (download.size, download.charset) == (len(text.getvalue()), "utf-8")
    rows = csv.DictReader(io.StringIO(text.getvalue().decode(), newline=""), delimiter="\t")
    known = {order["amazon-order-id"] for order in rows}
    assert len(known) > 390
    [line] = [one for one in amazon.stats()["operations"] if "download" in one["operation"]]
    assert (line["seller"], line["statuses"]) == ("", {"200": 1})


@pytest.mark.parametrize(
    ("do", "kind"),
    [
        ({"kind": "cut_body"}, spapi.NoAnswer),
        ({"kind": "cut_body", "how": "chunked"}, spapi.NoAnswer),
        ({"kind": "redirect", "location": "http://127.0.0.1:1/"}, spapi.UnexpectedStatus),
        ({"kind": "status", "status": 503}, spapi.ServerError),
        ({"kind": "hang", "seconds": 5}, spapi.NoAnswer),
        ({"kind": "body", "gzip_bomb": 1_000_000}, spapi.MalformedAnswer),
    ],
)
def test_document_that_goes_wrong_on_its_way_is_no_document(
    amazon: Running, client: spapi.Client, do: dict, kind: type[spapi.SpApiError]
) -> None:
    document = client.get_report_document(ordered(amazon, client).document_id or "")
    amazon.set_faults([{"operation": "downloadReportDocument", "do": do}])
    try:
        with pytest.raises(kind):
            client.download_report_document(
                document, lambda piece: None, deadline=0.5, max_bytes=500_000
            )
    finally:
        amazon.set_faults([])
    assert client.download_report_document(document, lambda piece: None).size > 10_000


def test_address_that_expired_is_asked_for_anew(amazon: Running, client: spapi.Client) -> None:
    report = ordered(amazon, client)
    document = client.get_report_document(report.document_id or "")
    amazon.set_clock_offset(amazon.time()["offset_s"] + 301)
    with pytest.raises(spapi.DocumentGone):
        client.download_report_document(document, lambda piece: None)
    again = client.get_report_document(report.document_id or "")
    assert client.download_report_document(again, lambda piece: None).size > 10_000


def test_gzip_of_the_sandbox_is_gzip(amazon: Running, client: spapi.Client) -> None:
    document = client.get_report_document(ordered(amazon, client).document_id or "")
    packed, plain = io.BytesIO(), io.BytesIO()
    raw = dataclasses.replace(document, compression=None)
    client.download_report_document(raw, packed.write)
    client.download_report_document(document, plain.write)
    assert gzip.decompress(packed.getvalue()) == plain.getvalue()
