"""Reads single values of the environment and remembers what is wrong with them."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

_MARKETPLACE = re.compile(r"A[A-Z0-9]{9,19}")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


def is_loopback(host: str | None) -> bool:
    """Whether the host is this machine itself, by name or by number."""
    if not host:
        return False
    if host.lower() in LOOPBACK_HOSTS:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Reader:
    """Reads values one by one and collects the faults instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.faults: list[str] = []

    def fault(self, name: str, problem: str, fix: str) -> None:
        self.faults.append(f"{name}: {problem}. {fix}")

    def missing(self, name: str, fix: str) -> None:
        """A fault, unless the file that should have had the value is one already."""
        if not any(fault.startswith(f"{name}_FILE: ") for fault in self.faults):
            self.fault(name, "is missing", fix)

    def text(self, name: str) -> str | None:
        value = self._environ.get(name, "").strip()
        path = self._environ.get(f"{name}_FILE", "").strip()
        if value and path:
            self.fault(name, f"{name}_FILE is set too", "Set one of the two.")
        if value or not path:
            return value or None
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            self.fault(
                f"{name}_FILE",
                f"{path} cannot be read ({reason})",
                "Give the path of a file that this user can read.",
            )
            return None

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in (self.text(name) or "").split(",") if part.strip())

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.text(name)
        if value is None:
            return default
        if value.lower() in {"0", "false", "no", "off"}:
            return False
        if value.lower() not in {"1", "true", "yes", "on"}:
            self.fault(name, f"{value!r} is neither yes nor no", "Write 1 or 0.")
            return False
        return True

    def decimal(self, name: str, default: float, low: float, high: float) -> float:
        value = self.text(name)
        if value is None:
            return default
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            self.fault(
                name, f"{value!r} is no number that can be used", f"Write {low:g} to {high:g}."
            )
            return default
        return number

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            self.fault(
                name,
                f"{value!r} is no number that can be used",
                f"Write a whole number from {low} to {high}.",
            )
            return default
        return int(value)

    def choice(self, name: str, default: str, choices: Sequence[str]) -> str:
        value = self.text(name) or default
        for known in choices:
            if value.lower() == known.lower():
                return known
        self.fault(name, f"{value!r} is not known", f"Write one of {', '.join(choices)}.")
        return default

    def endpoint(self, name: str) -> str | None:
        """The base address without its last slash: https, or http on this machine."""
        value = self.text(name)
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            host, _port = parts.hostname, parts.port
        except ValueError:
            parts, host = urlsplit(""), None
        if not host or parts.scheme not in {"http", "https"}:
            self.fault(name, "is not a web address", "Write it as https://host[:port].")
            return None
        if parts.username is not None or parts.query or parts.fragment:
            self.fault(
                name, "has a user name, query or fragment", "Write only https://host[:port][/path]."
            )
            return None
        if parts.scheme == "http" and not is_loopback(host):
            self.fault(name, f"http to {host} would show secrets to the network", "Use https.")
            return None
        return value.rstrip("/")

    def socket_address(self, name: str) -> str | None:
        """Where a service listens: `tcp://host:port` or `unix:/path`."""
        value = self.text(name)
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            is_tcp = parts.scheme == "tcp" and bool(parts.hostname and parts.port)
        except ValueError:
            parts, is_tcp = urlsplit(""), False
        is_unix = parts.scheme == "unix" and not parts.netloc and parts.path.startswith("/")
        if is_unix or (is_tcp and not (parts.path or parts.query or parts.username)):
            return value
        self.fault(name, "is no address of a service", "Write tcp://host:port or unix:/path.")
        return None

    def hosts(self, name: str) -> dict[str, str]:
        """Host names by marketplace, written as `MARKETPLACE=host` with commas in between."""
        found = {}
        for word in self.words(name):
            marketplace, _, host = word.partition("=")
            if not (_MARKETPLACE.fullmatch(marketplace) and _HOST.fullmatch(host)):
                self.fault(
                    name,
                    f"{word!r} is not a marketplace and a host",
                    "Write A28R8C7NBKEWEA=sellercentral.example.com, with commas in between.",
                )
                continue
            found[marketplace] = host
        return found

    def host_names(self, name: str) -> tuple[str, ...]:
        """Host names with commas in between; `*.` before one stands for all below it."""
        words = tuple(word.lower() for word in self.words(name))
        for word in words:
            if not _HOST.fullmatch(word.removeprefix("*.")):
                self.fault(
                    name,
                    f"{word!r} is not a host",
                    "Write s3.example.com or *.s3.example.com, with commas in between.",
                )
        return words
