"""A process with many threads that need an access token, as its parent says.

    python -m tests.sellers.token_process THREADS < words

Lines on standard input: first the credentials as JSON; then `need` or `renew`, each of which lets all
threads begin at once. Lines on standard output: `key …` at first; `waits` for each thread that goes
to fetch a token; then one line of JSON with the digests of the tokens that the threads have got.
"""
# Django has to be set up before the product's modules can be imported.
# ruff: noqa: E402

from __future__ import annotations

import hashlib
import json
import sys
import threading
from contextlib import AbstractContextManager

import django

django.setup()

from sellers import clients
from sellers.tokens import RedisTokenStore
from spapi import Client, Credentials, Unlimited

_output = threading.Lock()


def say(line: str) -> None:
    """The parent has read the line, or will."""
    with _output:
        print(line, flush=True)


class LoudStore(RedisTokenStore):
    """The product's store; says so when a thread goes to fetch a token."""

    def lock(self, key: str) -> AbstractContextManager[None]:
        say("waits")
        return super().lock(key)


def obtain(client: Client, *, renew: bool, threads: int) -> list[str]:
    """Digests of what as many threads get that begin together; an error's name in its place."""
    ready = threading.Barrier(threads)
    got: list[str] = []

    def work() -> None:
        ready.wait()
        try:
            token = client.access_token(force_refresh=renew)
        except Exception as error:
            got.append(type(error).__name__)
        else:
            got.append(hashlib.sha256(token.value.encode()).hexdigest())

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return got


def main(threads: int) -> None:
    """Every word of the parent is answered; ends with the parent's end of the pipe."""
    clients.TOKEN_STORE = LoudStore()
    credentials = Credentials(**json.loads(sys.stdin.readline()))
    client = clients.client_with(credentials, region="eu", limiter=Unlimited())
    say(f"key {client._caller._tokens.key}")
    for word in sys.stdin:
        say(json.dumps(obtain(client, renew=word.strip() == "renew", threads=threads)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
