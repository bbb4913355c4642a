"""Runs every part of the dashboard on this machine; `./run` prepares the environment for it."""

import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from kombu.exceptions import OperationalError
from redis import Redis, RedisError

from people.first_run import new_code
from solicit_dashboard.celery import app
from solicit_dashboard.embedded_redis import (
    NoRedisError,
    embedded_redis_binary,
    redis_configuration,
)
from solicit_dashboard.env import EXIT_CONFIG, inherited_environment
from solicit_dashboard.local import add_options
from solicit_dashboard.promises import unkept_promises
from solicit_dashboard.supervisor import (
    Part,
    PartFailedError,
    StopRequested,
    Supervisor,
    manage,
)

_LATENCY_MS = 120  # about what Amazon takes to answer
_ADDRESS = "http://127.0.0.1:{port}"
_CELERY = (sys.executable, "-m", "celery", "-A", "solicit_dashboard.celery:app")


class Command(BaseCommand):
    help = "Starts all parts and stops them together; meant to be started by ./run."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_options(parser)
        parser.add_argument("--redis-port", type=int, help="start a Redis server of our own there")
        parser.add_argument("--sandbox-port", type=int, help="start the sandbox there")

    def handle(self, **options: Any) -> None:
        # a Redis of our own is not there yet, and is made fit
        if faults := unkept_promises(of_redis=not options["redis_port"]):
            raise CommandError("\n".join(faults), returncode=EXIT_CONFIG)
        self._begun = time.monotonic()
        os.umask(0o077)  # orders and keys are nobody else's business
        logs = settings.DATA_DIR / "logs"
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        supervisor = Supervisor(logs, inherited_environment(), self._progress)
        try:
            with supervisor:
                try:
                    self._start(supervisor, options)
                    self._tell_ready(options)
                    supervisor.watch()
                except StopRequested:
                    self._progress(
                        "Stopping; what is being sent is finished first "
                        "(Ctrl-C again to stop at once) …"
                    )
                except (PartFailedError, NoRedisError) as error:
                    raise CommandError(str(error)) from None
        finally:
            self._progress("Stopped.")

    def _start(self, supervisor: Supervisor, options: dict[str, Any]) -> None:
        sandbox_url = _ADDRESS.format(port=options["sandbox_port"])
        outside = []
        if options["redis_port"]:
            outside.append(_redis_part(options["redis_port"]))
        if options["sandbox_port"]:
            outside.append(_sandbox_part(options, sandbox_url))
        self._progress("Starting " + " and ".join(part.name for part in outside) + " …")
        supervisor.start(outside)
        supervisor.run_once("collectstatic", manage("collectstatic", "--noinput", "-v", "0"))
        self._progress("Preparing the database …")
        supervisor.run_once("migrate", manage("migrate", "--noinput"))
        supervisor.wait_until_ready()
        self._progress("Starting web and workers …")
        # they have nothing to do before the scheduler is there, and start while the data is loaded
        supervisor.start(_working_parts(options["port"]))
        if options["sandbox_port"]:
            self._progress("Loading the demonstration (longer at the first start) …")
            supervisor.run_once(
                "load_demo",
                manage("load_demo", "--sandbox", sandbox_url),
                show=self.stdout.isatty(),
            )
        supervisor.start(_prompting_parts())
        supervisor.wait_until_ready()

    def _tell_ready(self, options: dict[str, Any]) -> None:
        address = _ADDRESS.format(port=options["port"])
        self._progress("Everything answers.")
        self.stdout.write("")
        lines = [("Open", address)]
        if options["sandbox_port"]:
            people = json.loads((settings.DATA_DIR / "demo.json").read_text())
            lines += [("Log in", f"{name:<10}{word}") for name, word in people.items()]
            sandbox_url = _ADDRESS.format(port=options["sandbox_port"])
            lines += [("Amazon", f"played by {sandbox_url} (what it received)")]
        else:
            if code := new_code():
                lines += [("First user", f"give yourself a name there; the code is {code}")]
        lines += [
            ("Data", f"{settings.DATA_DIR} (logs in {settings.DATA_DIR / 'logs'})"),
            ("Stop", "Ctrl-C"),
        ]
        previous = ""
        for label, text in lines:
            self.stdout.write(f"  {'' if label == previous else label:<12}{text}")
            previous = label
        self.stdout.write("")
        self.stdout.flush()
        if not options["no_browser"] and self.stdout.isatty() and _has_desktop():
            webbrowser.open(address)

    def _progress(self, text: str) -> None:
        self.stdout.write(f"[{time.monotonic() - self._begun:5.1f} s] {text}")
        self.stdout.flush()


def _has_desktop() -> bool:
    environment = inherited_environment()
    if environment.get("CI"):
        return False
    return sys.platform == "darwin" or bool(
        environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    )


def _redis_part(port: int) -> Part:
    directory: Path = settings.DATA_DIR / "redis"
    directory.mkdir(mode=0o700, exist_ok=True)
    configuration = directory / "redis.conf"
    configuration.touch(mode=0o600)
    password = urlsplit(settings.REDIS_URL).password or ""
    configuration.write_text(redis_configuration(directory, port, password, keep=True))
    return Part(
        name="redis",
        command=[embedded_redis_binary(), configuration],
        stage=0,
        is_ready=_redis_answers,
    )


def _redis_answers() -> bool:
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=1) as client:
            return bool(client.ping())
    except RedisError:
        return False


def _sandbox_part(options: dict[str, Any], url: str) -> Part:
    command = [sys.executable, "-m", "sandbox", "--port", str(options["sandbox_port"])]
    command += ["--latency-ms", str(_LATENCY_MS), "--data", str(settings.DATA_DIR / "sandbox")]
    # The lanes believe in Amazon's rates times this factor, so the sandbox has to allow them.
    command += ["--rate-factor", str(settings.SPAPI_RATE_FACTOR)]
    for name in ("orders", "sellers", "seed"):
        if options[name] is not None:
            command += [f"--{name}", str(options[name])]
    return Part(
        name="sandbox", command=command, stage=1, is_ready=partial(_answers, f"{url}/_stats")
    )


def _working_parts(port: int) -> list[Part]:
    """What waits for requests and tasks."""
    level = settings.LOG_LEVEL
    worker = [*_CELERY, "worker", "--loglevel", level, "--pool", "prefork", "--without-mingle"]
    # A worker finishes the calls that it has begun, and their results, before it ends.
    patience = settings.CALL_DEADLINE_SECONDS + 30
    address = _ADDRESS.format(port=port)
    shards = str(settings.LANE_SHARDS)
    host = socket.gethostname()
    return [
        Part(
            name="web",
            command=[sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"],
            stage=2,
            is_ready=partial(_answers, f"{address}/healthz"),
            stop_seconds=20,
        ),
        Part(
            name="lanes",
            command=[*worker, "-Q", "lanes", "-c", shards, "-n", f"lanes@{host}"],
            stage=3,
            is_ready=partial(_worker_answers, f"lanes@{host}"),
            stop_seconds=patience,
        ),
        Part(
            name="worker",
            command=[*worker, "-Q", "default", "-c", "2", "-n", f"worker@{host}"],
            stage=3,
            is_ready=partial(_worker_answers, f"worker@{host}"),
            stop_seconds=patience,
        ),
    ]


def _prompting_parts() -> list[Part]:
    """What gives the others something to do."""
    parts = [
        Part(
            name="beat",
            command=[*_CELERY, "beat", "--loglevel", settings.LOG_LEVEL, "--pidfile="],
            stage=4,
            is_ready=lambda: True,
        ),
    ]
    if settings.SQS_QUEUE_ARN:
        # It waits for its queue, and says on the pages when that does not answer.
        parts.append(
            Part(
                name="notifications",
                command=manage("consume_notifications"),
                stage=4,
                is_ready=lambda: True,
            )
        )
    return parts


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  (ours)
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _worker_answers(worker: str) -> bool:
    try:
        with app.connection_for_write() as connection:
            # the first answer ends the wait; without `limit` it always takes the whole time
            return bool(app.control.ping([worker], timeout=0.5, connection=connection, limit=1))
    except (OSError, OperationalError, RedisError):
        return False
