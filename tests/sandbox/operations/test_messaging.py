import json
from hashlib import sha256
from pathlib import Path

import pytest

from sandbox.correspondence import BY_AMAZON, buyer_locale
from sandbox.life import Status
from sandbox.operations.message_kinds import BY_OPERATION
from sandbox.options import Options
from tests.sandbox.conftest import Desk, document, message, offers
from tests.sandbox.schemas import Model

NAME = "confirmOrderDetails"
MODEL = Model("messaging.json")
MODEL_BEFORE = Model("messaging-before-2025-08-04.json")
SAMPLE = Path(__file__).parents[2] / "data/samples/messaging-getMessagingActionsForOrder.json"
TEXT = "Which engraving would you like?"
NOT_POSSIBLE = "Invalid amazonOrderId and template combination."


@pytest.fixture
def desk():
    return Desk(Options(orders=1_000, seed=7))


@pytest.fixture(scope="module")
def one_busy_desk():
    return Desk(Options(orders=1_000, seed=7))


@pytest.fixture
def busy(one_busy_desk):
    one_busy_desk.ticks += 100  # every bucket is full again
    return one_busy_desk


def test_the_list_has_the_shape_of_a_captured_one(busy):
    life = busy.unshipped_life()
    answer = busy.messages(life)
    assert answer.content_type == "application/hal+json"
    body = document(answer)
    order = f"/messaging/v1/orders/{busy.order_id(life)}"
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
def test_the_body_is_one_text_within_its_limits(busy, body, status):
    before = sum(one.times for one in busy.amazon.ledger.messages.values())
    assert busy.write(busy.unshipped_life(), body=body).status == status
    seen = busy.amazon.ledger.posts[-1]
    assert seen.accepted is (status == 201)
    after = sum(one.times for one in busy.amazon.ledger.messages.values())
    assert after - before == int(seen.accepted)


def test_a_body_that_is_not_called_json_is_refused(busy):
    life = busy.unshipped_life()
    for kind in (None, "text/plain", "application/x-www-form-urlencoded"):
        assert busy.write(life, content_type=kind).status == 415


@pytest.mark.parametrize(
    "query",
    ["", "?marketplaceIds=", "?marketplaceIds=DE", "?marketplaceIds=A1PA6795UKMFR9,APJ6JRA9NG5V4"],
)
def test_exactly_one_marketplace_is_wanted(busy, query):
    life = busy.unshipped_life()
    order = f"/messaging/v1/orders/{busy.order_id(life)}"
    assert busy.ask("GET", f"{order}{query}").status == 400
    assert busy.write(life, query=query).status == 400


def test_another_marketplace_offers_nothing_and_delivers_nothing(busy):
    life = busy.unshipped_life()
    other = next(market.id for market in busy.seller.marketplaces if market != life.marketplace)
    order = f"/messaging/v1/orders/{busy.order_id(life)}"
    assert offers(busy.ask("GET", f"{order}?marketplaceIds={other}")) == []
    assert message(busy.write(life, query=f"?marketplaceIds={other}")) == NOT_POSSIBLE


def test_an_order_that_the_seller_does_not_have_is_not_found(busy):
    life = busy.unshipped_life()
    other = busy.amazon.world.sellers[1]
    assert busy.messages(life, seller=other).status == 404
    assert busy.write(life, seller=other).status == 404


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


COVERAGE = {
    "coverageStartDate": "2026-01-01T00:00:00+01:00",
    "coverageEndDate": "2028-01-01T00:00:00Z",
}


def body_for(desk: Desk, kind, life) -> dict | None:
    """What the message's operation takes, all of it."""
    found: dict = {}
    if kind.text:
        found["text"] = TEXT
    if kind.files is not None:
        key = desk.upload(kind.path, life)
        found["attachments"] = [{"uploadDestinationId": key, "fileName": "Größe 1.pdf"}]
    if kind.coverage:
        found |= COVERAGE
    return found or None


@pytest.mark.parametrize("operation", BY_OPERATION)
def test_each_message_is_sent_when_it_is_offered_and_is_on_the_record(busy, operation):
    kind = BY_OPERATION[operation]
    life = busy.life_for(kind.name)
    answer = busy.send(kind.path, life, body_for(busy, kind, life))
    assert (answer.status, answer.body) == (201, b"{}")
    post = busy.amazon.ledger.posts[-1]
    assert (post.operation, post.accepted, post.eligible) == (operation, True, True)
    assert post.text == (TEXT if kind.text else "")
    assert post.text_length == len(post.text)
    assert post.text_sha256 == (sha256(TEXT.encode()).hexdigest() if kind.text else "")
    assert [one["file_name"] for one in post.attachments] == (
        ["Größe 1.pdf"] if kind.files is not None else []
    )
    assert {one["sha256"] for one in post.attachments} <= {sha256(b"%PDF-1.7").hexdigest()}
    assert post.coverage == (list(COVERAGE.values()) if kind.coverage else [])
    shown = busy.amazon.ledger.as_json()["messages"][-1]
    assert (shown["attachments"], shown["operation"]) == (post.attachments, operation)


@pytest.mark.parametrize("operation", BY_OPERATION)
def test_a_message_that_is_not_offered_is_no_combination(busy, operation):
    kind = BY_OPERATION[operation]
    offering = set(busy.amazon.message_offers(busy.seller)[kind.name])
    life = next(one for one in busy.lives() if busy.order_id(one) not in offering)
    answer = busy.send(kind.path, life, body_for(busy, kind, life))
    assert (answer.status, message(answer)) == (403, NOT_POSSIBLE)
    assert MODEL_BEFORE.faults("CreateWarrantyResponse", document(answer)) == []
    post = busy.amazon.ledger.posts[-1]
    assert (post.accepted, post.eligible, post.reached) == (False, False, True)


def test_a_disabled_message_says_why_and_cannot_be_sent(busy):
    life = busy.life_for("sendInvoice", disabled=True)
    actions = document(busy.messages(life))["_embedded"]["actions"]
    forms = {one["name"]: one["_embedded"]["schema"] for one in actions}
    assert forms["sendInvoice"]["disabled"] is True
    assert forms["sendInvoice"]["disabledReason"] == BY_AMAZON
    assert forms["legalDisclosure"]["disabled"] is False
    assert forms["legalDisclosure"]["disabledReason"] is None
    kind = BY_OPERATION["sendInvoice"]
    assert busy.send("invoice", life, body_for(busy, kind, life)).status == 403


def test_the_removal_of_feedback_is_asked_for_once_for_an_order():
    desk = Desk(Options(orders=1_000, seed=7))
    life = desk.life_for("negativeFeedbackRemoval")
    listed = offers(desk.messages(life))
    assert {"updateFeedback", "negativeFeedbackRemoval"} <= set(listed)
    assert desk.send("updateFeedback", life).status == 403, "there is no such operation"
    assert desk.send("negativeFeedbackRemoval", life, {"text": "x"}).status == 400
    assert desk.send("negativeFeedbackRemoval", life).status == 201
    listed.remove("negativeFeedbackRemoval")
    assert offers(desk.messages(life)) == listed
    assert message(desk.send("negativeFeedbackRemoval", life)) == NOT_POSSIBLE


def test_lists_of_every_shape_are_as_the_model_wants_them_but_for_its_payload(busy):
    seen = set()
    for name in busy.amazon.message_offers(busy.seller):
        busy.ticks += 1
        body = document(busy.messages(busy.life_for(name)))
        seen.update(one["name"] for one in body["_links"]["actions"])
        faults = MODEL.faults("GetMessagingActionsForOrderResponse", body)
        assert all("unknown key" in fault for fault in faults)
    assert len(seen) == 12


@pytest.mark.parametrize(
    "text",
    [
        " \n\t",
        "See <b>this</b>",
        "See < A href=x>",
        "<!-- x -->",
        "</p>",
        "Write to ann@example.com",
        "a\x00b",
    ],
)
def test_texts_that_amazon_forbids_are_refused(busy, text):
    answer = busy.write(busy.unshipped_life(), text)
    assert (answer.status, message(answer)) == (400, "Invalid Input")
    assert not busy.amazon.ledger.posts[-1].accepted


@pytest.mark.parametrize("text", ["1 < 2 and 3 > 2", "a @ b", "100 % <3", "see example.com"])
def test_texts_that_only_look_like_it_are_taken(busy, text):
    assert busy.write(busy.unshipped_life(), text).status == 201


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("confirmCustomizationDetails", {"text": "x" * 801}),
        ("digitalAccessKey", {"text": "x" * 401}),
        ("digitalAccessKey", {"text": None}),
        ("warranty", {"attachments": []}),
        ("warranty", {"attachments": "a"}),
        ("warranty", {"attachments": [{"uploadDestinationId": "x"}]}),
        ("warranty", {"attachments": [{"uploadDestinationId": "x", "fileName": "a/b"}]}),
        ("warranty", {"attachments": [{"uploadDestinationId": "x", "fileName": "a\r\nb"}]}),
        ("warranty", {"attachments": [{"uploadDestinationId": ["x"], "fileName": "a"}]}),
        ("warranty", {"attachments": [{"id": "x", "fileName": "a"}]}),
        ("warranty", {"attachments": [None] * 6}),
        ("warranty", {"coverageStartDate": None}),
        ("warranty", {"coverageStartDate": "2026-01-01T00:00:00"}),
        ("warranty", {"coverageStartDate": "2029-01-01T00:00:00Z"}),
        ("warranty", {"coverageEndDate": "next year"}),
        ("warranty", {"text": "x"}),
        ("warranty", {"marketplaceIds": ["A1PA6795UKMFR9"]}),
    ],
)
def test_bodies_that_are_not_as_the_model_has_them_are_refused(busy, path, change):
    kind = next(one for one in BY_OPERATION.values() if one.path == path)
    life = busy.life_for(kind.name)
    good = body_for(busy, kind, life)
    answer = busy.send(path, life, {**good, **change})
    assert answer.status == 400
    assert busy.send(path, life, good).status == 201


def test_files_may_be_left_out_where_a_text_is_enough(busy):
    life = busy.life_for("digitalAccessKey")
    assert busy.send("digitalAccessKey", life, {"text": "Key"}).status == 201
    assert busy.send("digitalAccessKey", life, {"text": "Key", "attachments": []}).status == 201
    assert busy.send("digitalAccessKey", life, {"attachments": []}).status == 400


def test_the_same_files_again_are_the_same_message(busy):
    life = busy.life_for("legalDisclosure")
    kind = BY_OPERATION["createLegalDisclosure"]
    before = busy.amazon.ledger.message_duplicates().total()
    for _ in range(2):
        assert busy.send(kind.path, life, body_for(busy, kind, life)).status == 201
    again = busy.amazon.ledger.message_duplicates().total()
    assert again > before
    other = busy.upload(kind.path, life, b"%PDF-1.7 another")
    files = [{"uploadDestinationId": other, "fileName": "Größe 1.pdf"}]
    assert busy.send(kind.path, life, {"attachments": files}).status == 201
    assert busy.amazon.ledger.message_duplicates().total() == again


def test_the_language_of_the_buyer_is_told(busy):
    life = busy.unshipped_life()
    target = f"/messaging/v1/orders/{busy.order_id(life)}/attributes?marketplaceIds="
    answer = busy.ask("GET", target + life.marketplace.id)
    assert answer.status == 200
    body = document(answer)
    assert MODEL.faults("GetAttributesResponse", body) == []
    assert body == {"buyer": {"locale": buyer_locale(7, 0, life)}}
    other = next(one.id for one in busy.seller.marketplaces if one != life.marketplace)
    assert busy.ask("GET", target + other).status == 404
    assert busy.ask("GET", target).status == 400
    stranger = busy.amazon.world.sellers[1]
    assert busy.ask("GET", target + life.marketplace.id, seller=stranger).status == 404


def test_a_rule_offers_a_message_whatever_the_state_of_the_order():
    desk = Desk(Options(orders=300, seed=7))
    life = desk.life_for("unexpectedProblem")
    name = "confirmOrderDetails"
    assert name not in offers(desk.messages(life))
    assert desk.send(name, life, {"text": TEXT}).status == 403
    rule = {"operation": "*", "order": desk.order_id(life), "do": {"kind": "offer", "name": name}}
    desk.amazon.set_faults([rule])
    desk.ticks += 100
    assert name in offers(desk.messages(life))
    assert desk.send(name, life, {"text": TEXT}).status == 201
    assert desk.send("legalDisclosure", life, {"attachments": []}).status == 400
    desk.amazon.set_faults([])
    desk.ticks += 100
    assert name not in offers(desk.messages(life))
