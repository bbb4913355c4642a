"""manage.py first_run_code"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from people.first_run import new_code


class Command(BaseCommand):
    help = (
        "Show a new code with which the first person can be made at /first-run/. Codes shown "
        "before are worth nothing then. Ends with 1 when there is somebody already."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        code = new_code()
        if code is None:
            raise CommandError("There is somebody already; nobody is the first any more.")
        self.stdout.write(code)
