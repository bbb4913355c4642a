"""The search for secrets finds what it is to find, wherever and however it stands."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings

from solicit_dashboard.redis import get_redis
from tests.evidence import Evidence, watched_redis

SECRET = "Atzr|canary/+=ä-7f3a91"
HIDDEN = {"the token": SECRET}


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"refresh_token={quote(SECRET, safe='')}&x=1",
        json.dumps({"args": [SECRET]}),
        SECRET.encode().hex(),
        base64.b64encode(f"x{SECRET}y".encode()).decode(),
        base64.b64encode(f"xy{SECRET}".encode()).decode(),
        json.dumps({"body": base64.b64encode(json.dumps([SECRET]).encode()).decode()}),
        base64.b64encode(base64.b64encode(json.dumps([SECRET]).encode())).decode(),
    ],
)
def test_every_form_is_found(text: str) -> None:
    evidence = Evidence()
    evidence.add("text", text)
    assert evidence.search(HIDDEN | {"another": SECRET + "other"}) == ["the token in text"]


def test_files_are_searched_but_for_those_left_out(tmp_path: Path) -> None:
    for name in ("logs/web.log", "sandbox/world/keys", "env.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\xff" + SECRET.encode())
    evidence = Evidence()
    evidence.add_files(tmp_path, without=("sandbox", "env.json"))
    assert evidence.search(HIDDEN) == ["the token in file logs/web.log"]
    assert evidence.mentions(SECRET) == {"file"}


def test_redis_is_searched_with_all_its_types_and_commands(redis_empty: None) -> None:
    evidence, client = Evidence(), get_redis()
    with watched_redis(settings.REDIS_URL, evidence):
        client.set("gone", SECRET)
        client.delete("gone")
    assert evidence.search(HIDDEN) == ["the token in MONITOR"]
    client.set("string", SECRET)
    client.rpush("list", SECRET)
    client.sadd("set", SECRET)
    client.zadd("zset", {SECRET: 1})
    client.hset("hash", "field", SECRET)
    client.set(SECRET, "name")
    client.set("harmless", "nothing")
    evidence = Evidence()
    evidence.add_redis(client)
    assert len(evidence.search(HIDDEN)) == 6
    assert len(evidence.pieces) == 7


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="Linux shows processes so")
def test_processes_are_searched() -> None:
    command = [sys.executable, "-c", "print(1, flush=True); input()", SECRET]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "LEAK": SECRET},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        evidence = Evidence()
        evidence.add_processes([process.pid], "cmdline")
        evidence.add_processes([process.pid], "environ")
        process.kill()
    assert [line.split(" in ")[1] for line in evidence.search(HIDDEN)] == [
        "cmdline of a process",
        "environ of a process",
    ]
    evidence.add_processes([2**22 + 1], "cmdline")  # long gone
    assert len(evidence.pieces) == 2
