import pytest

from sandbox.buckets import Buckets, Plan
from sandbox.operations import OPERATIONS
from sandbox.options import Options
from tests.sandbox.conftest import Desk, document, message

KEY = ("application", "seller", "operation")


def taken(buckets: Buckets, plan: Plan, now: float, tries: int, key=KEY) -> int:
    return sum(buckets.take(key, plan, now) for _ in range(tries))


def test_a_burst_is_served_and_the_next_request_is_not():
    assert taken(Buckets(), Plan(1, 5), 0.0, 20) == 5


def test_the_bucket_refills_at_its_rate_and_no_further_than_its_burst():
    buckets = Buckets()
    taken(buckets, Plan(0.5, 5), 0.0, 5)
    assert taken(buckets, Plan(0.5, 5), 1.9, 5) == 0
    assert taken(buckets, Plan(0.5, 5), 2.0, 5) == 1
    assert taken(buckets, Plan(0.5, 5), 1_000.0, 50) == 5


def test_a_throttled_request_takes_nothing():
    buckets = Buckets()
    taken(buckets, Plan(1, 5), 0.0, 5)
    for tenth in range(10):
        assert not buckets.take(KEY, Plan(1, 5), tenth / 10)
    assert buckets.take(KEY, Plan(1, 5), 1.0)


def test_the_factor_multiplies_the_rate_and_leaves_the_burst():
    buckets = Buckets(factor=10)
    assert taken(buckets, Plan(1, 5), 0.0, 50) == 5
    assert taken(buckets, Plan(1, 5), 0.3, 50) == 3
    assert buckets.shown_rate(Plan(1, 5)) == "10.0"


def test_other_sellers_applications_and_operations_have_their_own():
    buckets = Buckets()
    taken(buckets, Plan(1, 5), 0.0, 5)
    for key in (("other", *KEY[1:]), (KEY[0], "other", KEY[2]), (*KEY[:2], "other")):
        assert taken(buckets, Plan(1, 5), 0.0, 9, key) == 5


@pytest.mark.parametrize(
    ("name", "rate", "burst"),
    [
        ("getSolicitationActionsForOrder", 1, 5),
        ("createProductReviewAndSellerFeedbackSolicitation", 1, 5),
        ("searchOrders", 0.0056, 20),
        ("getOrder", 0.5, 30),
        ("getMarketplaceParticipations", 0.016, 15),
    ],
)
def test_the_published_plans_are_enforced(name, rate, burst):
    [operation] = [entry for entry in OPERATIONS if entry.name == name]
    assert (operation.plan.rate, operation.plan.burst) == (rate, burst)


def test_amazon_throttles_without_the_rate_header_and_says_so(desk):
    life = desk.eligible_life()
    answers = [desk.actions(life) for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    assert {answer.headers.get("x-amzn-RateLimit-Limit") for answer in answers[:5]} == {"1.0"}
    assert "x-amzn-RateLimit-Limit" not in answers[5].headers
    assert document(answers[5])["errors"][0]["code"] == "QuotaExceeded"
    assert message(answers[5]) == "You exceeded your quota for the requested resource."
    desk.ticks += 0.99
    assert desk.actions(life).status == 429
    desk.ticks += 0.01
    assert desk.actions(life).status == 200


def test_a_throttled_post_asks_nobody(desk):
    life = desk.eligible_life()
    for _ in range(5):
        desk.ask("POST", desk.solicit_target(life).replace("Ids=A", "Ids=B"))
    answer = desk.solicit(life)
    assert answer.status == 429
    assert not desk.amazon.ledger.has(desk.seller.selling_partner_id, desk.order_id(life))


def test_a_seller_with_many_orders_may_read_them_all_at_once():
    desk = Desk(Options(orders=3_000, sellers=1))
    target = "/orders/2026-01-01/orders?createdAfter=2026-01-01T00:00:00Z&maxResultsPerPage=1"
    statuses = [desk.ask("GET", target).status for _ in range(36)]
    assert statuses == [200] * 35 + [429]
    small = Desk(Options(orders=100, sellers=1))
    statuses = [small.ask("GET", target).status for _ in range(21)]
    assert statuses == [200] * 20 + [429]
