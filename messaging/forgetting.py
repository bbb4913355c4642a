"""What people wrote to buyers is deleted after some days; that it was written stays for ever.

Of a message stay its kind, its hash, its length, the days that a warranty covers, and how many files
with how many bytes went along: nothing that anybody worded. A message that may still be sent keeps
its text, and so does one that waits for a person's decision and could still be sent again by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from messaging.action_types import REVIEW_REQUEST
from messaging.models import ActionFile, OutgoingAction, StoredFile
from messaging.states import OPEN, Status
from spapi import text_length

CHUNK = 500
_KEPT = ("coverage_start", "coverage_end")


def forget_old_texts(at: datetime, stop: Callable[[], bool] = lambda: False) -> int:
    """No closed message that is older than MESSAGE_TEXT_DAYS at that moment (UTC) has its words.

    Nor have its files' names, once all messages that they went with are as old. Returns how many
    messages were changed. May be ended at any time (`stop` is asked between steps of at most 500)
    and repeated: each step is a transaction.
    """
    before = at - timedelta(days=settings.MESSAGE_TEXT_DAYS)
    changed, last = 0, 0
    while not stop():
        ids = list(
            _due(before, at).filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]
        )
        if not ids:
            break
        changed += _forget(ids, before, at)
        last = ids[-1]
    while not stop() and _forget_file_names(before):
        pass
    return changed


def forgotten_payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What stays of it: lengths and numbers, `text_length` counted as Amazon may count."""
    kept: dict[str, Any] = {name: payload[name] for name in _KEPT if name in payload}
    if "text" in payload:
        kept["text_length"] = text_length(payload["text"])
    if "files" in payload:
        kept["file_count"] = len(payload["files"])
        kept["file_bytes"] = sum(file["size"] for file in payload["files"])
    return kept


def _due(before: datetime, at: datetime) -> QuerySet[OutgoingAction]:
    """Messages with words that are old enough, and that nothing can send any more."""
    return (
        OutgoingAction.objects.filter(text_forgotten_at=None, created_at__lt=before)
        .exclude(kind=REVIEW_REQUEST.name)
        .filter(~Q(status__in=OPEN) | Q(status=Status.UNCONFIRMED, not_after__lt=at))
    )


def _forget(ids: list[int], before: datetime, at: datetime) -> int:
    with transaction.atomic():
        # Locked, and looked at once more: somebody may have one tried again meanwhile.
        rows = list(
            _due(before, at)
            .filter(pk__in=ids)
            .order_by("pk")
            .select_for_update(of=("self",))
            .only("payload")
        )
        for action in rows:
            action.payload = forgotten_payload(action.payload)
            action.text_forgotten_at = at
        OutgoingAction.objects.bulk_update(rows, ["payload", "text_forgotten_at"])
        ActionFile.objects.filter(action__in=[action.pk for action in rows]).update(name="")
    return len(rows)


def _forget_file_names(before: datetime) -> int:
    """Names of files that are old, whose content is gone, and that no message with words names."""
    named = ActionFile.objects.filter(file=OuterRef("pk"), action__text_forgotten_at=None)
    due = StoredFile.objects.filter(~Exists(named), uploaded_at__lt=before).exclude(
        Q(emptied_at=None) | Q(name="")
    )
    ids = list(due.order_by("pk").values_list("pk", flat=True)[:CHUNK])
    return StoredFile.objects.filter(pk__in=ids).update(name="") if ids else 0
