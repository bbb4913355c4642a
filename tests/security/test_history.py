"""A secret that was committed once is found, also when it was removed again."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.security import history


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    git(tmp_path, "init", "--quiet")
    monkeypatch.setattr(history, "contents", lambda: CONTENTS(tmp_path))
    return tmp_path


CONTENTS = history.contents


def commit(folder: Path, text: str, message: str = "Write") -> None:
    (folder / "a file").write_text(text)
    git(folder, "add", "a file")
    git(folder, "commit", "--quiet", "-m", message)


def test_what_was_removed_again_is_found(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "AKIA" + "ABCDEFGHIJKLMNOP"
    commit(repository, f"key = {secret}")
    commit(repository, "key = None")
    assert history.main() == 1
    said = capsys.readouterr().out
    assert "a file (" in said
    assert secret not in said, "nor is it told on"


def test_a_message_of_a_commit_is_read_too(repository: Path) -> None:
    commit(repository, "nothing", "Use Atzr|" + "a" * 70)
    assert history.main() == 1


def test_nothing_is_found_where_there_is_nothing(repository: Path) -> None:
    commit(repository, "key = read_environment()")
    assert history.main() == 0
