"""Secrets that are put into a running product come out nowhere: not in logs, Redis, the database,
messages, pages, exports, temporary files or lists of processes. Nor does anything of a buyer, with
whom each of Amazon's answers, notifications and reports is filled (tests/buyers.py).

A secret is one entry of `_secrets`. Those that the configuration hands to the processes stand in their
environment and in the files that `./run` keeps for itself (docs/security.md); all others nowhere at all.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import pickle
import re
import secrets
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from redis import Redis

from sandbox.testing import SellerKeys
from tests.buyers import MARKS, meet_buyers
from tests.e2e.stack import ROOT, Stack, _descendants, started
from tests.evidence import Browser, Evidence, watched_redis
from tests.waiting import wait_until

# real processes, though no browser; the rows of a database are the same in each
pytestmark = [pytest.mark.e2e, pytest.mark.any_database]

# What `./run` writes for its own next start and for the person at the terminal, mode 600 in a folder
# of mode 700, and what Amazon's side of the demonstration keeps for itself.
OWN_FILES = ("env.json", "keys.json", "demo.json", "redis/redis.conf", "sandbox", "static")
PERSON = "canary"
LOOKS_LIKE_A_TOKEN = re.compile(rb"Atz[ar]\|[\w/+=-]{20}")


# Runs a command in a child that has Django already: to import it takes a second each time.
_COMMAND = """
import multiprocessing, os
import solicit_dashboard.urls  # which each command checks
from django.core.management import execute_from_command_line

def work():
    output = os.open({output!r}, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    execute_from_command_line({words!r})

process = multiprocessing.get_context("fork").Process(target=work)
process.start()
process.join(180)
process.kill()
result = process.exitcode
"""


class _Trap:
    """What a pickled message would do if anybody unpickled it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (Path.touch, (self._path,))


def _unique(prefix: str = "") -> str:
    return f"{prefix}canary{secrets.token_hex(16)}"


@dataclass
class Canaries:
    """Secrets of one run by name; those of `configured` are known to every process by design."""

    nowhere: dict[str, str]
    configured: dict[str, str]

    @property
    def all(self) -> dict[str, str]:
        """Every secret by its name."""
        return self.nowhere | self.configured


def _secrets(stack: Stack, metrics_token: str) -> Canaries:
    keys = json.loads((stack.data_dir / "keys.json").read_text())
    sellers = stack.amazon.sellers
    return Canaries(
        nowhere={
            **{f"refresh token {n}": one.refresh_token for n, one in enumerate(sellers)},
            "client secret": sellers[0].client_secret,
            "access token": _unique("Atza|"),
            "OAuth code": _unique(),
            "password": _unique(),
            "wrong password": _unique(),
            "presigned signature": _unique(),
            "pasted token of nobody": _unique("Atzr|"),
            "wrong client secret": _unique("amzn1.oa2-cs.v1."),
        },
        configured={
            "METRICS_TOKEN": metrics_token,
            "SECRET_KEY": keys["SECRET_KEY"],
            "TOKEN_KEYS": keys["TOKEN_KEYS"],
            "password of Redis": keys["REDIS_PASSWORD"],
        },
    )


@dataclass
class Run:
    """One life of the product with canaries in it, told step by step."""

    stack: Stack
    evidence: Evidence
    canaries: Canaries
    folder: Path

    def manage(self, *words: str, **environment: str) -> int:
        """The exit code of the command; what it wrote is evidence."""
        if environment:
            return self._manage_apart(words, environment)
        path = self.folder / "output"
        script = _COMMAND.format(output=str(path), words=["manage.py", *words])
        self.evidence.add("cmdline of a command", "\0".join(words))
        code: int | None = self.stack.database(script)
        assert code is not None, f"{words[0]} did not end"
        self.evidence.add(f"output of {words[0]}", path.read_bytes())
        path.unlink()
        return code

    def _manage_apart(self, words: Sequence[str], environment: Mapping[str, str]) -> int:
        """The same with settings of its own, which are read at the start of a process."""
        process = subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.stack.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.evidence.add_processes([process.pid], "cmdline")
        output, _ = process.communicate(timeout=180)
        self.evidence.add(f"output of {words[0]}", output)
        return process.returncode

    def connect(self, seller: SellerKeys) -> int:
        """The exit code of connecting the account anew, with its secrets in files."""
        files = []
        for name in ("client_secret", "refresh_token"):
            path = self.folder / name
            path.write_text(getattr(seller, name))
            files += [f"--{name.replace('_', '-')}-file", str(path)]
        names = ["--name", seller.name, "--region", seller.region]
        partner = ["--selling-partner-id", seller.selling_partner_id]
        code = self.manage(
            "connect_seller", *names, *partner, "--client-id", seller.client_id, *files
        )
        for path in files[1::2]:
            Path(path).unlink()
        return code

    def consent(self, link: str, seller: SellerKeys) -> str:
        """Where Amazon sends the seller back to who follows the link and consents."""
        number = [one.selling_partner_id for one in self.stack.amazon.sellers].index(
            seller.selling_partner_id
        )
        parts = urlsplit(link)
        amazon = urlsplit(self.stack.amazon.url)
        connection = http.client.HTTPConnection(amazon.hostname or "", amazon.port, timeout=30)
        try:
            path = parts.path.replace("/consent", "/decide")
            connection.request("GET", f"{path}?{parts.query}&seller={number}")
            answer = connection.getresponse()
            answer.read()
        finally:
            connection.close()
        assert answer.status == 302
        return answer.headers["Location"] or ""

    def look_at_processes(self) -> None:
        """Every process shows the words that it was started with."""
        family = _descendants(os.getpid())
        assert len(family) > 5
        self.evidence.add_processes(family, "cmdline")

    def tell_worker(self, content_type: str, body: bytes) -> None:
        """A worker is sent a message with this body, as if it were a task."""
        properties = {
            "body_encoding": "base64",
            "delivery_info": {"exchange": "", "routing_key": "default"},
            "delivery_mode": 2,
            "delivery_tag": str(uuid.uuid4()),
            "priority": 0,
        }
        message = {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": content_type,
            "headers": {"task": "messaging.tasks.sweep", "id": str(uuid.uuid4()), "lang": "py"},
            "properties": properties,
        }
        with Redis.from_url(self.stack.environment["REDIS_URL"]) as client:
            client.lpush("solicit:celery:default", json.dumps(message))

    def logged(self, words: str) -> bool:
        """Whether a process has written these words to its log."""
        return any(words in path.read_text() for path in (self.stack.data_dir / "logs").iterdir())

    def gather(self) -> None:
        """What is left of the run is evidence."""
        self.look_at_processes()
        self.evidence.add_files(self.stack.data_dir, without=OWN_FILES)
        self.evidence.add_files(self.folder.parent)
        if self.stack.environment["DATABASE_URL"].startswith("postgres"):
            self.evidence.add_postgres(self.stack.environment["DATABASE_URL"])
        with Redis.from_url(self.stack.environment["REDIS_URL"]) as client:
            self.evidence.add_redis(client)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """The product runs, with debug logs and a folder of its own for temporary files."""
    temporary, files = tmp_path / "temporary", tmp_path / "files"
    temporary.mkdir()
    files.mkdir()
    metrics_token = _unique()
    with started(
        orders=80,
        seed=secrets.randbelow(10**6),
        SPAPI_RATE_FACTOR="100",
        SEND_HOLD_SECONDS="0",
        LOG_LEVEL="DEBUG",
        METRICS_TOKEN=metrics_token,
        TMPDIR=str(temporary),
    ) as stack:
        yield Run(stack, Evidence(), _secrets(stack, metrics_token), files)


def test_no_secret_comes_out_anywhere(run: Run) -> None:
    first, second = run.stack.amazon.sellers
    accounts = run.stack.database(
        "from sellers.models import SellerAccount as A\n"
        "result = {row.selling_partner_id: str(row.pk) for row in A.objects.all()}"
    )
    with watched_redis(run.stack.environment["REDIS_URL"], run.evidence):
        assert run.connect(first) == 0
        run.look_at_processes()
        _use_the_pages(run)
        _connect_in_the_browser(run, first, accounts[first.selling_partner_id])
        meet_buyers(run, first, accounts[first.selling_partner_id])
        _send(run, first, accounts[first.selling_partner_id])
        _export(run)
        _fail(run, second, accounts[second.selling_partner_id])
        _crash(run)
    run.gather()
    environments = Evidence()
    environments.add_processes(_descendants(os.getpid()), "environ")

    assert run.evidence.search(run.canaries.all | MARKS) == []
    assert environments.search(run.canaries.nowhere) == []
    for name, content in run.evidence.pieces:
        assert not LOOKS_LIKE_A_TOKEN.search(content), f"an access or refresh token in {name}"
    _searched_where_something_was(run, first)


def _use_the_pages(run: Run) -> None:
    """Somebody mistypes a password, logs in, and meets every kind of error page."""
    password = run.canaries.nowhere["password"]
    names = ("--username", PERSON, "--email", "canary@example.com")
    made = run.manage("createsuperuser", "--noinput", *names, DJANGO_SUPERUSER_PASSWORD=password)
    assert made == 0
    browser = Browser(run.stack.url, run.evidence)
    assert not browser.log_in(PERSON, run.canaries.nowhere["wrong password"])
    assert browser.log_in(PERSON, password)
    code = run.canaries.nowhere["OAuth code"]
    assert browser.ask("GET", f"/no-such-page/?spapi_oauth_code={code}&state=x") == 404
    assert browser.ask("GET", f"/orders/?state=nonsense&spapi_oauth_code={code}") in {200, 400}
    assert browser.ask("POST", "/stop/", spapi_oauth_code=code) == 403  # no CSRF token
    token = run.canaries.configured["METRICS_TOKEN"]
    assert browser.ask("GET", "/metrics", {"Authorization": f"Bearer {token}"}) == 200
    assert browser.ask("GET", "/metrics", {"Authorization": f"Bearer {password}"}) == 401


def _connect_in_the_browser(run: Run, seller: SellerKeys, account: str) -> None:
    """A manager pastes wrong and right secrets, and a seller comes back from Amazon with a code."""
    browser = Browser(run.stack.url, run.evidence)
    assert browser.log_in("manager", run.stack.passwords["manager"])
    application = run.stack.database(
        "from sellers.models import Application\nresult = Application.objects.latest('pk').pk"
    )
    path = f"/accounts/applications/{application}/"
    facts = {"name": "Ours", "is_public": "on", "application_id": seller.application_id}
    facts["secret_made_on"] = datetime.now(UTC).date().isoformat()
    wrong = run.canaries.nowhere["wrong client secret"]
    assert browser.send(path, client_secret=wrong, **facts) == 422
    assert browser.send(path, client_secret=seller.client_secret, **facts) == 302, browser.page

    path, chosen = f"/accounts/{account}/renew/", {"application": str(application)}
    nobodys = run.canaries.nowhere["pasted token of nobody"]
    assert browser.send(path, refresh_token=nobodys, **chosen) == 422
    assert browser.send(path, refresh_token=seller.refresh_token, **chosen) == 302, browser.page

    path, place = f"/accounts/{account}/consent/", seller.marketplace_ids[0]
    assert browser.send(path, marketplace=place, **chosen) == 200, browser.page
    link = unescape(browser.page.split('<a class="button primary" href="')[1].split('"')[0])
    # known to the browser alone, and therefore in the page with the link that leads to Amazon
    (state,) = parse_qs(urlsplit(link).query)["state"]
    run.evidence.pieces.pop()
    back = urlsplit(run.consent(link, seller))
    (code,) = parse_qs(back.query)["spapi_oauth_code"]
    run.canaries.nowhere |= {"code of Amazon": code, "state of the journey": state}
    assert browser.ask("GET", f"{back.path}?{back.query}") == 303, browser.page
    assert browser.location == f"/accounts/{account}/"
    assert browser.ask("GET", browser.location) == 200
    assert browser.ask("GET", f"{back.path}?{back.query}") == 400, "a code is good once"
    assert browser.ask("GET", f"/accounts/{account}/doctor/?now=1") == 200


def _send(run: Run, seller: SellerKeys, account: str) -> None:
    """Buyers are asked; of one answer nothing is to be made, and it repeats our secrets."""
    signature = run.canaries.nowhere["presigned signature"]
    echo = (
        f"{seller.refresh_token} {seller.client_secret} {run.canaries.nowhere['access token']} "
        f"https://bucket.example.com/a?X-Amz-Signature={signature}&X-Amz-Expires=5 "
        f"spapi_oauth_code={run.canaries.nowhere['OAuth code']}"
    )
    broken = {
        "operation": "createProductReviewAndSellerFeedbackSolicitation",
        "when": {"nth": [1]},
        "do": {"kind": "body", "status": 500, "text": echo},
    }
    run.stack.amazon.set_faults([broken])
    asked_before = run.stack.amazon.stats()["accepted"]
    assert run.manage("request_reviews", "--account", account, "--eligible") == 0
    wait_until(
        lambda: run.stack.amazon.stats()["accepted"] >= asked_before + 2,
        "two requests that Amazon accepts",
    )
    run.look_at_processes()
    run.stack.amazon.set_faults([])


def _export(run: Run) -> None:
    batch = run.stack.database(
        "from messaging.models import Batch\nresult = Batch.objects.latest('pk').pk"
    )
    browser = Browser(run.stack.url, run.evidence)
    assert browser.log_in("manager", run.stack.passwords["manager"])
    for path in (f"/batches/{batch}/actions.csv", f"/batches/{batch}/", "/accounts/", "/outbox/"):
        assert browser.ask("GET", path) == 200
    browser = Browser(run.stack.url, run.evidence)
    assert browser.log_in(PERSON, run.canaries.nowhere["password"])
    for path in ("auditevent/export/", "auditevent/export/?form=json", "auditevent/"):
        assert browser.ask("GET", f"/admin/audit/{path}") == 200
    assert run.manage("export_audit", "--json") == 0


def _fail(run: Run, seller: SellerKeys, account: str) -> None:
    """Amazon refuses the account, with a token of which we know the value and with ours repeated."""
    issued = {
        "access_token": run.canaries.nowhere["access token"],
        "refresh_token": seller.refresh_token,
        "token_type": "bearer",
        "expires_in": 3600,
    }
    refusal = {
        "kind": "lwa_error",
        "error": "invalid_grant",
        "description": f"refresh_token {seller.refresh_token} secret {seller.client_secret}",
    }
    for deed in ({"kind": "body", "text": json.dumps(issued)}, refusal):
        run.stack.amazon.set_faults([{"operation": "lwa", "do": deed}])
        assert run.connect(seller) == 1
        run.manage("sync_orders", "--account", account)
    run.stack.amazon.set_faults([])


def _crash(run: Run) -> None:
    """A worker is killed, one task fails, and one message is no message of ours."""
    children = [
        pid
        for pid, line in _descendants(os.getpid()).items()
        if "celery" in line and "-Q default" in line and not _descendants(pid)
    ]
    os.kill(children[0], signal.SIGKILL)
    trap = run.folder / "unpickled"
    run.tell_worker("application/x-python-serialize", pickle.dumps(_Trap(trap)))
    run.tell_worker("application/json", b'[["unexpected"], {}, {}]')
    wait_until(lambda: run.logged("ContentDisallowed"), "the pickle was refused")
    wait_until(lambda: run.logged("TypeError"), "the task failed")
    assert not trap.exists()
    browser = Browser(run.stack.url, run.evidence)
    wait_until(lambda: browser.ask("GET", "/readyz") == 200, "everything works again")


def _searched_where_something_was(run: Run, seller: SellerKeys) -> None:
    """The search had something to look at: what is no secret is found in the same places."""
    table = "table" if os.environ.get("TEST_DATABASE_URL") else "file"
    assert table in run.evidence.mentions(seller.selling_partner_id)
    assert "page" in run.evidence.mentions(seller.name)
    assert {"MONITOR", "file"} <= run.evidence.mentions("messaging.tasks.dispatch")
    assert "cmdline" in run.evidence.mentions("gunicorn")
    assert "Redis" in run.evidence.mentions("solicit:token")
    assert "file" in run.evidence.mentions("TypeError")
