"""A back-fill over HTTP: what is read, what is not kept, and that a kill at any step costs nothing."""

from __future__ import annotations

import base64
import gzip
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.core import serializers
from django.db import models

from orders.ingest.hints import fetch_hinted
from orders.models import (
    Door,
    EarlyFact,
    Order,
    OrderHint,
    OrderReport,
    OrderSync,
    ReportStatus,
    ReportType,
)
from orders.reports import copies, steps
from orders.reports.claims import CLAIM
from orders.reports.due import read_due_reports
from orders.states import DoorName, WindowSource
from sandbox.personal import MARK
from sellers.clients import client_for
from sellers.models import Connection
from spapi import Unlimited
from spapi.reports import ReportsApi
from tests.orders.amazon import DAY, NOON
from tests.orders.reports.conftest import Reading

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
NOT_COMPARED = {
    "id",
    "account_id",
    "synced_at",
    "first_seen_at",
    "returned_looked_at",
    "refunded_looked_at",
    "heard_at",
    "due_at",
    "renewals",
}


class Killed(BaseException):
    """As if the process had ended: nothing in the code catches it."""


def rows(*tables: type[models.Model]) -> list[Any]:
    """What stands in these tables, but for keys and the moments of hearing."""
    return [
        [
            {name: value for name, value in row.items() if name not in NOT_COMPARED}
            for row in table._default_manager.order_by("amazon_order_id").values()
        ]
        for table in tables
    ]


def test_a_backfill_tells_of_orders_arrivals_and_returns(
    reading: Reading, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert len(reading.begin()) == 8
    reading.finish()
    ended = OrderReport.objects.values_list("status", flat=True)
    assert set(ended) <= {ReportStatus.DONE, ReportStatus.EMPTY}
    orders = Order.objects.all()
    assert orders.count() > 40
    assert set(orders.values_list("is_partial", flat=True)) == {True}
    arrivals = orders.exclude(fba_arrival_at=None)
    assert 0 < arrivals.count() < orders.count()
    assert set(arrivals.values_list("window_source", flat=True)) == {WindowSource.FBA_REPORT}
    returned = orders.filter(is_returned=True).count()
    assert returned + EarlyFact.objects.filter(is_returned=True).count() > 0
    assert OrderHint.objects.count() >= orders.count()
    door = Door.objects.get(door=DoorName.REPORTS)
    assert (door.error, door.counters) == ("", {})
    assert door.last_worked_at is not None
    assert door.newest_heard_at is not None
    assert OrderSync.objects.get().returns_looked_at == NOON
    # our copies are gone, and nothing of a buyer is anywhere
    assert list(reading.copies.iterdir()) == []
    stored = [
        serializers.serialize("json", table.objects.all())
        for table in (Order, EarlyFact, OrderHint, OrderReport, Door)
    ]
    assert MARK.lower() not in (caplog.text + "".join(stored)).lower()


def test_once_amazon_was_asked_only_what_it_does_not_tell_is_left_of_the_reports(
    reading: Reading,
) -> None:
    reading.begin()
    reading.finish()
    client = client_for(reading.account, limiter=Unlimited())
    while OrderHint.objects.filter(parked_at=None).exists():
        assert fetch_hinted(reading.account, client=client, now=reading.now).error == ""
    assert not Order.objects.filter(is_partial=True).exists()
    assert not EarlyFact.objects.exists()
    assert not Order.objects.filter(items=None).exists()
    by_report = Order.objects.filter(window_source=WindowSource.FBA_REPORT)
    assert by_report.exists()
    assert not by_report.exclude(earliest_delivery_at=models.F("fba_arrival_at")).exists()


@pytest.mark.any_database
def test_our_copy_holds_nothing_of_the_buyer_and_is_for_us_alone(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int]] = []

    def look(report: OrderReport) -> None:
        path = copies.copy_path(report)
        if path.exists():
            seen.append((path.read_text(), path.stat().st_mode & 0o777))

    monkeypatch.setattr(steps, "delete_copy", look)
    reading.begin()
    reading.finish()
    assert len(seen) >= 6
    assert {mode for _text, mode in seen} == {0o600}
    assert MARK.lower() not in "".join(text for text, _mode in seen).lower()
    # a turn sweeps up what a kill left
    (reading.copies / "77.draft").write_text("x")
    reading.turn()
    assert list(reading.copies.iterdir()) == []


@dataclass
class Killer:
    """Kills at each of these points once, one after the other; `calls` counts those that came."""

    monkeypatch: pytest.MonkeyPatch
    left: list[tuple[Any, str, str]]
    calls: dict[str, int] = field(default_factory=dict)

    def arm(self) -> None:
        for owner, name in {(owner, name) for owner, name, _when in self.left}:
            self.monkeypatch.setattr(owner, name, self._watched(owner, name))

    def _watched(self, owner: Any, name: str) -> Callable[..., Any]:
        real = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            self._meet(owner, name, "before")
            result = real(*args, **kwargs)
            self.calls[name] = self.calls.get(name, 0) + 1
            self._meet(owner, name, "after")
            return result

        return watched

    def _meet(self, *point: Any) -> None:
        if self.left and self.left[0] == point:
            self.left.pop(0)
            raise Killed


def points() -> Iterator[tuple[Any, str, str]]:
    for owner, name in (
        (steps, "move"),
        (ReportsApi, "create_report"),
        (ReportsApi, "get_reports"),
        (ReportsApi, "get_report"),
        (ReportsApi, "get_report_document"),
        (ReportsApi, "download_report_document"),
        (steps, "write_copy"),
        (steps, "upsert_facts"),
        (steps, "door_heard"),
        (steps, "end"),
        (steps, "delete_copy"),
    ):
        yield (owner, name, "before")
        yield (owner, name, "after")


def test_a_kill_at_any_step_loses_no_order_and_doubles_none(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "CHUNK", 7)

    def told() -> tuple[list[Any], list[Any]]:
        reports = OrderReport.objects.order_by("report_type", "data_start")
        taken = reports.values_list("report_type", "data_start", "status", "lines")
        return rows(Order, EarlyFact, OrderHint), list(taken)

    reading.begin()
    reading.finish()
    expected = told()
    for table in (Order, EarlyFact, OrderHint, OrderReport, Door):
        table.objects.all().delete()
    reading.now = NOON
    reading.set_clock()
    reading.begin()
    killer = Killer(monkeypatch, list(points()))
    killer.arm()
    kills = 0
    while OrderReport.objects.under_way().exists():
        try:
            reading.turn()
        except Killed:
            kills += 1
            reading.now += CLAIM
    assert killer.left == []
    assert kills == len(list(points()))
    assert told() == expected
    # a report that was asked for when the process died was found, not asked for again
    assert killer.calls["create_report"] == 8


def test_what_another_worker_did_meanwhile_is_not_written_over(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading.begin()
    real = ReportsApi.create_report

    def slow(*args: Any, **kwargs: Any) -> str:
        told = real(*args, **kwargs)
        OrderReport.objects.filter(status=ReportStatus.ASKED).update(
            due_at=reading.now + 2 * CLAIM, report_id="of another worker"
        )
        return told

    monkeypatch.setattr(ReportsApi, "create_report", slow)
    reading.turn()
    assert set(OrderReport.objects.values_list("report_id", "status")) == {
        ("of another worker", ReportStatus.ASKED)
    }


def test_a_report_that_amazon_cannot_make_is_asked_for_in_another_way(reading: Reading) -> None:
    fatal = {"operation": "createReport", "when": {"nth": [1]}, "do": {"kind": "report_fatal"}}
    reading.amazon.set_faults([fatal])
    first = reading.begin()[0]
    reading.turn()
    reading.turn()
    first.refresh_from_db()
    assert first.error == (
        "Amazon could not make the report. The report failed for an internal reason. "
        "Please try again."
    )
    assert (first.report_type, first.status) == (ReportType.BY_ORDER, ReportStatus.WANTED)
    reading.finish(wait=5 * MINUTE)
    first.refresh_from_db()
    assert (first.status, first.error) == (ReportStatus.DONE, "")
    assert first.lines > 10


@pytest.mark.any_database
def test_a_report_that_amazon_never_makes_ends_with_its_reason(reading: Reading) -> None:
    reading.amazon.set_faults([{"operation": "createReport", "do": {"kind": "report_fatal"}}])
    reading.begin()
    reading.finish(wait=5 * MINUTE)
    assert set(OrderReport.objects.values_list("status", flat=True)) == {ReportStatus.FAILED}
    door = Door.objects.get(door=DoorName.REPORTS)
    assert door.last_worked_at is None
    assert "Amazon could not make the report. The report failed" in door.error
    assert OrderSync.objects.get().returns_looked_at is None


@pytest.mark.any_database
def test_a_reason_that_amazon_has_no_room_to_tell_is_asked_for_again(reading: Reading) -> None:
    busy = {"kind": "status", "status": 429}
    reading.amazon.set_faults(
        [
            {"operation": "createReport", "do": {"kind": "report_fatal"}},
            {"operation": "getReportDocument", "when": {"times": 3}, "do": busy},
        ]
    )
    [report, *others] = reading.begin()
    OrderReport.objects.filter(pk__in=[one.pk for one in others]).delete()
    reading.finish(wait=5 * MINUTE)
    report.refresh_from_db()
    assert "Amazon could not make the report. The report failed" in report.error


@pytest.mark.any_database
def test_a_role_that_only_reports_need_does_not_end_sending(reading: Reading) -> None:
    text = "Access to requested resource is denied."
    reading.amazon.set_faults(
        [{"operation": "createReport", "do": {"kind": "forbidden", "text": text}}]
    )
    reading.begin()
    reading.turn()
    assert set(OrderReport.objects.values_list("status", flat=True)) == {ReportStatus.FAILED}
    reading.account.refresh_from_db()
    assert reading.account.connection == Connection.CONNECTED
    assert text in Door.objects.get(door=DoorName.REPORTS).error


@pytest.mark.parametrize(
    ("operation", "do"),
    [
        ("createReport", {"kind": "status", "status": 500, "accept_first": True}),
        ("createReport", {"kind": "status", "status": 503}),
        ("createReport", {"kind": "status", "status": 429}),
        ("createReport", {"kind": "reset", "at": "after_accept"}),
        ("createReport", {"kind": "malformed_json"}),
        ("getReport", {"kind": "status", "status": 500}),
        ("getReportDocument", {"kind": "malformed_json"}),
        ("downloadReportDocument", {"kind": "cut_body"}),
        ("downloadReportDocument", {"kind": "status", "status": 403}),
        ("downloadReportDocument", {"kind": "body", "text": "not gzip"}),
        ("lwa", {"kind": "lwa_error", "error": "server_error", "status": 503}),
    ],
)  # fmt: skip
@pytest.mark.any_database
def test_a_step_that_fails_is_tried_again(
    reading: Reading, operation: str, do: dict[str, Any]
) -> None:
    reading.amazon.set_faults([{"operation": operation, "when": {"times": 1}, "do": do}])
    [report, *others] = reading.begin()
    OrderReport.objects.filter(pk__in=[one.pk for one in others]).delete()
    reading.finish(wait=MINUTE)
    report.refresh_from_db()
    assert (report.status, report.error, report.attempts) == (ReportStatus.DONE, "", 0)
    assert report.lines > 10
    assert Door.objects.get(door=DoorName.REPORTS).error == ""


@pytest.mark.any_database
def test_a_step_that_fails_for_days_ends_with_a_sentence(reading: Reading) -> None:
    down = {"kind": "status", "status": 503}
    reading.amazon.set_faults([{"operation": "getReport", "do": down}])
    [report, *others] = reading.begin()
    OrderReport.objects.filter(pk__in=[one.pk for one in others]).delete()
    for _turn in range(2):
        reading.turn()
    sentence = "Amazon did not give the report: getReport: ServerError: 503"
    assert Door.objects.get(door=DoorName.REPORTS).error.startswith(sentence)
    reading.finish(wait=DAY / 4)
    assert reading.now > NOON + DAY
    report.refresh_from_db()
    assert report.status == ReportStatus.FAILED
    assert report.error.startswith(sentence)


def test_a_bug_in_a_step_stops_no_other_report(
    reading: Reading, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = reading.begin()[0]
    real = steps.Step.poll

    def poll(step: steps.Step) -> None:
        if step.report.pk == broken.pk:
            raise RuntimeError("a bug")
        real(step)

    monkeypatch.setitem(steps._STEPS, ReportStatus.CREATED, poll)  # type: ignore[call-overload]
    for _turn in range(8):
        reading.turn()
    assert list(OrderReport.objects.under_way().values_list("pk", flat=True)) == [broken.pk]
    assert "a bug" in caplog.text
    broken.refresh_from_db()
    assert broken.error == "The report could not be read; the log of the worker says why."


@pytest.mark.any_database
def test_a_document_that_is_no_report_ends_with_a_sentence(reading: Reading) -> None:
    hello = base64.b64encode(gzip.compress(b"Hello\n")).decode()
    page = {"kind": "body", "base64": hello}
    reading.amazon.set_faults([{"operation": "downloadReportDocument", "do": page}])
    [report, *others] = reading.begin()
    OrderReport.objects.filter(pk__in=[one.pk for one in others]).delete()
    reading.finish()
    report.refresh_from_db()
    assert (report.status, report.error) == (
        ReportStatus.FAILED,
        "The report has no column amazon-order-id.",
    )


def test_reading_goes_on_where_it_stopped_on_this_machine_or_another(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "CHUNK", 10)
    [report, *others] = reading.begin()
    OrderReport.objects.filter(pk__in=[one.pk for one in others]).delete()
    while report.status != ReportStatus.PARSING:
        reading.now += MINUTE
        reading.set_clock()
        read_due_reports(lambda: reading.now, stops_at_once(), limiter_of=lambda _: Unlimited())
        report.refresh_from_db()
    read = []
    for turn in range(2):
        read_due_reports(lambda: reading.now, stops_at_once(), limiter_of=lambda _: Unlimited())
        report.refresh_from_db()
        read.append((report.lines, Order.objects.count()))
        assert report.position > 0
        if turn == 0:
            continue
        copies.delete_copy(report)  # as on a machine that never had it
    assert read == [(10, 10), (20, 20)]
    reading.finish()
    report.refresh_from_db()
    assert report.status == ReportStatus.DONE
    assert report.lines == Order.objects.count() > 20


def stops_at_once() -> Callable[[], bool]:
    """Lets a turn begin, and ends it at the first occasion."""
    answers = iter([False])
    return lambda: next(answers, True)
