"""PNG and JPEG: what their headers say, without unpacking a single pixel."""

from __future__ import annotations

import re
import struct
from typing import BinaryIO

from messaging.files.refusal import WrongContentError

MOST_PIXELS = 100_000_000
MOST_ON_A_SIDE = 30_000

_DAMAGED = "is a damaged picture: it ends too early, or is put together wrongly."
# Markers of JPEG (ITU-T T.81, table B.1): those that begin a frame, with its size, and those that
# stand alone.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_START, _START_OF_SCAN, _END = b"\xff\xd8", 0xDA, 0xD9
# What ends a scan: within one, 0xFF is followed by 0, or begins a mark that counts the pieces of it.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
MOST_SCANS = 1_000
# Telephones put small and bright versions behind the picture (CIPA DC-007, 5).
MOST_PICTURES = 16
_PIECE = 64 * 1024
_BEHIND = "has something behind the picture. Save the picture anew."


def check_png(file: BinaryIO, size: int) -> None:
    """The picture is not too large, whole, and nothing stands after it (W3C PNG, 5 and 11.2).

    `size` in bytes. Raises WrongContentError.
    """
    place, is_first = 8, True
    while True:
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            raise WrongContentError(_DAMAGED)
        length, kind = struct.unpack(">I4s", head)
        if is_first:
            if kind != b"IHDR" or length != 13:
                raise WrongContentError(_DAMAGED)
            _check_size(*struct.unpack(">II", _exactly(file, 8)))
            is_first = False
        place += 12 + length
        if place > size:
            raise WrongContentError(_DAMAGED)
        if kind == b"IEND":
            break
    if place < size:
        raise WrongContentError(_BEHIND)


def check_jpeg(file: BinaryIO) -> None:
    """The picture is not too large, whole, and nothing but such pictures and zeros stands after it.

    Raises WrongContentError.
    """
    file.seek(0)
    for _picture in range(MOST_PICTURES):
        if file.read(len(_START)) != _START:
            raise WrongContentError(_BEHIND)
        _read_jpeg(file)
        if _only_zeros_are_left(file):
            return
    raise WrongContentError(_BEHIND)


def _read_jpeg(file: BinaryIO) -> None:
    """From behind its first marker to behind its last one."""
    is_sized, scans = False, 0
    while (marker := _next_marker(file)) != _END:
        if marker in _ALONE:
            continue
        length = struct.unpack(">H", _exactly(file, 2))[0]
        if length < 2:
            raise WrongContentError(_DAMAGED)
        if marker in _FRAMES:
            _precision, height, width = struct.unpack(">BHH", _exactly(file, 5))
            _check_size(width, height)
            is_sized = True
            length -= 5
        file.seek(length - 2, 1)
        if marker == _START_OF_SCAN:
            scans += 1
            if not is_sized or scans > MOST_SCANS:
                raise WrongContentError(_DAMAGED)
            _pass_scan(file)
    if not scans:
        raise WrongContentError(_DAMAGED)


def _pass_scan(file: BinaryIO) -> None:
    held = b""
    while piece := file.read(_PIECE):
        held = held[-1:] + piece
        found = _MARKER.search(held)
        if found:
            file.seek(found.start() - len(held), 1)
            return
    raise WrongContentError(_DAMAGED)


def _only_zeros_are_left(file: BinaryIO) -> bool:
    """Stands at the first byte that is no zero otherwise."""
    while piece := file.read(_PIECE):
        other = piece.lstrip(b"\0")
        if other:
            file.seek(-len(other), 1)
            return False
    return True


def _next_marker(file: BinaryIO) -> int:
    if _exactly(file, 1) != b"\xff":
        raise WrongContentError(_DAMAGED)
    while (byte := _exactly(file, 1)) == b"\xff":
        pass  # fill bytes
    return byte[0]


def _exactly(file: BinaryIO, size: int) -> bytes:
    found = file.read(size)
    if len(found) < size:
        raise WrongContentError(_DAMAGED)
    return found


def _check_size(width: int, height: int) -> None:
    if not width or not height:
        raise WrongContentError(_DAMAGED)
    if width * height > MOST_PIXELS or max(width, height) > MOST_ON_A_SIDE:
        raise WrongContentError(
            f"is a picture of {width:,} by {height:,} pixels, which no screen shows. Make it smaller."
        )
