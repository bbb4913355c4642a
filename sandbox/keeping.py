"""The directory of `--data`: which world it is, and the journal of what was asked."""

import fcntl
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from sandbox.options import Options
from sandbox.world import WorldPlan

_STATE = "sandbox.json"
_JOURNAL = "ledger.jsonl"


class KeepingError(Exception):
    """The directory cannot be used; the text says why."""


@dataclass(slots=True)
class Kept:
    """The world's plan, and where its journal is (None: nothing is kept).

    `overruled` names the options that were given but do not fit what was kept.
    """

    plan: WorldPlan
    journal: Path | None = None
    overruled: tuple[str, ...] = ()
    lock: IO[str] | None = None

    def close(self) -> None:
        """Another sandbox may use the directory."""
        if self.lock is not None:
            self.lock.close()
            self.lock = None


def keep(options: Options, now: float) -> Kept:
    """The plan of an earlier start with this directory, else a new one that is kept there.

    KeepingError when the directory cannot be written, is not ours or is used by another sandbox.
    """
    wanted = {
        name: value
        for name in ("seed", "orders", "sellers", "epoch")
        if (value := getattr(options, name)) is not None
    }
    fresh = WorldPlan(**{"epoch": int(now), **wanted})
    if options.data is None:
        return Kept(fresh)
    try:
        options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _locked(options.data / _STATE)
    except OSError as error:
        raise KeepingError(f"{options.data} cannot be used: {error.strerror}.") from error
    try:
        plan = _read(lock, options.data) or fresh
    except KeepingError:
        lock.close()
        raise
    if plan is fresh:
        lock.write(json.dumps(asdict(plan)) + "\n")
        lock.flush()
    kept = asdict(plan)
    overruled = tuple(name for name, value in wanted.items() if kept[name] != value)
    return Kept(plan, options.data / _JOURNAL, overruled, lock)


def _locked(path: Path) -> IO[str]:
    """The file, open and locked for as long as it stays open."""
    path.touch(mode=0o600)
    file = path.open("r+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise KeepingError(f"{path.parent} is used by another sandbox.") from None
    return file


def _read(file: IO[str], directory: Path) -> WorldPlan | None:
    text = file.read()
    if not text:
        return None
    try:
        return WorldPlan(**json.loads(text))
    except (ValueError, TypeError):
        raise KeepingError(f"{directory / _STATE} is not a sandbox's; remove it.") from None
