"""The options of the command, the same for `python -m sandbox` and `manage.py sandbox`."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """What a sandbox is started with; None for a number of the world means kept, or the default.

    `latency_ms` each way, `rate_factor` multiplies Amazon's rates, `empty_share` is the share of
    offers that Amazon's list leaves out, `clock_offset_s` how far its clock is ahead of the
    machine's, `epoch` the moment (seconds since 1970) at which the past ends.
    """

    port: int = 0
    host: str = "127.0.0.1"
    orders: int | None = None
    sellers: int | None = None
    seed: int | None = None
    epoch: int | None = None
    latency_ms: float = 0.0
    rate_factor: float = 1.0
    empty_share: float = 0.0
    clock_offset_s: float = 0.0
    faults: Path | None = None
    data: Path | None = None


def add_options(parser: argparse.ArgumentParser) -> None:
    """The parser knows all options of the sandbox."""
    flags: dict[str, tuple[Callable[[str], object], str]] = {
        "--port": (_port, "port to listen on; 0 for any free one (the default)"),
        "--host": (str, "address to listen on (127.0.0.1)"),
        "--orders": (_from_one, "orders of each seller in the 120 days before the start (2000)"),
        "--sellers": (_from_one, "number of sellers (2)"),
        "--seed": (int, "the same seed gives the same world (1)"),
        "--epoch": (int, "end of the past, in seconds since 1970 (now)"),
        "--latency-ms": (_amount, "milliseconds each way, with jitter (0)"),
        "--rate-factor": (_factor, "multiplies Amazon's rates (1)"),
        "--empty-share": (_share, "share of offers that Amazon's list leaves out (0)"),
        "--clock-offset-s": (float, "seconds by which its clock is ahead (0)"),
        "--faults": (Path, "JSON file with fault rules; see sandbox/faults"),
        "--data": (Path, "directory in which the world and the ledger are kept"),
    }
    for flag, (kind, help_text) in flags.items():
        parser.add_argument(flag, type=kind, default=argparse.SUPPRESS, help=help_text)


def options_from(values: dict[str, object]) -> Options:
    """The options among parsed arguments; what was not given has its default."""
    known = {field.name for field in fields(Options)}
    return Options(**{name: value for name, value in values.items() if name in known})  # type: ignore[arg-type]


def _port(text: str) -> int:
    return int(_between(text, 0, 65_535))


def _from_one(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(_between(text, 1, 10**7))


def _amount(text: str) -> float:
    return _between(text, 0, 10**6)


def _factor(text: str) -> float:
    return _between(text, 0.001, 10**6)


def _share(text: str) -> float:
    return _between(text, 0, 1)


def _between(text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text} is not between {least} and {most}")
    return value
