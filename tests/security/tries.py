"""python -m tests.security.tries: 10,000 tries of passwords against the web as the product runs it.

gunicorn, a database and Redis of its own; the tries come from one address and from many, at one
person and at many names. Meanwhile the owner of the name logs in with the right password, in a
browser that is known and in one that is not. What is printed stands in docs/security.md.
"""

from __future__ import annotations

import argparse
import itertools
import re
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests

from tests.e2e.stack import started

OWNER = "operator"
AT_ONCE = 8
EVERY_SECONDS = 2.0
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class Browser:
    """A browser that comes from the address that it is told to come from, over https."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._form_secret = ""
        self.cookies: dict[str, str] = {}

    def log_in(self, name: str, password: str, address: str) -> tuple[int, float]:
        """The status of the answer and how long it took, in seconds; 302 is: in."""
        token = self._token(address)
        fields = {"username": name, "password": password, "csrfmiddlewaretoken": token}
        began = time.monotonic()
        answer = self._ask("POST", address, fields)
        return answer.status_code, time.monotonic() - began

    def leave(self) -> None:
        """The session is forgotten; the browser stays known."""
        self.cookies = {
            name: value for name, value in self.cookies.items() if "session" not in name
        }
        self._form_secret = ""  # a log-in makes another

    def _token(self, address: str) -> str:
        if not self._form_secret:
            found = _TOKEN.search(self._ask("GET", address).text)
            if found is None:
                raise RuntimeError("the log-in page has no form")
            self._form_secret = found[1]
        return self._form_secret

    def _ask(
        self, method: str, address: str, fields: dict[str, str] | None = None
    ) -> requests.Response:
        host = urlsplit(self._url).netloc
        headers = {
            "X-Forwarded-For": address,
            "X-Forwarded-Proto": "https",
            "Referer": f"https://{host}/login/",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        answer = self._session.request(
            method, f"{self._url}/login/", data=fields, headers=headers, allow_redirects=False,
            timeout=120,
        )  # fmt: skip
        self.cookies |= {cookie.name: cookie.value or "" for cookie in answer.cookies}
        self._session.cookies.clear()
        return answer


@dataclass
class Attack:
    """So many tries by one rule, and what was answered."""

    title: str
    source: Callable[[int], str]
    """The address from which try number so-and-so comes."""
    name: Callable[[int], str]
    """Whose password it tries."""
    share: float
    """Its part of all tries: less where each is looked at, and takes a hash."""
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def run(self, url: str, number: int) -> None:
        """All tries were made, AT_ONCE at a time."""
        numbers: Iterator[int] = iter(range(number))
        lock = threading.Lock()

        def work() -> None:
            browser = Browser(url)
            while True:
                with lock:
                    try_number = next(numbers, None)
                if try_number is None:
                    return
                status, seconds = browser.log_in(
                    self.name(try_number),
                    f"Wrong horse, battery {try_number}",
                    self.source(try_number),
                )
                with lock:
                    self.statuses[status] += 1
                    self.seconds.append(seconds)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(work) for _ in range(AT_ONCE)]:
                done.result()


@dataclass
class Owner:
    """Logs in again and again with the right password, from an address of their own."""

    title: str
    url: str
    browser: Browser | None
    """None: another one each time, in which they have never been."""
    address: Callable[[int], str]
    password: str
    waited: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def run(self, ended: threading.Event) -> None:
        """Until the event is set, and once at least."""
        for number in itertools.count():
            browser = self.browser or Browser(self.url)
            status, seconds = browser.log_in(OWNER, self.password, self.address(number))
            browser.leave()
            self.statuses[status] += 1
            self.waited.append(seconds)
            if ended.wait(EVERY_SECONDS):
                return

    def words(self) -> str:
        """How it went, for a person."""
        slowest = max(self.waited)
        return (
            f"{self.title}: in {self.statuses[302]} of {sum(self.statuses.values())} times, "
            f"after {statistics.median(self.waited):.2f} s (median), {slowest:.2f} s (longest)"
        )


def far(number: int) -> str:
    """Another address for each number."""
    return f"198.{18 + number // 65536 % 2}.{number // 256 % 256}.{number % 256}"


ATTACKS = (
    Attack("one address, one name", lambda _n: "203.0.113.9", lambda _n: OWNER, 0.3),
    Attack("one address, a name each", lambda _n: "203.0.113.10", lambda n: f"name{n}", 0.3),
    Attack("an address each, one name", far, lambda _n: OWNER, 0.35),
    Attack("an address each, a name each", lambda n: far(n + 30_000), lambda n: f"other{n}", 0.05),
)


def main() -> int:
    """Exit code 1 when a try got in, or the owner was kept out of the known browser."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tries", type=int, default=10_000, help="shared by the four attacks")
    options = parser.parse_args()
    is_well = True
    # Each attack has 15 minutes' limits of its own: a dashboard for each.
    for attack in ATTACKS:
        with started(orders=10, sellers=1) as stack, stack.another_web(TRUSTED_PROXIES="1") as web:
            is_well &= _attack(
                attack, web.url, round(options.tries * attack.share), stack.passwords[OWNER]
            )
    return 0 if is_well else 1


def _attack(attack: Attack, url: str, tries: int, password: str) -> bool:
    known = Browser(url)
    assert known.log_in(OWNER, password, "192.0.2.1")[0] == 302
    known.leave()
    owners = [
        Owner("the owner in a known browser", url, known, lambda _n: "192.0.2.1", password),
        Owner("the owner in new browsers", url, None, lambda n: f"192.0.2.{n % 250 + 2}", password),
    ]
    ended = threading.Event()
    with ThreadPoolExecutor(len(owners)) as pool:
        coming = [pool.submit(owner.run, ended) for owner in owners]
        began = time.monotonic()
        try:
            attack.run(url, tries)
        finally:
            ended.set()
        lasted = time.monotonic() - began
        for one in coming:
            one.result()
    looked_at = attack.statuses[200]
    sys.stdout.write(
        f"{attack.title}: {tries} tries in {lasted:.0f} s, {looked_at} looked at and refused, "
        f"{attack.statuses[429]} not looked at (429), {attack.statuses[302]} let in; "
        f"answered after {statistics.median(attack.seconds):.3f} s (median)\n"
    )
    sys.stdout.writelines(f"  {owner.words()}\n" for owner in owners)
    sys.stdout.flush()
    is_shut_out = owners[0].statuses[302] != sum(owners[0].statuses.values())
    return not attack.statuses[302] and not is_shut_out and set(attack.statuses) <= {200, 429}


if __name__ == "__main__":
    sys.exit(main())
