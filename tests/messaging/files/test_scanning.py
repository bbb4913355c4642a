"""The scanner, against a little server that speaks the protocol of clamd."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pytest_django import Settings

from messaging.files import scanning
from messaging.files.refusal import FileRefusedError
from messaging.files.scanning import has_scanner, scan_file
from tests.messaging.files.scanner import VIRUS, judge, serving


@pytest.fixture
def listener(settings: Settings) -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(20)
        settings.FILE_SCANNER = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        yield listener


def test_a_file_without_a_virus_is_scanned(listener: socket.socket) -> None:
    with serving(listener, judge):
        assert scan_file(io.BytesIO(b"x" * 200_000), "a.txt") is True


def test_a_virus_is_refused(listener: socket.socket) -> None:
    with serving(listener, judge), pytest.raises(FileRefusedError, match="is not safe"):
        scan_file(io.BytesIO(b"x" * 100_000 + VIRUS), "a.txt")


def test_a_scanner_is_reached_by_a_socket_of_this_machine(
    tmp_path: Path, settings: Settings
) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(tmp_path / "clamd"))
        listener.listen()
        listener.settimeout(20)
        settings.FILE_SCANNER = f"unix:{tmp_path / 'clamd'}"
        with serving(listener, judge):
            assert scan_file(io.BytesIO(b"x"), "a.txt") is True


@pytest.mark.parametrize(
    "answer", [b"", b"INSTREAM size limit exceeded. ERROR\0", b"OK\0", b"x" * 5000]
)
def test_a_scanner_without_a_verdict_lets_nothing_pass(
    listener: socket.socket, answer: bytes
) -> None:
    with (
        serving(listener, lambda _content: answer),
        pytest.raises(FileRefusedError, match="does not answer"),
    ):
        scan_file(io.BytesIO(b"x"), "a.txt")


def test_a_scanner_that_hangs_lets_nothing_pass(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "SCAN_SECONDS", 0.05)
    with pytest.raises(FileRefusedError, match="does not answer"):
        scan_file(io.BytesIO(b"x"), "a.txt")


def test_a_scanner_that_is_away_lets_nothing_pass(tmp_path: Path, settings: Settings) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as closed:
        port = closed.getsockname()[1]
    for address in (f"tcp://127.0.0.1:{port}", f"unix:{tmp_path / 'nothing'}"):
        settings.FILE_SCANNER = address
        with pytest.raises(FileRefusedError, match="does not answer"):
            scan_file(io.BytesIO(b"x"), "a.txt")


def test_without_a_scanner_nothing_is_scanned(settings: Settings) -> None:
    settings.FILE_SCANNER = None
    assert not has_scanner()
    assert scan_file(io.BytesIO(VIRUS), "a.txt") is False
