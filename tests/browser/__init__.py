"""The browser of the tests: found, or installed with what this user may do."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

from solicit_dashboard.install import (
    VENV,
    InstallError,
    ensure_installed,
    install_debian_packages,
)

# Debian's own build without windows first: pages cost it a third of the others' time.
NAMES = (
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome", "google-chrome-stable"),
)
REMEDY = (
    "The tests need a Chromium. Install one (sudo apt install chromium) or say where it is: "
    "CHROMIUM_PATH=/path/to/chromium ./test"
)
_PACKAGES = ["chromium-headless-shell", "fonts-dejavu-core", "libatomic1"]
_UNPACK = """
import chromium from "@sparticuz/chromium";
chromium.setGraphicsMode = false;
console.log(await chromium.executablePath());
"""


class NoBrowserError(Exception):
    """No browser could be found or installed; the text says what to do."""


def find_browser() -> Path | None:
    """The browser that CHROMIUM_PATH names, or one on PATH. Raises NoBrowserError if
    CHROMIUM_PATH is wrong: another browser than the one asked for would be a surprise."""
    named = os.environ.get("CHROMIUM_PATH")
    if named:
        if not os.access(named, os.X_OK):
            raise NoBrowserError(f"CHROMIUM_PATH={named} cannot be started.\n{REMEDY}")
        return Path(named)
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    return None


def obtain_browser(say: Callable[[str], None]) -> dict[str, str]:
    """The settings with which the tests find a browser: found, installed by apt if we are root,
    else unpacked into `.venv`. Raises NoBrowserError."""
    found = find_browser()
    try:
        if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
            say("Installing a browser: apt-get install " + " ".join(_PACKAGES) + " …")
            install_debian_packages(_PACKAGES)
            found = find_browser()
        if found is not None:
            return {"CHROMIUM_PATH": str(found)}
        return _unpacked_browser(VENV / "browser", say)
    except (InstallError, OSError, subprocess.CalledProcessError) as error:
        raise NoBrowserError(f"{error}\n{REMEDY}") from None


def _unpacked_browser(folder: Path, say: Callable[[str], None]) -> dict[str, str]:
    """A browser that needs nothing of the system, made for machines where nothing may be
    installed. Linux only."""
    start = folder / "chromium"
    node = VENV / "bin" / "node"
    if not start.exists():
        say("Fetching a browser into .venv (75 MB) …")
        ensure_installed(["requirements-browser.txt"], say)
        shutil.rmtree(folder, ignore_errors=True)
        unpacked = folder / "unpacked"
        unpacked.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(Path(__file__).with_name(name), folder)
        environment = os.environ | {
            "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}",
            "TMPDIR": str(unpacked),
            # With this the package also unpacks the libraries that a bare system lacks.
            "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs24.x",
        }
        for command in (
            [node.with_name("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            [node, "--input-type=module", "--eval", _UNPACK],
        ):
            subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        # The package's own list of fonts expects them in /tmp.
        fonts = folder / "fonts.conf"
        fonts.write_text(
            f"<fontconfig><dir>{unpacked}/fonts</dir>"
            f"<cachedir>{folder}/fonts-cache</cachedir></fontconfig>\n"
        )
        # A wrapper, so that only the browser and not every program sees those libraries.
        draft = folder / "chromium.new"
        draft.write_text(
            "#!/bin/sh\n"
            f'export LD_LIBRARY_PATH="{unpacked}/al2023/lib"\n'
            f'export FONTCONFIG_FILE="{fonts}"\n'
            f'exec "{unpacked}/chromium" "$@"\n'
        )
        draft.chmod(draft.stat().st_mode | stat.S_IXUSR)
        draft.rename(start)
    # Playwright's own node needs a library that a bare system lacks; this one does not.
    return {"CHROMIUM_PATH": str(start), "PLAYWRIGHT_NODEJS_PATH": str(node)}
