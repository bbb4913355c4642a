"""`./run` as a newcomer types it: up, usable, kept, stopped, and nothing left."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from solicit_dashboard.env import BASE_DIR, SETTING_NAMES

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc"),
]
START_SECONDS, STOP_SECONDS = 120, 60


def bare_environment(data: Path) -> dict[str, str]:
    """The environment without what the tests have set in it."""
    ours = {name for plain in SETTING_NAMES for name in (plain, f"{plain}_FILE")}
    bare = {name: value for name, value in os.environ.items() if name not in ours}
    bare.pop("DJANGO_SETTINGS_MODULE", None)
    return bare | {"DATA_DIR": str(data)}


@dataclass
class Started:
    """A running `./run`."""

    process: subprocess.Popen[str]
    data: Path
    text: str = ""

    @property
    def address(self) -> str:
        found = re.search(r"Open +(http://127\.0\.0\.1:\d+)", self.text)
        assert found, self.text
        return found[1]

    def read_until_up(self) -> None:
        """Everything that it prints up to the last line of the greeting."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.text += line
            if "Ctrl-C" in line:
                return
        raise AssertionError(f"ended with {self.process.wait()}:\n{self.text}")

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        code = self.process.wait(STOP_SECONDS)
        assert self.process.stdout
        self.text += self.process.stdout.read()
        self.process.stdout.close()
        return code


def start(data: Path) -> Started:
    command = ["./run", "--no-browser", "--port", "0", "--orders", "30", "--sellers", "1"]
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=BASE_DIR,
        env=bare_environment(data),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    started = Started(process, data)
    signal.signal(signal.SIGALRM, lambda *_: process.kill())
    signal.alarm(START_SECONDS)
    try:
        started.read_until_up()
    finally:
        signal.alarm(0)
    return started


def processes_of(data: Path) -> dict[int, str]:
    """Processes that were started for this data directory, with their command lines."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            # The Redis server overwrites its environment with its title, but works in its folder.
            within = (folder / "cwd").readlink().is_relative_to(data)
            if within or f"DATA_DIR={data}".encode() in environment:
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = words.decode()
        except OSError:
            continue  # it ended while we looked, or is not ours
    return found


def assert_nothing_is_left(data: Path, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while left := processes_of(data):
        assert time.monotonic() < end, left
        time.sleep(0.1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    started = start(tmp_path_factory.mktemp("run") / "data")
    yield started
    if started.process.poll() is None:
        started.stop(signal.SIGTERM)


def run(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, BASE_DIR / "run", *words],
        cwd=data,  # from anywhere
        env=bare_environment(data),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_greeting_says_what_one_needs(running: Started) -> None:
    passwords = json.loads((running.data / "demo.json").read_text())
    for person, password in passwords.items():
        assert re.search(rf"{person} +{password}", running.text)
    assert str(running.data) in running.text
    assert "Stop" in running.text


def test_every_part_runs_once(running: Started) -> None:
    lines = "\n".join(processes_of(running.data).values())
    for words in ("manage.py up", "-m sandbox", "-Q lanes", "-Q default", " beat ", "gunicorn"):
        assert words in lines
    assert "valkey-server" in lines or "redis-server" in lines


def test_the_operator_can_log_in_over_plain_http(running: Started) -> None:
    passwords = json.loads((running.data / "demo.json").read_text())
    with requests.Session() as session:
        page = session.get(f"{running.address}/login/", timeout=20)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token, page.text
        answer = session.post(
            f"{running.address}/login/",
            {
                "csrfmiddlewaretoken": token[1],
                "username": "operator",
                "password": passwords["operator"],
            },
            timeout=20,
            allow_redirects=False,
        )
        assert answer.status_code == 302
        assert session.cookies.get("sessionid")
        assert session.get(f"{running.address}/orders/", timeout=20).status_code == 200


def test_a_wrong_host_name_is_refused(running: Started) -> None:
    answer = requests.get(
        f"{running.address}/login/", headers={"Host": "evil.example.com"}, timeout=20
    )
    assert answer.status_code == 400


def test_the_sandbox_plays_amazon(running: Started) -> None:
    found = re.search(r"played by (http://127\.0\.0\.1:\d+)", running.text)
    assert found
    with urllib.request.urlopen(f"{found[1]}/_stats", timeout=20) as answer:
        assert answer.status == 200


def test_a_command_runs_in_the_same_environment(running: Started) -> None:
    code = "from django.conf import settings; from solicit_dashboard.redis import get_redis; "
    code += "print(settings.DATA_DIR, get_redis().ping())"
    done = run(running.data, "manage", "shell", "--no-imports", "-c", code)
    assert done.stdout.strip() == f"{running.data} True", done.stderr
    done = run(running.data, "python", "-c", "import django; print(django.VERSION[0])")
    assert done.stdout.strip() == "5", done.stderr


def test_a_second_start_is_sent_to_the_first(running: Started) -> None:
    done = run(running.data, "--no-browser", "--port", "0")
    assert done.returncode == 1
    assert f"running already: {running.address}" in done.stderr


def test_no_log_shows_a_secret(running: Started) -> None:
    keys = json.loads((running.data / "keys.json").read_text())
    passwords = json.loads((running.data / "demo.json").read_text())
    logs = {path.name: path.read_text() for path in (running.data / "logs").iterdir()}
    assert "web.log" in logs
    for name, text in logs.items():
        for secret in (*keys.values(), *passwords.values(), "Atzr|", "Atza|"):
            assert secret not in text, name


def test_it_stops_in_order_and_keeps_its_data(running: Started) -> None:
    passwords = (running.data / "demo.json").read_text()
    assert running.stop(signal.SIGINT) == 0
    assert running.text.rstrip().endswith("Stopped.")
    assert_nothing_is_left(running.data, seconds=1)

    again = start(running.data)
    try:
        assert (again.data / "demo.json").read_text() == passwords
        with closing(sqlite3.connect(again.data / "db.sqlite3")) as database:
            assert database.execute("SELECT count(*) FROM orders_order").fetchone()[0] >= 30
    finally:
        again.stop(signal.SIGKILL)
    assert_nothing_is_left(again.data)
