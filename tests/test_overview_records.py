"""The line of the first page that says what the last check of the records found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from messaging.models import LedgerCheck
from orders.states import Tone
from sellers.models import Role
from solicit_dashboard.overview_records import records_line
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 14, 7, tzinfo=UTC)
AT = NOW - timedelta(minutes=2)


def checked(at: datetime = AT, **counts: int) -> None:
    LedgerCheck.objects.create(
        at=at, seconds=0.4, breaches=sum(counts.values()), counts=counts, lines=[]
    )


def page() -> str:
    client = Client()
    client.force_login(MembershipFactory(role=Role.VIEWER).user)
    return " ".join(client.get("/").content.decode().split()).replace(" </", "</")


def test_nothing_was_checked_yet() -> None:
    line = records_line(NOW)
    assert (line.tone, line.before, line.at, line.is_alarm) == (
        Tone.QUIET,
        "Records not checked yet",
        None,
        False,
    )
    assert '<span class="mark quiet">Records not checked yet</span>' in page()


def test_records_without_a_contradiction_are_a_quiet_line() -> None:
    at = timezone.now().replace(second=0)
    checked(at)
    line = records_line(at + timedelta(minutes=15))
    assert (line.tone, line.at, line.is_alarm) == (Tone.GOOD, at, False)
    shown = page()
    assert f'<span class="mark good">Records checked <time datetime="{at.isoformat()}"' in shown
    assert f"{at:%H:%M}</time>: no contradiction</span>" in shown


def test_contradictions_are_a_red_line_with_their_number_and_where_to_look() -> None:
    at = timezone.now()
    checked(at, replay=2, lease=1_200)
    shown = page()
    assert '<p class="notice bad" role="status">Records checked <time' in shown
    assert "</time>: 1,202 contradictions (lease 1,200, replay 2)." in shown
    assert "manage.py check_ledger" in shown
    assert "no contradiction" not in shown


def test_one_contradiction_is_one() -> None:
    checked(lease=1)
    assert records_line(NOW).after.startswith(": 1 contradiction (lease 1).")


def test_a_check_that_is_overdue_is_a_warning() -> None:
    checked()
    assert records_line(AT + timedelta(minutes=15)).tone == Tone.GOOD
    late = records_line(AT + timedelta(minutes=15, seconds=1))
    assert (late.tone, late.at) == (Tone.WARN, AT)
    assert "every 5 minutes" in late.after
    checked_long_ago = AT - timedelta(days=2)
    LedgerCheck.objects.update(at=checked_long_ago)
    assert '<p class="notice warn" role="status">Records were last checked <time' in page()


def test_contradictions_stay_red_however_old() -> None:
    checked(replay=1)
    assert records_line(AT + timedelta(days=1)).tone == Tone.BAD


def test_who_has_no_account_is_told_nothing_of_records() -> None:
    checked(replay=1)
    client = Client()
    client.force_login(UserFactory())
    assert "Records" not in client.get("/").content.decode()
