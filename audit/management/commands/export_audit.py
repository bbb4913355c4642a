"""manage.py export_audit"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from solicit_dashboard.audit_export import BadPeriodError, begin_export, parse_day
from solicit_dashboard.terminal import ProgressBar

WRONG_USE = 2
SHOWN_EVERY = 500


class Command(BaseCommand):
    help = (
        "Write the audit trail to standard output: CSV, or one JSON document. That it was written "
        "out stands in the trail, too."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from", dest="first", default="", metavar="DAY", help="first day (UTC), 2026-01-31"
        )
        parser.add_argument(
            "--to", dest="last", default="", metavar="DAY", help="last day (UTC), included"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        form = "json" if options["json"] else "csv"
        try:
            first, last = parse_day(options["first"]), parse_day(options["last"])
            export = begin_export(first, last, user=None, form=form)
        except BadPeriodError as error:
            raise CommandError(str(error), returncode=WRONG_USE) from None
        lines = export.json_lines() if options["json"] else export.csv_lines()
        with ProgressBar(sys.stderr) as bar:
            for number, line in enumerate(lines):
                self.stdout.write(line, ending="")
                if number % SHOWN_EVERY == 0:
                    bar.show(min(number, export.rows), export.rows, "events")
