"""manage.py sync_orders"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from orders.ingest.due import sync_account
from orders.ingest.poll import SyncResult
from orders.ingest.upsert import Counts
from sellers.models import SellerAccount


class Command(BaseCommand):
    help = "Read the orders of one account, or of all, from Amazon now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", type=int, metavar="ID", help="only this account")
        reach = parser.add_mutually_exclusive_group()
        reach.add_argument(
            "--since", metavar="DATE", help="all that changed since this date (ISO, UTC)"
        )
        reach.add_argument("--full", action="store_true", help="all orders that Amazon keeps")
        parser.add_argument(
            "--wait", action="store_true", help="wait when Amazon's rate is used up, then go on"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        since = _moment(options["since"]) if options["since"] else None
        outcomes = [
            (account, self._sync(account, since, options))
            for account in _accounts(options["account"])
        ]
        total = sum((result.counts for _account, result in outcomes), Counts())
        if options["json"]:
            document = {
                **_counted(total),
                "accounts": [
                    {
                        "id": account.pk,
                        "name": account.name,
                        **_counted(result.counts),
                        "pages": result.pages,
                        "finished": result.finished,
                        "wait_seconds": result.wait_seconds,
                        "error": result.error,
                    }
                    for account, result in outcomes
                ],
            }
            self.stdout.write(json.dumps(document))
        else:
            for account, result in outcomes:
                self.stdout.write(f"{account.pk} {account.name}: {_in_words(result)}")
        if any(result.error for _account, result in outcomes):
            raise SystemExit(1)

    def _sync(
        self, account: SellerAccount, since: datetime | None, options: dict[str, Any]
    ) -> SyncResult:
        counts, pages, full = Counts(), 0, options["full"]
        while True:
            result = sync_account(
                account,
                now=timezone.now(),
                since=since,
                full=full,
                on_page=partial(self._progress, account, pages),
            )
            counts, pages = counts + result.counts, pages + result.pages
            since, full = None, False  # from here on the same search goes on
            if not (options["wait"] and result.wait_seconds is not None):
                self._progress_ends()
                return replace(result, counts=counts, pages=pages)
            time.sleep(min(result.wait_seconds, 30.0))

    def _progress(self, account: SellerAccount, pages_before: int, result: SyncResult) -> None:
        if sys.stderr.isatty():
            # Amazon does not say how many pages there are: a count, not a share
            page = pages_before + result.pages
            self.stderr.write(f"\r{account.name}: page {page} of orders ", ending="")
            self.stderr.flush()

    def _progress_ends(self) -> None:
        if sys.stderr.isatty():
            self.stderr.write("\r\x1b[K", ending="")


def _accounts(account_id: int | None) -> list[SellerAccount]:
    accounts = SellerAccount.objects.select_related("application")
    if account_id is None:
        return list(accounts.reachable().order_by("pk"))
    account = accounts.filter(pk=account_id).first()
    if account is None:
        raise CommandError(f"There is no account {account_id}.", returncode=2)
    if not account.refresh_token:
        raise CommandError(f"Account {account_id} is disconnected.", returncode=1)
    return [account]


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
        if moment is None:
            day = parse_date(text)
            moment = datetime(day.year, day.month, day.day) if day else None  # noqa: DTZ001
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"--since {text}: write a date as 2026-01-31.", returncode=2)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _counted(counts: Counts) -> dict[str, int]:
    return {
        "new": counts.new,
        "changed": counts.changed,
        "unchanged": counts.unchanged,
        "unreadable": counts.unreadable,
    }


def _in_words(result: SyncResult) -> str:
    counts = result.counts
    words = f"{counts.new} new, {counts.changed} changed, {counts.unchanged} unchanged"
    if counts.unreadable:
        words += f", {counts.unreadable} unreadable"
    if result.error:
        return f"{words}. {result.error}"
    if not result.finished and result.wait_seconds is not None:
        return (
            f"{words}. Amazon's rate is used up; the worker goes on in {result.wait_seconds:.0f} s."
        )
    return f"{words}."
