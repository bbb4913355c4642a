"""What is read of a message, and what is dropped or refused."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.notifications.messages import UnreadableError, kept_words, read_message
from tests.orders.notifications.told import ORDER, change_of, document

DATA = Path(__file__).parents[2] / "data"
CANARY = "CANARY"


def reason(text: str) -> str:
    with pytest.raises(UnreadableError) as caught:
        read_message(text)
    assert CANARY not in str(caught.value).upper()
    return str(caught.value)


def wrapped_by_sns(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:orders",
        "Message": json.dumps(told),
        "Timestamp": "2026-03-10T12:00:03.000Z",
    }


def wrapped_by_eventbridge(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "3acafc7e",
        "detail-type": "ORDER_CHANGE",
        "source": "aws.partner/sellingpartnerapi.amazon.com/ORDER_CHANGE",
        "account": "123456789012",
        "time": "2026-03-10T12:00:03Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": told,
    }


def test_a_change_is_read() -> None:
    change = read_message(json.dumps(document()))
    assert (change.seller_id, change.order_id) == ("A3TH9S8BH6GOGM", ORDER)
    assert (change.subscription_id, change.marketplace_id) == ("s-1", "A1PA6795UKMFR9")
    assert (change.status, change.unknown_words) == ("Shipped", ())
    assert change.changed_at == datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
    assert change.key == "d0e9e693-c3ad-4373-979f-ed4ec98dd746"


def test_the_example_of_the_schema_and_a_real_message_are_read() -> None:
    schema = json.loads((DATA / "models" / "OrderChangeNotification.json").read_text())
    (example,) = schema["examples"]
    change = read_message(json.dumps(example))
    assert (change.order_id, change.status) == ("903-8868176-2219830", "Unshipped")
    text = (DATA / "samples" / "ORDER_CHANGE-shipped.json").read_text()
    assert read_message(text).status == "Shipped"


@pytest.mark.parametrize(
    "wrap",
    [
        wrapped_by_sns,
        wrapped_by_eventbridge,
        lambda told: wrapped_by_sns(wrapped_by_eventbridge(told)),
    ],
    ids=["SNS", "EventBridge", "both"],
)
def test_wrapped_messages_are_unwrapped_and_the_same_change(wrap: Any) -> None:
    assert read_message(json.dumps(wrap(document()))) == read_message(json.dumps(document()))


def test_what_is_wrapped_too_often_or_by_nobody_we_know_is_not_read() -> None:
    thrice = wrapped_by_eventbridge(wrapped_by_eventbridge(wrapped_by_eventbridge(document())))
    assert "type" in reason(json.dumps(thrice))
    assert "type" in reason(json.dumps({"body": json.dumps(document())}))


def test_a_byte_order_mark_does_no_harm() -> None:
    assert read_message("\ufeff" + json.dumps(document())).order_id == ORDER


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("CANARY Street", "not JSON"),
        (json.dumps(document())[:300], "not JSON"),
        ("[1]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ("[" * 10_000, "nested too deeply"),
        ('{"a":' * 60 + "1" + "}" * 60, "nested too deeply"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1, "a": 2}', "twice"),
        ("9" * 5000, "not JSON"),
        ('{"Payload": "' + "x" * 1_100_000 + '"}', "characters long"),
    ],
    ids=[
        "empty",
        "text",
        "cut",
        "list",
        "word",
        "deep",
        "deeper",
        "NaN",
        "twice",
        "digits",
        "long",
    ],
)
def test_poison_is_refused_with_its_reason(text: str, words: str) -> None:
    assert words in reason(text)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"NotificationType": "CANARY buyer"}, "no word of Amazon's"),
        ({"NotificationType": "REPORT_PROCESSING_FINISHED"}, "REPORT_PROCESSING_FINISHED"),
        ({"NotificationType": None}, "missing"),
        ({"PayloadVersion": "2.0"}, "2.0"),
        ({"NotificationVersion": "2.0"}, "version"),
    ],
)
def test_other_types_and_versions_are_named_and_never_guessed(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_message(json.dumps(document(**changes)))
    assert words in str(caught.value)
    assert caught.value.is_new_version


def test_a_missing_payload_seller_or_order_is_refused() -> None:
    assert "Payload" in reason(json.dumps(document(Payload=None)))
    for name, junk in (("SellerId", "me"), ("AmazonOrderId", "1-2-3"), ("SellerId", 7)):
        told = document()
        change_of(told)[name] = junk
        assert name in reason(json.dumps(told))


@pytest.mark.parametrize(
    "moment",
    [None, "", "soon", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-03-10T12:00:00", 7],
)
def test_moments_that_cannot_be_fall_back_to_the_events(moment: Any) -> None:
    told = document(changed=moment)
    event = datetime(2026, 3, 10, 12, 0, 1, 109000, tzinfo=UTC)
    assert read_message(json.dumps(told)).changed_at == event
    told["EventTime"] = moment
    assert read_message(json.dumps(told)).changed_at is None


def test_an_unknown_status_is_a_word_to_count_and_nothing_else() -> None:
    change = read_message(json.dumps(document(status="HandedToDrone")))
    assert (change.status, change.unknown_words) == (
        "HandedToDrone",
        ("OrderStatus=HandedToDrone",),
    )
    change = read_message(json.dumps(document(status="Canary Street 7")))
    assert (change.status, change.unknown_words) == ("", ("OrderStatus=?",))


def test_without_an_id_the_body_is_the_key() -> None:
    told = document()
    del told["NotificationMetadata"]["NotificationId"]
    first, again = read_message(json.dumps(told)), read_message(json.dumps(told, indent=3))
    assert first.key == again.key == f"sha256:{first.body_hash}"
    told["EventTime"] = "2026-03-10T12:00:09.000Z"
    assert read_message(json.dumps(told)).key != first.key


def test_of_an_unreadable_message_only_words_that_look_right_are_kept() -> None:
    told = document(PayloadVersion="2.0", SubscriptionId="CANARY street 7")
    kept = kept_words(json.dumps(told))
    assert kept == {
        "NotificationVersion": "1.0",
        "NotificationType": "ORDER_CHANGE",
        "PayloadVersion": "2.0",
        "EventTime": "2026-03-10T12:00:01.109Z",
        "PublishTime": "2026-03-10T12:00:02.000Z",
        "TimeOfOrderChange": "2026-03-10T12:00:00.000Z",
        "SellerId": "A3TH9S8BH6GOGM",
        "AmazonOrderId": ORDER,
        "MarketplaceId": "A1PA6795UKMFR9",
        "OrderStatus": "Shipped",
        "SubscriptionId": "s-1",
        "NotificationId": "d0e9e693-c3ad-4373-979f-ed4ec98dd746",
    }
    cut = json.dumps(told)[:700]
    assert kept_words(cut).items() <= kept.items()
    assert kept_words(cut)["AmazonOrderId"] == ORDER


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["Payload", "OrderChangeNotification", "detail", "Message", "SellerId"])
            | st.text(max_size=10),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=80, deadline=None)
@given(JSON)
def test_whatever_comes_is_read_or_refused(document: object) -> None:
    for text in (json.dumps(document), str(document)):
        with suppress(UnreadableError):  # and nothing else
            read_message(text)
        kept_words(text)
