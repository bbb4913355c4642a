from __future__ import annotations

import io

import pytest

from messaging.files.refusal import WrongContentError
from messaging.files.texts import check_text


@pytest.mark.parametrize(
    "content",
    [
        b"Key: ABCD-1234\r\n\tGood for a year\f",
        "Schlüssel 🔑".encode(),
        "Schlüssel 🔑".encode("utf-8-sig"),
        "Schlüssel 🔑".encode("utf-16"),
        b"\xfe\xff" + "Schlüssel".encode("utf-16-be"),
        b"a" * (64 * 1024 - 1) + "ü".encode(),
        b"1 < 2, and <b> is bold",
        b"<3 from all of us",
    ],
    ids=lambda content: repr(content[:12]),
)
def test_a_text_is_taken(content: bytes) -> None:
    check_text(io.BytesIO(content))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("Schlüssel".encode("latin-1"), "neither a text in UTF-8"),
        ("Schlüssel".encode("utf-16-le"), "neither a text in UTF-8|no text"),
        ("ü".encode()[:1], "neither a text in UTF-8"),
        (b"\xff\xfea", "neither a text in UTF-8"),
        (b"a\x00b", "no text"),
        (b"a\x1b[31mb", "no text"),
        (b"a\x7f", "no text"),
        (b"a <ScRiPt>", "web page"),
        (b"a" * (64 * 1024 - 3) + b"<html>", "web page"),
        ("<html>".encode("utf-16"), "web page"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"\n <body onload='alert(1)'>", "web page"),
        ("<img src=x onerror=alert(1)>".encode("utf-8-sig"), "web page"),
        (b"<!-- -->", "web page"),
        (b"{\\rtf1 Hello}", "RTF"),
        (b"%!PS-Adobe", "PostScript"),
        (b"#!/bin/sh", "script"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:12]),
)
def test_what_is_no_text_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(WrongContentError, match=words):
        check_text(io.BytesIO(content))
