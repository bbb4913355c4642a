"""What Amazon offers for one order: asked, kept, used again, and what is said when it does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

import spapi
from messaging.action_types import DIGITAL_ACCESS_KEY, MESSAGES, SEND_INVOICE, Limits
from messaging.models import OrderOffers
from messaging.offers import Field, Offer, known_offers, read_offers, tighten
from orders.models import Order
from sandbox.testing import Running, SellerKeys, running
from sellers.models import Connection
from tests.factories import ApplicationFactory, OrderFactory, SellerAccountFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_empty")]
LIST, LANGUAGE = "getMessagingActionsForOrder", "GetAttributes"
NOW = timezone.now()


@pytest.fixture(scope="module")
def _amazon() -> Iterator[Running]:
    with running(sellers=1, orders=120, rate_factor=1_000) as amazon:
        yield amazon


@pytest.fixture
def amazon(_amazon: Running, settings: Settings) -> Iterator[Running]:
    settings.SPAPI_ENDPOINT = settings.LWA_ENDPOINT = _amazon.url
    settings.SPAPI_RATE_FACTOR = 1_000
    yield _amazon
    _amazon.set_faults([])


@pytest.fixture
def order(amazon: Running) -> Order:
    """An order for which Amazon offers an invoice now, as we have it."""
    keys: SellerKeys = amazon.sellers[0]
    account = SellerAccountFactory(
        selling_partner_id=keys.selling_partner_id,
        region=keys.region,
        application=ApplicationFactory(client_id=keys.client_id, client_secret=keys.client_secret),
        refresh_token=keys.refresh_token,
    )
    number = amazon.message_offers()[keys.selling_partner_id]["sendInvoice"][0]
    for place in keys.marketplace_ids:
        found: Order = OrderFactory(account=account, amazon_order_id=number, marketplace_id=place)
        if read_offers(found, at=NOW).offers:
            OrderOffers.objects.all().delete()
            return found
        found.delete()
    raise AssertionError("Amazon offers nothing for it anywhere")


def calls(amazon: Running, operation: str) -> int:
    """How often Amazon was asked that."""
    counts: Any = amazon.stats()["operations"]
    return sum(one["requests"] for one in counts if one["operation"] == operation)


def test_the_list_and_the_language_are_asked_for_and_kept(amazon: Running, order: Order) -> None:
    assert not known_offers(order).is_known
    found = read_offers(order, at=NOW)
    assert (found.asked_at, found.fault) == (NOW, "")
    assert found == known_offers(order)
    invoice = found.offer(SEND_INVOICE.name)
    assert invoice is not None
    assert invoice.files == Field(
        "Add attachment",
        "You can upload text files, PDFs, Word documents, and these image file types: .jpg, .gif, "
        "and .png. The total size of attachments must be less than 10 MB.",
        1,
        5,
    )
    assert invoice.text is None
    assert found.locale[2:3] == "-"


def test_a_list_is_used_again_for_a_minute(amazon: Running, order: Order) -> None:
    first = read_offers(order, at=NOW)
    before = calls(amazon, LIST), calls(amazon, LANGUAGE)
    assert read_offers(order, at=NOW + timedelta(seconds=59)) == first
    assert (calls(amazon, LIST), calls(amazon, LANGUAGE)) == before
    later = NOW + timedelta(seconds=61)
    assert read_offers(order, at=later).asked_at == later
    assert calls(amazon, LIST) == before[0] + 1
    assert calls(amazon, LANGUAGE) == before[1], "the language is asked for once"


@pytest.mark.parametrize("change", [{"since": "2027"}, {"text": {"unit": "words"}}])
def test_a_list_that_another_release_kept_is_asked_for_again(
    amazon: Running, order: Order, change: dict[str, Any]
) -> None:
    """After a step back, with what only the newer release knows."""
    first = read_offers(order, at=NOW)
    kept = OrderOffers.objects.get()
    kept.offers[0] |= change
    kept.save()
    assert not known_offers(order).is_known
    assert read_offers(order, at=NOW) == first


def test_it_is_asked_again_by_who_wants_it(amazon: Running, order: Order) -> None:
    read_offers(order, at=NOW)
    before = calls(amazon, LIST)
    assert read_offers(order, at=NOW, again=True).asked_at == NOW
    assert calls(amazon, LIST) == before + 1


@pytest.mark.parametrize(
    ("do", "sentence"),
    [
        ({"kind": "status", "status": 429, "body": ""}, "Ask again in "),
        ({"kind": "forbidden", "text": "Access to requested resource is denied."}, "the role"),
        ({"kind": "status", "status": 503, "body": ""}, "did not answer in time"),
        ({"kind": "malformed_json"}, "is not a list of messages"),
        ({"kind": "body", "text": "{}"}, "is not a list of messages"),
        ({"kind": "reset", "at": "after_read"}, "did not answer in time"),
    ],
)
def test_where_amazon_does_not_tell_the_older_list_stays(
    amazon: Running, order: Order, do: dict[str, Any], sentence: str
) -> None:
    amazon.set_faults([{"operation": LIST, "do": do}])
    unknown = read_offers(order, at=NOW)
    assert sentence in unknown.fault
    assert not unknown.is_known
    amazon.set_faults([])
    known = read_offers(order, at=NOW, again=True)
    amazon.set_faults([{"operation": LIST, "do": do}])
    older = read_offers(order, at=NOW + timedelta(hours=1))
    assert sentence in older.fault
    assert (older.offers, older.asked_at) == (known.offers, NOW)


def test_a_language_that_is_not_told_hinders_nobody(amazon: Running, order: Order) -> None:
    amazon.set_faults([{"operation": LANGUAGE, "do": {"kind": "status", "status": 503}}])
    found = read_offers(order, at=NOW)
    assert found.offers
    assert (found.locale, found.fault) == ("", "")


@pytest.mark.parametrize(
    ("told", "kept"),
    [("de-DE", "de-DE"), ("pt_BR", "pt-BR"), ('x" onload="', ""), ("a" * 30, ""), ("", "")],
)
def test_a_language_is_kept_when_it_is_a_tag(
    amazon: Running, order: Order, monkeypatch: pytest.MonkeyPatch, told: str, kept: str
) -> None:
    monkeypatch.setattr(spapi.Client, "get_attributes", lambda *_words: spapi.BuyerAttributes(told))
    assert read_offers(order, at=NOW).locale == kept


def test_a_disconnected_account_asks_nothing(amazon: Running, order: Order) -> None:
    before = calls(amazon, LIST)
    order.account.connection = Connection.DISCONNECTED
    assert "disconnected" in read_offers(order, at=NOW).fault
    assert calls(amazon, LIST) == before


def test_an_authorization_that_is_gone_is_said(amazon: Running, order: Order) -> None:
    order.account.refresh_token = "Atzr|nobody-ever-had-this-one"
    order.account.save()
    assert "Connect the account again" in read_offers(order, at=NOW).fault


def test_what_is_disabled_cannot_be_written_and_keeps_its_reason(
    amazon: Running, order: Order
) -> None:
    text = """{"_links": {"actions": [
        {"name": "sendInvoice", "href": "https://elsewhere.example/steal"},
        {"name": "updateFeedback", "title": "Request to update"}]},
      "_embedded": {"actions": [
        {"name": "sendInvoice", "disabled": true, "disabledReason": "Amazon sends it."}]}}"""
    amazon.set_faults([{"operation": LIST, "do": {"kind": "body", "text": text}}])
    found = read_offers(order, at=NOW)
    assert [(one.name, one.disabled, one.reason) for one in found.offers] == [
        ("sendInvoice", True, "Amazon sends it."),
        ("updateFeedback", False, ""),
    ]
    assert found.offer("sendInvoice") is None
    assert found.offers[1].type is None
    kept = OrderOffers.objects.get().offers
    assert "elsewhere" not in str(kept), "where the list points is nowhere kept"


def test_what_amazons_form_requires_is_at_least_one(amazon: Running, order: Order) -> None:
    text = """{"_links": {"actions": [{"name": "digitalAccessKey"}]},
      "_embedded": {"actions": [{"name": "digitalAccessKey", "_embedded": {"schema": {
        "properties": {
          "rawMessageBody": {"type": "string", "maxLength": 300},
          "attachments": {"type": "array", "maxItems": 5}},
        "required": ["attachments"]}}}]}}"""
    amazon.set_faults([{"operation": LIST, "do": {"kind": "body", "text": text}}])
    (offer,) = read_offers(order, at=NOW).offers
    assert (offer.text, offer.files) == (Field(most=300), Field(least=1, most=5))
    found = tighten(DIGITAL_ACCESS_KEY, offer)
    assert (found.text, found.files) == (Limits(1, 300), Limits(1, 5))


def test_of_an_endless_list_a_part_is_kept(amazon: Running, order: Order) -> None:
    links = ", ".join(f'{{"name": "{"n" * 1_200}{number}"}}' for number in range(45))
    text = f'{{"_links": {{"actions": [{links}]}}}}'
    amazon.set_faults([{"operation": LIST, "do": {"kind": "body", "text": text}}])
    found = read_offers(order, at=NOW)
    assert len(found.offers) == 40
    assert max(len(one.name) for one in found.offers) == 1_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, Limits(1, 400)),
        (Field(least=None, most=None), Limits(1, 400)),
        (Field(least=10, most=200), Limits(10, 200)),
        (Field(least=0, most=2_000), Limits(1, 400)),
        (Field(least=500, most=2_000), Limits(1, 400)),
    ],
)
def test_the_stricter_of_the_two_limits_holds(text: Field | None, expected: Limits) -> None:
    offer = Offer(DIGITAL_ACCESS_KEY.name, text=text, files=Field(least=1, most=2))
    found = tighten(DIGITAL_ACCESS_KEY, offer)
    assert found.text == expected
    assert found.files == Limits(1, 2)


def test_a_form_gives_a_message_nothing_that_it_cannot_take() -> None:
    field = Field(least=1, most=5)
    for known in MESSAGES.values():
        found = tighten(known, Offer(known.name, text=field, files=field))
        assert (found.text is None, found.files is None) == (
            known.text is None,
            known.files is None,
        )
