"""The audit trail as a file, from the command line and from the admin."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import AuditEvent, AuditKind
from solicit_dashboard import audit_export
from solicit_dashboard.audit_export import HEADER, begin_export
from solicit_dashboard.csv_cells import read_cell
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


def event(at: datetime = NOON, **fields: Any) -> AuditEvent:
    return AuditEvent.objects.create(**{"at": at, "kind": AuditKind.PAUSED, **fields})


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("export_audit", *words, stdout=out)
    return out.getvalue()


def rows(text: str) -> list[list[str]]:
    assert text.startswith("\ufeff")
    header, *found = csv.reader(io.StringIO(text[1:], newline=""))
    assert tuple(header) == HEADER
    return found


def test_each_event_is_a_line() -> None:
    person = UserFactory()
    one = event(user=person, account_id=7, subject="Nordwind", detail={"reason": "ä"})
    event(subject="second")
    first, second = rows(run())
    assert first == [
        str(one.pk),
        "2026-03-14 12:00:00.000000",
        "paused",
        "Sending paused",
        person.username,
        "7",
        "Nordwind",
        '{"reason": "ä"}',
    ]
    assert second[4:7] == ["", "", "second"]


def test_the_days_named_are_both_included_in_utc() -> None:
    for hours in (-36, -12, 0, 11.9, 12, 36):
        event(NOON + timedelta(hours=hours), subject=f"{hours:g}")
    found = rows(run("--from", "2026-03-14", "--to", "2026-03-14"))
    assert [read_cell(row[6]) for row in found] == ["-12", "0", "11.9"]
    assert [row[6] for row in rows(run("--to", "2026-03-12"))] == []


def test_nothing_is_too_old() -> None:
    event(datetime.now(UTC) - timedelta(days=800), subject="two years ago")
    assert [row[6] for row in rows(run())] == ["two years ago"]


def test_json_is_one_document() -> None:
    event(account_id=7, subject="=1+1", detail={"rows": 3})
    document = json.loads(run("--json", "--from", "2026-01-01"))
    assert (document["from"], document["to"], document["rows"]) == ("2026-01-01", None, 1)
    (one,) = document["events"]
    # a machine gets what was written, not what a spreadsheet may be given
    assert (one["account"], one["subject"], one["detail"]) == (7, "=1+1", {"rows": 3})
    assert json.loads(run("--json", "--to", "2000-01-01"))["events"] == []


def test_an_export_stands_in_the_trail_once_and_not_in_itself() -> None:
    event()
    assert len(rows(run("--from", "2026-01-01"))) == 1
    exported = AuditEvent.objects.get(kind=AuditKind.EXPORTED)
    assert exported.subject == "Audit trail, 2026-01-01 to today"
    assert exported.detail == {"rows": 1, "form": "csv"}
    assert exported.user is None
    assert len(rows(run())) == 2


@pytest.mark.any_database
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20))
def test_no_cell_is_a_formula_and_each_reads_back(text: str) -> None:
    one = AuditEvent(kind=AuditKind.PAUSED, at=NOON, subject=text, pk=1)
    export = audit_export.Export(None, None, _Rows([one]), 1)  # type: ignore[arg-type]
    (row,) = csv.reader(io.StringIO("".join(list(export.csv_lines())[1:]), newline=""))
    assert not row[6].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert read_cell(row[6]) == text


class _Rows(list[AuditEvent]):
    def filter(self, *, pk__gt: int) -> list[AuditEvent]:
        return [one for one in self if one.pk > pk__gt]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--from", "14.3.2026"], "“14.3.2026” is no day. Write it as 2026-03-14."),
        (["--from", "2026-02-30"], "“2026-02-30” is no day. Write it as 2026-03-14."),
        (["--to", "0001-01-01"], "0001-01-01 is no day of this audit trail."),
        (
            ["--from", "2026-03-15", "--to", "2026-03-14"],
            "The first day, 2026-03-15, is after the last, 2026-03-14.",
        ),
    ],
)
def test_days_that_are_none_are_wrong_use(words: list[str], sentence: str) -> None:
    with pytest.raises(CommandError) as refused:
        run(*words)
    assert (str(refused.value), refused.value.returncode) == (sentence, 2)
    assert not AuditEvent.objects.exists()


def test_it_is_read_while_it_is_written(
    django_assert_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    event(subject="only")
    lines = begin_export(None, None, user=None, form="csv").csv_lines()
    with django_assert_num_queries(0):
        assert next(lines).startswith("\ufeffid,")
    with django_assert_num_queries(1):
        assert ",only," in next(lines)


def test_a_long_trail_is_read_by_short_statements_each_event_once(
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    monkeypatch.setattr(audit_export, "_CHUNK", 3)
    written = [event(subject=f"number {number}").pk for number in range(8)]
    export = begin_export(None, None, user=None, form="json")
    event(subject="later")
    with django_assert_num_queries(4):  # three with rows, and one that finds no more
        document = json.loads("".join(export.json_lines()))
    assert [row["id"] for row in document["events"]] == written


# --- the admin


@pytest.fixture
def auditor() -> Client:
    user = UserFactory(is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_auditevent"))
    client = Client()
    client.force_login(user)
    return client


def text_of(response: Any) -> str:
    assert isinstance(response, StreamingHttpResponse)
    return b"".join(response).decode()  # type: ignore[arg-type]


def test_an_auditor_exports_from_the_list(auditor: Client) -> None:
    event(subject="Nordwind")
    page = auditor.get(reverse("admin:audit_auditevent_changelist")).content.decode()
    address = reverse("admin:audit_auditevent_export")
    assert f'action="{address}"' in page
    response = auditor.get(address, {"from": "2026-03-14", "to": "2026-03-14", "form": "csv"})
    assert response.status_code == 200
    assert response.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    assert [row[6] for row in rows(text_of(response))] == ["Nordwind"]
    exported = AuditEvent.objects.get(kind=AuditKind.EXPORTED)
    assert exported.user_id == int(auditor.session["_auth_user_id"])
    document = json.loads(text_of(auditor.get(address, {"form": "json", "to": "2026-03-14"})))
    assert document["rows"] == 1


@pytest.mark.parametrize("query", ["from=never", "form=xlsx", "from=2026-02-01&from=2026-01-01"])
def test_a_wrong_address_is_answered_with_a_sentence(auditor: Client, query: str) -> None:
    response = auditor.get(f"{reverse('admin:audit_auditevent_export')}?{query}")
    assert response.status_code == 400
    assert not AuditEvent.objects.filter(kind=AuditKind.EXPORTED).exists()


def test_staff_without_the_permission_exports_nothing() -> None:
    client = Client()
    client.force_login(UserFactory(is_staff=True))
    assert client.get(reverse("admin:audit_auditevent_export")).status_code == 403
    client.force_login(UserFactory())
    assert client.get(reverse("admin:audit_auditevent_export")).status_code == 302
    assert not AuditEvent.objects.filter(kind=AuditKind.EXPORTED).exists()


def test_an_export_is_a_thing_to_look_at_and_takes_no_form(auditor: Client) -> None:
    assert auditor.post(reverse("admin:audit_auditevent_export")).status_code == 405
