"""Small files that become large, or take long, for whoever unpacks them; each by its name."""

from __future__ import annotations

import io
import zipfile
import zlib

from tests.messaging.files.contents import jpeg, packed_pdf, pdf, png

LARGE = 200 * 1024**2  # bytes, unpacked


def make_bombs() -> dict[str, bytes]:
    """Takes a second or two."""
    zeros = zlib.compress(bytes(LARGE))
    return {
        "a zip bomb": _zipped(),
        "a gzip bomb": b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + zeros[2:-4],
        "a PNG of 50,000 by 50,000": png(50_000, 50_000),
        "a JPEG of 50,000 by 50,000": jpeg(50_000, 50_000),
        "a PDF with a bomb of objects": packed_pdf(b"(" + bytes(LARGE) + b")"),
        "a PDF with a bomb twice packed": packed_pdf(
            b"(" + bytes(LARGE) + b")", pack=lambda held: zlib.compress(zlib.compress(held))
        ).replace(b"/Filter/FlateDecode", b"/Filter[/FlateDecode/FlateDecode]"),
        "a PDF with a bomb as its table": _table(zeros),
        "a PDF with four bombs as pages": _pages([zeros] * 4),
    }


def _zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", bytes(LARGE))
    return file.getvalue()


def _table(packed: bytes) -> bytes:
    out = (
        b"%PDF-1.5\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n"
    )
    head = (
        f"4 0 obj<</Type/XRef/Size {LARGE // 6}/W[1 4 1]/Root 1 0 R/Filter/FlateDecode"
        f"/Length {len(packed)}>>stream\n"
    ).encode()
    return out + head + packed + f"\nendstream endobj\nstartxref\n{len(out)}\n%%EOF\n".encode()


def _pages(packed: list[bytes]) -> bytes:
    plain = pdf()
    streams = b"".join(
        b"%d 0 obj<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream endobj\n"
        % (number, len(one), one)
        for number, one in enumerate(packed, 50)
    )
    # Before the table, whose place moves with it.
    at = plain.rindex(b"xref\n", 0, plain.rindex(b"startxref"))
    moved = plain[at:].replace(b"startxref\n%d" % at, b"startxref\n%d" % (at + len(streams)))
    return plain[:at] + streams + moved
