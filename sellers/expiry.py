"""How long Amazon still takes a client secret and an authorization.

180 days for a secret (https://developer-docs.amazon.com/sp-api/docs/rotating-your-apps-lwa-credentials),
365 for an authorization (https://developer-docs.amazon.com/sp-api/docs/renew-authorizations).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sellers.models import Application, SellerAccount

SECRET_LASTS = timedelta(days=180)
AUTHORIZATION_LASTS = timedelta(days=365)
# From so many days before the end on people are told.
TOLD_DAYS_BEFORE = 30


@dataclass(frozen=True)
class Countdown:
    """Something that Amazon takes up to `ends_on` (UTC); `days_left` is below 0 after it."""

    ends_on: date
    days_left: int

    @property
    def tone(self) -> str:
        """How it is shown: good, warn or bad."""
        if self.days_left < 0:
            return "bad"
        return "warn" if self.days_left <= TOLD_DAYS_BEFORE else "good"

    @property
    def is_alarming(self) -> bool:
        """Whether people are to be told."""
        return self.tone != "good"

    @property
    def words(self) -> str:
        """What is left of it: "23 days left", "ends today", "ended 3 days ago"."""
        if self.days_left == 0:
            return "ends today"
        days = f"{abs(self.days_left):,} day{'' if abs(self.days_left) == 1 else 's'}"
        return f"{days} left" if self.days_left > 0 else f"ended {days} ago"


def secret_countdown(application: Application, at: datetime) -> Countdown:
    """To the end of the application's client secret, seen from `at` (aware)."""
    return _countdown(application.secret_made_on + SECRET_LASTS, at)


def authorization_countdown(account: SellerAccount, at: datetime) -> Countdown | None:
    """To the end of the seller's authorization, seen from `at` (aware); None when there is none.

    It counts from the moment at which we got the refresh token: one that was made earlier ends
    earlier. An account that was connected before we wrote that down counts from its first day.
    """
    if not account.refresh_token_encrypted:
        return None
    began = (account.authorized_at or account.created_at).astimezone(UTC).date()
    return _countdown(began + AUTHORIZATION_LASTS, at)


def alarms(accounts: Iterable[SellerAccount], at: datetime) -> list[str]:
    """What people have to renew soon, or should have renewed, as sentences; the soonest first.

    The accounts come with their applications. A secret is named once, however many use it.
    """
    found: dict[str, int] = {}
    for account in accounts:
        authorization = authorization_countdown(account, at)
        if authorization is None:
            continue
        secret = secret_countdown(account.application, at)
        if secret.is_alarming:
            found[f"The client secret of {account.application.name}: {secret.words}."] = (
                secret.days_left
            )
        if authorization.is_alarming:
            found[f"The authorization of {account.name}: {authorization.words}."] = (
                authorization.days_left
            )
    return sorted(found, key=lambda sentence: found[sentence])


def _countdown(ends_on: date, at: datetime) -> Countdown:
    return Countdown(ends_on, (ends_on - at.astimezone(UTC).date()).days)
