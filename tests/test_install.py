"""Making the environment: once, again when a lock changes, and with a remedy when it cannot."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from solicit_dashboard import install, pythons
from solicit_dashboard.install import InstallError, ensure_installed

LOCK = "# made by uv\none==1.0 \\\n    --hash=sha256:00\ntwo==2.0 \\\n    --hash=sha256:00\n"


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that were run; pip and venv are only pretended."""
    ran: list[str] = []
    venv = tmp_path / ".venv"
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", venv)
    monkeypatch.setattr(install, "PYTHON", venv / "bin" / "python")
    monkeypatch.setattr(install, "_STAMP", venv / "installed.json")
    monkeypatch.setattr(install.shutil, "which", lambda _name, path=None: None)
    monkeypatch.setattr(install, "_version", lambda: "3.x" if venv.exists() else None)
    (tmp_path / "lock.txt").write_text(LOCK)

    def run(command: Sequence[Any], *_rest: Any, **_more: Any) -> Any:
        ran.append(" ".join(map(str, command)))
        (venv / "bin").mkdir(parents=True, exist_ok=True)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(install.subprocess, "run", run)
    return ran


def test_the_first_start_installs_by_hash_and_the_second_does_nothing(
    commands: list[str], tmp_path: Path
) -> None:
    said: list[str] = []
    assert ensure_installed(["lock.txt"], said.append) == tmp_path / ".venv" / "bin" / "python"
    assert "-m venv" in commands[0]
    assert "--require-hashes" in commands[-1]
    assert "--only-binary :all:" in commands[-1]
    assert said == ["Installing 2 packages into .venv (only when lock.txt has changed) …"]
    count = len(commands)
    ensure_installed(["lock.txt"], said.append)
    assert len(commands) == count


def test_a_changed_lock_is_installed_again(commands: list[str], tmp_path: Path) -> None:
    ensure_installed(["lock.txt"], print)
    (tmp_path / "lock.txt").write_text(LOCK.replace("1.0", "1.1"))
    commands.clear()
    ensure_installed(["lock.txt"], print)
    assert [" -m pip install " in command for command in commands][-1]
    assert not any("-m venv" in command for command in commands), "the environment is kept"


def test_another_python_means_a_new_installation(
    commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_installed(["lock.txt"], print)
    commands.clear()
    monkeypatch.setattr(install, "_version", lambda: "3.y")
    ensure_installed(["lock.txt"], print)
    assert commands


def test_uv_is_used_where_it_is(commands: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install.shutil, "which", lambda name, path=None: "/bin/uv")
    ensure_installed(["lock.txt"], print)
    assert commands[0].startswith("/bin/uv venv")
    assert commands[1].startswith("/bin/uv pip install")
    assert "--require-hashes" in commands[1]
    assert len(commands) == 2


def test_uv_that_an_earlier_lock_brought_installs_the_others(
    commands: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "more.txt").write_text(LOCK)
    own = tmp_path / ".venv" / "bin"
    monkeypatch.setattr(
        install.shutil,
        "which",
        lambda _name, path=None: f"{own}/uv" if path == own and len(commands) > 2 else None,
    )
    ensure_installed(["lock.txt", "more.txt"], print)
    assert "-m pip install" in commands[2]
    assert commands[3].startswith(f"{own}/uv pip install")
    assert len(commands) == 4


def test_without_the_venv_module_the_one_command_is_said(
    commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(install.os, "geteuid", lambda: 1000)
    with pytest.raises(InstallError, match=r"sudo apt install python3\.\d+-venv"):
        ensure_installed(["lock.txt"], print)
    assert not commands


def test_root_on_debian_installs_the_venv_module_itself(
    commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(install.os, "geteuid", lambda: 0)
    monkeypatch.setattr(
        install.shutil,
        "which",
        lambda name, path=None: "/bin/apt-get" if name == "apt-get" else None,
    )
    ensure_installed(["lock.txt"], print)
    assert commands[0].startswith("apt-get install")
    assert "-venv" in commands[0]


def test_an_old_python_is_replaced_by_the_newest_that_is_tested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(pythons.sys, "version_info", (3, 9, 1))
    monkeypatch.setattr(pythons.sys, "argv", ["./run", "--real"])
    monkeypatch.setattr(pythons, "_is_new", lambda name: name in {"python3.12", "python3.11"})
    monkeypatch.setattr(pythons.os, "execvp", lambda _file, words: became.append(words))
    with pytest.raises(SystemExit):
        pythons.use_new_python()
    assert became[0] == ["python3.12", "./run", "--real"]


def test_without_a_new_python_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons.sys, "version_info", (3, 9, 1))
    monkeypatch.setattr(pythons, "_is_new", lambda _name: False)
    with pytest.raises(SystemExit, match=r"this is 3\.9[\s\S]*sudo apt install"):
        pythons.use_new_python()


def test_a_program_that_is_no_python_is_not_taken_for_one() -> None:
    assert not pythons._is_new("no-such-program-anywhere")
    assert not pythons._is_new("false")
