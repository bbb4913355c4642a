from typing import Any
from urllib.parse import quote

import pytest

from sandbox.life import Life, Status
from sandbox.moments import DAY, to_text
from sandbox.operations.order_document import DATA_SETS
from sandbox.operations.orders import LAG
from sandbox.options import Options
from sandbox.personal import MARK
from tests.sandbox.conftest import NOW, Desk, document, message
from tests.sandbox.schemas import Model

PATH = "/orders/2026-01-01/orders"
MODEL = Model("orders_2026-01-01.json")
LONG_AGO = to_text(NOW - 150 * DAY)
ALL = ",".join(DATA_SETS)


def search(desk: Desk, **parameters: Any) -> Any:
    """One page; the bucket is full again before it."""
    desk.ticks += 10_000
    query = "&".join(f"{name}={quote(str(value))}" for name, value in parameters.items())
    return desk.ask("GET", f"{PATH}?{query}")


def everything(desk: Desk, **parameters: Any) -> list[dict[str, Any]]:
    """All orders of a search, page after page."""
    found = []
    token = None
    while True:
        more = {} if token is None else {"paginationToken": token}
        page = document(search(desk, **parameters, **more))
        found += page["orders"]
        token = page.get("pagination", {}).get("nextToken")
        if token is None:
            return found


def get(desk: Desk, life: Life, included: str = "FULFILLMENT,PACKAGES") -> dict[str, Any]:
    desk.ticks += 10_000
    answer = desk.ask("GET", f"{PATH}/{desk.order_id(life)}?includedData={included}")
    order: dict[str, Any] = document(answer)["order"]
    return order


def test_every_page_has_the_models_shape_and_no_unknown_key(desk):
    page = document(search(desk, createdAfter=LONG_AGO, includedData=ALL))
    assert len(page["orders"]) == 100
    assert MODEL.faults("SearchOrdersResponse", page) == []
    assert page["createdBefore"] == to_text(NOW - LAG)
    assert "lastUpdatedBefore" not in page


def test_every_order_has_the_models_shape_at_every_stage_of_its_life():
    desk = Desk(Options(orders=300, sellers=3))
    for seller in desk.amazon.world.sellers:
        for life in desk.amazon.world.orders_at(seller, NOW)[:120]:
            for moment, _ in life.statuses:
                desk.clock, desk.ticks = moment, desk.ticks + 10
                order_id = desk.order_id(life, seller)
                answer = desk.ask("GET", f"{PATH}/{order_id}?includedData={ALL}", seller=seller)
                assert MODEL.faults("GetOrderResponse", document(answer)) == []


def test_the_parameters_and_data_sets_are_those_of_the_model(desk):
    assert sorted(MODEL.enum(PATH, "includedData")) == sorted(DATA_SETS)
    assert sorted(MODEL.enum(PATH, "fulfillmentStatuses")) == sorted(Status)
    for name in MODEL.parameters(PATH):
        answer = search(desk, **{"createdAfter": LONG_AGO, name: "x"})
        assert "Unknown" not in answer.body.decode()


@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_hold_every_order_once(size):
    desk = Desk(Options(orders=150, sellers=1))
    found = everything(desk, lastUpdatedAfter=LONG_AGO, maxResultsPerPage=size)
    ids = [order["orderId"] for order in found]
    expected = {desk.order_id(life) for life in desk.lives() if life.updated_at(NOW) <= NOW - LAG}
    assert len(ids) == len(set(ids))
    assert set(ids) == expected
    updates = [order["lastUpdatedTime"] for order in found]
    assert updates == sorted(updates)


def test_pages_do_not_shift_while_time_passes_and_orders_change():
    desk = Desk(Options(orders=2_000, sellers=1))
    parameters = {"lastUpdatedAfter": LONG_AGO, "maxResultsPerPage": 100}
    undisturbed = everything(desk, **parameters)
    found, token = [], None
    while True:
        more = {} if token is None else {"paginationToken": token}
        page = document(search(desk, **parameters, **more))
        found += page["orders"]
        if "pagination" not in page:
            break
        token = page["pagination"]["nextToken"]
        desk.clock += 3_600
        desk.amazon.state.snapshots.clear()  # as after a restart, or when it was forgotten
    assert found == undisturbed


def test_the_whole_of_many_polls_is_the_whole_world():
    desk = Desk(Options(orders=1_000, sellers=1))
    seen: dict[str, dict[str, Any]] = {}
    cursor = LONG_AGO
    for _ in range(40):
        for order in everything(desk, lastUpdatedAfter=cursor, includedData="FULFILLMENT"):
            seen[order["orderId"]] = order
        cursor = document(search(desk, lastUpdatedAfter=cursor))["lastUpdatedBefore"]
        desk.clock += 7 * 3_600
    settled = [life for life in desk.lives() if life.purchased < desk.clock - DAY]
    assert len(settled) > 1_050
    # A status that was changed before the last poll is known from one of the polls.
    polled = desk.clock - 7 * 3_600 - LAG
    for life in settled:
        status = seen[desk.order_id(life)]["fulfillment"]["fulfillmentStatus"]
        assert status == life.status_at(polled)


def test_a_token_wants_the_same_parameters_and_lets_page_and_data_differ(desk):
    first = document(
        search(desk, createdAfter=LONG_AGO, marketplaceIds="A1PA6795UKMFR9,APJ6JRA9NG5V4")
    )
    token = first["pagination"]["nextToken"]
    good = {"createdAfter": LONG_AGO, "paginationToken": token}
    both = "APJ6JRA9NG5V4,A1PA6795UKMFR9"
    free = {"maxResultsPerPage": 3, "includedData": "FULFILLMENT"}
    assert search(desk, **good, marketplaceIds=both, **free).status == 200
    for other in (
        {"marketplaceIds": "A1PA6795UKMFR9"},
        {},
        {"marketplaceIds": both, "fulfillmentStatuses": "SHIPPED"},
        {"marketplaceIds": both, "createdBefore": to_text(NOW - DAY)},
    ):
        answer = search(desk, **good, **other)
        assert answer.status == 400
        assert "paginationToken" in message(answer)


def test_a_token_is_refused_when_it_is_changed_foreign_or_a_day_old(desk):
    token = document(search(desk, createdAfter=LONG_AGO))["pagination"]["nextToken"]
    wrong = ("x" + token[1:], token[:-2], "nonsense", token.replace("=", ""), " ")
    for text in wrong:
        if text != token:
            answer = search(desk, createdAfter=LONG_AGO, paginationToken=text)
            assert message(answer) == "paginationToken: Invalid value."
    other = desk.amazon.world.sellers[1]
    target = f"{PATH}?createdAfter={LONG_AGO}&paginationToken={quote(token)}"
    assert message(desk.ask("GET", target, seller=other)) == "paginationToken: Invalid value."
    desk.clock += DAY + 1
    answer = search(desk, createdAfter=LONG_AGO, paginationToken=token)
    assert message(answer) == "paginationToken: The token has expired."


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"createdAfter": LONG_AGO, "lastUpdatedAfter": LONG_AGO},
        {"createdAfter": LONG_AGO, "lastUpdatedBefore": to_text(NOW - DAY)},
        {"lastUpdatedAfter": LONG_AGO, "createdBefore": to_text(NOW - DAY)},
        {"createdAfter": "TEST_CASE_400"},
        {"createdAfter": "2026-09-01"},
        {"createdAfter": "2026-09-01T00:00:00"},
        {"createdAfter": to_text(NOW - LAG + 1)},
        {"createdAfter": LONG_AGO, "createdBefore": to_text(NOW - LAG + 1)},
        {"createdAfter": to_text(NOW - DAY), "createdBefore": to_text(NOW - 2 * DAY)},
        {"createdAfter": LONG_AGO, "maxResultsPerPage": 0},
        {"createdAfter": LONG_AGO, "maxResultsPerPage": 101},
        {"createdAfter": LONG_AGO, "maxResultsPerPage": "ten"},
        {"createdAfter": LONG_AGO, "fulfillmentStatuses": "Shipped"},
        {"createdAfter": LONG_AGO, "marketplaceIds": "DE"},
        {"createdAfter": LONG_AGO, "fulfilledBy": "AFN"},
        {"createdAfter": LONG_AGO, "includedData": "FULFILMENT"},
        {"createdAfter": LONG_AGO, "orderIds": "306-1234567-1234567"},
    ],
    ids=str,
)
def test_parameters_that_the_model_forbids_are_refused(desk, parameters):
    answer = search(desk, **parameters)
    assert answer.status == 400
    assert document(answer)["errors"][0]["code"] == "InvalidInput"
    assert answer.headers["x-amzn-RateLimit-Limit"] == "0.0056"


def test_times_may_carry_any_offset(desk):
    assert (
        search(desk, createdAfter="2026-09-01T02:00:00%2B02:00".replace("%2B", "+")).status == 200
    )
    assert search(desk, createdAfter="2026-09-01T00:00:00.123Z").status == 200


def test_filters_keep_what_they_name(desk):
    found = everything(
        desk, createdAfter=LONG_AGO, marketplaceIds="A13V1IB3VIYZZH", includedData=ALL
    )
    assert found
    assert {order["salesChannel"]["marketplaceId"] for order in found} == {"A13V1IB3VIYZZH"}
    found = everything(
        desk, createdAfter=LONG_AGO, fulfillmentStatuses="CANCELLED", includedData=ALL
    )
    assert {order["fulfillment"]["fulfillmentStatus"] for order in found} == {"CANCELLED"}
    found = everything(desk, createdAfter=LONG_AGO, fulfilledBy="MERCHANT", includedData=ALL)
    assert {order["fulfillment"]["fulfilledBy"] for order in found} == {"MERCHANT"}
    assert everything(desk, createdAfter=LONG_AGO, marketplaceIds="ATVPDKIKX0DER") == []


def test_a_period_holds_both_its_ends(desk):
    life = desk.lives()[100]
    moment = to_text(life.purchased)
    found = everything(desk, createdAfter=moment, createdBefore=moment)
    assert [order["orderId"] for order in found] == [desk.order_id(life)]


def test_only_the_data_sets_that_were_asked_for_appear(desk):
    plain = everything(desk, createdAfter=LONG_AGO)
    keys = {key for order in plain for key in order}
    assert keys == {
        "orderId",
        "createdTime",
        "lastUpdatedTime",
        "programs",
        "associatedOrders",
        "salesChannel",
        "orderItems",
    }
    items = {key for order in plain for item in order["orderItems"] for key in item}
    assert items == {"orderItemId", "quantityOrdered", "programs", "product"}
    for included, key in (
        ("BUYER", "buyer"),
        ("RECIPIENT", "recipient"),
        ("PROCEEDS", "proceeds"),
        ("FULFILLMENT", "fulfillment"),
        ("PACKAGES", "packages"),
        ("TAX", "tax"),
        ("PAYMENT", "payment"),
    ):
        found = everything(desk, createdAfter=LONG_AGO, includedData=included)
        assert {name for order in found for name in order} - keys == {key}


def test_personal_data_comes_only_when_it_is_asked_for(desk):
    ours = search(
        desk,
        createdAfter=LONG_AGO,
        includedData="FULFILLMENT,PROCEEDS,PACKAGES,CANCELLATION,PROMOTION,EXPENSE",
    )
    assert MARK.lower() not in ours.body.decode().lower()
    assert "phone" not in ours.body.decode()
    for data_set in ("BUYER", "RECIPIENT", "TAX", "PAYMENT"):
        assert MARK in search(desk, createdAfter=LONG_AGO, includedData=data_set).body.decode()


def test_a_delivery_window_is_shown_only_where_the_seller_ships(desk):
    for order in everything(desk, createdAfter=LONG_AGO, includedData="FULFILLMENT"):
        fulfillment = order["fulfillment"]
        if fulfillment["fulfillmentStatus"].startswith("PENDING"):
            continue
        assert "shipByWindow" in fulfillment
        assert ("deliverByWindow" in fulfillment) is (fulfillment["fulfilledBy"] == "MERCHANT")


def test_the_order_is_as_it_is_at_the_moment(desk):
    life = next(life for life in desk.lives() if life.shipped and not life.by_amazon)
    desk.clock = life.purchased
    first = get(desk, life, ALL)
    assert first["lastUpdatedTime"] == first["createdTime"] == to_text(life.purchased)
    assert first["fulfillment"]["fulfillmentStatus"] == "PENDING"
    assert "proceeds" not in first
    assert "price" not in first["orderItems"][0]["product"]
    desk.clock = life.shipped
    sent = get(desk, life, ALL)
    assert sent["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert sent["lastUpdatedTime"] == to_text(life.shipped)
    assert sent["orderItems"][0]["fulfillment"]["quantityUnfulfilled"] == 0
    assert sent["packages"][-1]["packageStatus"]["status"] == "SHIPPED"
    assert float(sent["proceeds"]["grandTotal"]["amount"]) > 0
    desk.clock = life.delivered
    assert get(desk, life)["packages"][-1]["packageStatus"]["status"] in (
        "DELIVERED",
        "UNDELIVERABLE",
    )
    assert get(desk, life)["lastUpdatedTime"] == to_text(life.delivered)


def test_a_parted_order_has_one_parcel_and_then_two():
    desk = Desk(Options(orders=1_000, sellers=1))
    life, parted = next(
        (life, since)
        for life in desk.lives()
        for since, status in life.statuses
        if status is Status.PARTIALLY_SHIPPED
    )
    desk.clock = parted
    order = get(desk, life)
    assert len(order["packages"]) == 1
    sent = [item["fulfillment"]["quantityFulfilled"] for item in order["orderItems"]]
    assert sent[0] > 0 == sent[1]
    desk.clock = life.shipped
    order = get(desk, life)
    assert len(order["packages"]) == 2
    inside = [
        item["orderItemId"] for parcel in order["packages"] for item in parcel["packageItems"]
    ]
    assert inside == [item["orderItemId"] for item in order["orderItems"]]


def test_a_cancelled_order_says_who_cancelled_it_and_who_asked():
    desk = Desk(Options(orders=1_000, sellers=1))
    life = next(life for life in desk.lives() if life.cancelled_by == "BUYER")
    order = get(desk, life, "CANCELLATION,FULFILLMENT")
    cancellation = order["orderItems"][0]["cancellation"]
    assert cancellation["cancellationRequest"]["requester"] == "BUYER"
    assert cancellation["cancellationExecution"]["cancelledBy"] == "BUYER"
    assert order["fulfillment"]["fulfillmentStatus"] == "CANCELLED"


def test_a_replacement_names_its_original():
    desk = Desk(Options(orders=1_000, sellers=1))
    life = next(life for life in desk.lives() if life.replaces is not None)
    original = desk.order_id(desk.lives()[life.replaces or 0])
    order = get(desk, life, "PROCEEDS")
    association = {"orderId": original, "associationType": "REPLACEMENT_ORIGINAL_ID"}
    assert order["associatedOrders"] == [association]
    assert float(order["proceeds"]["grandTotal"]["amount"]) == 0


def test_yen_have_no_decimals():
    desk = Desk(Options(orders=60, sellers=3))
    seller = desk.amazon.world.sellers[2]
    target = f"{PATH}?createdAfter={LONG_AGO}&marketplaceIds=A1VC38T7YXB528&includedData=PROCEEDS"
    orders = document(desk.ask("GET", target, seller=seller))["orders"]
    totals = [order["proceeds"]["grandTotal"] for order in orders if "proceeds" in order]
    assert totals
    assert {total["currencyCode"] for total in totals} == {"JPY"}
    assert all(total["amount"].isdigit() for total in totals)


def test_an_order_of_another_seller_or_of_nobody_is_not_found(desk):
    life = desk.lives()[0]
    other = desk.amazon.world.sellers[1]
    assert desk.ask("GET", f"{PATH}/{desk.order_id(life)}", seller=other).status == 404
    for order_id in ("306-1234567-1234567", "TEST_CASE_400", "", "306-1234567-123456/"):
        assert desk.ask("GET", f"{PATH}/{order_id}").status in (403, 404)
    assert (
        document(desk.ask("GET", f"{PATH}/306-1234567-1234567"))["errors"][0]["code"] == "NotFound"
    )


def test_an_order_is_not_known_before_it_was_bought(desk):
    life = desk.lives()[50]
    desk.clock = life.purchased - 1
    assert desk.ask("GET", f"{PATH}/{desk.order_id(life)}").status == 404
    desk.clock = life.purchased
    assert desk.ask("GET", f"{PATH}/{desk.order_id(life)}").status == 200


def test_a_fault_has_amazon_refuse_one_data_set(desk):
    do = {"kind": "refuse_data_set", "data_set": "FULFILLMENT"}
    desk.amazon.set_faults([{"operation": "searchOrders", "do": do}])
    refused = search(desk, createdAfter=LONG_AGO, includedData="PROCEEDS,FULFILLMENT")
    assert (refused.status, document(refused)["errors"][0]["code"]) == (400, "InvalidInput")
    assert search(desk, createdAfter=LONG_AGO, includedData="PROCEEDS,PACKAGES").status == 200
    assert get(desk, desk.lives()[0])["fulfillment"]
