from __future__ import annotations

import pytest

from messaging.files.names import LONGEST, MOST_BYTES, clean_name, show_name
from messaging.files.refusal import FileRefusedError
from messaging.models import FileType


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("invoice.pdf", "invoice.pdf"),
        ("Rechnung 2026.11.PDF", "Rechnung 2026.11.pdf"),
        ("Rechnung 2026.11", "Rechnung 2026.11.pdf"),
        ("invoice.png", "invoice.pdf"),
        ("setup.exe", "setup.exe.pdf"),
        ("", "file.pdf"),
        (".pdf", "file.pdf"),
        ("...", "file.pdf"),
        ('a"b;c.pdf', "a_b_c.pdf"),
        ("a\r\nSet-Cookie: x=1.pdf", "a Set-Cookie_ x=1.pdf"),
        ("a\x00b\x1b.pdf", "ab.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\ann\\a.pdf", "a.pdf"),
        ("  a   b .pdf", "a b.pdf"),
        ("🧾 Beleg.pdf", "🧾 Beleg.pdf"),
        ("a\u200bb.pdf", "ab.pdf"),
        ("u\u0308.pdf", "ü.pdf"),
        ("\ud800.pdf", "file.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("lpt1.old.pdf", "_lpt1.old.pdf"),
        ("console.pdf", "console.pdf"),
        ("=cmd|'/C calc'!A0.pdf", "C calc'!A0.pdf"),
    ],
)
def test_a_name_is_cleaned_and_ends_as_its_content_says(given: str, name: str) -> None:
    assert clean_name(given, FileType.PDF) == name


def test_either_ending_of_a_jpeg_is_right() -> None:
    assert clean_name("a.JPEG", FileType.JPEG) == "a.jpeg"
    assert clean_name("a.jpg", FileType.JPEG) == "a.jpg"
    assert clean_name("a.txt", FileType.JPEG) == "a.jpg"


@pytest.mark.parametrize("letter", ["a", "ü", "🧾"])
def test_a_long_name_is_cut_between_letters_and_keeps_its_ending(letter: str) -> None:
    name = clean_name(letter * 300 + ".pdf", FileType.PDF)
    assert len(name) <= LONGEST
    assert len(name.encode()) <= MOST_BYTES
    assert len(name) > 45
    assert set(name.removesuffix(".pdf")) == {letter}
    assert len(clean_name("con." + letter * 300, FileType.PDF)) <= LONGEST


@pytest.mark.parametrize("turning", ["\u202e", "\u2067", "\u200f"])
def test_a_name_that_turns_its_direction_is_refused(turning: str) -> None:
    with pytest.raises(FileRefusedError, match="turn the direction") as caught:
        clean_name(f"invoice{turning}fdp.exe", FileType.PDF)
    assert turning not in str(caught.value)


def test_a_sentence_quotes_no_long_name() -> None:
    assert show_name("a" * 300) == "a" * 60 + "…"
