from __future__ import annotations

import zlib

import pytest
from pypdf.generic import ArrayObject, NameObject, NumberObject, TextStringObject

from messaging.files import pdf_reader
from messaging.files.pdf_reader import verdict
from tests.messaging.files.contents import (
    ACTIONS,
    acting_pdf,
    dictionary,
    packed_pdf,
    pdf,
    pdf_with,
)

SCRIPT = b"<</S/JavaScript/JS(app.alert(1))>>"
GO_TO = b"<</S/GoTo/D[3 0 R/Fit]>>"


@pytest.mark.parametrize(
    "content",
    [
        pdf(),
        packed_pdf(GO_TO),
        pdf_with("/OpenAction", ArrayObject([NumberObject(0), NameObject("/Fit")])),
        pdf_with(
            "/A", dictionary({"/S": NameObject("/URI"), "/URI": TextStringObject("https://x")})
        ),
        pdf_with("/Title", TextStringObject("JavaScript, Launch, XFA: how they work")),
        pdf() + b"\r\n\x00\n",
    ],
    ids=["plain", "packed", "page to open at", "link", "words", "blank end"],
)
def test_a_pdf_that_only_shows_something_is_good(content: bytes) -> None:
    assert verdict(content) == "good"


@pytest.mark.parametrize("what", [*ACTIONS, "embedded", "form", "encrypted"])
def test_what_acts_by_itself_is_named(what: str) -> None:
    assert verdict(acting_pdf(what)) == what


@pytest.mark.parametrize(
    ("object_", "why"),
    [
        (SCRIPT, "script"),
        (b"<</S/J#61va#53cript/#4aS(1)>>", "script"),
        (b"<</S/Launch/F(cmd.exe)>>", "launch"),
        (b"<</S/GoToR/F(//host/share/a.pdf)/D[0/Fit]>>", "launch"),
        (b"<</Type/Annot/Subtype/Movie/Movie 9 0 R>>", "media"),
        (b"<</Names<</EmbeddedFiles 9 0 R>>>>", "embedded"),
        (b"<</AcroForm<</XFA[]>>>>", "form"),
    ],
)
def test_it_is_found_in_an_object_stream(object_: bytes, why: str) -> None:
    content = packed_pdf(object_)
    assert object_[4:12] not in content
    assert verdict(content) == why


def test_it_is_found_where_the_library_does_not_look() -> None:
    # Cut off from the table of objects, as one that another reader would mend and find.
    hidden = packed_pdf(SCRIPT)
    stream = hidden[hidden.index(b"4 0 obj") : hidden.index(b"6 0 obj")]
    clean = packed_pdf(GO_TO)
    end = clean.rindex(b"startxref")
    assert verdict(clean[:end] + stream.replace(b"4 0 obj", b"9 0 obj") + clean[end:]) == "script"
    plain = b"9 0 obj" + SCRIPT + b"endobj\n"
    assert verdict(clean[:end] + plain + clean[end:]) == "script"


@pytest.mark.parametrize(
    "said", [b"", b"/Type/ObjStm%stream\n", b"/Type/ObjStm%endobj\n", b"/X(" + b" " * 3000 + b")"]
)
def test_it_is_found_whatever_is_said_of_its_stream(said: bytes) -> None:
    clean = packed_pdf(GO_TO)
    end = clean.rindex(b"startxref")
    for spread in (b"", b"\xa5" * 200_000):  # names that lie across two pieces too
        for place in (0, 65_530) if spread else (0,):
            for script in (SCRIPT + spread, SCRIPT[: SCRIPT.index(b"/JS")]):
                held = zlib.compress(spread[:place] + script)
                hidden = b"9 0 obj<<" + said + b"/Filter/FlateDecode>>stream\n" + held
                hidden += b"\nendstream endobj\n"
                assert verdict(clean[:end] + hidden + clean[end:]) == "script"


def test_short_names_are_found_where_they_are_keys() -> None:
    assert verdict(pdf_with("/A", dictionary({"/JS": TextStringObject("x")}))) == "script"
    assert verdict(pdf_with("/A", dictionary({"/EF": dictionary({})}))) == "embedded"


def test_what_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = packed_pdf(b"(" + bytes(1024**2) + b")")
    assert verdict(content) == "good"
    for limit in ("MOST_UNPACKED", "MOST_HELD"):
        with monkeypatch.context() as patch:
            patch.setattr(pdf_reader, limit, 1024**2)
            assert verdict(content) == "heavy"


def test_an_object_stream_that_is_not_packed_is_read_as_it_stands() -> None:
    content = packed_pdf(GO_TO, pack=bytes).replace(b"/Filter/FlateDecode", b"")
    assert verdict(content) == "good"
    content = packed_pdf(SCRIPT, pack=bytes).replace(b"/Filter/FlateDecode", b"")
    assert verdict(content) == "script"


def test_an_object_stream_that_is_packed_otherwise_is_refused() -> None:
    content = packed_pdf(SCRIPT, pack=lambda held: zlib.compress(held).hex().encode() + b">")
    content = content.replace(b"/Filter/FlateDecode", b"/Filter[/ASCIIHexDecode/FlateDecode]")
    assert verdict(content) == "packed"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (pdf() + b"<p>", "tail"),
        (pdf()[:-40], "damaged"),
        (b"%PDF-1.7\n%%EOF\n", "damaged"),
        (pdf().replace(b"/Pages", b"/Pagez"), "damaged"),
    ],
)
def test_what_is_not_whole_is_refused(content: bytes, why: str) -> None:
    assert verdict(content) == why
