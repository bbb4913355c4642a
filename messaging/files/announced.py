"""A file that is too large is refused by what its form announces, before any of it is read."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler
from django.http import QueryDict
from django.http.multipartparser import MultiPartParser
from django.utils.datastructures import MultiValueDict

from messaging.files.checking import check_size
from messaging.files.names import show_name
from messaging.files.refusal import FileRefusedError, WrongContentError

_HEAD = 16 * 1024  # bytes: what stands before the file in a form that has one file
_PART = re.compile(rb'filename="([^"\r\n]*)"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n')
_SECRET = b"csrfmiddlewaretoken"
# A form that brings its secret behind the file has so much more than the file.
_MARGIN = 1024


class AnnouncedSize(FileUploadHandler):
    """A form with one file, its last field, is read only if that has at most 10 MB.

    Else it is a FileRefusedError with the sentence, and but the form's first 16 KiB were read. The
    file is on disk at once. Must be the only handler of a request whose body has a known length.
    """

    def handle_raw_input(
        self,
        input_data: Any,
        META: Mapping[str, Any],  # noqa: N803
        content_length: int,
        boundary: Any,  # bytes, whatever its stub says
        encoding: str | None = None,
    ) -> tuple[QueryDict, MultiValueDict[str, Any]]:
        """The fields and files of the form."""
        head = input_data.read(min(_HEAD, content_length))
        found = _PART.search(head)
        if found:
            size = content_length - found.end() - len(boundary) - len(b"\r\n----\r\n")
            if not (_SECRET in head[: found.start()] or "HTTP_X_CSRFTOKEN" in META):
                size -= _MARGIN
            try:
                check_size(max(size, 1))
            except WrongContentError as wrong:
                name = show_name(found[1].decode("utf-8", "replace"))
                raise FileRefusedError(f"“{name}” {wrong}") from None
        whole = io.BufferedReader(_Rejoined(head, input_data), _HEAD)
        handlers = [TemporaryFileUploadHandler(self.request)]
        return MultiPartParser(META, whole, handlers, encoding).parse()


class _Rejoined(io.RawIOBase):
    """What was read of a body already, and then the rest of it."""

    def __init__(self, head: bytes, rest: Any) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)
