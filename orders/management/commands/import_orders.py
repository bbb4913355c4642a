"""manage.py import_orders"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import UTC
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from orders.csv_import.carry_out import carry_out
from orders.csv_import.plans import Plan, imported_before, plan_orders
from orders.csv_import.reading import Reading, read_file
from orders.csv_import.text import LARGEST_FILE, WINDOWS_1252, FileRefusedError
from orders.models import ImportKind, OrderImport
from sellers.models import SellerAccount

FAILED, WRONG_USE = 1, 2


class Command(BaseCommand):
    help = "Import orders, or order numbers, from a CSV file, as the page does."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="- is standard input")
        parser.add_argument("--account", type=int, required=True, metavar="ID")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
        parser.add_argument(
            "--skip-bad-rows", action="store_true", help="import the others when rows are bad"
        )
        parser.add_argument(
            "--again", action="store_true", help="although this file was imported before"
        )
        parser.add_argument(
            "--windows-1252", action="store_true", help="the file is in that encoding"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        account = SellerAccount.objects.filter(pk=options["account"]).first()
        if account is None:
            raise CommandError(
                f"--account {options['account']}: there is no such account.", returncode=WRONG_USE
            )
        name = options["file"]
        try:
            reading = read_file(_bytes_of(name), ImportKind.ORDERS, _shown_name(name))
        except FileRefusedError as refusal:
            raise CommandError(f"{_shown_name(name)}: {refusal}", returncode=FAILED) from refusal
        everywhere = SellerAccount.objects.values_list("pk", flat=True)
        plan = plan_orders(account, reading.checked, reading.source, among=list(everywhere))
        obstacle = _obstacle(account, reading, plan, options)
        done = None
        if not obstacle and not options["dry_run"]:
            done = carry_out(account, plan, user=None, at=timezone.now(), client_key=uuid4())
        if options["json"]:
            self.stdout.write(json.dumps(_document(account, reading, plan, done, obstacle)))
        else:
            self._tell(account, reading, plan, done, is_dry=options["dry_run"])
            if obstacle:
                self.stderr.write(f"{obstacle} Nothing was imported.")
        if obstacle:
            raise SystemExit(FAILED)

    def _tell(
        self,
        account: SellerAccount,
        reading: Reading,
        plan: Plan,
        done: OrderImport | None,
        *,
        is_dry: bool,
    ) -> None:
        checked = reading.checked
        if done is not None:
            self.stdout.write(
                f"Imported {plan.size:,} orders into {account.name}: {done.new:,} new,"
                f" {done.known:,} that were here."
            )
        elif is_dry:
            self.stdout.write(
                f"Would import {plan.size:,} orders into {account.name}: {plan.new:,} new,"
                f" {plan.known:,} that are here. Nothing was changed."
            )
        self.stdout.write(
            f"{checked.read:,} rows: {checked.repeats:,} duplicates, {plan.elsewhere:,} of another"
            f" account, {checked.bad:,} bad."
        )
        if checked.ignored:
            self.stdout.write(f"Not looked at: {', '.join(checked.ignored)}.")
        for number, line in reading.doubtful_lines():
            self.stdout.write(f"  line {number:,} as Windows-1252: {line}")
        for fault in checked.faults:
            self.stdout.write(f"  {fault}")


def _obstacle(account: SellerAccount, reading: Reading, plan: Plan, options: dict[str, Any]) -> str:
    """Why it is not done as it was asked, in a sentence or two; "" when nothing is against it."""
    if reading.text.is_guessed and not options["windows_1252"]:
        return (
            f"The file is not in UTF-8. If the lines above are right, add --{WINDOWS_1252.lower()}."
        )
    if reading.checked.bad and not options["skip_bad_rows"]:
        return "Mend the bad rows, or add --skip-bad-rows."
    before = imported_before(account, plan.source)
    if before is not None and not options["again"]:
        who = before.made_by.get_username() if before.made_by else "the command line"
        at = before.made_at.astimezone(UTC)
        return f"Imported on {at:%Y-%m-%d %H:%M} UTC by {who}. To import it again, add --again."
    return ""


def _bytes_of(name: str) -> bytes:
    """The file, read no further than it may be long."""
    try:
        if name == "-":
            return sys.stdin.buffer.read(LARGEST_FILE + 1)
        with Path(name).open("rb") as file:
            return file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}.", returncode=WRONG_USE) from error


def _shown_name(name: str) -> str:
    return "standard input" if name == "-" else Path(name).name


def _document(
    account: SellerAccount,
    reading: Reading,
    plan: Plan,
    done: OrderImport | None,
    obstacle: str,
) -> dict[str, Any]:
    checked = reading.checked
    return {
        "account": account.pk,
        "imported": done is not None,
        "obstacle": obstacle,
        "import": done.pk if done else None,
        "encoding": reading.text.encoding,
        "separator": reading.separator_name,
        "sha256": reading.source.digest,
        "rows": checked.read,
        "orders": plan.size,
        "new": done.new if done else plan.new,
        "known": done.known if done else plan.known,
        "duplicates": checked.repeats,
        "elsewhere": plan.elsewhere,
        "bad_rows": checked.bad,
        "ignored_columns": checked.ignored,
        "errors": [
            {
                "line": fault.line,
                "column": fault.column,
                "value": fault.value,
                "error": fault.sentence,
            }
            for fault in checked.faults
        ],
    }
