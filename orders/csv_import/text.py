"""The bytes of a file that a person brings, made into lines of text, or refused in a sentence."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePosixPath

LARGEST_FILE = 5 * 1024 * 1024  # bytes
LONGEST_LINE = 64 * 1024  # characters
MOST_LINES = 200_000
LONGEST_NAME = 80
PASTED = "pasted text"

UTF_8, UTF_16, WINDOWS_1252 = "UTF-8", "UTF-16", "Windows-1252"

# What a file begins with that is no text, and what to say of it.
_EXCEL = "This is an Excel file. Save as CSV."
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _EXCEL),
    (b"%PDF", "This is a PDF. Choose a CSV file."),
    (b"\x1f\x8b", "This file is compressed. Unpack it and choose the CSV file in it."),
    (b"7z\xbc\xaf\x27\x1c", "This file is compressed. Unpack it and choose the CSV file in it."),
    (b"\x89PNG", "This is a picture. Choose a CSV file."),
    (b"\xff\xd8\xff", "This is a picture. Choose a CSV file."),
)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
# Characters of a name that are not seen, or turn the direction of what follows.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class FileRefusedError(ValueError):
    """The file as a whole cannot be read; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Text:
    """The lines of a file with their ends, and how they were encoded.

    `digest` is the SHA-256 of the bytes as they came, in hexadecimal digits.
    """

    lines: list[str] = field(repr=False)  # people of whom nothing is kept may stand in them
    encoding: str
    digest: str

    @property
    def is_guessed(self) -> bool:
        """Whether nothing says that this is its encoding: a person has to look."""
        return self.encoding == WINDOWS_1252


def read_text(raw: bytes, *, largest: int = LARGEST_FILE) -> Text:
    """The file as lines of text; UTF-8, UTF-16, or else Windows-1252, which is only a guess.

    Raises FileRefusedError when it has more than `largest` bytes (before anything else is looked
    at), is of another kind by its first bytes, has a NUL or a line of more than 64 kB.
    """
    if len(raw) > largest:
        raise FileRefusedError(too_large(largest))
    _refuse_other_kinds(raw)
    text, encoding = _decode(raw)
    if "\x00" in text:
        line = len(_LINE.findall(text[: text.index("\x00") + 1]))
        raise FileRefusedError(
            f"Line {line:,} has a NUL character: the file is damaged, or is no CSV file."
        )
    if text.count("\n") + text.count("\r") > 2 * MOST_LINES:
        raise FileRefusedError(f"The file has more than {MOST_LINES:,} lines. Split it.")
    lines = _LINE.findall(text)
    for number, line in enumerate(lines, start=1):
        if len(line) > LONGEST_LINE:
            raise FileRefusedError(
                f"Line {number:,} has more than {LONGEST_LINE // 1024} kB. Is this a CSV file?"
            )
    return Text(lines, encoding, sha256(raw).hexdigest())


def too_large(largest: int = LARGEST_FILE) -> str:
    """The sentence for a file of more bytes than that."""
    return (
        f"The file is larger than {largest // 1024**2} MB. Leave out columns that are not needed,"
        " or split it."
    )


def clean_name(name: str) -> str:
    """The name of a file as it may be shown: without folders and what is not seen, not too long."""
    base = PurePosixPath(name.replace("\\", "/")).name
    seen = "".join(letter for letter in base if unicodedata.category(letter) not in _UNSEEN)
    seen = " ".join(seen.split())
    if len(seen) > LONGEST_NAME:
        ending = PurePosixPath(seen).suffix[:10]
        seen = f"{seen[: LONGEST_NAME - len(ending) - 1]}…{ending}"
    return seen if seen.strip(". ") else "file without a name"


def _refuse_other_kinds(raw: bytes) -> None:
    for magic, sentence in _MAGIC:
        if raw.startswith(magic):
            raise FileRefusedError(sentence)
    if raw.startswith(_ZIP):
        # the names of the files within are not compressed
        if b"xl/" in raw:
            raise FileRefusedError(_EXCEL)
        if b"opendocument.spreadsheet" in raw[:200]:
            raise FileRefusedError("This is an OpenDocument spreadsheet. Save as CSV.")
        raise FileRefusedError("This is a ZIP archive. Unpack it and choose the CSV file in it.")


def _decode(raw: bytes) -> tuple[str, str]:
    wide = _utf_16(raw)
    if wide:
        try:
            return raw.decode(wide).removeprefix("\ufeff"), UTF_16
        except UnicodeDecodeError:
            raise FileRefusedError(
                "The file begins as UTF-16 does, but goes on otherwise: it is damaged."
            ) from None
    try:
        return raw.decode("utf-8-sig"), UTF_8
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp1252"), WINDOWS_1252
    except UnicodeDecodeError as error:
        line = len(_LINE.findall(raw[: error.start + 1].decode("latin-1")))
        raise FileRefusedError(
            f"Line {line:,} is neither UTF-8 nor Windows-1252. Save the file as CSV UTF-8."
        ) from None


def _utf_16(raw: bytes) -> str:
    """The codec when this is UTF-16, with a mark or by every other byte being 0; else ""."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    beginning = raw[:64]
    if len(beginning) >= 4 and len(raw) % 2 == 0:
        if not any(beginning[1::2]) and all(beginning[0::2]):
            return "utf-16-le"
        if not any(beginning[0::2]) and all(beginning[1::2]):
            return "utf-16-be"
    return ""
