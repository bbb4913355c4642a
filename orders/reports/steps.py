"""A report's steps: asked for, made, fetched, read. Each ends in its row, and may be killed.

createReport is not idempotent: that it is asked is written before the call, and a report that was
asked for and not answered is looked for among Amazon's (getReports) before it is asked for again.
Orders are stored together with the place in the copy up to which they are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction

from orders.doors import door_failed, door_heard
from orders.ingest.partial import upsert_facts
from orders.ingest.rows import clean_text
from orders.locking import lock_orders_of
from orders.models import OrderReport, ReportStatus, ReportType
from orders.reports.charsets import find_charset
from orders.reports.claims import claimed, end, move
from orders.reports.columns import NotAReportError, keep_columns
from orders.reports.copies import copy_path, delete_copy, whole_document, write_copy
from orders.reports.lines import Reader
from orders.reports.reasons import read_reason
from orders.states import DoorName
from sellers.models import Connection
from sellers.services import connection_after, note_trouble
from solicit_dashboard.conflicts import repeats_on_conflict
from spapi import (
    Client,
    LimitReached,
    NotFound,
    NotSent,
    Rejected,
    Report,
    SpApiError,
    Throttled,
)

logger = logging.getLogger(__name__)

DOWNLOAD_SECONDS = 200.0
LARGEST = 4 << 30  # bytes of a report, unpacked
# Lines that are stored in one transaction.
CHUNK = 1000
FIRST_POLL = timedelta(seconds=5)
LONGEST_POLL = timedelta(minutes=10)
# Amazon makes a report within minutes, rarely within hours.
MADE_WITHIN = timedelta(hours=24)
SOON = timedelta(minutes=1)
# After an error the step rests, twice as long each time; all in all for more than a day.
AFTER_TROUBLE = timedelta(minutes=5)
LONGEST_REST = timedelta(hours=6)
MOST_ATTEMPTS = 10
# Reports that Amazon refuses or cannot make before we give up.
MOST_FAILURES = 3
AFTER_FAILURE = timedelta(minutes=30)
# One token of createReport and getReportDocument comes back in 60 s; used when a 429 names no time.
THROTTLED_SECONDS = 60.0
# How far Amazon's clock may be from ours, when a report is looked for by when it was asked for.
CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass
class Step:
    """The next step of a report that the caller has claimed; `now` is in UTC.

    `is_stopping` is asked in the midst of a long one, which then goes on another time.
    """

    report: OrderReport
    client: Client
    now: datetime
    is_stopping: Callable[[], bool]

    def do(self) -> None:
        """The step is done, or put off with its reason; nothing is raised for Amazon's errors."""
        try:
            _STEPS[ReportStatus(self.report.status)](self)
        except (LimitReached, Throttled) as error:
            self._rest(timedelta(seconds=error.retry_after or THROTTLED_SECONDS))
        except NotAReportError as error:
            self._fail(str(error))
        except SpApiError as error:
            if connection_after(error) == Connection.RECONNECT:
                # a role that only reports need is no reason to end sending
                note_trouble(self.report.account, error)
            self.put_off(f"Amazon did not give the report: {error}")
        except OSError as error:
            self.put_off(f"The report could not be kept on this machine: {error.strerror}")

    def put_off(self, problem: str) -> None:
        """The step is tried again later; the report has failed when it was tried often enough."""
        report = self.report
        report.attempts += 1
        if report.attempts >= MOST_ATTEMPTS:
            self._fail(problem)
            return
        report.error = clean_text(problem, 500)
        rest = min(AFTER_TROUBLE * 2 ** (report.attempts - 1), LONGEST_REST)
        if self._rest(rest):
            door_failed(report.account, DoorName.REPORTS, at=self.now, error=report.error)

    def ask(self) -> None:
        """Amazon has been asked for the report."""
        report = self.report
        report.asked_at = self.now
        if report.due_at is None or not move(report, ReportStatus.ASKED, report.due_at):
            return
        try:
            report.report_id = self.client.create_report(
                report.report_type,
                report.marketplace_ids,
                data_start=report.data_start,
                data_end=report.data_end,
            )
        except NotSent as error:
            report.status = ReportStatus.WANTED
            if connection_after(error) == Connection.ROLE_MISSING:
                self._fail(f"Amazon does not allow the report: {error}")
                return
            raise
        except Rejected as error:
            self._ask_anew(f"Amazon refused the report: {error}")
            return
        self._go_on(ReportStatus.CREATED, FIRST_POLL)

    def look_for(self) -> None:
        """Amazon's report is found, or it is asked for again.

        For one that was asked for, with an answer that was never stored.
        """
        report = self.report
        asked_at = report.asked_at or self.now
        listed = self.client.get_reports(
            [report.report_type], created_since=asked_at - CLOCKS_DIFFER, page_size=100
        )
        taken = set(
            OrderReport.objects.filter(report_id__in=[one.report_id for one in listed])
            .order_by()
            .values_list("report_id", flat=True)
        )
        found = next(
            (one for one in listed if one.report_id not in taken and self._is_it(one)), None
        )
        if found is None:
            self._go_on(ReportStatus.WANTED)
            return
        report.report_id = found.report_id
        self._go_on(ReportStatus.CREATED)

    def poll(self) -> None:
        """It is known how far Amazon is."""
        report = self.report
        try:
            told = self.client.get_report(report.report_id)
        except NotFound:
            # Amazon keeps reports for 90 days
            self._ask_anew("Amazon no longer has the report.")
            return
        report.polls += 1
        if told.status == "DONE" and told.document_id:
            report.document_id = told.document_id
            self._go_on(ReportStatus.DOWNLOADING)
        elif told.status == "CANCELLED":
            # also Amazon's word for no data
            self._end(ReportStatus.EMPTY)
        elif told.status == "FATAL":
            reason = read_reason(self.client, told.document_id)
            self._ask_anew(f"Amazon could not make the report. {reason}".strip())
        elif self.now - (report.asked_at or self.now) > MADE_WITHIN:
            self._ask_anew("Amazon did not make the report within a day.")
        else:
            self._go_on(ReportStatus.CREATED, min(FIRST_POLL * report.polls, LONGEST_POLL))

    def fetch(self) -> None:
        """Our copy of the report is here, with the columns that we keep."""
        report = self.report
        try:
            document = self.client.get_report_document(report.document_id)
        except NotFound:
            self._ask_anew("Amazon no longer has the report's document.")
            return
        with whole_document() as whole:
            download = self.client.download_report_document(
                document, whole.write, deadline=DOWNLOAD_SECONDS, max_bytes=LARGEST
            )
            charset = find_charset(whole, download.charset)
            kept = write_copy(
                report, lambda copy: keep_columns(whole, charset, report.report_type, copy)
            )
        report.position = report.lines = 0
        report.counters = {"charset": charset, "unreadable": kept.unreadable}
        self._go_on(ReportStatus.PARSING)

    def read(self) -> None:
        """The copy is in the tables, or as much of it as there was time for."""
        try:
            copy = copy_path(self.report).open("rb")
        except FileNotFoundError:
            self._go_on(ReportStatus.DOWNLOADING)
            return
        with copy:
            copy.seek(self.report.position)
            while lines := list(islice(copy, CHUNK)):
                if not self._store(lines):
                    return
                if self.is_stopping():
                    self._go_on(ReportStatus.PARSING)
                    return
        self._end(ReportStatus.DONE)

    @repeats_on_conflict
    def _store(self, lines: list[bytes]) -> bool:
        """These lines and the place behind them are stored; False if the claim was lost."""
        report = self.report
        reader = Reader(report.report_type, tuple(report.marketplace_ids))
        facts = list(reader.read(lines))
        with transaction.atomic():
            lock_orders_of(report.account_id)
            row = claimed(report).select_for_update().first()
            if row is None:
                return False
            counts = upsert_facts(report.account, facts, door=DoorName.REPORTS, seen_at=self.now)
            door_heard(
                report.account,
                DoorName.REPORTS,
                newest_heard_at=reader.newest,
                counts={"unreadable": counts.unreadable},
                unknown_words=reader.unknown_words.elements(),
            )
            row.position += sum(map(len, lines))
            row.lines += len(facts)
            for name in ("new", "changed", "unchanged", "unreadable"):
                row.counters[name] = row.counters.get(name, 0) + getattr(counts, name)
            row.save(update_fields=["position", "lines", "counters"])
        report.position, report.lines, report.counters = row.position, row.lines, row.counters
        return True

    def _is_it(self, listed: Report) -> bool:
        report = self.report
        return (listed.data_start, listed.data_end) == (report.data_start, report.data_end) and set(
            listed.marketplace_ids
        ) == set(report.marketplace_ids)

    def _ask_anew(self, problem: str) -> None:
        """The report is asked for again later, or it has failed for this reason."""
        report = self.report
        report.failures += 1
        if report.failures >= MOST_FAILURES:
            self._fail(problem)
            return
        if report.report_type == ReportType.BY_UPDATE:
            # another report tells of nearly the same orders
            report.report_type = ReportType.BY_ORDER
        report.error = clean_text(problem, 500)
        report.report_id = report.document_id = ""
        report.polls = 0
        move(report, ReportStatus.WANTED, self.now + AFTER_FAILURE)

    def _go_on(self, status: ReportStatus, wait: timedelta = timedelta(0)) -> None:
        """The step succeeded; the next one is that of `status`, after so long."""
        self.report.attempts, self.report.error = 0, ""
        move(self.report, status, self.now + wait)

    def _rest(self, wait: timedelta) -> bool:
        """The same step again after so long."""
        return move(self.report, ReportStatus(self.report.status), self.now + wait)

    def _fail(self, problem: str) -> None:
        self._end(ReportStatus.FAILED, clean_text(problem, 500))

    def _end(self, status: ReportStatus, error: str = "") -> None:
        if end(self.report, status, self.now, error):
            delete_copy(self.report)


_STEPS: Mapping[ReportStatus, Callable[[Step], None]] = {
    ReportStatus.WANTED: Step.ask,
    ReportStatus.ASKED: Step.look_for,
    ReportStatus.CREATED: Step.poll,
    ReportStatus.DOWNLOADING: Step.fetch,
    ReportStatus.PARSING: Step.read,
}
