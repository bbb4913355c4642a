"""manage.py doctor"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from messaging.clock import read_database_clock
from orders.states import Tone
from sellers.models import Connection, SellerAccount
from solicit_dashboard.doctor.checks import (
    ACCOUNT_CHECKS,
    CHECKS,
    INSTALLATION_CHECKS,
    Check,
    Line,
    examine,
)
from solicit_dashboard.doctor.visit import Visit
from solicit_dashboard.terminal import ProgressBar

FAILED, WRONG_USE = 1, 2
WORDS = {Tone.GOOD: "ok  ", Tone.WARN: "look", Tone.BAD: "FAIL"}


class Command(BaseCommand):
    help = (
        "Say what is well with this installation and with the connection to Amazon, and what to do "
        "about the rest. Exit code 1 when something does not work. Amazon is asked, with calls "
        "that only read."
    )
    # what is wrong with the project is a line of the doctor, not a trace of its beginning
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--account", type=int, metavar="ID", help="only this account, even a disconnected one"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        self._as_json = options["json"]
        at = None
        installation = self._lines("This installation", INSTALLATION_CHECKS, None)
        parts: list[dict[str, Any]] = [{"account": None, "lines": installation}]
        if _works("database", installation):
            at = read_database_clock()
            for account in _accounts(options["account"]):
                visit = Visit(account, at)
                lines = self._lines(f"{account.name} ({account.pk})", ACCOUNT_CHECKS, visit)
                about = {"id": account.pk, "name": account.name, "region": account.region}
                parts.append({"account": about, "lines": lines})
        failed = sum(one["state"] == Tone.BAD for part in parts for one in part["lines"])
        if self._as_json:
            document = {"at": at.isoformat() if at else None, "failed": failed, "parts": parts}
            self.stdout.write(json.dumps(document))
        if failed:
            raise SystemExit(FAILED)

    def _lines(
        self, name: str, checks: Sequence[Check], visit: Visit | None
    ) -> list[dict[str, str]]:
        if not self._as_json:
            self.stdout.write(name)
        found = []
        with ProgressBar(sys.stderr) as bar:
            bar.show(0, len(checks), checks[0].title)
            for number, line in enumerate(examine(checks, visit), start=1):
                found.append(_as_dict(line))
                if not self._as_json:
                    bar.clear()
                    self._tell(line)
                if number < len(checks):
                    bar.show(number, len(checks), checks[number].title)
        return found

    def _tell(self, line: Line) -> None:
        assert line.finding is not None
        words = WORDS[line.finding.tone]
        self.stdout.write(f"  {words}  {line.check.title}: {line.finding.says}")
        if line.finding.remedy:
            self.stdout.write(f"        {line.finding.remedy}")


def _as_dict(line: Line) -> dict[str, str]:
    assert line.finding is not None
    return {
        "key": line.check.key,
        "title": line.check.title,
        "state": line.finding.tone.value,
        "says": line.finding.says,
        "remedy": line.finding.remedy,
    }


def _works(key: str, lines: Sequence[dict[str, str]]) -> bool:
    return all(one["state"] != Tone.BAD for one in lines if one["key"] == CHECKS[key].key)


def _accounts(account_id: int | None) -> list[SellerAccount]:
    accounts = SellerAccount.objects.select_related("application")
    if account_id is None:
        return list(accounts.exclude(connection=Connection.DISCONNECTED))
    found = list(accounts.filter(pk=account_id))
    if not found:
        raise CommandError(f"There is no account {account_id}.", returncode=WRONG_USE)
    return found
