"""Uploads 2020-11-01: files for messages, put into Amazon's storage right before the message.

Two steps: Amazon names an address for a file with a certain MD5, and the file is put there within
15 minutes, without a token. An upload that nobody names in a message has no effect, so that it may
be repeated whatever became of the one before.
"""

import hashlib
import io
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import quote

from spapi.api import Api
from spapi.errors import (
    ConnectFailed,
    FileChanged,
    SpApiError,
    Unknown,
    UntrustedAddress,
    UploadExpired,
    UploadFailed,
    UploadRefused,
)
from spapi.message_types import Attachment
from spapi.messaging import MESSAGE_BODIES
from spapi.operations import CREATE_UPLOAD_DESTINATION, OPERATIONS
from spapi.storage import Storage
from spapi.texts import part, text
from spapi.transport import HttpAnswer, TransportFailed
from spapi.writing import query_text

MOST_UPLOAD_BYTES = 10 * 1024 * 1024
"""What all attachments of a message may have together (the description in Amazon's own form)."""

_PIECE = 64 * 1024
_MOST_HEADERS = 20
_HEADER = re.compile(r"content-md5|content-type|x-amz-[a-z0-9-]{1,80}", re.IGNORECASE)
_VALUE = re.compile(r"[ -~]{1,2000}")
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")


@dataclass(frozen=True, slots=True)
class FileDigest:
    """A file's size in bytes and the 16 bytes of its MD5, as it was when it was read."""

    size: int
    md5: bytes


@dataclass(frozen=True, slots=True)
class UploadDestination:
    """Where a file may be put for 15 minutes, and with which headers; whoever has it may: no repr."""

    upload_destination_id: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)


def digest_file(file: BinaryIO) -> FileDigest:
    """The digest of the whole file, a little of it in memory at a time.

    ValueError for an empty one, and for one of more than 10 MiB before any of it is read.
    """
    size = file.seek(0, io.SEEK_END)
    if not 0 < size <= MOST_UPLOAD_BYTES:
        raise ValueError(f"a file has 1 to {MOST_UPLOAD_BYTES:,} bytes, this one has {size:,}")
    file.seek(0)
    md5, read = hashlib.md5(usedforsecurity=False), 0
    while piece := file.read(_PIECE):
        md5.update(piece)
        read += len(piece)
        if read > MOST_UPLOAD_BYTES:
            raise ValueError("the file grows while it is read")
    return FileDigest(read, md5.digest())


class UploadsApi(Api):
    """https://developer-docs.amazon.com/sp-api/docs/uploads-api-reference"""

    _uploader: "Uploader"

    def create_upload_destination_for_resource(
        self,
        resource: str,
        marketplace_id: str,
        *,
        content_md5: bytes,
        content_type: str | None = None,
    ) -> UploadDestination:
        """Where a file with these 16 bytes of MD5 may be put for the next 15 minutes.

        `resource` is the path of the operation that will name the file, such as
        `messaging/v1/orders/{order}/messages/invoice`; its slashes stay slashes. Amazon wants the
        raw digest in base64: of its hexadecimal form the storage says `InvalidDigest`
        (https://github.com/amzn/selling-partner-api-docs/issues/1245). `content_type` is needed
        for A+ content alone.
        """
        if len(content_md5) != 16:
            raise ValueError("an MD5 digest has 16 bytes")
        segments = resource.strip("/").split("/")
        if any(segment in {"", ".", ".."} for segment in segments):
            raise ValueError("a resource is a path without empty parts and dots")
        path = CREATE_UPLOAD_DESTINATION.path.format(
            resource="/".join(quote(segment, safe="") for segment in segments)
        )
        query = query_text(
            marketplaceIds=[marketplace_id],
            contentMD5=[b64encode(content_md5).decode()],
            contentType=[content_type] if content_type else [],
        )
        return self._ask(CREATE_UPLOAD_DESTINATION, _read_destination, path, query)

    def upload(
        self,
        destination: UploadDestination,
        file: BinaryIO,
        digest: FileDigest,
        *,
        content_type: str,
        deadline: float = 120.0,
    ) -> None:
        """The whole file lies in Amazon's storage, read from its start in pieces.

        Goes with the headers that came with the address and no token, over https to the public
        Internet alone (or to the client's own endpoint); a redirect is not followed. Should the
        file no longer have the digest, its last piece is never sent. `deadline` is in seconds, from
        the first byte to the last. Raises UntrustedAddress, ConnectFailed, UploadFailed and its
        kinds, and whatever reading the file raises.
        """
        self._uploader.put(destination, file, digest, content_type, deadline)

    def upload_attachment(
        self,
        operation: str,
        order_id: str,
        marketplace_id: str,
        file: BinaryIO,
        *,
        file_name: str,
        content_type: str,
        deadline: float = 120.0,
    ) -> Attachment:
        """The file is uploaded and can be attached to one message, that of this operation.

        `file_name` is what the buyer sees. Both steps of it; no error of them has the effect
        `unknown`, because nothing that a buyer sees has happened.
        """
        body = MESSAGE_BODIES.get(operation)
        if body is None or body.attachments is None:
            raise ValueError(f"{operation} takes no attachments")
        digest = digest_file(file)
        resource = OPERATIONS[operation].url_path(order_id=order_id)
        try:
            destination = self.create_upload_destination_for_resource(
                resource, marketplace_id, content_md5=digest.md5
            )
        except Unknown as error:
            raise _harmless(error) from error
        self.upload(destination, file, digest, content_type=content_type, deadline=deadline)
        return Attachment(destination.upload_destination_id, file_name)


class Uploader:
    """Puts files for one client."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def put(
        self,
        destination: UploadDestination,
        file: BinaryIO,
        digest: FileDigest,
        content_type: str,
        deadline: float,
    ) -> None:
        """See `UploadsApi.upload`."""
        headers = self._headers(destination, content_type)
        source = _Source(file, digest)
        operation = CREATE_UPLOAD_DESTINATION
        try:
            answer = self._storage.put(
                operation, destination.url, headers, deadline, source, digest.size
            )
        except TransportFailed as failure:
            if source.failure is not None:
                raise self._told(source.failure) from None
            kind = UploadFailed if failure.sent else ConnectFailed
            raise self._told(kind(str(failure), reason=failure.reason)) from None
        self._storage.tell(f"upload {answer.status} {digest.size} bytes")
        error = source.failure or _refusal(answer, source.whole)
        if error is not None:
            raise self._told(error)

    def _headers(self, destination: UploadDestination, content_type: str) -> dict[str, str]:
        """What is sent with the file: what Amazon named, if it may be, and the type of the file."""
        given = destination.headers
        names = [name.lower() for name in given]
        wrong = next((name for name in given if not _may_be_sent(name, given[name])), None)
        if wrong is None and (len(names) > _MOST_HEADERS or len(set(names)) < len(names)):
            wrong = "too many"
        if wrong is not None:
            shown = "".join(c for c in wrong[:40] if c.isascii() and c.isprintable())
            message = f"Amazon gave upload headers this program does not send ({shown})."
            raise self._told(UntrustedAddress(message))
        if not _VALUE.fullmatch(content_type):
            raise ValueError("a content type is a line of ASCII")
        return {**({} if "content-type" in names else {"Content-Type": content_type}), **given}

    def _told(self, error: Exception) -> Exception:
        if isinstance(error, SpApiError):
            self._storage.about(error, CREATE_UPLOAD_DESTINATION)
        return error


class _Source:
    """The file in pieces, of which the last comes only if the digest is still right."""

    def __init__(self, file: BinaryIO, digest: FileDigest) -> None:
        self._file = file
        self._digest = digest
        self.failure: Exception | None = None
        self.whole = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._pieces()
        except Exception as error:
            self.failure = error
            raise

    def _pieces(self) -> Iterator[bytes]:
        self._file.seek(0)
        md5, left = hashlib.md5(usedforsecurity=False), self._digest.size
        while left:
            piece = self._file.read(min(_PIECE, left))
            md5.update(piece)
            left -= len(piece)
            is_last = not left and not self._file.read(1)
            if not piece or (not left and (not is_last or md5.digest() != self._digest.md5)):
                raise FileChanged("the file was changed while it was uploaded")
            yield piece
        self.whole = True


def _may_be_sent(name: str, value: str) -> bool:
    return (
        _HEADER.fullmatch(name) is not None
        and name.lower() != "x-amz-access-token"
        and _VALUE.fullmatch(value) is not None
    )


def _refusal(answer: HttpAnswer, whole: bool) -> UploadFailed | None:
    """What the answer means if it is not that all is there. Its body holds keys: none of it is kept."""
    said = answer.body.decode("utf-8", "replace")
    found = _CODE.search(said)
    code = found[1] if found else ""
    error: UploadFailed
    if answer.status == 200 and whole:
        return None
    if answer.status == 403 and "expired" in said:
        error = UploadExpired("the address of the upload has expired", code=code)
    elif 400 <= answer.status < 500:
        error = UploadRefused("the storage does not take the file", code=code)
    else:
        error = UploadFailed("the storage gave no good answer", code=code)
    error.status = answer.status
    return error


def _harmless(error: Unknown) -> UploadFailed:
    return UploadFailed(
        error.message,
        api=error.api,
        version=error.version,
        operation=error.operation,
        status=error.status,
        request_id=error.request_id,
        body=error.body,
        reason=error.reason,
    )


def _read_destination(document: object) -> UploadDestination | None:
    payload = part(document, "payload")
    key, url = text(payload, "uploadDestinationId"), text(payload, "url")
    headers = payload.get("headers")
    if headers is None:
        headers = {}  # as in Amazon's own captured answer
    if not key or not url or not isinstance(headers, Mapping):
        return None
    if not all(isinstance(one, str) for pair in headers.items() for one in pair):
        return None
    return UploadDestination(key, url, dict(headers))
