"""What `./run` and `./test` do: make the environment, then become what was asked for.

Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from solicit_dashboard.install import ROOT, InstallError, ensure_installed
from solicit_dashboard.local import LocalError, add_options, environment_of_last_start, prepare

_DESCRIPTION = """\
Starts the dashboard on this machine and everything that it needs.

  ./run                 a demonstration, with an Amazon of its own on this machine
  ./run --real          the same against Amazon, empty at first
  ./run manage ARGS     a command of manage.py in the environment of the last start
  ./run python ARGS     Python in that environment
"""
# uv first: it installs the others.
_TEST_LOCKS = ("requirements-uv.txt", "requirements.txt", "requirements-dev.txt")


def main(words: Sequence[str]) -> int:
    """Does not return when all is well: the process becomes the dashboard or the command."""
    try:
        if words and words[0] in {"manage", "python"}:
            environment = environment_of_last_start(os.environ)
            python = ensure_installed(_locks(environment), _say_aside)
            script = [str(ROOT / "manage.py")] if words[0] == "manage" else []
            environment["PYTHONPATH"] = str(ROOT)
        else:
            parser = argparse.ArgumentParser(
                prog="./run",
                description=_DESCRIPTION,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
            add_options(parser)
            options = parser.parse_args(words)
            prepared = prepare(options, os.environ)
            environment = prepared.environment
            python = ensure_installed(_locks(environment), _say)
            script, words = [str(ROOT / "manage.py"), "up"], ["", *prepared.arguments]
            os.chdir(ROOT)
    except (InstallError, LocalError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return _become(python, [*script, *words[1:]], environment)


def test(words: Sequence[str]) -> int:
    """Does not return when all is well: the process becomes the test suite."""
    try:
        python = ensure_installed(_TEST_LOCKS, _say)
    except InstallError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    os.chdir(ROOT)
    return _become(python, ["-m", "tests.suite", *words], dict(os.environ))


def _locks(environment: Mapping[str, str]) -> list[str]:
    """What has to be installed; for reading a queue at AWS more than for the rest."""
    has_queue = any(environment.get(name) for name in ("SQS_QUEUE_ARN", "SQS_QUEUE_ARN_FILE"))
    return ["requirements.txt", *(["requirements-aws.txt"] if has_queue else [])]


def _become(python: Path, words: Sequence[str], environment: dict[str, str]) -> int:
    # PATH and VIRTUAL_ENV as an activated environment has them, for programs that look there.
    environment["VIRTUAL_ENV"] = str(python.parent.parent)
    environment["PATH"] = f"{python.parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    sys.stdout.flush()
    return os.execve(python, [str(python), *words], environment)  # noqa: S606


def _say(line: str) -> None:
    print(line, flush=True)


def _say_aside(line: str) -> None:
    """Standard output belongs to the command, which may write JSON there."""
    print(line, file=sys.stderr, flush=True)
