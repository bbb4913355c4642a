"""The files of a message go to Amazon's storage, right before its POST: before its look and claim.

An upload that no message names has no effect, so that it may be repeated whatever became of it; a
claim may not. Works in threads of its own, each on a database connection of its own.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection

from messaging.action_types import ACTION_TYPES
from messaging.delivery import Job, Uploads
from messaging.models import ActionFile, FilePiece, StoredFile
from sellers.clients import client_for, limiter_for
from sellers.encryption import SecretUnreadableError
from spapi import UploadFailed

# Amazon does not say how long a file may wait for its message; the address of the upload is good for
# 15 minutes.
UPLOAD_GOOD_FOR = timedelta(minutes=10)
# All files of a message, 10 MB at most, must be there in so many seconds: less than a driver stays
# beside an upload, or a slow one would begin again with each driver and never end.
UPLOAD_SECONDS = 120.0


class FileGoneError(UploadFailed):
    """A file's content is no longer here; trying again does not bring it back."""


def needs_uploads(job: Job, now: datetime) -> bool:
    """Whether it has files that must go up before it can be sent; `now` in UTC."""
    if not job.payload.get("files"):
        return False
    return job.uploads is None or now - job.uploads.begun_at > UPLOAD_GOOD_FOR


def upload_files(
    job: Job, now: datetime, is_stopped: Callable[[], bool] = lambda: False
) -> Uploads:
    """All files of the message lie in Amazon's storage; `now` in UTC.

    Raises SpApiError, whose effect is always "not sent": FileGoneError when that is for good. Ends
    soon once `is_stopped`, unless the storage takes nothing more.
    """
    account = job.account
    ends_at = time.monotonic() + UPLOAD_SECONDS
    attachments = []
    with _own_connection():
        try:
            client = client_for(account, limiter=limiter_for(account))
        except (ValueError, SecretUnreadableError) as error:
            raise UploadFailed(str(error)) from error
        uses = ActionFile.objects.filter(action=job.action_id).select_related("file")
        files = list(uses.order_by("place"))
        if len(files) != len(job.payload["files"]):
            raise FileGoneError("a file that belongs to it is no longer known here")
        for use in files:
            left = ends_at - time.monotonic()
            if left <= 0:
                raise UploadFailed("the files did not go up in time", reason="deadline")
            attachments.append(
                client.upload_attachment(
                    ACTION_TYPES[job.kind].send,
                    job.amazon_order_id,
                    job.marketplace_id,
                    io.BufferedReader(PieceReader(use.file, is_stopped)),
                    file_name=use.name,
                    content_type=use.file.content_type,
                    deadline=left,
                )
            )
    return Uploads(tuple(attachments), now)


@contextmanager
def _own_connection() -> Iterator[None]:
    """This thread's connection is closed afterwards; a database that is away is a failed upload."""
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        raise UploadFailed(f"the file could not be read: {type(error).__name__}") from error
    finally:
        connection.close()


class PieceReader(io.RawIOBase):
    """A stored file, read piece by piece; never more than two of them in memory."""

    def __init__(self, file: StoredFile, is_stopped: Callable[[], bool] = lambda: False) -> None:
        self._file = file
        self._is_stopped = is_stopped
        self._place = 0
        self._number = -1
        self._first_byte = 0
        self._data = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._file.size}[whence]
        self._place = base + offset
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """The next bytes of the file; 0 at its end. Raises FileGoneError where some are missing."""
        if self._is_stopped():
            raise UploadFailed("the driver stops")
        if self._place < self._first_byte:
            self._number, self._first_byte, self._data = -1, 0, b""
        while self._place >= self._first_byte + len(self._data):
            following = (
                FilePiece.objects.filter(file=self._file, number__gt=self._number)
                .order_by("number")
                .values_list("number", "data")
                .first()
            )
            if following is None and self._place < self._file.size:
                raise FileGoneError(f"the content of {self._file.name} is no longer here")
            if following is None:
                return 0
            self._first_byte += len(self._data)
            self._number, self._data = following[0], bytes(following[1])
        start = self._place - self._first_byte
        piece = self._data[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)
