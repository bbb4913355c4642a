"""The name under which a buyer gets a file: a plain one, with the ending that its content has."""

from __future__ import annotations

import re
import unicodedata

from messaging.files.refusal import FileRefusedError
from messaging.models import FileType

LONGEST = 120  # characters, with the ending
MOST_BYTES = 200  # of it in UTF-8
NAMELESS = "file"

ENDINGS: dict[FileType, tuple[str, ...]] = {
    FileType.PDF: (".pdf",),
    FileType.PNG: (".png",),
    FileType.JPEG: (".jpg", ".jpeg"),
    FileType.TEXT: (".txt",),
}
_ALL_ENDINGS = tuple(ending for endings in ENDINGS.values() for ending in endings)
# Characters that turn the direction of what follows them: "gpj.exe" can be made to look like another.
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# What a header, a shell or some system's folders give a meaning to.
_SPECIAL = re.compile(r"[\"<>:;|?*`$%]+")
# Windows takes these for devices, whatever ending follows.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?=[ .]|$)", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LONGEST_SHOWN = 60


def clean_name(given: str, file_type: FileType) -> str:
    """A name of at most LONGEST characters and MOST_BYTES bytes that ends as the content says.

    Folders, control characters and what is special somewhere are taken out. Raises
    FileRefusedError for one that turns the direction of its letters.
    """
    if _TURNING.search(given):
        raise FileRefusedError(
            f"“{show_name(given)}” has characters in its name that turn the direction of the "
            "others. Rename the file."
        )
    stem = _plain(given)
    ending = ENDINGS[file_type][0]
    for known in _ALL_ENDINGS:
        if stem.lower().endswith(known):
            stem = stem[: -len(known)]
            ending = known if known in ENDINGS[file_type] else ending
            break
    stem = stem.strip(" .") or NAMELESS
    if _DEVICE.match(stem):
        stem = f"_{stem}"
    return _cut(stem, ending).rstrip(" .") + ending


def show_name(given: str) -> str:
    """The name as a sentence may quote it: readable, and not long."""
    name = _TURNING.sub("", _plain(given)).strip(" .") or NAMELESS
    return name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}…"


def _plain(given: str) -> str:
    last = given.replace("\\", "/").rpartition("/")[2]
    spaced = _SPACES.sub(" ", unicodedata.normalize("NFC", last))
    seen = "".join(one for one in spaced if unicodedata.category(one) not in _UNSEEN)
    return _SPECIAL.sub("_", seen).strip().rstrip(" .")


def _cut(stem: str, ending: str) -> str:
    short = stem[: LONGEST - len(ending)].encode()[: MOST_BYTES - len(ending)]
    return short.decode(errors="ignore")
