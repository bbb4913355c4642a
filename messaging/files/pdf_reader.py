"""Reads one PDF from standard input and prints what is wrong with it, in a word, or "good".

Run as a program by `documents`, in a process of its own; it knows nothing of ours. What a PDF can do
by itself is written in dictionaries (ISO 32000-2, 12.6): those are read twice. Once as a reader of
PDFs finds them, by the library; and once as they stand in the file, since two readers may find
different things in a file that is made for it.
"""

from __future__ import annotations

import logging
import re
import sys
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

try:
    import resource
except ImportError:  # a system that has no such limits
    resource = None  # type: ignore[assignment]

from pypdf import PdfReader, apply_configuration
from pypdf.errors import LimitReachedError, PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, NullObject

MEMORY = 256 * 1024**2  # bytes of addresses
CPU_SECONDS = 12
MOST_OBJECTS = 300_000
MOST_UNPACKED = 512 * 1024**2  # bytes, of all streams together; a piece at a time is held
MOST_HELD = 16 * 1024**2  # bytes, of one stream that the library unpacks

# Names that stand for something that acts by itself, and the word for it.
ACTING = {
    "JavaScript": "script",
    "Launch": "launch",
    "GoToE": "launch",
    "GoToR": "launch",
    "ImportData": "launch",
    "SubmitForm": "sends",
    "EmbeddedFile": "embedded",
    "EmbeddedFiles": "embedded",
    "FileAttachment": "embedded",
    "XFA": "form",
    "RichMedia": "media",
    "Movie": "media",
    "Sound": "media",
    "Rendition": "media",
    "Encrypt": "encrypted",
}
# Too short to be looked for among bytes that may be anything.
ACTING_KEYS = {"JS": "script", "EF": "embedded"}


def _spelled(letter: str) -> str:
    """A letter of a name, which may also be written by its number (ISO 32000-2, 7.3.5)."""
    number = f"{ord(letter):02x}"
    digits = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in number)
    return f"(?:{letter}|#{digits})"


_ACTING = re.compile(
    (
        "/("
        + "|".join("".join(map(_spelled, name)) for name in sorted(ACTING, key=len, reverse=True))
        + r")(?=[\x00\t\n\f\r ()<>\[\]{}/%])"
    ).encode()
)
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM = re.compile(rb"(?<!end)stream\r?\n")
_OBJECT_STREAM = re.compile(("/" + "".join(map(_spelled, "ObjStm"))).encode())
_FILTER = re.compile(("/" + "".join(map(_spelled, "Filter"))).encode())
_TAIL = re.compile(rb"%%EOF[\x00\t\n\f\r ]{0,4096}$")
_PIECE = 64 * 1024
_HEADER_REACH = 2048  # bytes before the word "stream" in which the stream's dictionary stands
_LONGEST_NAME = 64  # bytes, each letter by its number


class _WrongError(Exception):
    """Why it is refused, in a word."""


def verdict(data: bytes) -> str:
    """The word "good", or why the PDF is refused."""
    try:
        _scan(data)
        with apply_configuration(
            zlib_maximum_output_length=MOST_HELD,
            lzw_maximum_output_length=MOST_HELD,
            run_length_maximum_output_length=MOST_HELD,
            brotli_maximum_output_length=MOST_HELD,
        ):
            _read(data)
    except _WrongError as wrong:
        return str(wrong)
    except (MemoryError, LimitReachedError):
        return "heavy"
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return "damaged"
    except (AssertionError, ArithmeticError, RecursionError, OSError, zlib.error):
        return "damaged"
    return "good"


def _scan(data: bytes) -> None:
    """Nothing in the bytes as they stand, nor in any stream, names what acts by itself.

    Streams are found by their word alone, whatever is said of them: another reader may say other.
    """
    if not _TAIL.search(data[-8192:]):
        raise _WrongError("tail" if data.rfind(b"%%EOF") >= 0 else "damaged")
    _refuse_names(data)
    left = MOST_UNPACKED
    for found in _STREAM.finditer(data):
        before, is_packed = b"", False
        for piece in _unpack(data, found.end()):
            is_packed = True
            left -= len(piece)
            if left < 0:
                raise _WrongError("heavy")
            held = before + piece
            _refuse_names(held)
            before = held[-_LONGEST_NAME:]
        _refuse_names(before + b"\n")  # a name may be the last that stands there
        head = data[max(0, found.start() - _HEADER_REACH) : found.start()]
        head = head[head.rfind(b"endobj") + 1 :]
        # One that is not packed at all stands in the file as it is, and was looked through.
        if not is_packed and _OBJECT_STREAM.search(head) and _FILTER.search(head):
            raise _WrongError("packed")


def _refuse_names(data: bytes) -> None:
    found = _ACTING.search(data)
    if found:
        name = _ESCAPE.sub(lambda code: bytes([int(code[1], 16)]), found[1])
        raise _WrongError(ACTING[name.decode("ascii")])


def _unpack(data: bytes, start: int) -> Iterator[bytes]:
    """What is packed with zlib there, in pieces, as far as it is: nothing where it is not."""
    unpacker = zlib.decompressobj()
    packed = b""
    try:
        while not unpacker.eof and (packed or start < len(data)):
            if not packed:
                packed = data[start : start + _PIECE]
                start += _PIECE
            piece = unpacker.decompress(packed, _PIECE)
            packed = unpacker.unconsumed_tail
            if piece:
                yield piece
    except zlib.error:
        return


def _read(data: bytes) -> None:
    """The library reads every object of it, and none names what acts by itself."""
    reader = PdfReader(BytesIO(data), strict=False)
    if reader.is_encrypted:
        raise _WrongError("encrypted")
    _look_through(reader.trailer)
    numbers = {
        (number, generation)
        for generation, table in reader.xref.items()
        for number in table
        if not reader.xref_free_entry.get(generation, {}).get(number, False)
    } | {(number, 0) for number in reader.xref_objStm}
    if len(numbers) > MOST_OBJECTS:
        raise _WrongError("heavy")
    for number, generation in numbers:
        _look_through(reader.get_object(IndirectObject(number, generation, reader)))
    if not reader.pages:
        raise _WrongError("damaged")


def _look_through(one: Any) -> None:
    for name in _names(one):
        word = ACTING.get(name[1:])
        if word:
            raise _WrongError(word)


def _names(one: Any) -> Iterator[str]:
    """Every name in an object, and the short keys that act; what it points at is another object."""
    waiting = [one]
    while waiting:
        part = waiting.pop()
        if isinstance(part, DictionaryObject):
            for key in part:
                if key[1:] in ACTING_KEYS and not isinstance(part.raw_get(key), NullObject):
                    raise _WrongError(ACTING_KEYS[key[1:]])
                yield key
                waiting.append(part.raw_get(key))
        elif isinstance(part, ArrayObject):
            waiting.extend(list.__iter__(part))
        elif isinstance(part, NameObject):
            yield part


def _limit() -> None:
    if resource is None:
        return
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def main() -> None:
    """The verdict stands on standard output."""
    _limit()
    logging.disable()
    sys.stdin.buffer.seek(0)
    print(verdict(sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
