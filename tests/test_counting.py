"""Several counts in one statement."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent, AuditKind
from solicit_dashboard.counting import Part, count_each

pytestmark = pytest.mark.django_db


def _events(**numbers: int) -> None:
    for subject, number in numbers.items():
        for _ in range(number):
            AuditEvent.objects.create(kind=AuditKind.REQUESTED, subject=subject)


def _about(subject: str) -> Part:
    return Part(AuditEvent.objects.filter(subject=subject), None)


def test_each_part_is_counted_by_itself_and_all_in_one_query() -> None:
    _events(a=3, b=1)
    with CaptureQueriesContext(connection) as captured:
        counts = count_each([_about("a"), _about("none"), _about("b"), _about("a")])
    assert counts == [(3, 3), (0, 0), (1, 1), (3, 3)]
    assert len(captured) == 1


def test_no_more_rows_are_looked_at_than_asked_for() -> None:
    _events(a=4)
    rows = AuditEvent.objects.filter(subject="a")
    assert count_each([Part(rows, 3), Part(rows, 4), Part(rows, 5)]) == [(3, 3), (4, 4), (4, 4)]


def test_those_that_fit_are_counted_beside_all_that_were_looked_at() -> None:
    _events(a=3, b=2)
    rows = AuditEvent.objects.order_by("pk")
    assert count_each([Part(rows, None, Q(subject="b"))]) == [(5, 2)]


def test_what_cannot_be_takes_no_place_from_the_others() -> None:
    _events(a=2)
    impossible = Part(AuditEvent.objects.filter(pk__in=[]), None)
    assert count_each([impossible, _about("a"), impossible]) == [(0, 0), (2, 2), (0, 0)]
    assert count_each([impossible]) == [(0, 0)]
    assert count_each([]) == []
