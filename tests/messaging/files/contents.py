"""Contents of files, each as small as it may be, and how they are made worse."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence

from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NullObject,
    TextStringObject,
)

TEXT = "Grüße, 你好\n".encode()
ACTIONS = {
    "script": {"/S": NameObject("/JavaScript"), "/JS": TextStringObject("app.alert(1)")},
    "launch": {"/S": NameObject("/Launch"), "/F": TextStringObject("cmd.exe")},
    "sends": {"/S": NameObject("/SubmitForm"), "/F": TextStringObject("https://example.com")},
    "media": {"/S": NameObject("/Rendition")},
}


def dictionary(entries: dict[str, object]) -> DictionaryObject:
    return DictionaryObject({NameObject(key): value for key, value in entries.items()})


def pdf(change: Callable[[PdfWriter], object] = lambda _writer: None) -> bytes:
    """A PDF of one empty page, changed as told."""
    writer, file = PdfWriter(), io.BytesIO()
    writer.add_blank_page(200, 200)
    change(writer)
    writer.write(file)
    return file.getvalue()


def pdf_with(key: str, value: object) -> bytes:
    """A PDF whose catalog has this entry."""

    def add(writer: PdfWriter) -> None:
        writer.root_object[NameObject(key)] = value

    return pdf(add)


def acting_pdf(what: str) -> bytes:
    """A PDF that does something by itself: script, launch, sends, media, embedded, form, encrypted."""
    if what == "embedded":
        return pdf(lambda writer: writer.add_attachment("setup.exe", b"MZ"))
    if what == "encrypted":
        return pdf(lambda writer: writer.encrypt("secret"))
    if what == "form":
        return pdf_with("/AcroForm", dictionary({"/XFA": ArrayObject([NullObject()])}))
    return pdf_with("/OpenAction", dictionary(ACTIONS[what]))


def packed_pdf(extra: bytes, *, pack: Callable[[bytes], bytes] = zlib.compress) -> bytes:
    """A PDF 1.5 whose dictionaries lie in an object stream, object 5 of them being `extra`."""
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R/OpenAction 5 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
        5: extra,
    }
    index, bodies = "", b""
    for number, body in objects.items():
        index += f"{number} {len(bodies)} "
        bodies += body + b" "
    held = pack(index.encode() + bodies)
    out = b"%PDF-1.5\n"
    stream_at = len(out)
    out += (
        f"4 0 obj<</Type/ObjStm/N {len(objects)}/First {len(index)}/Filter/FlateDecode"
        f"/Length {len(held)}>>stream\n"
    ).encode()
    out += held + b"\nendstream endobj\n"
    table_at = len(out)
    rows = [(0, 0, 255), (2, 4, 0), (2, 4, 1), (2, 4, 2), (1, stream_at, 0), (2, 4, 3)]
    rows.append((1, table_at, 0))
    table = b"".join(struct.pack(">BIB", *row) for row in rows)
    out += (
        f"6 0 obj<</Type/XRef/Size 7/W[1 4 1]/Root 1 0 R/Length {len(table)}>>stream\n"
    ).encode()
    return out + table + f"\nendstream endobj\nstartxref\n{table_at}\n%%EOF\n".encode()


def pdf_of_size(size: int) -> bytes:
    """A PDF of this many bytes that is nothing to refuse: of bytes that cannot be made smaller."""

    def fill(number: int) -> bytes:
        def add(writer: PdfWriter) -> None:
            stream = DecodedStreamObject()
            stream.set_data(b"\xa5" * number)
            writer._add_object(stream)

        return pdf(add)

    return fill(size - (len(fill(size)) - size))


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 1, height: int = 1, others: Sequence[bytes] = ()) -> bytes:
    """A grey PNG that says to have this size; the pixels of one alone are there."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\x80"))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(others) + pixels + chunk(b"IEND")


def jpeg(width: int = 1, height: int = 1, *, comment: bytes = b"") -> bytes:
    """The markers of a JPEG of this size, and no picture worth looking at."""
    note = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment if comment else b""
    frame = b"\xff\xc0" + struct.pack(">HBHHB3s", 11, 8, height, width, 1, b"\x01\x11\x00")
    scan = b"\xff\xda" + struct.pack(">HB2s3s", 8, 1, b"\x01\x00", b"\x00\x3f\x00") + b"\x7f"
    return b"\xff\xd8" + note + frame + scan + b"\xff\xd9"


def png_of_size(size: int) -> bytes:
    """A PNG of this many bytes, of which most are pixels that nobody unpacks."""
    return png(others=[chunk(b"IDAT", b"\xa5" * (size - len(png()) - 12))])
