"""manage.py request_reviews"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from messaging.clock import read_database_clock
from messaging.left_out import skipped_in_words
from messaging.models import Batch, Origin
from messaging.progress import (
    BatchProgress,
    batch_failures,
    batch_progress,
    in_sentence,
    requests_in_words,
)
from messaging.queueing import preview_reviews
from messaging.services import hold, request_reviews
from orders.models import Order, OrderQuerySet
from orders.numbers import SHAPE, parse_order_number
from sellers.models import Membership, Role, SellerAccount
from solicit_dashboard.terminal import ProgressBar

FAILED, WRONG_USE = 1, 2
POLL_SECONDS = 1.0
MOST_NUMBERS = 20_000  # one statement names them all, and SQLite takes 32,766 parameters
MOST_NAMED = 20  # a sentence that names wrong numbers ends somewhere


class Command(BaseCommand):
    help = "Ask for reviews of an account's orders, as the button does."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", type=int, required=True, metavar="ID")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--eligible", action="store_true", help="all that may be asked now")
        which.add_argument("--order", action="append", metavar="NO", help="this order; repeatable")
        which.add_argument(
            "--file", metavar="F", help="a file with one order number a line; - is standard input"
        )
        parser.add_argument(
            "--limit", type=int, metavar="N", help="at most so many, earliest closing window first"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
        parser.add_argument("--wait", action="store_true", help="until the batch has ended")
        parser.add_argument("--user", metavar="NAME", help="in whose name; needs the role Operator")
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        limit = options["limit"]
        if limit is not None and limit < 1:
            raise CommandError(f"--limit {limit}: give 1 or more.", returncode=WRONG_USE)
        account = SellerAccount.objects.filter(pk=options["account"]).first()
        if account is None:
            raise CommandError(
                f"--account {options['account']}: there is no such account.", returncode=WRONG_USE
            )
        user = _sender(options["user"], account) if options["user"] else None
        orders, description = _selection(account, options)
        if options["dry_run"]:
            self._preview(account, orders, limit, as_json=options["json"])
            return
        batch = request_reviews(
            orders,
            user=user,
            at=read_database_clock(),
            client_key=uuid4(),
            origin=Origin.COMMAND,
            description=description,
            limit=limit,
        )
        self._finish(account, batch, wait=options["wait"], as_json=options["json"])

    def _preview(
        self, account: SellerAccount, orders: OrderQuerySet, limit: int | None, *, as_json: bool
    ) -> None:
        now = timezone.now()
        preview = preview_reviews(orders, at=now, start=now + hold(), limit=limit)
        reasons = preview.skipped_in_words()
        if as_json:
            document = {
                "account": account.pk,
                "dry_run": True,
                "selected": preview.selected,
                "would_queue": preview.eligible,
                "skipped": preview.skipped,
                "reasons": dict(reasons),
                "finish_at": _iso(preview.finish_at),
            }
            self.stdout.write(json.dumps(document))
            return
        self.stdout.write(
            f"Would queue {requests_in_words(preview.eligible)} for {account.name}, done by "
            f"{_clock(preview.finish_at)}. Nothing was queued."
            if preview.eligible
            else f"Would queue nothing for {account.name}."
        )
        self._write_reasons(reasons)

    def _finish(self, account: SellerAccount, batch: Batch, *, wait: bool, as_json: bool) -> None:
        """Says what was queued and, when asked to wait, what became of it."""
        reasons = skipped_in_words(batch.left_out([account.pk]))
        if not as_json:
            self.stdout.write(
                f"Batch {batch.pk}: {requests_in_words(batch.queued)} queued for {account.name}."
            )
            self._write_reasons(reasons)
        interrupted = False
        if wait:
            try:
                progress = self._wait(account, batch)
            except KeyboardInterrupt:
                interrupted = True
                self.stderr.write(
                    f"Stopped waiting. Batch {batch.pk} goes on; stop it at /batches/{batch.pk}/."
                )
        if not wait or interrupted:
            progress = batch_progress(batch, [account.pk], timezone.now())
        if as_json:
            document = {
                "account": account.pk,
                "dry_run": False,
                "batch": batch.pk,
                "selected": batch.selected,
                "queued": batch.queued,
                "skipped": batch.left_out([account.pk]),
                "reasons": dict(reasons),
                "counts": {str(status): number for status, number in progress.counts.items()},
                "finished": progress.is_finished,
                "waiting_later": progress.waiting_later,
                "next_look_at": _iso(progress.next_look_at),
                "finish_at": _iso(progress.finish_at),
                "failures": [
                    {"state": str(entry.status), "reason": entry.reason, "number": entry.number}
                    for entry in batch_failures(batch, [account.pk])
                ],
            }
            self.stdout.write(json.dumps(document))
        else:
            self._write_progress(batch, account, progress)
        if progress.held:
            account.refresh_from_db()
            self.stderr.write(f"{progress.held:,} are on hold. {account.why_held()}".rstrip())
        if interrupted or progress.held:
            raise SystemExit(FAILED)

    def _wait(self, account: SellerAccount, batch: Batch) -> BatchProgress:
        """Returns when nothing of the batch is due or being sent."""
        with ProgressBar(sys.stderr) as bar:
            while True:
                progress = batch_progress(batch, [account.pk], timezone.now())
                if progress.is_finished:
                    return progress
                words = _counted(progress)
                if progress.finish_at is not None:
                    words += f", done by {_clock(progress.finish_at)}"
                bar.show(progress.done, progress.total, words)
                time.sleep(POLL_SECONDS)

    def _write_reasons(self, reasons: list[tuple[str, int]]) -> None:
        if reasons:
            left_out = ", ".join(
                f"{number:,} {words[:1].lower()}{words[1:]}" for words, number in reasons
            )
            self.stdout.write(f"Left out: {left_out}.")

    def _write_progress(
        self, batch: Batch, account: SellerAccount, progress: BatchProgress
    ) -> None:
        if progress.total:
            self.stdout.write(f"{_counted(progress)}.")
        for failure in batch_failures(batch, [account.pk]):
            self.stdout.write(
                f"  {failure.number:,} {in_sentence(failure.status)}: "
                f"{failure.reason or 'no reason given'}. {failure.advice}"
            )
        if progress.waiting_later and progress.next_look_at:
            self.stdout.write(
                f"{progress.waiting_later:,} wait until Amazon offers them; "
                f"next look {_clock(progress.next_look_at)}."
            )
        if progress.finish_at:
            self.stdout.write(f"Done by {_clock(progress.finish_at)}.")


def _sender(name: str, account: SellerAccount) -> User:
    """The person in whose name it is done, if they may."""
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandError(f"--user {name}: there is no such person.", returncode=WRONG_USE)
    member = Membership.objects.filter(user=user, account=account).first()
    if member is None or not Role(member.role).includes(Role.OPERATOR):
        role = f"the role {member.get_role_display()}" if member else "no role"
        raise CommandError(
            f"--user {name}: has {role} on {account.name} and may not send; Operator is needed.",
            returncode=WRONG_USE,
        )
    return user


def _selection(account: SellerAccount, options: dict[str, Any]) -> tuple[OrderQuerySet, str]:
    """The orders that were named, and the words for it. Wrong numbers end the command, all named."""
    orders = Order.objects.filter(account=account)
    if options["eligible"]:
        return orders.eligible(timezone.now()).unasked(), "Eligible now"
    if options["file"]:
        lines = _lines(options["file"])
        description = f"Order numbers of {Path(options['file']).name}"
    else:
        lines = [(f"--order {text}", text) for text in options["order"]]
        description = "Order numbers"
    numbers: dict[str, str] = {}
    malformed = []
    for place, text in lines:
        number = parse_order_number(text)
        if number is None:
            malformed.append(place)
        else:
            numbers.setdefault(number, place)
    if malformed:
        raise CommandError(f"{SHAPE} Not so: {_named(malformed)}.", returncode=WRONG_USE)
    if not numbers:
        raise CommandError(f"{options['file']} has no order numbers.", returncode=WRONG_USE)
    if len(numbers) > MOST_NUMBERS:
        raise CommandError(
            f"At most {MOST_NUMBERS:,} orders at a time; these are {len(numbers):,}.",
            returncode=WRONG_USE,
        )
    ids = dict(
        orders.filter(amazon_order_id__in=numbers).order_by().values_list("amazon_order_id", "pk")
    )
    unknown = [number for number in numbers if number not in ids]
    if unknown:
        raise CommandError(
            f"{account.name} has no order {_named(unknown)}. Nothing was queued.",
            returncode=WRONG_USE,
        )
    return Order.objects.filter(pk__in=ids.values()), description


def _lines(name: str) -> list[tuple[str, str]]:
    """The lines of a file that say something, each with its place."""
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise CommandError(f"--file {name}: {error.strerror}.", returncode=WRONG_USE) from error
    except UnicodeDecodeError as error:
        raise CommandError(
            f"--file {name}: is not a text file in UTF-8.", returncode=WRONG_USE
        ) from error
    return [
        (f"line {number} “{line.strip()[:40]}”", line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]


def _named(words: list[str]) -> str:
    more = len(words) - MOST_NAMED
    return ", ".join(words[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _counted(progress: BatchProgress) -> str:
    return ", ".join(
        f"{number:,} {in_sentence(status)}"
        for status, number in sorted(progress.counts.items(), key=lambda entry: -entry[1])
    )


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _clock(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%-d %b %H:%M:%S UTC") if moment else "an unknown time"
