"""Two processes with fifty threads each need a token at once: Login with Amazon is asked once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import pytest

from sandbox.testing import Running, SellerKeys, running
from sellers.tokens import LOCK_SECONDS, RedisTokenStore
from solicit_dashboard.redis import get_redis, redis_key
from spapi import AccessToken
from spapi.tokens import REFRESH_BEFORE

ROOT = Path(__file__).resolve().parents[2]
PROCESSES, THREADS = 2, 50

pytestmark = [pytest.mark.processes, pytest.mark.usefixtures("redis_empty")]


class Needy:
    """Processes of `tests.sellers.token_process` that share the tests' Redis and one Amazon."""

    def __init__(self, amazon: Running, processes: list[subprocess.Popen[str]]) -> None:
        self.amazon = amazon
        self._pipes: list[tuple[IO[str], IO[str]]] = []
        for process in processes:
            assert process.stdin is not None
            assert process.stdout is not None
            self._pipes.append((process.stdin, process.stdout))
        keys = {output.readline().removeprefix("key ").strip() for _, output in self._pipes}
        (self.key,) = keys

    def all_at_once(self, word: str) -> list[str]:
        """What all threads of all processes got that were waiting for one token together."""
        lock = get_redis().lock(redis_key("token-lock", self.key), timeout=LOCK_SECONDS)
        with lock:
            for source, _ in self._pipes:
                source.write(f"{word}\n")
                source.flush()
            for _, output in self._pipes:
                for _thread in range(THREADS):
                    assert output.readline() == "waits\n"
        return self.answers()

    def answers(self) -> list[str]:
        """The next answer of every process."""
        return [one for _, output in self._pipes for one in json.loads(output.readline())]

    def exchanges(self) -> int:
        """How often Login with Amazon was asked."""
        return sum(
            line["requests"]
            for line in self.amazon.stats()["operations"]
            if line["operation"] == "lwa"
        )


@pytest.fixture
def everyone() -> Iterator[Needy]:
    """The processes stand and wait, and have no token."""
    with ExitStack() as stack:
        amazon = stack.enter_context(running(orders=5))
        environment = {**os.environ, "SPAPI_ENDPOINT": amazon.url, "LWA_ENDPOINT": amazon.url}
        started = []
        for _ in range(PROCESSES):
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.sellers.token_process", str(THREADS)],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            started.append(process)
        for process in started:
            assert process.stdin is not None
            process.stdin.write(_credentials(amazon.sellers[0]))
            process.stdin.flush()
        yield Needy(amazon, started)


def _credentials(seller: SellerKeys) -> str:
    names = ("client_id", "client_secret", "refresh_token")
    return json.dumps({name: getattr(seller, name) for name in names}) + "\n"


def test_100_threads_of_two_processes_ask_once(everyone: Needy) -> None:
    # what stands in Redis is about to end, so that it must not be used any more
    nearly_over = datetime.now(UTC) + timedelta(seconds=REFRESH_BEFORE - 1)
    RedisTokenStore().put(everyone.key, AccessToken("Atza|nearly-over", nearly_over))
    first = everyone.all_at_once("need")
    assert len(first) == PROCESSES * THREADS
    assert len(set(first)) == 1
    assert len(first[0]) == 64
    assert everyone.exchanges() == 1
    second = everyone.all_at_once("renew")
    assert len(second) == PROCESSES * THREADS
    assert len({*first, *second}) == 2
    assert everyone.exchanges() == 2


def test_a_refusal_is_asked_for_once_in_each_process_and_not_kept(everyone: Needy) -> None:
    refusal = {"kind": "lwa_error", "error": "invalid_grant"}
    everyone.amazon.set_faults([{"operation": "lwa", "do": refusal}])
    assert set(everyone.all_at_once("need")) == {"InvalidGrant"}
    asked = everyone.exchanges()
    assert 1 <= asked <= PROCESSES
    everyone.amazon.set_faults([])
    assert len(set(everyone.all_at_once("need"))) == 1
    assert everyone.exchanges() == asked + 1
