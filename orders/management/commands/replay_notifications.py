"""manage.py replay_notifications"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from orders.models import ParkedNotification
from orders.notifications.parking import CannotReplayError, replay


class Command(BaseCommand):
    help = "Give parked messages of the queue another chance: all that wait, or the ids given."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", type=int, metavar="ID", help="only these")
        parser.add_argument("--list", action="store_true", help="show them, and do nothing")
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, **options: Any) -> None:
        rows = ParkedNotification.objects.order_by("pk")
        if options["ids"]:
            rows = rows.filter(pk__in=options["ids"])
            if rows.count() != len(set(options["ids"])):
                raise CommandError(
                    "There is no parked message with one of these ids.", returncode=2
                )
        else:
            rows = rows.waiting()
        lines = [
            self._list(row) if options["list"] else self._replay(row) for row in rows.iterator()
        ]
        if options["json"]:
            self.stdout.write(json.dumps({"messages": lines}))
        else:
            for line in lines:
                said = line["problem"] or (
                    "" if options["list"] else "Amazon will be asked for it."
                )
                words = [
                    f"{line['id']}",
                    line["order"] or "no order number",
                    said or line["reason"],
                ]
                self.stdout.write(": ".join(words))
        if any(line["problem"] for line in lines):
            raise SystemExit(1)

    def _list(self, row: ParkedNotification) -> dict[str, Any]:
        return {
            "id": row.pk,
            "order": row.amazon_order_id,
            "reason": row.reason,
            "parked_at": row.parked_at.isoformat(),
            "problem": "",
        }

    def _replay(self, row: ParkedNotification) -> dict[str, Any]:
        line = self._list(row)
        try:
            replay(row, user=None, at=timezone.now())
        except CannotReplayError as error:
            line["problem"] = str(error)
        return line
