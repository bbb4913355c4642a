"""What a file is: told by its content alone, never by its name or by what the browser says of it.

Reads at most 64 KiB at a time; a PDF is looked into by a process of its own (`documents`).
"""

from __future__ import annotations

import re
from typing import BinaryIO

from messaging.files.documents import check_pdf
from messaging.files.pictures import check_jpeg, check_png
from messaging.files.refusal import ONLY, FileRefusedError, WrongContentError
from messaging.files.texts import check_text
from messaging.models import FileType
from spapi import MOST_UPLOAD_BYTES

MOST_MEGABYTES = MOST_UPLOAD_BYTES // 1024**2

_PIECE = 64 * 1024
# Longer than the end record of a ZIP with the longest comment: where it is looked for.
_ZIP_TAIL = 66 * 1024
_PDF = b"%PDF-"
_ZIP_END = b"PK\x05\x06"
_PAGE = re.compile(rb"<!doctype[\s]|<html[\s>]|<script[\s>]|<\?php\s", re.IGNORECASE)
_LONGEST_MARK = 10

# What a file begins with that may not go, and what to say of it. A ZIP is looked at more closely.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\xfe\xed\xfa", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"RIFF", "a WebP picture, a sound or a film"),
    (b"\x1f\x8b", "a compressed file"),
    (b"7z\xbc\xaf\x27\x1c", "a compressed file"),
    (b"Rar!", "a compressed file"),
    (b"BZh", "a compressed file"),
    (b"\xfd7zXZ", "a compressed file"),
    (b"\x28\xb5\x2f\xfd", "a compressed file"),
)
_IN_ZIP: tuple[tuple[bytes, str], ...] = (
    (b"vbaProject.bin", "an Office document with macros"),
    (b"word/", "a Word document"),
    (b"xl/", "an Excel workbook"),
    (b"ppt/", "a PowerPoint presentation"),
    (b"META-INF/", "a Java program"),
)


def check_content(file: BinaryIO, size: int, name: str) -> FileType:
    """What the file is; it has nothing in it that should not reach a buyer.

    `file` can seek; `size` is in bytes; `name` is only for the sentence. Raises FileRefusedError.
    """
    try:
        check_size(size)
        return _check(file, size)
    except WrongContentError as wrong:
        raise FileRefusedError(f"“{name}” {wrong}") from None


def check_size(size: int) -> None:
    """It has 1 byte to 10 MB, which nobody has to read it for. Raises WrongContentError."""
    if size == 0:
        raise WrongContentError("is empty.")
    if size > MOST_UPLOAD_BYTES:
        raise WrongContentError(f"is larger than {MOST_MEGABYTES} MB.")


def _check(file: BinaryIO, size: int) -> FileType:
    file.seek(0)
    start = file.read(16)
    if start.startswith(_PDF):
        _refuse_second_nature(file, size)
        check_pdf(file)
        return FileType.PDF
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        check_png(file, size)
        _refuse_second_nature(file, size)
        return FileType.PNG
    if start.startswith(b"\xff\xd8\xff"):
        check_jpeg(file)
        _refuse_second_nature(file, size)
        return FileType.JPEG
    _refuse_others(file, size, start)
    check_text(file)
    _refuse_second_nature(file, size)
    return FileType.TEXT


def _refuse_others(file: BinaryIO, size: int, start: bytes) -> None:
    if start.startswith((b"PK\x03\x04", _ZIP_END)):
        raise WrongContentError(f"is {_kind_of_zip(file, size)}. {ONLY}")
    if start[4:8] == b"ftyp":
        raise WrongContentError(f"is a film, or a picture of the kind HEIC or AVIF. {ONLY}")
    for beginning, what in _OTHERS:
        if start.startswith(beginning) and not (len(beginning) == 2 and _is_word(start)):
            raise WrongContentError(f"is {what}. {ONLY}")
    file.seek(0)
    if _PDF in file.read(_PIECE):
        raise WrongContentError("has something before the PDF in it. Save the PDF anew.")


def _is_word(start: bytes) -> bool:
    """Whether two letters that begin another kind of file begin a text here."""
    return all(byte >= 0x20 or byte in b"\t\r\n" for byte in start)


def _kind_of_zip(file: BinaryIO, size: int) -> str:
    file.seek(0)
    ends = file.read(_PIECE)
    file.seek(max(0, size - _PIECE))
    ends += file.read(_PIECE)
    return next((what for mark, what in _IN_ZIP if mark in ends), "a ZIP archive")


def _refuse_second_nature(file: BinaryIO, size: int) -> None:
    """Nothing in it can be read as a web page, a ZIP archive or a PDF as well."""
    file.seek(max(0, size - _ZIP_TAIL))
    if _ZIP_END in file.read(_ZIP_TAIL):
        raise WrongContentError("is a ZIP archive as well. Save it anew, without what was added.")
    file.seek(0)
    start = file.read(_PIECE)  # readers of PDFs look for the beginning there
    if _PDF in start and not start.startswith(_PDF):
        raise WrongContentError("is a PDF as well. Save it anew, without what was added.")
    file.seek(0)
    before = b""
    while piece := file.read(_PIECE):
        held = before + piece
        if _PAGE.search(held):
            raise WrongContentError("is a web page as well. Save it anew, without what was added.")
        before = held[-_LONGEST_MARK:]
