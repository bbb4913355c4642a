"""manage.py check_ledger"""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from messaging.clock import read_database_clock
from messaging.ledger.check import CHECKS, find_breaches
from sellers.models import SellerAccount

CONTRADICTED, WRONG_USE = 1, 2
# One document is held in memory as a whole; the lines are not.
MOST_IN_JSON = 10_000


class Command(BaseCommand):
    help = (
        "Prove that the records of sending do not contradict each other: one line for each "
        "contradiction, exit code 1 when there is any. Sending may go on meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", type=int, metavar="ID", help="only this account")
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        account_id = options["account"]
        if account_id is not None and not SellerAccount.objects.filter(pk=account_id).exists():
            raise CommandError(f"There is no account {account_id}.", returncode=WRONG_USE)
        started, at = time.monotonic(), read_database_clock()
        counts = Counter({check.name: 0 for check in CHECKS})
        kept: list[dict[str, str]] = []
        for breach in find_breaches(account_id=account_id, at=at):
            counts[breach.check] += 1
            if not options["json"]:
                self.stdout.write(str(breach))
            elif len(kept) < MOST_IN_JSON:
                kept.append({"check": breach.check, "subject": breach.subject, "text": breach.text})
        total, seconds = counts.total(), time.monotonic() - started
        if options["json"]:
            document = {
                "at": at.isoformat(),
                "account": account_id,
                "seconds": round(seconds, 3),
                "checks": {
                    check.name: {"says": check.says, "breaches": counts[check.name]}
                    for check in CHECKS
                },
                "breaches": kept,
                "left_out": total - len(kept),
                "total": total,
            }
            self.stdout.write(json.dumps(document))
        else:
            words = f"{total:,} contradiction{'' if total == 1 else 's'}" if total else "nothing"
            self.stderr.write(f"{len(CHECKS)} checks found {words} in {seconds:.1f} s.")
        if total:
            raise SystemExit(CONTRADICTED)
