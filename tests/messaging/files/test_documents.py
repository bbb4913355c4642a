from __future__ import annotations

import io
import sys
import tempfile
import time
from pathlib import Path

import pytest

from messaging.files import documents
from messaging.files.documents import WHY, check_pdf
from messaging.files.refusal import WrongContentError
from tests.messaging.files.contents import acting_pdf, pdf


def test_the_process_reads_a_real_file_and_one_in_memory() -> None:
    check_pdf(io.BytesIO(pdf()))
    with tempfile.TemporaryFile() as file:
        file.write(acting_pdf("script"))
        with pytest.raises(WrongContentError, match="JavaScript"):
            check_pdf(file)


def test_every_word_of_the_process_has_its_sentence() -> None:
    source = Path(documents.__file__).with_name("pdf_reader.py").read_text()
    for word in WHY:
        assert f'"{word}"' in source
    assert "good" not in WHY


@pytest.mark.parametrize(
    "program",
    [
        "import time\ntime.sleep(60)",
        "import os\nos.kill(os.getpid(), 9)",
        "raise MemoryError",
        "print('something else')",
    ],
)
def test_a_process_that_dies_or_hangs_is_a_refusal(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "reader.py"
    path.write_text(program)
    monkeypatch.setattr(documents, "_PROGRAM", path)
    monkeypatch.setattr(documents, "READ_SECONDS", 0.3 if "sleep" in program else 15.0)
    began = time.monotonic()
    with pytest.raises(WrongContentError, match="too long or too much memory"):
        check_pdf(io.BytesIO(pdf()))
    assert time.monotonic() - began < 20


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not hold to the limit")
def test_the_process_has_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Path(documents.__file__).with_name("pdf_reader.py").read_text()
    path = tmp_path / "reader.py"
    path.write_text(reader.replace("    _scan(data)", "        bytearray(2**29)"))
    monkeypatch.setattr(documents, "_PROGRAM", path)
    assert "bytearray" in path.read_text()
    with pytest.raises(WrongContentError, match="too long or too much memory"):
        check_pdf(io.BytesIO(pdf()))


def test_only_two_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "READ_SECONDS", 0.01)
    turns = documents._turns
    for _turn in range(documents.AT_ONCE):
        assert turns.acquire(blocking=False)
    try:
        with pytest.raises(WrongContentError, match="many files come in"):
            check_pdf(io.BytesIO(pdf()))
    finally:
        turns.release(documents.AT_ONCE)
