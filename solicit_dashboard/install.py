"""Makes `.venv` from the hashed locks, once, with what the machine has: uv, or pip.

Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
_STAMP = VENV / "installed.json"


class InstallError(Exception):
    """The environment could not be made; the text says what to do."""


def ensure_installed(lock_names: Sequence[str], say: Callable[[str], None]) -> Path:
    """The Python of an environment in which these locks are installed. Raises InstallError."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # two starts at once would install over each other
        installed = _read_stamp()
        for name in lock_names:
            digest = hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
            if installed.get(name) != digest:
                _install(ROOT / name, say)
                installed = _read_stamp() | {"version": _version() or "", name: digest}
                _STAMP.write_text(json.dumps(installed, indent=1) + "\n")
    finally:
        os.close(folder)
    return PYTHON


def _read_stamp() -> dict[str, str]:
    """What is installed by which lock; empty if the environment does not work any more."""
    try:
        stamp: dict[str, str] = json.loads(_STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if stamp.get("version") == (_version() or "?") else {}


def _version() -> str | None:
    try:
        return subprocess.run(
            [PYTHON, "-c", "import sys; print(sys.version)"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _install(lock: Path, say: Callable[[str], None]) -> None:
    count = sum(line[:1].isalnum() and "==" in line for line in lock.read_text().splitlines())
    packages = "1 package" if count == 1 else f"{count} packages"
    say(f"Installing {packages} into .venv (only when {lock.name} has changed) …")
    uv = shutil.which("uv") or shutil.which("uv", path=VENV / "bin")
    if uv and _install_with_uv(uv, lock):
        return
    _make_venv(say)
    if not (VENV / "bin" / "pip").exists():
        _run([PYTHON, "-m", "ensurepip", "--upgrade"], "pip could not be put into .venv")
    command: list[str | Path] = [PYTHON, "-m", "pip", "install", "-qq", "--require-hashes"]
    command += ["--disable-pip-version-check", "--no-input", "--only-binary", ":all:"]
    _run([*command, "-r", lock], "the packages could not be installed")


def _install_with_uv(uv: str, lock: Path) -> bool:
    """Whether uv did it; it may lack the way to the packages that pip has been shown."""
    install: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", PYTHON]
    install += ["--require-hashes", "--only-binary", ":all:", "-r", lock]
    steps = [install]
    if _version() is None:
        shutil.rmtree(VENV, ignore_errors=True)
        steps.insert(0, [uv, "venv", "--quiet", "--python", sys.executable, VENV])
    return all(subprocess.run(step, cwd=ROOT, check=False).returncode == 0 for step in steps)


def _make_venv(say: Callable[[str], None]) -> None:
    if _version() is not None:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        _install_venv_module(say)
    _run([sys.executable, "-m", "venv", VENV], "the environment .venv could not be made")


def _install_venv_module(say: Callable[[str], None]) -> None:
    """Debian packs the module apart: installed if we may, else the one command to type."""
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise InstallError(
            "This Python cannot make environments. Type this once, then start again:\n"
            f"  sudo apt install {package}\n(or install uv: https://docs.astral.sh/uv/)"
        )
    say(f"Installing {package} …")
    install_debian_packages([package])


def install_debian_packages(packages: Sequence[str]) -> None:
    """The packages are installed, the lists fetched first if need be. Needs root."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *packages]
    for attempt in ([command], [["apt-get", "update", "--quiet"], command]):
        codes = [
            subprocess.run(step, env=environment, check=False, stdout=subprocess.DEVNULL).returncode
            for step in attempt
        ]
        if codes[-1] == 0:
            return
    raise InstallError(f"apt-get could not install {' '.join(packages)}.")


def _run(command: Sequence[str | Path], problem: str) -> None:
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise InstallError(f"{problem[0].upper()}{problem[1:]}; the reason stands above.")
