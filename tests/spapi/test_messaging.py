"""Messages: what an order's list offers with Amazon's forms, and what goes to the buyer."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import spapi
from spapi.hal import parse_action_links, read_message_offer
from tests.spapi.conftest import ORDER, US, Amazon
from tests.spapi.servers import close, errors, reply

SAMPLES = Path(__file__).parent.parent / "data" / "samples"
SMILE = "\U0001f642"
FILE = spapi.Attachment("4e936e26-7b72-4b84-af27-e6baee1d546d", "invoice.pdf")
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
COVERAGE = {"coverage_start": BEGIN, "coverage_end": END}
TEXTS = {
    "confirm_customization_details": 800,
    "create_confirm_delivery_details": 2000,
    "create_confirm_order_details": 2000,
    "create_confirm_service_details": 2000,
    "create_digital_access_key": 400,
    "create_unexpected_problem": 2000,
}
FILES = {
    "create_legal_disclosure": {},
    "create_amazon_motors": {},
    "create_warranty": COVERAGE,
    "send_invoice": {},
}
EVERY = {
    **{name: {"text": "Hello"} for name in TEXTS},
    **{name: {"attachments": [FILE], **more} for name, more in FILES.items()},
    "create_negative_feedback_removal": {},
}


def send(client: spapi.Client, method: str, **given: object) -> spapi.Accepted:
    return getattr(client, method)(ORDER, US, **given)


def offer(described: object) -> spapi.MessageOffer:
    """The offer that is read from a form with these properties."""
    schema = {"properties": described, "required": ["body"]}
    document = {
        "_links": {"actions": [{"name": "a"}]},
        "_embedded": {"actions": [{"name": "a", "_embedded": {"schema": schema}}]},
    }
    ((link,), _) = parse_action_links(document)
    return read_message_offer(link)


def test_live_list_is_read_with_its_forms(amazon: Amazon, client: spapi.Client) -> None:
    body = (SAMPLES / "messaging-getMessagingActionsForOrder.json").read_text()
    amazon.replies = lambda _: reply(200, body, content_type="application/hal+json")
    offered = client.get_messaging_actions_for_order(ORDER, US)
    assert offered.well_formed
    assert offered.offers("sendInvoice")
    feedback, problem, invoice = offered.messages
    assert feedback == spapi.MessageOffer(
        "updateFeedback",
        "Request to update negative feedback",
        "Ask your customer to consider updating their seller feedback rating."
        " You may only send this once per order.",
    )
    assert problem.text is not None
    assert (problem.text.name, problem.text.least, problem.text.most, problem.text.required) == (
        "rawMessageBody",
        1,
        2000,
        True,
    )
    assert problem.text.title.startswith("Explain why")
    assert problem.text.description.startswith("2000 character limit")
    assert problem.attachments is None
    assert invoice.attachments is not None
    assert (invoice.attachments.least, invoice.attachments.most) == (1, 5)
    assert "10 MB" in invoice.attachments.description
    assert (invoice.text, invoice.dates, invoice.others) == (None, (), ())


def test_list_without_forms_gives_names(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(200, {"_links": {"actions": [{"name": "new"}]}})
    offered = client.get_messaging_actions_for_order(ORDER, US)
    assert offered.messages == (spapi.MessageOffer("new"),)


def test_form_may_have_dates_and_fields_that_are_not_known() -> None:
    found = offer(
        {
            "body": {"type": "string", "maxLength": 400},
            "coverageStartDate": {"type": "string", "format": "date-time", "title": "From"},
            "attachments": {"type": "array", "minLength": 1, "maxLength": 3},
            "colour": {"type": "string", "x-ui-field-type": "picker"},
            "second": {"type": "string"},
            "nothing": None,
        }
    )
    assert found.text == spapi.FormField("body", most=400, required=True)
    assert found.attachments == spapi.FormField("attachments", least=1, most=3)
    assert found.dates == (spapi.FormField("coverageStartDate", "From"),)
    assert found.others == ("colour", "second")


def test_message_is_the_text_of_that_name() -> None:
    found = offer({"subject": {"type": "string"}, "rawMessageBody": {"type": "string"}})
    assert found.text is not None
    assert (found.text.name, found.others) == ("rawMessageBody", ("subject",))


@pytest.mark.parametrize(
    "limits",
    [
        {"minLength": 9, "maxLength": 3},
        {"maxLength": 0},
        {"minLength": -1, "maxLength": -5},
        {"minLength": True, "maxLength": [3]},
        {"maxLength": 10**12},
        {},
    ],
)
def test_limits_that_cannot_be_met_are_none(limits: dict) -> None:
    found = offer({"body": {"type": "string", **limits}}).text
    assert found is not None
    assert (found.least, found.most) == (None, None)


@pytest.mark.parametrize("described", [None, [], "x", {"": {}}, {"a": 3}, {"a": {"type": []}}])
def test_nonsense_in_a_form_does_not_matter(described: object) -> None:
    found = offer(described)
    assert (found.name, found.text, found.attachments) == ("a", None, None)


def test_disabled_message_says_why() -> None:
    document = {
        "_links": {"actions": [{"name": "a"}]},
        "_embedded": {"actions": [{"name": "a", "disabled": True, "disabledReason": "Too late"}]},
    }
    ((link,), _) = parse_action_links(document)
    found = read_message_offer(link)
    assert (found.disabled, found.disabled_reason) == (True, "Too late")


@pytest.mark.parametrize(
    ("answer", "locale"),
    [
        ({"buyer": {"locale": "zh-CN"}}, "zh-CN"),
        ({"buyer": {"locale": "", "name": "Somebody"}}, None),
        ({"buyer": None}, None),
        ({}, None),
    ],
)
def test_language_of_the_buyer_is_read_and_nothing_else(
    amazon: Amazon, client: spapi.Client, answer: dict, locale: str | None
) -> None:
    amazon.replies = lambda _: reply(200, answer)
    assert client.get_attributes(ORDER, US) == spapi.BuyerAttributes(locale)
    (request,) = amazon.calls
    assert request.target == f"/messaging/v1/orders/{ORDER}/attributes?marketplaceIds={US}"


def test_attributes_that_are_none_are_an_error(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(200, [])
    with pytest.raises(spapi.MalformedAnswer):
        client.get_attributes(ORDER, US)


@pytest.mark.parametrize(("method", "most"), TEXTS.items())
def test_text_is_as_long_as_amazon_allows_and_no_longer(
    amazon: Amazon, client: spapi.Client, method: str, most: int
) -> None:
    amazon.replies = lambda _: reply(201, {})
    lines = "x\r\n" * (most // 2)
    for text in ("a" * most, SMILE * (most // 2), lines):
        assert send(client, method, text=text).status == 201
    for text in ("", "a" * (most + 1), SMILE * (most // 2) + "a", "\ud83d"):
        with pytest.raises(ValueError, match=r".+"):
            send(client, method, text=text)
    sent = [json.loads(one.body)["text"] for one in amazon.calls]
    assert sent == ["a" * most, SMILE * (most // 2), "x\n" * (most // 2)]


@pytest.mark.parametrize("method", FILES)
def test_files_are_one_to_five(amazon: Amazon, client: spapi.Client, method: str) -> None:
    amazon.replies = lambda _: reply(201, {})
    for count in (1, 5):
        send(client, method, attachments=[FILE] * count, **FILES[method])
    sent = [len(json.loads(one.body)["attachments"]) for one in amazon.calls]
    assert sent == [1, 5]
    for files in ([], [FILE] * 6, [spapi.Attachment("", "a.pdf")], [spapi.Attachment("1", "")]):
        with pytest.raises(ValueError, match="attachment"):
            send(client, method, attachments=files, **FILES[method])
    assert len(amazon.calls) == 2


@pytest.mark.parametrize("method", ["confirm_customization_details", "create_digital_access_key"])
def test_text_may_have_files_with_it(amazon: Amazon, client: spapi.Client, method: str) -> None:
    amazon.replies = lambda _: reply(201, {})
    send(client, method, text="Here", attachments=[FILE])
    send(client, method, text="Here")
    first, second = (json.loads(one.body) for one in amazon.calls)
    assert first == {"text": "Here", "attachments": [FILE.as_json()]}
    assert second == {"text": "Here"}
    with pytest.raises(ValueError, match="0 to 5"):
        send(client, method, text="Here", attachments=[FILE] * 6)


def test_warranty_has_both_its_ends(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(201, {})
    send(client, "create_warranty", attachments=[FILE], **COVERAGE)
    (request,) = amazon.calls
    assert json.loads(request.body) == {
        "attachments": [FILE.as_json()],
        "coverageStartDate": "2026-01-01T00:00:00Z",
        "coverageEndDate": "2028-01-01T00:00:00Z",
    }
    with pytest.raises(ValueError, match="end must not lie before"):
        send(client, "create_warranty", attachments=[FILE], coverage_start=END, coverage_end=BEGIN)


def test_removal_of_feedback_is_asked_for_without_a_body(
    amazon: Amazon, client: spapi.Client
) -> None:
    amazon.replies = lambda _: reply(201, {})
    assert send(client, "create_negative_feedback_removal").status == 201
    (request,) = amazon.calls
    assert (request.method, request.body) == ("POST", b"")
    assert "content-type" not in request.headers
    assert request.path.endswith("/messages/negativeFeedbackRemoval")


@pytest.mark.parametrize("method", EVERY)
def test_message_whose_answer_is_lost_is_unknown_and_never_sent_again(
    amazon: Amazon, client: spapi.Client, method: str
) -> None:
    amazon.replies = lambda _: close
    with pytest.raises(spapi.NoAnswer) as caught:
        send(client, method, **EVERY[method])
    assert caught.value.effect is spapi.Effect.UNKNOWN
    assert len(amazon.calls) == 1


@pytest.mark.parametrize("method", EVERY)
def test_message_that_the_caller_refuses_does_not_leave(
    amazon: Amazon, client: spapi.Client, method: str
) -> None:
    def refuse() -> None:
        raise RuntimeError("the claim is gone")

    with pytest.raises(spapi.Aborted):
        send(client, method, before_send=refuse, **EVERY[method])
    assert amazon.calls == []


@pytest.mark.parametrize("method", EVERY)
def test_message_that_the_order_does_not_allow_is_told_from_a_missing_role(
    amazon: Amazon, client: spapi.Client, method: str
) -> None:
    message = "Invalid amazonOrderId and template combination."
    amazon.replies = lambda _: reply(403, errors(message))
    with pytest.raises(spapi.InvalidCombination) as caught:
        send(client, method, **EVERY[method])
    assert caught.value.effect is spapi.Effect.REJECTED
    amazon.replies = lambda _: reply(403, errors("Access to requested resource is denied."))
    with pytest.raises(spapi.AccessDenied):
        send(client, method, **EVERY[method])


def test_attachment_that_amazon_does_not_have_is_told(amazon: Amazon, client: spapi.Client) -> None:
    message = "Attachment with ID 4e936e26-7b72-4b84-af27-e6baee1d546d does not exist"
    amazon.replies = lambda _: reply(400, errors(message, code="InvalidInput"))
    with pytest.raises(spapi.AttachmentMissing) as caught:
        send(client, "send_invoice", attachments=[FILE])
    assert (caught.value.effect, caught.value.message) == (spapi.Effect.REJECTED, message)
    amazon.replies = lambda _: reply(400, errors("Invalid Input", code="InvalidInput"))
    with pytest.raises(spapi.BadRequest) as caught:
        send(client, "send_invoice", attachments=[FILE])
    assert type(caught.value) is spapi.BadRequest


def test_captured_answer_to_an_invoice_is_no_acceptance_by_its_status_alone(
    amazon: Amazon, client: spapi.Client
) -> None:
    # Amazon's own test server answers 200 with an empty list of errors; the model says 201.
    body = (SAMPLES / "messaging-sendInvoice.json").read_text()
    amazon.replies = lambda _: reply(201, body)
    assert send(client, "send_invoice", attachments=[FILE]).status == 201
    amazon.replies = lambda _: reply(200, body)
    with pytest.raises(spapi.UnexpectedStatus):
        send(client, "send_invoice", attachments=[FILE])


def test_every_message_has_its_limits_and_a_method() -> None:
    assert set(spapi.MESSAGE_BODIES) == {
        name
        for name, operation in spapi.OPERATIONS.items()
        if operation.api == "messaging" and operation.method == "POST"
    }
    assert len(spapi.MESSAGE_BODIES) == len(EVERY) == 11
