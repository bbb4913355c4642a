"""The charset that was named counts if it can read the report; else the first of ours that can."""

from __future__ import annotations

import io

import pytest

from orders.reports.charsets import find_charset

JAPANESE = "商品名\tエナメルマグ"
GERMAN = "Größe\tKaffeebecher"


@pytest.mark.parametrize(
    ("text", "written_in", "named", "found"),
    [
        (GERMAN, "utf-8", "UTF-8", "utf-8-sig"),
        (GERMAN, "utf-8-sig", None, "utf-8-sig"),
        (GERMAN, "cp1252", None, "cp1252"),
        (GERMAN, "cp1252", "utf-8", "cp1252"),
        (GERMAN, "cp1252", "ISO-8859-1", "cp1252"),
        (GERMAN, "utf-16", None, "utf-16"),
        (GERMAN, "utf-16", "utf-8", "utf-16"),
        (JAPANESE, "cp932", "Windows-31J", "cp932"),
        (JAPANESE, "cp932", "Shift_JIS", "cp932"),
        (JAPANESE, "cp932", None, "cp932"),
        (JAPANESE, "utf-8", "no-such-charset", "utf-8-sig"),
        (JAPANESE, "utf-8", "hex", "utf-8-sig"),
        (JAPANESE, "utf-8", "x\x00y", "utf-8-sig"),
        (JAPANESE, "euc-jp", "EUC-JP", "euc_jp"),
    ],
)
def test_a_report_is_read_as_it_was_written(
    text: str, written_in: str, named: str | None, found: str
) -> None:
    source = io.BytesIO(text.encode(written_in))
    source.seek(3)
    charset = find_charset(source, named)
    assert charset == found
    assert source.read().decode(charset) == text


def test_what_no_charset_can_read_is_read_with_holes() -> None:
    source = io.BytesIO(b"302-1\xff\x81\t\x9d\xa0\xff")
    assert find_charset(source, "utf-8") == "utf-8-sig"
