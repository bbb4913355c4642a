from __future__ import annotations

import io
import zipfile

import pytest

from messaging.files.checking import check_content
from messaging.files.refusal import FileRefusedError
from messaging.models import FileType
from spapi import MOST_UPLOAD_BYTES
from tests.messaging.files.contents import TEXT, chunk, jpeg, pdf, png


def kind_of(content: bytes) -> FileType:
    return check_content(io.BytesIO(content), len(content), "invoice.pdf")


def refusal(content: bytes) -> str:
    with pytest.raises(FileRefusedError) as caught:
        kind_of(content)
    return str(caught.value)


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return file.getvalue()


def words_alone(value: object) -> str:
    """The name of a case: contents are not to be read."""
    return value if isinstance(value, str) else "-"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (pdf(), FileType.PDF),
        (png(), FileType.PNG),
        (jpeg(), FileType.JPEG),
        (TEXT, FileType.TEXT),
        (b"MZ is how this text begins.", FileType.TEXT),
    ],
    ids=["pdf", "png", "jpeg", "text", "text that begins as a program"],
)
def test_a_file_is_what_its_content_is(content: bytes, kind: FileType) -> None:
    assert kind_of(content) is kind


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"MZ\x90\x00\x03" + bytes(60), "is a Windows program."),
        (b"\x7fELF\x02\x01" + bytes(60), "is a program."),
        (b"<!DOCTYPE html><p>x", "is a web page,"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a picture made of text"),
        (zipped("word/document.xml", "word/vbaProject.bin"), "is an Office document with macros."),
        (zipped("word/document.xml"), "is a Word document."),
        (zipped("xl/workbook.xml"), "is an Excel workbook."),
        (zipped("a.txt"), "is a ZIP archive."),
        (b"GIF89a" + bytes(20), "is a GIF picture."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(20), "is an old Office document."),
        (b"\x1f\x8b\x08" + bytes(20), "is a compressed file."),
        (b"Rar!\x1a\x07\x01\x00" + bytes(20), "is a compressed file."),
        (b"\x00\x00\x00\x18ftypheic" + bytes(20), "HEIC"),
        (bytes(range(256)), "is neither a text in UTF-8 nor anything else"),
        (bytes(100), "has characters in it that are no text."),
    ],
    ids=words_alone,
)
def test_another_kind_is_refused_under_whatever_name(content: bytes, words: str) -> None:
    sentence = refusal(content)
    assert sentence.startswith("“invoice.pdf” ")
    assert words in sentence
    assert sentence.endswith("Only PDF, PNG, JPEG and text files go to buyers.")


def test_nothing_and_too_much_are_named_unread() -> None:
    class Unread(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("it was read")

    for size, words in ((0, "is empty."), (MOST_UPLOAD_BYTES + 1, "is larger than 10 MB.")):
        with pytest.raises(FileRefusedError, match=words):
            check_content(Unread(), size, "invoice.pdf")


PAGE = b"<html><script>alert(1)</script>"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (PAGE + pdf(), "something before the PDF"),
        (b"\n" + pdf(), "something before the PDF"),
        (pdf() + PAGE, "is a web page as well"),
        (pdf().replace(b"\n", b"\n%<HTML >\n", 1), "is a web page as well"),
        (pdf() + b"and more", "something behind the end of the PDF"),
        (pdf() + zipped("a.txt"), "is a ZIP archive as well"),
        (png() + zipped("a.txt"), "something behind the picture"),
        (png(others=[chunk(b"tEXt", b"a\0" + zipped("a.txt"))]), "is a ZIP archive as well"),
        (png(others=[chunk(b"tEXt", b"a\0" + PAGE)]), "is a web page as well"),
        (jpeg(comment=PAGE), "is a web page as well"),
        (jpeg() + zipped("a.txt"), "something behind the picture"),
        (jpeg(comment=zipped("a.txt")), "is a ZIP archive as well"),
        (jpeg(comment=pdf()), "is a PDF as well"),
        (png(others=[chunk(b"tEXt", b"a\0" + pdf())]), "is a PDF as well"),
        # across two pieces
        (png(others=[chunk(b"tEXt", b"x" * 65_490 + b"<html>")]), "is a web page as well"),
    ],
    ids=words_alone,
)
def test_what_is_two_things_at_once_is_refused(content: bytes, words: str) -> None:
    assert words in refusal(content)
