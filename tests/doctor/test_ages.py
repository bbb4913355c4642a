"""The doctor tells of what runs out before it does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from orders.states import Tone
from solicit_dashboard.doctor import ages
from solicit_dashboard.doctor.visit import Visit
from tests.factories import ApplicationFactory, SellerAccountFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("days", "tone", "words"),
    [(31, Tone.GOOD, "31 days left."), (30, Tone.WARN, "30 days left."), (-2, Tone.BAD, "ended 2")],
)
def test_days_that_run_out_are_told_before(days: int, tone: Tone, words: str) -> None:
    at = timezone.now()
    application = ApplicationFactory(secret_made_on=at.date() - timedelta(days=180 - days))
    account = SellerAccountFactory(
        application=application, authorized_at=at - timedelta(days=365 - days)
    )
    for finding in (ages.secret(Visit(account, at)), ages.authorization(Visit(account, at))):
        assert finding.tone == tone
        assert words in finding.says
        assert bool(finding.remedy) == (tone != Tone.GOOD)


def test_without_a_token_there_is_no_authorization() -> None:
    account = SellerAccountFactory(disconnected=True)
    account.refresh_token_encrypted = b""
    finding = ages.authorization(Visit(account, timezone.now()))
    assert (finding.tone, finding.says[:13]) == (Tone.WARN, "There is none")
