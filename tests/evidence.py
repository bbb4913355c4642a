"""What a run of the product leaves behind, as bytes by name, and the search for secrets in it."""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlencode, urlsplit

import psycopg
from redis import Redis

# Words of a message in Redis that may be base64 (Celery's bodies are).
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")


@dataclass
class Evidence:
    """Pieces by name; a piece that is added twice is kept twice."""

    pieces: list[tuple[str, bytes]] = field(default_factory=list)
    _unpacked: dict[bytes, list[bytes]] = field(default_factory=dict, repr=False)

    def add(self, name: str, content: bytes | str) -> None:
        """The content is searched from now on."""
        raw = content.encode() if isinstance(content, str) else content
        self.pieces.append((name, raw))

    def add_files(self, folder: Path, *, without: Collection[str] = ()) -> None:
        """All files below the folder; `without` names files and folders relative to it."""
        left_out = {folder / name for name in without}
        for path in sorted(folder.rglob("*")):
            if left_out.isdisjoint({path, *path.parents}) and path.is_file():
                with suppress(FileNotFoundError):  # it has gone since it was listed
                    self.add(f"file {path.relative_to(folder)}", path.read_bytes())

    def add_postgres(self, url: str) -> None:
        """Every row of every table."""
        with psycopg.connect(url) as connection:
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall()
            for (table,) in tables:
                with connection.cursor().copy(f'COPY "{table}" TO STDOUT') as rows:  # type: ignore[arg-type, unused-ignore]
                    self.add(f"table {table}", b"".join(bytes(block) for block in rows))

    def add_redis(self, client: Redis) -> None:
        """Every key with its value."""
        for key in client.scan_iter("*", count=1000):
            value = read_key(client, key)
            self.add(f"Redis {key!r}", key + b"\n" + value)

    def add_processes(self, pids: Collection[int], part: str) -> None:
        """`cmdline` or `environ` of these processes, where the system shows it (Linux)."""
        for pid in pids:
            try:
                content = Path(f"/proc/{pid}/{part}").read_bytes()
            except OSError:
                continue  # it has ended, or this is no Linux
            self.add(f"{part} of a process", content)

    def search(self, secrets: Mapping[str, str]) -> list[str]:
        """Where which secret stands in any form; without the secret itself."""
        wanted = {secret: set(forms(value)) for secret, value in secrets.items()}
        return [
            f"{secret} in {piece}"
            for piece, content in self.pieces
            for secret, ways in wanted.items()
            if self._holds(content, ways)
        ]

    def mentions(self, text: str) -> set[str]:
        """The kinds of pieces (the first word of the name) in which a harmless text stands."""
        ways = set(forms(text))
        return {name.split()[0] for name, content in self.pieces if self._holds(content, ways)}

    def _holds(self, content: bytes, ways: Collection[bytes]) -> bool:
        """Whether one of the ways stands in the content, also where that is base64 in base64."""
        if content not in self._unpacked:
            self._unpacked[content] = list(_layers(content, 2))
        return any(way in layer for layer in self._unpacked[content] for way in ways)


@dataclass
class Browser:
    """Somebody with cookies; everything that the product answers is evidence."""

    url: str
    evidence: Evidence
    cookies: dict[str, str] = field(default_factory=dict)
    page: str = ""
    """What was answered last."""
    location: str = ""
    """Where that leads, if it leads anywhere."""

    def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, **form: str
    ) -> int:
        """The status of the answer to this request; the answer itself is kept as evidence."""
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, urlencode(form) or None, sent | (headers or {}))
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        self.evidence.add(f"page {method} {answer.status}", str(answer.headers).encode() + body)
        self.page = body.decode("utf-8", "replace")
        self.location = answer.headers.get("Location") or ""
        return answer.status

    def send(self, path: str, **form: str) -> int:
        """The status of the answer to this form, sent with the secret that makes it ours."""
        return self.ask("POST", path, csrfmiddlewaretoken=self.cookies["csrftoken"], **form)

    def log_in(self, name: str, password: str) -> bool:
        """Whether the product let this person in."""
        self.ask("GET", "/login/")
        return self.send("/login/", username=name, password=password) == 302


def read_key(client: Redis, key: bytes) -> bytes:
    """The value of a key of any type, as bytes; empty when it has gone."""
    readers: dict[bytes, Any] = {
        b"string": lambda: [client.get(key) or b""],
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: [member for member, _ in client.zrange(key, 0, -1, withscores=True)],
        b"hash": lambda: [part for pair in client.hgetall(key).items() for part in pair],
        b"none": list,
    }
    return b"\n".join(readers[client.type(key)]())


def forms(value: str) -> Iterator[bytes]:
    """The ways in which a text may stand in a file, a message or a page."""
    raw = value.encode()
    yield raw
    yield from (quoter(value, safe="").encode() for quoter in (quote, quote_plus))
    yield json.dumps(value)[1:-1].encode()
    yield raw.hex().encode()
    # as MONITOR and Python's repr of bytes write it
    yield repr(raw)[2:-1].encode()
    # the part that is the same wherever it begins within a longer text
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        yield encoded[4 if offset else 0 : len(encoded) - 4]


def _layers(content: bytes, depth: int) -> Iterator[bytes]:
    yield content
    if depth:
        for word in _BASE64.findall(content):
            try:
                inner = base64.b64decode(word.translate(bytes.maketrans(b"-_", b"+/")))
            except (binascii.Error, ValueError):
                continue
            yield from _layers(inner, depth - 1)


@contextmanager
def watched_redis(url: str, evidence: Evidence) -> Iterator[None]:
    """All that anybody tells the server in the meantime (MONITOR) is evidence afterwards."""
    lines: list[bytes] = []
    end = f"the watch is over {id(lines)}"
    ready = threading.Event()
    client = Redis.from_url(url)

    def listen() -> None:
        with client.monitor() as monitor:
            ready.set()
            for command in monitor.listen():
                line = command["command"]
                if end in line:
                    return
                lines.append(line.encode("utf-8", "surrogateescape"))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    if not ready.wait(30):
        raise RuntimeError("Redis does not let itself be watched")
    try:
        yield
    finally:
        with Redis.from_url(url) as other:
            other.echo(end)
        thread.join(30)
        client.close()
        evidence.add("MONITOR", b"\n".join(lines))
