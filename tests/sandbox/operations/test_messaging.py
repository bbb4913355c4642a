import json
from pathlib import Path

import pytest

from sandbox.life import Status
from sandbox.options import Options
from tests.sandbox.conftest import Desk, document, message, offers
from tests.sandbox.schemas import Model

NAME = "confirmOrderDetails"
MODEL = Model("messaging.json")
SAMPLE = Path(__file__).parents[2] / "data/samples/messaging-getMessagingActionsForOrder.json"
TEXT = "Which engraving would you like?"
NOT_POSSIBLE = "Invalid amazonOrderId and template combination."


@pytest.fixture
def desk():
    return Desk(Options(orders=1_000, seed=7))


def test_the_list_has_the_shape_of_a_captured_one(desk):
    life = desk.unshipped_life()
    answer = desk.messages(life)
    assert answer.content_type == "application/hal+json"
    body = document(answer)
    order = f"/messaging/v1/orders/{desk.order_id(life)}"
    query = f"?marketplaceIds={life.marketplace.id}"
    action = {"href": f"{order}/messages/{NAME}{query}", "name": NAME}
    assert body["_links"]["self"] == {"href": order + query}
    assert action in body["_links"]["actions"]
    [embedded] = [one for one in body["_embedded"]["actions"] if one["name"] == NAME]
    sample = json.loads(SAMPLE.read_text())
    [problem] = [
        one for one in sample["_embedded"]["actions"] if one["name"] == "unexpectedProblem"
    ]
    assert shape(embedded) == shape(problem)
    # The model wants name and title under `payload`; what the two agree on fits the model.
    faults = MODEL.faults("GetMessagingActionsForOrderResponse", body)
    assert all("unknown key" in fault for fault in faults)


def shape(value):
    """The keys of an object, all the way down, and the types of what is not one."""
    if isinstance(value, dict):
        return {key: shape(held) for key, held in value.items()}
    return type(value).__name__


def test_a_question_is_possible_exactly_before_shipping():
    desk = Desk(Options(orders=2_000, seed=11))
    possible = set(desk.amazon.messageable(desk.seller))
    assert len(possible) >= 5
    for life in desk.lives()[-60:]:
        desk.ticks += 10
        listed = NAME in offers(desk.messages(life))
        assert listed is (desk.order_id(life) in possible)
        assert listed is (life.on_amazon and life.status_at(desk.clock) is Status.UNSHIPPED)
        answer = desk.write(life, TEXT)
        assert (answer.status == 201) is listed
        if not listed:
            assert message(answer) == NOT_POSSIBLE
            assert MODEL.faults("CreateConfirmOrderDetailsResponse", document(answer)) == []


def test_every_accepted_message_is_delivered(desk):
    life = desk.unshipped_life()
    for text in (TEXT, "Another one", TEXT):
        answer = desk.write(life, text)
        assert (answer.status, answer.body, answer.content_type) == (201, b"{}", "application/json")
        assert answer.headers["x-amzn-RateLimit-Limit"] == "1.0"
    assert NAME in offers(desk.messages(life)), "what was sent may be sent again"
    ledger = desk.amazon.ledger
    got = {entry.text: entry.times for entry in ledger.messages.values()}
    assert got == {TEXT: 2, "Another one": 1}
    assert ledger.message_duplicates() == {desk.seller.selling_partner_id: 1}
    assert [post.text for post in ledger.posts] == [TEXT, "Another one", TEXT]
    assert all(post.accepted and post.eligible and post.reached for post in ledger.posts)
    assert {post.operation for post in ledger.posts} == {"createConfirmOrderDetails"}


def test_a_message_is_no_request_for_a_review(desk):
    life = desk.unshipped_life()
    before = dict(desk.amazon.ledger.accepted)
    desk.write(life)
    assert desk.amazon.ledger.accepted == before
    assert desk.amazon.ledger.duplicates().total() == 0
    assert desk.solicit(life).status == 403, "it is not shipped"
    asked = desk.eligible_life()
    assert desk.solicit(asked).status == 201
    assert len(desk.amazon.ledger.messages) == 1


def test_each_operation_has_a_bucket_of_its_own(desk):
    """Amazon counts by operation: neither list nor message takes from the other, or from reviews."""
    life, asked = desk.unshipped_life(), desk.eligible_life()
    for ask in (
        lambda: desk.write(life),
        lambda: desk.messages(life),
        lambda: desk.actions(asked),
        lambda: desk.solicit(asked),
    ):
        assert [ask().status == 429 for _ in range(6)] == [False] * 5 + [True]
    desk.ticks += 1
    assert [desk.write(life).status for _ in range(2)] == [201, 429]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"text": ""}', 400),
        (b'{"text": 5}', 400),
        (b'{"text": null}', 400),
        (b'{"rawMessageBody": "the name in the form, not in the body"}', 400),
        (b'{"text": "x", "marketplaceIds": ["A1PA6795UKMFR9"]}', 400),
        (json.dumps({"text": "x" * 2_001}).encode(), 400),
        (json.dumps({"text": "\U0001f642" * 1_001}).encode(), 400),
        (json.dumps({"text": "x" * 2_000}).encode(), 201),
        (json.dumps({"text": "marketplaceIds"}).encode(), 201),
    ],
)
def test_the_body_is_one_text_within_its_limits(desk, body, status):
    assert desk.write(desk.unshipped_life(), body=body).status == status
    [seen] = desk.amazon.ledger.posts
    assert seen.accepted is (status == 201)
    assert len(desk.amazon.ledger.messages) == int(seen.accepted)


def test_a_body_that_is_not_called_json_is_refused(desk):
    life = desk.unshipped_life()
    for kind in (None, "text/plain", "application/x-www-form-urlencoded"):
        assert desk.write(life, content_type=kind).status == 415


@pytest.mark.parametrize(
    "query",
    ["", "?marketplaceIds=", "?marketplaceIds=DE", "?marketplaceIds=A1PA6795UKMFR9,APJ6JRA9NG5V4"],
)
def test_exactly_one_marketplace_is_wanted(desk, query):
    life = desk.unshipped_life()
    order = f"/messaging/v1/orders/{desk.order_id(life)}"
    assert desk.ask("GET", f"{order}{query}").status == 400
    assert desk.write(life, query=query).status == 400


def test_another_marketplace_offers_nothing_and_delivers_nothing(desk):
    life = desk.unshipped_life()
    other = next(market.id for market in desk.seller.marketplaces if market != life.marketplace)
    order = f"/messaging/v1/orders/{desk.order_id(life)}"
    assert offers(desk.ask("GET", f"{order}?marketplaceIds={other}")) == []
    assert message(desk.write(life, query=f"?marketplaceIds={other}")) == NOT_POSSIBLE


def test_an_order_that_the_seller_does_not_have_is_not_found(desk):
    life = desk.unshipped_life()
    other = desk.amazon.world.sellers[1]
    assert desk.messages(life, seller=other).status == 404
    assert desk.write(life, seller=other).status == 404


def test_offers_of_messages_are_left_out_at_random_too():
    desk = Desk(Options(orders=1_000, seed=7, empty_share=0.3))
    life = desk.unshipped_life()
    looks = []
    for _ in range(300):
        desk.ticks += 10
        looks.append(bool(offers(desk.messages(life))))
    assert 0.6 < sum(looks) / 300 < 0.8


def test_faults_happen_to_messages_as_to_solicitations(desk):
    life = desk.unshipped_life()
    name = "createConfirmOrderDetails"
    desk.amazon.set_faults(
        [
            {"operation": "*", "do": {"kind": "empty_list"}, "when": {"times": 1}},
            {"operation": name, "do": {"kind": "status", "status": 503}, "when": {"nth": [1]}},
            {
                "operation": name,
                "do": {"kind": "status", "status": 503, "accept_first": True},
                "when": {"nth": [1]},
            },
        ]
    )
    assert offers(desk.messages(life)) == []
    assert NAME in offers(desk.messages(life))
    assert [desk.write(life, text).status for text in "abc"] == [503, 503, 201]
    posts = desk.amazon.ledger.posts
    assert [(one.text, one.accepted, one.fault) for one in posts] == [
        ("a", False, "status"),
        ("b", True, "status"),
        ("c", True, None),
    ]


def test_the_record_can_show_a_text_that_is_none(desk):
    desk.write(desk.unshipped_life(), body=b'{"text": "half \\ud83d of a pair"}')
    [seen] = desk.amazon.ledger.as_json()["posts"]
    assert seen["text"] == "half ? of a pair"
    json.dumps(seen, ensure_ascii=False).encode()
