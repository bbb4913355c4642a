from typing import Any
from urllib.parse import quote

import pytest

from sandbox.life import Life
from sandbox.messages import Answer
from sandbox.moments import DAY, to_text
from sandbox.operations.orders import LAG
from sandbox.options import Options
from sandbox.personal import MARK
from tests.sandbox.conftest import NOW, Desk, document
from tests.sandbox.schemas import Model

PATH = "/orders/v0/orders"
MODEL = Model("ordersV0.json")
LONG_AGO = to_text(NOW - 150 * DAY)


@pytest.fixture
def desk() -> Desk:
    """Smaller than the others' desk, which takes longer to make than these tests to run."""
    return Desk(Options(orders=100, seed=7))


def ask(desk: Desk, path: str, **more: Any) -> Answer:
    """The bucket is full again before it."""
    desk.ticks += 10_000
    return desk.ask("GET", f"{PATH}{path}", **more)


def search(desk: Desk, **parameters: Any) -> Answer:
    markets = ",".join(market.id for market in desk.seller.marketplaces)
    parameters = {"MarketplaceIds": markets} | parameters
    return ask(desk, "?" + "&".join(f"{k}={quote(str(v))}" for k, v in parameters.items()))


def everything(desk: Desk, **parameters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    while True:
        payload = document(search(desk, **parameters, **more))["payload"]
        found += payload["Orders"]
        if "NextToken" not in payload:
            return found
        more = {"NextToken": payload["NextToken"]}


def whole(desk: Desk, life: Life) -> tuple[Any, Any]:
    order_id = desk.order_id(life)
    return document(ask(desk, f"/{order_id}")), document(ask(desk, f"/{order_id}/orderItems"))


def test_every_order_has_the_models_shape_at_every_stage_of_its_life():
    desk = Desk(Options(orders=150, sellers=1))
    for life in desk.lives()[:80]:
        for moment, _ in life.statuses:
            desk.clock = moment
            order, items = whole(desk, life)
            assert MODEL.faults("GetOrderResponse", order) == []
            assert MODEL.faults("GetOrderItemsResponse", items) == []
            assert MARK in str(order)


@pytest.mark.parametrize("size", [7, 100])
def test_pages_hold_every_order_once(size):
    desk = Desk(Options(orders=150, sellers=1))
    found = everything(desk, LastUpdatedAfter=LONG_AGO, MaxResultsPerPage=size)
    ids = [order["AmazonOrderId"] for order in found]
    expected = {desk.order_id(life) for life in desk.lives() if life.updated_at(NOW) <= NOW - LAG}
    assert len(ids) == len(set(ids))
    assert set(ids) == expected
    page = document(search(desk, LastUpdatedAfter=LONG_AGO))
    assert MODEL.faults("GetOrdersResponse", page) == []
    assert page["payload"]["LastUpdatedBefore"] == to_text(NOW - LAG)


def test_filters_keep_what_they_name(desk):
    for name, key, words in (
        ("OrderStatuses", "OrderStatus", {"Canceled"}),
        ("FulfillmentChannels", "FulfillmentChannel", {"MFN"}),
        ("MarketplaceIds", "MarketplaceId", {"A13V1IB3VIYZZH"}),
    ):
        found = everything(desk, CreatedAfter=LONG_AGO, **{name: ",".join(words)})
        assert {order[key] for order in found} == words
    wanted = [desk.order_id(life) for life in desk.lives()[:2]]
    found = everything(desk, CreatedAfter=LONG_AGO, AmazonOrderIds=",".join(wanted))
    assert [order["AmazonOrderId"] for order in found] == wanted


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"CreatedAfter": LONG_AGO, "LastUpdatedAfter": LONG_AGO},
        {"CreatedAfter": "TEST_CASE_400"},
        {"CreatedAfter": LONG_AGO, "MarketplaceIds": ""},
        {"CreatedAfter": LONG_AGO, "OrderStatuses": "SHIPPED"},
        {"CreatedAfter": LONG_AGO, "MaxResultsPerPage": 101},
        {"CreatedAfter": LONG_AGO, "NextToken": "nonsense"},
        {"CreatedAfter": to_text(NOW)},
        {"createdAfter": LONG_AGO},
    ],
    ids=str,
)
def test_parameters_that_the_model_forbids_are_refused(desk, parameters):
    assert search(desk, **parameters).status == 400


def test_an_order_of_another_seller_is_not_found(desk):
    order_id, other = desk.order_id(desk.lives()[0]), desk.amazon.world.sellers[1]
    for path in (f"/{order_id}", f"/{order_id}/orderItems"):
        assert ask(desk, path).status == 200
        assert ask(desk, path, seller=other).status == 404


def test_each_has_a_bucket_apart_from_that_of_the_newer_orders(desk):
    order_id = desk.order_id(desk.lives()[0])
    newer = f"/orders/2026-01-01/orders/{order_id}"
    answers = [desk.ask("GET", f"{PATH}/{order_id}").status for _ in range(31)]
    assert answers == [200] * 30 + [429]
    assert desk.ask("GET", newer).status == 200
