"""What an address of the outbox asks for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.core.exceptions import BadRequest

from messaging.outbox import PILL_OF, PILLS, OutboxFilter, read_filter
from messaging.states import Status
from tests.factories import OrderFactory, OutgoingActionFactory, SellerAccountFactory

NOTHING: dict[str, Any] = {
    "state": "",
    "account": "",
    "first": "",
    "last": "",
    "number": "",
    "account_ids": [7],
}


def read(**fields: str) -> OutboxFilter:
    return read_filter(**(NOTHING | fields))


def refuse(**fields: str) -> str:
    with pytest.raises(BadRequest) as refused:
        read(**fields)
    return str(refused.value)


def test_every_state_stands_in_one_pill() -> None:
    named = [status for pill in PILLS for status in pill.statuses]
    assert sorted(named) == sorted(Status)


def test_an_empty_address_asks_for_all() -> None:
    assert read() == OutboxFilter()
    assert not read().is_narrowed
    assert read().address() == "?"


def test_an_address_says_what_it_was_made_from() -> None:
    chosen = read(
        state="sent", account="7", first="2026-11-01", last="2026-11-20", number=" 303 \u2013 12"
    )
    assert chosen == OutboxFilter(
        PILL_OF["sent"], 7, date(2026, 11, 1), date(2026, 11, 20), "303-12"
    )
    query = parse_qs(chosen.address(after="1~1")[1:])
    assert query == {
        "state": ["sent"],
        "account": ["7"],
        "from": ["2026-11-01"],
        "to": ["2026-11-20"],
        "q": ["303-12"],
        "after": ["1~1"],
    }
    assert "state" not in chosen.address(state="")


def test_what_cannot_be_is_refused_by_name() -> None:
    assert "“password”" in refuse(state="password")
    assert "waiting, held, sending" in refuse(state="password")
    assert "“8”" in refuse(account="8")
    assert "“x”" in refuse(account="x")
    assert "“²”" in refuse(account="²")
    assert "“from” is “29 Feb”" in refuse(first="29 Feb")
    assert "“to” is “2025-02-29”" in refuse(last="2025-02-29")
    assert "“to” is 1900-01-01. Choose a day between" in refuse(last="1900-01-01")
    assert "is after" in refuse(first="2026-11-20", last="2026-11-01")
    assert "at most 400 days" in refuse(first="2024-01-01", last="2026-11-01")
    assert "at most 400 days" in refuse(first="2020-01-01")
    assert "123-1234567-1234567" in refuse(number="'; DROP TABLE")
    assert "123-1234567-1234567" in refuse(number="3" * 10_000)


@pytest.mark.django_db
def test_filters_cut_the_actions() -> None:
    account = SellerAccountFactory()
    day = datetime(2026, 11, 5, 12, tzinfo=UTC)
    order = OrderFactory(account=account)
    sent = OutgoingActionFactory(order=order, status=Status.SENT, status_at=day, created_at=day)
    refused = OutgoingActionFactory(
        order__account=account,
        status=Status.REFUSED,
        status_at=day + timedelta(days=1),
        created_at=day,
    )
    elsewhere = OutgoingActionFactory()
    ids = [account.pk]

    def found(chosen: OutboxFilter, account_ids: list[int] = ids) -> set[int]:
        return {row.pk for part in chosen.ordered_parts(account_ids) for row in part}

    assert found(OutboxFilter()) == {sent.pk, refused.pk}
    both = [account.pk, elsewhere.account_id]
    assert found(OutboxFilter(), both) == {sent.pk, refused.pk, elsewhere.pk}
    assert found(OutboxFilter(account_id=account.pk), both) == {sent.pk, refused.pk}
    assert found(OutboxFilter(PILL_OF["sent"])) == {sent.pk}
    assert found(OutboxFilter(PILL_OF["look"])) == set()
    assert found(OutboxFilter(first=date(2026, 11, 6))) == {refused.pk}
    assert found(OutboxFilter(last=date(2026, 11, 5))) == {sent.pk}
    assert found(OutboxFilter(first=date(2026, 11, 5), last=date(2026, 11, 5))) == {sent.pk}
    assert found(OutboxFilter(number=order.amazon_order_id)) == {sent.pk}
    assert found(OutboxFilter(number="999")) == set()
