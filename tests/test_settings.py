"""The settings as a process in production, in the demonstration and under DEBUG sees them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from solicit_dashboard.env import BASE_DIR
from tests.test_env import PRODUCTION

_SHOW = """
import json
from django.conf import settings
names = [name for name in dir(settings) if name.isupper()]
print(json.dumps({name: getattr(settings, name) for name in names}, default=str))
"""


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    base = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "solicit_dashboard.settings"}
    return subprocess.run(
        [sys.executable, *command],
        cwd=BASE_DIR,
        env=base | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def shown(environment: dict[str, str], *names: str) -> dict[str, Any]:
    values = _all_settings(tuple(sorted(environment.items())))
    return {name: values[name] for name in names}


@cache
def _all_settings(environment: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    done = run(["-c", _SHOW], dict(environment))
    assert done.returncode == 0, done.stderr
    values: dict[str, Any] = json.loads(done.stdout)
    return values


def test_the_deployment_check_finds_nothing_in_production() -> None:
    done = run(["manage.py", "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues (0 silenced)" in done.stdout


def test_production_speaks_https_only() -> None:
    settings = shown(
        PRODUCTION,
        "SESSION_COOKIE_NAME",
        "CSRF_COOKIE_NAME",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS",
        "SECURE_HSTS_INCLUDE_SUBDOMAINS",
        "SECURE_PROXY_SSL_HEADER",
        "STORAGES",
    )
    assert settings["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert settings["CSRF_COOKIE_NAME"].startswith("__Host-")
    assert settings["SESSION_COOKIE_SECURE"]
    assert settings["CSRF_COOKIE_SECURE"]
    assert settings["SECURE_SSL_REDIRECT"]
    assert settings["SECURE_HSTS_SECONDS"] >= 365 * 24 * 3600
    assert settings["SECURE_HSTS_INCLUDE_SUBDOMAINS"]
    assert settings["SECURE_PROXY_SSL_HEADER"] is None, "no proxy is believed unless one is named"
    assert "Manifest" in settings["STORAGES"]["staticfiles"]["BACKEND"]


def test_a_proxy_is_believed_when_it_was_announced() -> None:
    settings = shown({**PRODUCTION, "TRUSTED_PROXIES": "1"}, "SECURE_PROXY_SSL_HEADER")
    assert settings["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]


def test_on_this_machine_alone_one_can_log_in_without_https() -> None:
    settings = shown(
        {**PRODUCTION, "ALLOWED_HOSTS": "127.0.0.1,localhost"},
        "DEBUG",
        "SESSION_COOKIE_NAME",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS",
    )
    assert settings == {
        "DEBUG": False,
        "SESSION_COOKIE_NAME": "sessionid",
        "SESSION_COOKIE_SECURE": False,
        "CSRF_COOKIE_SECURE": False,
        "SECURE_SSL_REDIRECT": False,
        "SECURE_HSTS_SECONDS": 0,
    }


def test_only_the_web_ends_long_statements() -> None:
    options = shown(PRODUCTION, "DATABASES")["DATABASES"]["default"]["OPTIONS"]
    assert "statement_timeout" not in options["options"]
    assert options["sslmode"] == "require"
    web = shown({**PRODUCTION, "STATEMENT_TIMEOUT_SECONDS": "10"}, "DATABASES")
    assert "-c statement_timeout=10000" in web["DATABASES"]["default"]["OPTIONS"]["options"]
    assert "STATEMENT_TIMEOUT_SECONDS" in (BASE_DIR / "solicit_dashboard" / "wsgi.py").read_text()


def test_a_process_or_a_network_that_stands_still_keeps_no_rows_and_no_worker_for_long() -> None:
    options = shown(PRODUCTION, "DATABASES")["DATABASES"]["default"]["OPTIONS"]
    assert "-c idle_in_transaction_session_timeout=30000" in options["options"]
    assert options["tcp_user_timeout"] <= 30_000
    idle, interval, count = (
        options[f"keepalives_{name}"] for name in ("idle", "interval", "count")
    )
    assert idle + interval * count <= 30


@pytest.mark.django_db
def test_postgresql_ends_a_transaction_that_stands_still() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has nobody to tell")
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("30s",)


def test_sqlite_waits_its_turn_and_keeps_its_triggers() -> None:
    environment = {**PRODUCTION, "DATABASE_URL": "sqlite:///data/x.sqlite3"}
    database = shown(environment, "DATABASES")["DATABASES"]["default"]
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    for pragma in ("journal_mode=WAL", "busy_timeout=20000", "recursive_triggers=ON"):
        assert f"PRAGMA {pragma}" in database["OPTIONS"]["init_command"]
    assert Path(database["NAME"]) == BASE_DIR / "data" / "x.sqlite3"


@pytest.mark.parametrize(
    ("endpoint", "synchronous"),
    [({}, "FULL"), ({"SPAPI_ENDPOINT": "http://127.0.0.1:5/"}, "NORMAL")],
)
def test_what_amazon_may_have_seen_survives_a_power_cut_on_sqlite_too(
    endpoint: dict[str, str], synchronous: str
) -> None:
    environment = {**PRODUCTION, "DATABASE_URL": "sqlite:///data/x.sqlite3", **endpoint}
    database = shown(environment, "DATABASES")["DATABASES"]["default"]
    assert f"PRAGMA synchronous={synchronous};" in database["OPTIONS"]["init_command"]


def test_celery_carries_hints_only() -> None:
    names = (
        "CELERY_TASK_IGNORE_RESULT",
        "CELERY_RESULT_BACKEND",
        "CELERY_TASK_ACKS_LATE",
        "CELERY_WORKER_PREFETCH_MULTIPLIER",
        "CELERY_ACCEPT_CONTENT",
        "CELERY_BEAT_SCHEDULE",
        "CELERY_BROKER_URL",
    )
    settings = shown({**PRODUCTION, "REDIS_URL": "unix://:pw@/run/redis.sock?db=2"}, *names)
    assert settings["CELERY_TASK_IGNORE_RESULT"] is True
    assert settings["CELERY_RESULT_BACKEND"] is None
    assert settings["CELERY_TASK_ACKS_LATE"] is False
    assert settings["CELERY_WORKER_PREFETCH_MULTIPLIER"] == 1
    assert settings["CELERY_ACCEPT_CONTENT"] == ["json"]
    assert settings["CELERY_BROKER_URL"] == "redis+socket://:pw@/run/redis.sock?virtual_host=2"
    for entry in settings["CELERY_BEAT_SCHEDULE"].values():
        assert 0 < entry["options"]["expires"] <= 120


@pytest.mark.parametrize("directive", ["default-src", "base-uri", "frame-ancestors"])
def test_the_page_may_load_nothing_that_is_not_named(directive: str) -> None:
    policy = shown(PRODUCTION, "CONTENT_SECURITY_POLICY")["CONTENT_SECURITY_POLICY"]
    assert policy["DIRECTIVES"][directive] == ["'none'"]
    assert policy["DIRECTIVES"]["script-src"] == ["'self'"]
    assert policy["DIRECTIVES"]["style-src"] == ["'self'"]
