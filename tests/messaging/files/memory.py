"""python -m tests.messaging.files.memory: what files of 10 MB cost the processes that carry them.

The product as `./run` starts it: files go up by HTTP to gunicorn, and from the database to the
sandbox's storage. Prints by how many MB each process grew at its peak (Linux alone tells), and exits
with 1 when one grew by more than it may, or a body that is too large was waited for.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from select import select
from urllib.parse import urlsplit

import requests

from spapi import MOST_UPLOAD_BYTES
from tests.e2e.stack import Stack, started
from tests.messaging.files.bombs import make_bombs
from tests.messaging.files.contents import pdf_of_size, png_of_size

MOST_MB = 8.0
MOST_OF_A_BOMB_MB = 50.0
AT_ONCE_SECONDS = 5.0
SENT_SECONDS = 120.0
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
_FILE = re.compile(r'name="file" value="(\d+)"')
_CLIENT_KEY = re.compile(r'name="client_key" value="([\w-]+)"')
LINE = b"x" * 1023 + b"\n"
LARGEST = {
    "text": LINE * (MOST_UPLOAD_BYTES // len(LINE)),
    "PNG": png_of_size(MOST_UPLOAD_BYTES),
    "PDF": pdf_of_size(MOST_UPLOAD_BYTES),
}


@dataclass
class Growth:
    """By how many MB a process grew at its peak, and how large the reader of PDFs beside it was."""

    own: float = 0.0
    reader: float = 0.0


class Person:
    """Somebody who is logged in and brings files."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        page = self.ask("GET", "/login/")
        fields = {
            "username": name,
            "password": password,
            "csrfmiddlewaretoken": _found(_TOKEN, page),
        }
        answer = self._session.post(f"{url}/login/", data=fields, timeout=60)
        answer.raise_for_status()
        self.token = _found(_TOKEN, answer)

    def ask(
        self, method: str, path: str, fields: dict[str, str] | None = None
    ) -> requests.Response:
        """The answer."""
        held = {"csrfmiddlewaretoken": self.token, **fields} if fields is not None else None
        return self._session.request(method, f"{self._url}{path}", data=held, timeout=120)

    def bring(self, account: int, content: bytes) -> requests.Response:
        """The answer to a form with this file alone."""
        headers = {"X-CSRFToken": self.token, "HX-Request": "true"}
        files = {"upload": ("a.bin", content)}
        path = f"{self._url}/accounts/{account}/files/"
        return self._session.post(path, files=files, headers=headers, timeout=120)

    def begin(self, account: int, framing: str) -> socket.socket:
        """A connection on which a form with a file was announced, and nothing of it sent."""
        cookies = "; ".join(f"{one.name}={one.value}" for one in self._session.cookies)
        host = urlsplit(self._url)
        head = (
            f"POST /accounts/{account}/files/ HTTP/1.1\r\nHost: {host.netloc}\r\n"
            f"Cookie: {cookies}\r\nX-CSRFToken: {self.token}\r\nHX-Request: true\r\n"
            f"Content-Type: multipart/form-data; boundary=b\r\n{framing}\r\n\r\n"
        )
        connection = socket.create_connection((host.hostname or "", host.port), AT_ONCE_SECONDS)
        connection.sendall(head.encode())
        return connection


def main() -> int:
    """Exit code 1 when something took more than it may."""
    faults = []
    with started(orders=300, sellers=1, SEND_HOLD_SECONDS="0") as stack, stack.another_web() as web:
        account, number = _order(stack)
        (worker,) = _children(web.pid)
        person = Person(web.url, "operator", stack.passwords["operator"])
        for _time in range(3):  # what is made once
            assert person.bring(account, pdf_of_size(100_000)).status_code == 200
        kept = []
        for name, content in LARGEST.items():
            with growth_of([worker]) as growth:
                answer = person.bring(account, content)
            assert answer.status_code == 200, answer.text
            kept.append(_found(_FILE, answer))
            faults += _tell(f"10 MB of {name} come in, web", growth, MOST_MB)
        for name, content in make_bombs().items():
            with growth_of([worker]) as growth:
                answer = person.bring(account, content)
            assert answer.status_code == 422, f"{name}: {answer.text}"
            faults += _tell(f"{name} ({len(content):,} bytes), web", growth, MOST_OF_A_BOMB_MB)
        faults += _refusals(person, account)
        senders = _lanes(stack)
        path = f"/orders/{account}/{number}/messages/sendInvoice/"
        small = person.bring(account, pdf_of_size(100_000))
        _send(stack, person, path, _found(_FILE, small))  # what is made once
        for file in kept[:2]:
            with growth_of(senders) as growth:
                _send(stack, person, path, file)
            faults += _tell("10 MB go up to Amazon's storage, worker", growth, MOST_MB)
    return 1 if faults else 0


def _status(connection: socket.socket) -> int:
    """The status of the answer; 0 when there is none in time."""
    try:
        return int(connection.recv(65536).split(b" ", 2)[1])
    except TimeoutError:
        return 0


def _refusals(person: Person, account: int) -> Iterator[str]:
    """What must not be read is answered before any of it was sent."""
    for what, framing, wanted in (
        ("11 MB announced", f"Content-Length: {11 * 1024**2}", 422),
        ("no length", "Transfer-Encoding: chunked", 422),
    ):
        began = time.monotonic()
        with closing(person.begin(account, framing)) as connection:
            status = _status(connection)
        lasted = time.monotonic() - began
        sys.stdout.write(f"{what}, nothing sent: {status} after {lasted:.2f} s\n")
        if status != wanted:
            yield what
    with ExitStack() as stack:
        waiting = [
            stack.enter_context(closing(person.begin(account, "Content-Length: 1000")))
            for _upload in range(10)
        ]
        found: Counter[int] = Counter()
        until = time.monotonic() + AT_ONCE_SECONDS
        while found[429] < 7 and time.monotonic() < until:
            for one in select(waiting, [], [], 0.2)[0]:
                found[_status(one)] += 1
                waiting.remove(one)
        sys.stdout.write(f"10 at once, nothing sent: {found[429]} answered 429\n")
        if found != {429: 7}:
            yield "10 at once"
    answer = person.bring(account, b"x" * (MOST_UPLOAD_BYTES + 1))
    sys.stdout.write(f"10 MB and 1 byte: {answer.status_code}\n")
    if answer.status_code not in {413, 422} or "larger than 10 MB" not in answer.text:
        yield "10 MB and 1 byte"


def _send(stack: Stack, person: Person, path: str, file: str) -> None:
    before = len(stack.amazon.ledger()["messages"])
    page = person.ask("POST", path, {"file": file, "step": "check"})
    key = _found(_CLIENT_KEY, page)
    person.ask("POST", path, {"file": file, "step": "send", "client_key": key})
    until = time.monotonic() + SENT_SECONDS
    while len(stack.amazon.ledger()["messages"]) == before:
        assert time.monotonic() < until, "it was not sent"
        time.sleep(0.2)


def _order(stack: Stack) -> tuple[int, str]:
    """An order whose buyer may be sent an invoice, and its account."""
    (offers,) = stack.amazon.message_offers().values()
    found = stack.database(
        "from datetime import timedelta\nfrom django.utils import timezone\n"
        "from messaging.order_rules import open_to_messages\n"
        "since = timezone.now() - timedelta(days=25)\n"
        f"among = open_to_messages().filter(amazon_order_id__in={offers['sendInvoice']!r})\n"
        "order = among.filter(latest_delivery_at__gt=since).first()\n"
        "result = [order.account_id, order.amazon_order_id]"
    )
    return int(found[0]), str(found[1])


@contextmanager
def growth_of(pids: Sequence[int]) -> Iterator[Growth]:
    """What is filled in when it ends, of the one among these that grew most."""
    growth, ended = Growth(), threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            for child in _readers(pids):
                growth.reader = max(growth.reader, _megabytes(child, "VmHWM"))

    before = {}
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # its peak is what it has now
        before[pid] = _megabytes(pid, "VmRSS")
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield growth
    finally:
        ended.set()
        watcher.join()
    growth.own = max(_megabytes(pid, "VmHWM") - held for pid, held in before.items())


def _tell(what: str, growth: Growth, most: float) -> list[str]:
    beside = (
        f", and the reader of PDFs beside it had {growth.reader:.0f} MB" if growth.reader else ""
    )
    sys.stdout.write(f"{what}: grew by {growth.own:.1f} MB{beside}\n")
    sys.stdout.flush()
    return [what] if growth.own > most else []


def _megabytes(pid: int, name: str) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def _readers(parents: Sequence[int]) -> list[int]:
    """The processes below those that look into a PDF."""
    return [
        child
        for parent in parents
        for child in _children(parent)
        if "pdf_reader" in _command(child)
    ]


def _children(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # Behind the name, which may hold anything: the state, and the parent.
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(folder.name))
        except OSError:
            continue  # it has ended
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _lanes(stack: Stack) -> list[int]:
    """The processes of the worker that sends."""
    return [
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if "lanes@" in _command(int(folder.name)) and _is_of(stack, folder)
    ]


def _is_of(stack: Stack, folder: Path) -> bool:
    try:
        return f"DATA_DIR={stack.data_dir}\0".encode() in (folder / "environ").read_bytes()
    except OSError:
        return False


def _found(pattern: re.Pattern[str], answer: requests.Response) -> str:
    found = pattern.search(answer.text)
    assert found is not None, f"{answer.status_code}: {answer.text[:2000]}"
    return found[1]


if __name__ == "__main__":
    sys.exit(main())
