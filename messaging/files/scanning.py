"""A scanner for viruses looks at each file, where one is set up (`FILE_SCANNER`).

Speaks the protocol of ClamAV's daemon, clamd(8): INSTREAM, pieces with their length before them, a
length of 0, and one line as the answer.
"""

from __future__ import annotations

import logging
import socket
import struct
from contextlib import closing
from typing import BinaryIO
from urllib.parse import urlsplit

from django.conf import settings

from messaging.files.refusal import FileRefusedError

logger = logging.getLogger(__name__)

SCAN_SECONDS = 30.0  # for each step: connecting, each piece, the answer
_CONNECT_SECONDS = 5.0
_PIECE = 64 * 1024
_LONGEST_ANSWER = 4096

AWAY = "The scanner for viruses does not answer, so no file is taken now. Try again in a minute."


def has_scanner() -> bool:
    """Whether files are looked at for viruses."""
    return bool(settings.FILE_SCANNER)


def scan_file(file: BinaryIO, name: str) -> bool:
    """The scanner found nothing; False where none is set up. `name` is only for the sentence.

    Raises FileRefusedError when it found something, and when it does not answer.
    """
    if not has_scanner():
        return False
    try:
        answer = _ask(file)
    except (OSError, ValueError) as error:
        logger.error("The scanner for viruses is away: %s", type(error).__name__)
        raise FileRefusedError(AWAY) from error
    if answer.endswith(" FOUND"):
        logger.warning("The scanner for viruses found something in a file")
        raise FileRefusedError(f"The scanner for viruses says that “{name}” is not safe.")
    if answer != "stream: OK":
        logger.error("The scanner for viruses gave no verdict")
        raise FileRefusedError(AWAY)
    return True


def _ask(file: BinaryIO) -> str:
    file.seek(0)
    with closing(_connect()) as connection:
        connection.settimeout(SCAN_SECONDS)
        connection.sendall(b"zINSTREAM\x00")
        while piece := file.read(_PIECE):
            connection.sendall(struct.pack(">I", len(piece)) + piece)
        connection.sendall(struct.pack(">I", 0))
        answer = b""
        while not answer.endswith(b"\x00") and len(answer) < _LONGEST_ANSWER:
            part = connection.recv(_LONGEST_ANSWER)
            if not part:
                break
            answer += part
    return answer.rstrip(b"\x00\n").decode("utf-8", "replace")


def _connect() -> socket.socket:
    address = urlsplit(settings.FILE_SCANNER)
    if address.scheme == "tcp":
        return socket.create_connection((address.hostname, address.port), _CONNECT_SECONDS)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_CONNECT_SECONDS)
    try:
        connection.connect(address.path)
    except OSError:
        connection.close()
        raise
    return connection
