"""Fetches documents from the addresses that Amazon's answers name (see `spapi.storage`)."""

import re
import zlib
from collections.abc import Callable

from spapi.errors import (
    ConnectFailed,
    DocumentGone,
    MalformedAnswer,
    NoAnswer,
    ServerError,
    SpApiError,
    UnexpectedStatus,
)
from spapi.operations import GET_REPORT_DOCUMENT
from spapi.storage import Storage
from spapi.transport import HttpAnswer, TransportFailed
from spapi.types import Download, ReportDocument

_CHARSET = re.compile(r"charset=\"?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_PIECE = 256 * 1024


class Downloader:
    """Fetches for one client."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def fetch(
        self,
        document: ReportDocument,
        write: Callable[[bytes], object],
        deadline: float,
        max_bytes: int,
    ) -> Download:
        """See `ReportsApi.download_report_document`."""
        if document.compression not in {None, "GZIP"}:
            raise self._about(MalformedAnswer("the document is packed in a way we do not know"))
        unpacker = _Unpacker(write, max_bytes, packed=document.compression is not None)
        try:
            answer = self._storage.fetch(
                GET_REPORT_DOCUMENT, document.url, deadline, max_bytes, unpacker.take
            )
        except TransportFailed as failure:
            kind = NoAnswer if failure.sent else ConnectFailed
            raise self._about(kind(str(failure), reason=failure.reason)) from None
        if unpacker.failure is not None:
            raise unpacker.failure
        self._storage.tell(f"report document {answer.status} {unpacker.size} bytes")
        self._check(answer, unpacker)
        charset = _CHARSET.search(answer.headers.get("content-type", ""))
        return Download(unpacker.size, charset[1].lower() if charset else None)

    def _check(self, answer: HttpAnswer, unpacker: "_Unpacker") -> None:
        """Nothing is raised only if the answer was the document, and whole."""
        error: SpApiError | None = None
        if answer.status in {400, 403, 404, 410}:
            error = DocumentGone("the storage does not give the document")
        elif answer.status >= 500:
            error = ServerError("the storage failed")
        elif answer.status != 200:
            error = UnexpectedStatus("the storage gave no document")
        elif unpacker.too_large or answer.cut == "too_large":
            error = MalformedAnswer("the document is larger than it may be", reason="too_large")
        elif unpacker.broken or answer.cut == "encoding":
            error = MalformedAnswer("the document cannot be unpacked", reason="encoding")
        elif answer.cut or not unpacker.whole:
            cut = answer.cut or "cut_body"
            error = NoAnswer(f"no answer: {cut}", reason=cut)
        if error is not None:
            error.status = answer.status
            raise self._about(error)

    def _about(self, error: SpApiError) -> SpApiError:
        return self._storage.about(error, GET_REPORT_DOCUMENT)


class _Unpacker:
    """Hands on what comes, unpacked if `packed`, in pieces of at most 256 KiB."""

    def __init__(self, write: Callable[[bytes], object], max_bytes: int, *, packed: bool) -> None:
        self._write = write
        self._left = max_bytes
        self._gzip = _member() if packed else None
        self._began = False
        self.size = 0
        self.too_large = self.broken = False
        self.failure: Exception | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is missing at the end, as far as the packing can tell."""
        return self._gzip is None or not self._began or self._gzip.eof

    def take(self, chunk: bytes) -> None:
        """The chunk has been handed on. Raises to end the reading; `_check` finds out why."""
        try:
            if self._gzip is None:
                self._hand_on(chunk)
            else:
                self._unpack(chunk)
        except zlib.error:
            self.broken = True
            raise
        except _Enough:
            self.too_large = True
            raise

    def _unpack(self, chunk: bytes) -> None:
        assert self._gzip is not None
        self._began = self._began or bool(chunk)
        while chunk:
            if self._gzip.eof:
                self._gzip = _member()  # one after another is one document (RFC 1952)
            piece = self._gzip.decompress(chunk, _PIECE)
            self._hand_on(piece)
            while len(piece) == _PIECE and not self._gzip.unconsumed_tail and not self._gzip.eof:
                # all was read, but more may have come of it than was asked for
                piece = self._gzip.decompress(b"", _PIECE)
                self._hand_on(piece)
            chunk = self._gzip.unconsumed_tail or self._gzip.unused_data

    def _hand_on(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left < 0:
            raise _Enough
        self.size += len(piece)
        if not piece:
            return
        try:
            self._write(piece)
        except Exception as error:
            self.failure = error
            raise


class _Enough(Exception):  # noqa: N818 - named for what happened
    """The document is larger than the caller allows."""


def _member() -> "zlib._Decompress":
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
