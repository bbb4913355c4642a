"""PDFs are looked into by a process of its own, with little memory and little time.

A library that reads PDFs can be made to loop or to fill the memory by one that is made for it; what
then ends is that process, and the answer is a refusal.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import UnsupportedOperation
from pathlib import Path
from shutil import copyfileobj
from threading import BoundedSemaphore
from typing import BinaryIO

from messaging.files.refusal import WrongContentError

READ_SECONDS = 15.0
AT_ONCE = 2

_PROGRAM = Path(__file__).with_name("pdf_reader.py")
_turns = BoundedSemaphore(AT_ONCE)
_PIECE = 64 * 1024

WHY = {
    "encrypted": "is an encrypted PDF: nobody can look into it. Save it without a password.",
    "script": "is a PDF with JavaScript in it. Print it to a new PDF.",
    "launch": "is a PDF that starts a program or opens a file. Print it to a new PDF.",
    "embedded": "is a PDF with files inside it, as electronic invoices have. Save it without them.",
    "form": "is a PDF with an XFA form. Print it to a new PDF.",
    "media": "is a PDF with sounds or films in it. Print it to a new PDF.",
    "sends": "is a PDF with a form that sends what is entered. Print it to a new PDF.",
    "tail": "has something behind the end of the PDF. Save the PDF anew.",
    "packed": "is a PDF that is packed in a way that cannot be looked into. Print it to a new PDF.",
    "damaged": "is a damaged PDF: it cannot be read to its end. Save it anew.",
    "heavy": "is a PDF that takes too long or too much memory to look into. Print it to a new PDF.",
}


def check_pdf(file: BinaryIO) -> None:
    """The PDF can be read and has nothing in it that acts by itself. Raises WrongContentError.

    Takes at most READ_SECONDS, and 256 MB in a process that ends; here, nothing.
    """
    if not _turns.acquire(timeout=READ_SECONDS):
        raise WrongContentError("could not be looked into: many files come in. Try again.")
    try:
        with _as_real_file(file) as real:
            verdict = _ask(real)
    finally:
        _turns.release()
    if verdict != "good":
        raise WrongContentError(WHY.get(verdict, WHY["heavy"]))


def _ask(file: BinaryIO) -> str:
    """What the reading process says; "heavy" when it died or was too slow."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_PROGRAM)],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            timeout=READ_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "heavy"
    return done.stdout[:40].decode("ascii", "replace").strip() if done.returncode == 0 else "heavy"


@contextmanager
def _as_real_file(file: BinaryIO) -> Iterator[BinaryIO]:
    """The file as one that a process can be given, from its start."""
    file.seek(0)
    try:
        file.fileno()
    except (UnsupportedOperation, AttributeError):
        with tempfile.TemporaryFile() as copy:
            copyfileobj(file, copy, _PIECE)
            copy.seek(0)
            yield copy
    else:
        yield file
