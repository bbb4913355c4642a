"""Text files: readable to the last character, and nothing that a program would take for a page."""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from messaging.files.refusal import ONLY, WrongContentError

_PIECE = 64 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_MARKUP = re.compile(r"<!doctype|<html|<script|<svg|<\?xml|<\?php|<iframe", re.IGNORECASE)
_LONGEST_MARK = 9
_TAG = re.compile(r"\s*<[a-z!?/]", re.IGNORECASE)
_PAGE = f"is a web page, a picture made of text, or XML. {ONLY}"
_WRAPPED = (
    ("{\\rt", "is an RTF document."),
    ("%!PS", "is a PostScript program."),
    ("#!", "is a script."),
)


def check_text(file: BinaryIO) -> None:
    """It is plain text in UTF-8, or in UTF-16 that says so by its first two bytes.

    Raises WrongContentError: for another encoding, control characters, and what is a web page,
    picture, document or script though it is made of letters.
    """
    file.seek(0)
    start = file.read(4)
    encoding = next((name for bom, name in _BOMS if start.startswith(bom)), "utf-8")
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    before, is_first = "", True
    while True:
        piece = file.read(_PIECE)
        try:
            text = decoder.decode(piece, final=not piece)
        except UnicodeDecodeError:
            raise WrongContentError(
                f"is neither a text in UTF-8 nor anything else that may be sent. {ONLY}"
            ) from None
        if is_first:
            _check_wrapping(text)
            is_first = False
        held = before + text
        if _MARKUP.search(held):
            raise WrongContentError(_PAGE)
        if _CONTROL.search(text):
            raise WrongContentError(f"has characters in it that are no text. {ONLY}")
        before = held[-_LONGEST_MARK:]
        if not piece:
            return


def _check_wrapping(text: str) -> None:
    text = text.lstrip("\ufeff")
    if _TAG.match(text):
        raise WrongContentError(_PAGE)
    for beginning, what in _WRAPPED:
        if text.startswith(beginning):
            raise WrongContentError(f"{what} {ONLY}")
