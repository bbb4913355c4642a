from __future__ import annotations

import io
import tracemalloc

import pytest

from messaging.files.pictures import MOST_PICTURES, MOST_SCANS, check_jpeg, check_png
from messaging.files.refusal import WrongContentError
from tests.messaging.files.contents import chunk, jpeg, png


def check(content: bytes) -> None:
    if content.startswith(b"\x89PNG"):
        check_png(io.BytesIO(content), len(content))
    else:
        check_jpeg(io.BytesIO(content))


@pytest.mark.parametrize(
    "content",
    [
        png(10_000, 10_000, others=[chunk(b"eXIf", b"taken here")]),
        jpeg(10_000, 10_000, comment=b"taken here"),
        jpeg()[:2] + b"\xff" + jpeg()[2:],
        jpeg()[:-2] + b"\xff\x00\xff\xd0\xff\x00" + b"x" * 65_536 + b"\xff\xff\xd9",
        jpeg() + jpeg(9, 9) + bytes(70_000) + jpeg(),
        jpeg() + bytes(70_000),
    ],
    ids=["png", "jpeg", "fill byte", "long scan", "more of them", "zeros"],
)
def test_a_picture_of_a_usual_size_is_taken_with_its_notes(content: bytes) -> None:
    check(content)


@pytest.mark.parametrize("make", [png, jpeg])
@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (10_001, 10_000), (30_001, 1)])
def test_too_many_pixels_are_refused_from_the_header(make: object, width: int, height: int) -> None:
    content = make(width, height)  # type: ignore[operator]
    tracemalloc.start()
    try:
        with pytest.raises(WrongContentError, match=f"{width:,} by {height:,} pixels"):
            check(content)
        assert tracemalloc.get_traced_memory()[1] < 1024**2
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        png() + b"\0",
        jpeg() + b"x",
        jpeg() + bytes(70_000) + b"x",
        jpeg() + b"\xff\xfe",
        jpeg() * (MOST_PICTURES + 1),
    ],
    ids=["png", "jpeg", "behind zeros", "a marker", "too many"],
)
def test_what_stands_behind_a_picture_is_refused(content: bytes) -> None:
    with pytest.raises(WrongContentError, match="something behind the picture"):
        check(content)


@pytest.mark.parametrize("larger", [jpeg(50_000, 50_000), jpeg() + jpeg(50_000, 50_000)])
def test_no_picture_in_the_file_is_too_large(larger: bytes) -> None:
    frame = jpeg(50_000, 50_000)[2:15]
    for content in (larger, jpeg()[:-2] + frame + b"\xff\xd9"):
        with pytest.raises(WrongContentError, match="50,000 by 50,000"):
            check(content)


@pytest.mark.parametrize(
    "content",
    [
        png()[:-3],
        png()[:20],
        png()[:8] + chunk(b"IDAT") + chunk(b"IEND"),
        png(0, 1),
        png().replace(b"\0\0\0\x0dIHDR", b"\xff\xff\xff\xffIHDR"),
        jpeg()[:10],
        jpeg(1, 0),
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\x00\x01",
        b"\xff\xd8\xff\xe0\x00\x02" + b"x" * 9,
        b"\xff\xd8\xff\xda\x00\x02",
        jpeg()[:-2],
        jpeg()[:-1],
        jpeg()[:15] + b"\xff\xd9",
        jpeg()[:-2] + b"\xff\xda\x00\x02" * MOST_SCANS + b"\xff\xd9",
    ],
    ids=lambda _content: "-",
)
def test_a_damaged_picture_is_refused(content: bytes) -> None:
    with pytest.raises(WrongContentError, match="damaged"):
        check(content)
