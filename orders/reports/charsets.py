"""In which charset a report is written: Amazon's own differ from marketplace to marketplace.

The name that came with the document counts if the document can be read by it; else UTF-8, then
Windows-1252 (Western Europe), then CP932 (Japan), whichever reads all of it.
"""

from __future__ import annotations

import codecs
from typing import BinaryIO

_PIECE = 1 << 20
# Names that promise less than what is meant, as browsers read them (https://encoding.spec.whatwg.org).
_MEANT = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "shift_jis": "cp932",
    "utf-8": "utf-8-sig",
}
_TRIED = ("utf-8-sig", "cp1252", "cp932")
_LAST = "utf-8-sig"


def find_charset(source: BinaryIO, named: str | None) -> str:
    """Python's name of the charset in which all of the file can be read, from its beginning.

    `utf-8-sig` when there is none: then what cannot be read is replaced. The file is left at its
    beginning.
    """
    source.seek(0)
    beginning = source.read(2)
    source.seek(0)
    if beginning in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        return "utf-16"
    for charset in dict.fromkeys((*_known(named), *_TRIED)):
        readable = _reads(source, charset)
        source.seek(0)
        if readable:
            return charset
    return _LAST


def _known(named: str | None) -> tuple[str, ...]:
    try:
        found = codecs.lookup(named or "")
        b"a".decode(found.name)  # refuses codecs that are not of texts
    except (LookupError, ValueError):
        return ()
    return (_MEANT.get(found.name, found.name),)


def _reads(source: BinaryIO, charset: str) -> bool:
    decoder = codecs.getincrementaldecoder(charset)()
    try:
        while piece := source.read(_PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True
