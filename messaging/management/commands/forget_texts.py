"""manage.py forget_texts"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from messaging.clock import read_database_clock
from messaging.forgetting import forget_old_texts


class Command(BaseCommand):
    help = (
        "Delete the texts of messages that are older than MESSAGE_TEXT_DAYS and that nothing can "
        "send any more. The clockwork does it every hour; this does it now."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        number = forget_old_texts(read_database_clock())
        self.stdout.write(
            f"{number:,} message{'' if number == 1 else 's'} older than "
            f"{settings.MESSAGE_TEXT_DAYS} days: words deleted."
        )
