"""The bytes that people bring: read as text, or refused in a sentence that helps."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile

import pytest

from orders.csv_import.text import FileRefusedError, clean_name, read_text


def refusal(raw: bytes) -> str:
    with pytest.raises(FileRefusedError) as caught:
        read_text(raw)
    return str(caught.value)


def archive(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in names:
            packed.writestr(name, "x" * 100)
    return file.getvalue()


TEXT = "amazon-order-id\r\nMüller\n"


@pytest.mark.parametrize(
    ("codec", "encoding"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("cp1252", "Windows-1252"),
    ],
)
def test_encodings_are_told_apart_and_only_the_last_is_a_guess(codec: str, encoding: str) -> None:
    raw = TEXT.encode(codec)
    text = read_text(raw)
    assert text.lines == ["amazon-order-id\r\n", "Müller\n"]
    assert (text.encoding, text.is_guessed) == (encoding, encoding == "Windows-1252")
    assert text.digest == hashlib.sha256(raw).hexdigest()


def test_a_big_endian_mark_is_understood() -> None:
    raw = b"\xfe\xff" + "sku\n".encode("utf-16-be")
    assert read_text(raw).lines == ["sku\n"]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_a_nul_is_told_with_its_line(codec: str) -> None:
    assert "Line 3 has a NUL" in refusal("a\r\nb\rc\0d\n".encode(codec))


def test_bytes_of_no_encoding_are_told_with_their_line() -> None:
    assert "Line 2 is neither UTF-8 nor Windows-1252" in refusal(b"a\r\nb\x81\n")
    assert "begins as UTF-16" in refusal(b"\xff\xfea")


def test_lines_end_in_every_way_and_nowhere_else() -> None:
    text = read_text("a\rb\nc\r\nd\u2028e\x0bf\x85g".encode())
    assert text.lines == ["a\r", "b\n", "c\r\n", "d\u2028e\x0bf\x85g"]


def test_a_file_that_is_too_large_is_refused_before_it_is_looked_at() -> None:
    # not even that it has NULs is said
    assert "larger than 5 MB" in refusal(b"\0" * (5 * 1024**2 + 1))
    assert "NUL" in refusal(b"\0" * (5 * 1024**2))


def test_a_line_has_at_most_64_kb() -> None:
    assert read_text(b"a\n" + b"x" * 65_535 + b"\n").lines[0] == "a\n"
    assert "Line 2 has more than 64 kB" in refusal(b"a\n" + b"x" * 65_537)


def test_lines_without_end_are_refused_before_they_are_cut() -> None:
    assert "more than 200,000 lines" in refusal(b"\n" * 400_001)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (archive("[Content_Types].xml", "xl/workbook.xml"), "This is an Excel file. Save as CSV."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "This is an Excel file. Save as CSV."),
        (archive("orders.csv"), "ZIP archive"),
        (archive("word/document.xml"), "ZIP archive"),
        (b"%PDF-1.7\n", "This is a PDF"),
        (gzip.compress(b"a", mtime=0), "compressed"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
    ],
)
def test_other_kinds_of_files_are_known_by_their_first_bytes(raw: bytes, sentence: str) -> None:
    assert sentence in refusal(raw)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../x.csv", "x.csv"),
        ("C:\\Users\\ann\\my  orders.csv", "my orders.csv"),
        ("invoice\u202evsc.exe", "invoicevsc.exe"),
        ("a\x00b\nc\u200b.csv", "abc.csv"),
        ("x" * 300 + ".csv", "x" * 75 + "….csv"),
        ("..", "file without a name"),
        ("/", "file without a name"),
        ("Bücher.csv", "Bücher.csv"),
    ],
)
def test_a_name_is_shown_cleaned(name: str, shown: str) -> None:
    assert clean_name(name) == shown
    assert len(clean_name(name)) <= 80
