"""A file's content goes when no message needs it any more; the row stays, as the record."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from messaging.files.storing import WAITS
from messaging.models import FilePiece, StoredFile

# A page that was sent when the file had just its last second has ended by then.
MARGIN = timedelta(hours=1)
_AT_ONCE = 1_000


def empty_unneeded(at: datetime) -> int:
    """No content is kept that no open action needs and that was brought over a day ago; how many.

    `at` in UTC. At most 1,000 files a time: the rest goes with the next call.
    """
    unneeded = StoredFile.objects.filter(
        emptied_at=None, uploaded_at__lt=at - WAITS - MARGIN
    ).exclude(pk__in=StoredFile.objects.needed().values("pk"))
    emptied = 0
    for pk in list(unneeded.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]):
        with transaction.atomic():
            # Locked, and then asked once more: a message that is tried again locks its files, too.
            list(StoredFile.objects.filter(pk=pk).select_for_update().values_list("pk"))
            if unneeded.filter(pk=pk).update(emptied_at=at):
                FilePiece.objects.filter(file_id=pk).delete()
                emptied += 1
    return emptied
