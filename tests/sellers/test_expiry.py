"""S32: how long a client secret and an authorization are still taken, and from when people hear of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from sellers.expiry import alarms, authorization_countdown, secret_countdown
from sellers.models import Application, SellerAccount

AT = datetime(2026, 3, 10, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "left", "tone", "words"),
    [
        (0, 180, "good", "180 days left"),
        (149, 31, "good", "31 days left"),
        (150, 30, "warn", "30 days left"),
        (179, 1, "warn", "1 day left"),
        (180, 0, "warn", "ends today"),
        (181, -1, "bad", "ended 1 day ago"),
        (1380, -1200, "bad", "ended 1,200 days ago"),
    ],
)
def test_a_secret_lasts_180_days(age: int, left: int, tone: str, words: str) -> None:
    application = Application(secret_made_on=AT.date() - timedelta(days=age))
    countdown = secret_countdown(application, AT)
    assert (countdown.days_left, countdown.tone, countdown.words) == (left, tone, words)
    assert countdown.is_alarming == (tone != "good")


@pytest.mark.parametrize(
    ("age", "left", "tone"), [(0, 365, "good"), (335, 30, "warn"), (366, -1, "bad")]
)
def test_an_authorization_lasts_365_days(age: int, left: int, tone: str) -> None:
    account = SellerAccount(
        refresh_token_encrypted=b"token", authorized_at=AT - timedelta(days=age)
    )
    countdown = authorization_countdown(account, AT)
    assert countdown is not None
    assert (countdown.days_left, countdown.tone) == (left, tone)


def test_an_account_from_before_counts_from_its_first_day_and_one_without_token_not() -> None:
    account = SellerAccount(refresh_token_encrypted=b"token", created_at=AT)
    countdown = authorization_countdown(account, AT)
    assert countdown is not None
    assert countdown.ends_on == date(2027, 3, 10)
    assert authorization_countdown(SellerAccount(created_at=AT), AT) is None


def test_what_ends_soon_is_told_soonest_first_and_each_secret_once() -> None:
    application = Application(name="Ours", secret_made_on=AT.date() - timedelta(days=175))
    accounts = [
        SellerAccount(
            name=name,
            application=application,
            refresh_token_encrypted=token,
            authorized_at=AT - timedelta(days=age),
        )
        for name, token, age in (
            ("Fresh", b"token", 1),
            ("Old", b"token", 366),
            ("Aging", b"token", 340),
            ("Disconnected", b"", 400),
        )
    ]
    assert alarms(accounts, AT) == [
        "The authorization of Old: ended 1 day ago.",
        "The client secret of Ours: 5 days left.",
        "The authorization of Aging: 25 days left.",
    ]
