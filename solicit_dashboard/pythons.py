"""Finds a Python that is new enough. Written so that Python 3.6 can still read it."""

import os
import subprocess
import sys

OLDEST = (3, 11)
# The newest that the tests run on comes first; one that is newer still is better than none.
CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3.14", "python3.15", "python3")


def use_new_python() -> None:
    """This program runs in Python 3.11 or newer: restarted in the best one found, or ended
    with the remedy."""
    if sys.version_info >= OLDEST:
        return
    for name in CANDIDATES:
        if _is_new(name):
            sys.stdout.flush()
            os.execvp(name, [name, *sys.argv])  # noqa: S606
    sys.exit(
        "Python 3.11 or newer is needed; this is {}.{}, and no other was found on PATH.\n"
        "Install one, for example: sudo apt install python3.11 python3.11-venv".format(
            *sys.version_info[:2]
        )
    )


def _is_new(name: str) -> bool:
    try:
        answer = subprocess.check_output(
            [name, "-c", "import sys; print('%d %d' % sys.version_info[:2])"],
            stderr=subprocess.DEVNULL,
        )
        return tuple(int(part) for part in answer.split()) >= OLDEST
    except (OSError, ValueError, subprocess.CalledProcessError):
        return False
