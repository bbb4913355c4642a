"""Files are kept in pieces in the database, so that every process reaches them and none holds one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, BinaryIO, cast

from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone

from messaging.files.checking import check_content
from messaging.files.names import clean_name, show_name
from messaging.files.refusal import FileRefusedError
from messaging.files.scanning import scan_file
from messaging.models import FilePiece, StoredFile
from sellers.models import SellerAccount

PIECE = 256 * 1024  # bytes
# How long a file waits for a message to go with; its content is deleted an hour after this, so that
# no message is queued in the moment in which its file goes.
WAITS = timedelta(days=1)
# What the database keeps of one account's files at once. Uploads at the same moment may each believe
# to be the last.
MOST_KEPT = 2 * 1024**3  # bytes
MOST_FILES_KEPT = 10_000
FULL = (
    "As many files are kept for this account as may be: 2 GB, or 10,000 files. They are deleted when "
    "their messages have left, a day after they came. Try again then."
)
GONE = "A file is no longer kept here, or never was. Bring it once more."


def store_file(
    account: SellerAccount, upload: UploadedFile[Any], *, user: User, at: datetime
) -> StoredFile:
    """The file is kept for a day, for messages of this account; `at` in UTC.

    Its content was checked, its name cleaned, and the scanner asked where there is one. Never more
    than a piece of it is in memory. Raises FileRefusedError, in which case nothing is kept.
    """
    given = upload.name or ""
    size, content = int(upload.size or 0), cast(BinaryIO, upload.file)
    shown = show_name(given)
    _check_room(account, size)
    file_type = check_content(content, size, shown)
    name = clean_name(given, file_type)
    is_scanned = scan_file(content, shown)
    digest, number, read = sha256(), 0, 0
    content.seek(0)
    with transaction.atomic():
        file = StoredFile.objects.create(
            account=account,
            name=name,
            content_type=file_type,
            size=size,
            is_scanned=is_scanned,
            uploaded_by=user,
            uploaded_at=at,
        )
        while piece := content.read(PIECE):
            FilePiece.objects.create(file=file, number=number, data=piece)
            digest.update(piece)
            number, read = number + 1, read + len(piece)
        if read != size:
            raise FileRefusedError(f"“{shown}” changed while it was read. Bring it once more.")
        file.sha256 = digest.hexdigest()
        file.save(update_fields=["sha256"])
    return file


def _check_room(account: SellerAccount, size: int) -> None:
    kept = StoredFile.objects.filter(account=account, emptied_at=None).aggregate(
        files=Count("pk"), size=Sum("size", default=0)
    )
    if kept["files"] >= MOST_FILES_KEPT or kept["size"] + size > MOST_KEPT:
        raise FileRefusedError(FULL)


def get_files(account: SellerAccount, ids: Sequence[int]) -> list[StoredFile]:
    """Files of this account that still wait for a message, in the order of `ids`.

    Raises FileRefusedError when one is another account's, unknown, or was brought over a day ago.
    """
    files = find_files(account, ids)
    if len(files) < len(set(ids)):
        raise FileRefusedError(GONE)
    return files


def find_files(account: SellerAccount, ids: Sequence[int]) -> list[StoredFile]:
    """As `get_files`, without those for which it would raise."""
    waiting = StoredFile.objects.filter(
        account=account, emptied_at=None, uploaded_at__gt=timezone.now() - WAITS
    ).in_bulk(set(ids))
    return [waiting[pk] for pk in dict.fromkeys(ids) if pk in waiting]
