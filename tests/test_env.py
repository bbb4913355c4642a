"""The environment: what is read, what is refused, and that all faults are named at once."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from solicit_dashboard import env
from solicit_dashboard.env import (
    EXIT_CONFIG,
    SETTING_NAMES,
    BadEnvironmentError,
    Environment,
    inherited_environment,
    is_amazon,
    read_environment,
)
from solicit_dashboard.env_reader import is_loopback

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
PRODUCTION = {
    "SECRET_KEY": "nTh8xQ2vLr5wYk9pZb3dFm6sGc1jHa4eUo7iRy0tWq-BNfXuVlKz",
    "TOKEN_KEYS": KEY,
    "REDIS_URL": "rediss://:secret@redis.example.com:6380/0",
    "ALLOWED_HOSTS": "reviews.example.com",
    "DATABASE_URL": "postgres://ann:p%40ss@db.example.com:5433/reviews?sslmode=require",
}


def read(**changes: str | None) -> Environment:
    merged = {**PRODUCTION, **changes}
    return read_environment({name: value for name, value in merged.items() if value is not None})


def faults(**changes: str | None) -> tuple[str, ...]:
    with pytest.raises(BadEnvironmentError) as caught:
        read(**changes)
    return caught.value.faults


def test_a_production_environment_is_read() -> None:
    environment = read()
    assert not environment.debug
    assert environment.token_keys == (KEY,)
    assert environment.allowed_hosts == ("reviews.example.com",)
    assert not environment.serves_loopback_only
    assert environment.database == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "reviews",
        "USER": "ann",
        "PASSWORD": "p@ss",
        "HOST": "db.example.com",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require"},
    }


def test_what_is_not_set_has_the_documented_default() -> None:
    environment = read(DATABASE_URL=None)
    assert environment.database["NAME"] == str(env.BASE_DIR / "data" / "db.sqlite3")
    assert environment.spapi_endpoint is None
    assert environment.lwa_endpoint == "https://api.amazon.com"
    assert (environment.review_opens_after_days, environment.review_closes_after_days) == (5, 30)
    assert environment.send_hold_seconds == 10
    assert environment.dispatch_seconds == 2
    assert environment.lease_seconds == 180
    assert environment.call_deadline_seconds == 45
    assert environment.lane_margin == 0.9995
    assert environment.lane_shards == 1
    assert environment.spapi_rate_factor == 1
    assert environment.second_factor_required
    assert environment.dpp_passwords
    assert (environment.log_format, environment.log_level) == ("text", "INFO")
    assert environment.sentry_dsn is None
    assert environment.metrics_token is None
    assert environment.sqs_queue_arn is None
    assert environment.file_scanner is None
    assert environment.body_seconds == 60
    assert environment.trusted_proxies == 0
    assert environment.admin_path == "admin"
    assert {"127.0.0.0/8", "::1/128"} < set(environment.admin_networks)


@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY", "is missing"),
        ({"SECRET_KEY": ""}, "SECRET_KEY", "is missing"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY", "weaker"),
        ({"SECRET_KEY": "a" * 60}, "SECRET_KEY", "weaker"),
        ({"SECRET_KEY": None, "SECRET_KEY_FILE": "/no/such"}, "SECRET_KEY_FILE", "cannot be read"),
        ({"SECRET_KEY_FILE": "/no/such"}, "SECRET_KEY", "is set too"),
        ({"TOKEN_KEYS": None}, "TOKEN_KEYS", "is missing"),
        ({"TOKEN_KEYS": f"{KEY},tooshort"}, "TOKEN_KEYS", "key 2"),
        ({"TOKEN_KEYS": "ü"}, "TOKEN_KEYS", "key 1"),
        ({"REDIS_URL": None}, "REDIS_URL", "is missing"),
        ({"REDIS_URL": "redis://redis.example.com:6379/0"}, "REDIS_URL", "no password"),
        ({"REDIS_URL": "http://redis.example.com"}, "REDIS_URL", "not the address"),
        ({"REDIS_URL": "redis://:x@host:99999/0"}, "REDIS_URL", "not the address"),
        ({"ALLOWED_HOSTS": None}, "ALLOWED_HOSTS", "is missing"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS", "forged"),
        ({"ALLOWED_HOSTS": "a.example.com,*"}, "ALLOWED_HOSTS", "forged"),
        ({"ALLOWED_HOSTS": "https://a.example.com"}, "ALLOWED_HOSTS", "port"),
        ({"ALLOWED_HOSTS": "a.example.com:8000"}, "ALLOWED_HOSTS", "port"),
        ({"SQS_QUEUE_ARN": "orders"}, "SQS_QUEUE_ARN", "not the ARN"),
        (
            {"SQS_QUEUE_ARN": "arn:aws:sqs:eu-west-1:123456789012:orders.fifo"},
            "SQS_QUEUE_ARN",
            "no FIFO queue",
        ),
        ({"DEBUG": "1"}, "DEBUG", "would show"),
        ({"DEBUG": "maybe"}, "DEBUG", "neither yes nor no"),
        ({"DATABASE_URL": "mysql://a:b@c/d"}, "DATABASE_URL", "names no PostgreSQL"),
        ({"DATABASE_URL": "postgres://ann@host"}, "DATABASE_URL", "names no PostgreSQL"),
        ({"DATABASE_URL": "postgres://host:port/x"}, "DATABASE_URL", "not an address"),
        ({"DATABASE_URL": "sqlite://:memory:"}, "DATABASE_URL", "not an address"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "DATABASE_URL", "several processes"),
        ({"CSRF_TRUSTED_ORIGINS": "a.example.com"}, "CSRF_TRUSTED_ORIGINS", "no origin"),
        ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES", "no number"),
        ({"SPAPI_ENDPOINT": "http://amazon.example.com"}, "SPAPI_ENDPOINT", "show secrets"),
        ({"SPAPI_ENDPOINT": "ftp://127.0.0.1"}, "SPAPI_ENDPOINT", "not a web address"),
        ({"SPAPI_ENDPOINT": "https://u:p@h.example.com"}, "SPAPI_ENDPOINT", "user name"),
        ({"LWA_ENDPOINT": "http://10.0.0.1"}, "LWA_ENDPOINT", "show secrets"),
        ({"LWA_ENDPOINT": "nonsense"}, "LWA_ENDPOINT", "not a web address"),
        ({"CONSENT_ENDPOINT": "http://10.0.0.1"}, "CONSENT_ENDPOINT", "show secrets"),
        ({"UPLOAD_HOSTS": "s3.example.com, https://a.b"}, "UPLOAD_HOSTS", "is not a host"),
        ({"CONSENT_HOSTS": "sellercentral.amazon.ie"}, "CONSENT_HOSTS", "not a marketplace and"),
        ({"CONSENT_HOSTS": "A28R8C7NBKEWEA=https://a.b"}, "CONSENT_HOSTS", "not a marketplace and"),
        ({"FILE_SCANNER": "localhost:3310"}, "FILE_SCANNER", "no address of a service"),
        ({"FILE_SCANNER": "tcp://localhost"}, "FILE_SCANNER", "no address of a service"),
        ({"FILE_SCANNER": "tcp://localhost:scan"}, "FILE_SCANNER", "no address of a service"),
        ({"FILE_SCANNER": "unix:clamd.ctl"}, "FILE_SCANNER", "no address of a service"),
        ({"BODY_SECONDS": "0"}, "BODY_SECONDS", "no number"),
        ({"REVIEW_OPENS_AFTER_DAYS": "five"}, "REVIEW_OPENS_AFTER_DAYS", "no number"),
        ({"REVIEW_OPENS_AFTER_DAYS": "30"}, "REVIEW_CLOSES_AFTER_DAYS", "is not after"),
        ({"SEND_HOLD_SECONDS": "1.5"}, "SEND_HOLD_SECONDS", "no number"),
        ({"SEND_HOLD_SECONDS": "²"}, "SEND_HOLD_SECONDS", "no number"),
        ({"DISPATCH_SECONDS": "0"}, "DISPATCH_SECONDS", "no number"),
        ({"DISPATCH_SECONDS": "nan"}, "DISPATCH_SECONDS", "no number"),
        ({"LEASE_SECONDS": "45"}, "LEASE_SECONDS", "not longer"),
        ({"CALL_DEADLINE_SECONDS": "inf"}, "CALL_DEADLINE_SECONDS", "no number"),
        ({"LANE_MARGIN": "1.01"}, "LANE_MARGIN", "no number"),
        ({"LANE_SHARDS": "0"}, "LANE_SHARDS", "no number"),
        ({"SPAPI_RATE_FACTOR": "2"}, "SPAPI_RATE_FACTOR", "Amazon's own"),
        ({"SECOND_FACTOR_REQUIRED": "0"}, "SECOND_FACTOR_REQUIRED", "a password alone"),
        (
            {
                "SPAPI_RATE_FACTOR": "2",
                "SPAPI_ENDPOINT": "https://sellingpartnerapi-eu.amazon.com",
            },
            "SPAPI_RATE_FACTOR",
            "Amazon's own",
        ),
        ({"ADMIN_PATH": "a/b"}, "ADMIN_PATH", "no part of an address"),
        ({"ADMIN_PATH": "Ädmin"}, "ADMIN_PATH", "no part of an address"),
        ({"ADMIN_NETWORKS": "10.0.0.0/8,home"}, "ADMIN_NETWORKS", "'home' is no network"),
        ({"ADMIN_NETWORKS": "10.0.0.1/8"}, "ADMIN_NETWORKS", "is no network"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT", "text, json"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL", "not known"),
        ({"SENTRY_DSN": "https://k@sentry.example.com/1"}, "SENTRY_DSN", "not installed"),
    ],
)
def test_a_bad_value_is_refused_by_name_with_the_fix(
    changes: dict[str, str | None], name: str, words: str
) -> None:
    (fault,) = faults(**changes)
    assert fault.startswith(f"{name}: ")
    assert words in fault
    assert "\n" not in fault
    assert fault.partition(". ")[2], "the fix follows the fault"


def test_all_faults_are_named_at_once() -> None:
    named = [
        fault.partition(":")[0]
        for fault in faults(SECRET_KEY=None, LOG_LEVEL="LOUD", LANE_SHARDS="x")
    ]
    assert sorted(named) == ["LANE_SHARDS", "LOG_LEVEL", "SECRET_KEY"]


def test_every_name_can_be_given_as_a_file(tmp_path: Path) -> None:
    values = {
        "SECRET_KEY": PRODUCTION["SECRET_KEY"],
        "TOKEN_KEYS": KEY,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "ALLOWED_HOSTS": "localhost",
        "DATABASE_URL": "sqlite:///somewhere.sqlite3",
        "DATA_DIR": str(tmp_path),
        "DEBUG": "0",
        "LANE_MARGIN": "0.5",
        "SPAPI_ENDPOINT": "http://127.0.0.1:5/",
        "LOG_LEVEL": "warning",
    }
    environ = {}
    for name, value in values.items():
        (tmp_path / name).write_text(f"{value}\n")
        environ[f"{name}_FILE"] = str(tmp_path / name)
    environment = read_environment(environ)
    assert environment.secret_key == values["SECRET_KEY"]
    assert environment.data_dir == tmp_path
    assert environment.lane_margin == 0.5
    assert environment.spapi_endpoint == "http://127.0.0.1:5"
    assert environment.log_level == "WARNING"
    assert environment.database["NAME"] == str(env.BASE_DIR / "somewhere.sqlite3")


def test_every_field_has_a_name_in_the_environment() -> None:
    assert "DATABASE_URL" in SETTING_NAMES
    assert "AWS_ENDPOINT_URL_SQS" in SETTING_NAMES
    assert len(set(SETTING_NAMES)) == len(Environment.__dataclass_fields__)


def test_debug_needs_nothing_and_its_keys_belong_to_one_process() -> None:
    first, second = read_environment({"DEBUG": "1"}), read_environment({"DEBUG": "1"})
    assert first.serves_loopback_only
    assert first.secret_key != second.secret_key
    assert first.token_keys != second.token_keys


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "redis://localhost/0",
        "redis://[::1]:6379/0",
        "unix:///run/redis.sock?db=1",
        "unix://:pw@/run/redis.sock",
        "rediss://:pw@redis.example.com/0",
    ],
)
def test_redis_needs_a_password_only_across_a_network(url: str) -> None:
    assert read(REDIS_URL=url).redis_url == url


@pytest.mark.parametrize("address", ["tcp://clamd:3310", "tcp://[::1]:3310", "unix:/run/clamd.ctl"])
def test_a_scanner_listens_on_a_port_or_a_socket(address: str) -> None:
    assert read(FILE_SCANNER=address).file_scanner == address


def test_a_sandbox_on_this_machine_may_use_http_and_another_rate() -> None:
    environment = read(SPAPI_ENDPOINT="http://localhost:5000/base/", SPAPI_RATE_FACTOR="20")
    assert environment.spapi_endpoint == "http://localhost:5000/base"
    assert environment.spapi_rate_factor == 20


def test_postgresql_over_a_socket_is_understood() -> None:
    database = read(DATABASE_URL="postgresql:///reviews?host=/run/postgresql").database
    assert (database["HOST"], database["PORT"], database["USER"]) == ("/run/postgresql", "", "")
    assert database["OPTIONS"] == {}


def test_no_secret_shows_in_the_representation() -> None:
    shown = repr(read(METRICS_TOKEN="metric-token"))
    for secret in (PRODUCTION["SECRET_KEY"], KEY, "secret@", "p@ss", "metric-token"):
        assert secret not in shown


def test_no_secret_shows_in_a_fault() -> None:
    shown = " ".join(
        faults(
            SECRET_KEY="hunter2",
            TOKEN_KEYS="hunter2",
            REDIS_URL="mysql://:hunter2@example.com",
            DATABASE_URL="mysql://u:hunter2@example.com/x",
            SPAPI_ENDPOINT="https://u:hunter2@example.com",
        )
    )
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("url", "amazon"),
    [
        (None, True),
        ("https://sellingpartnerapi-na.amazon.com", True),
        ("https://api.amazon.com", True),
        ("https://sandbox.sellingpartnerapi-fe.amazon.com", True),
        ("https://amazon.com.example.org", False),
        ("https://notamazon.com", False),
        ("http://127.0.0.1:5000", False),
    ],
)
def test_amazon_is_known_by_its_host(url: str | None, amazon: bool) -> None:
    assert is_amazon(url) is amazon


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("LOCALHOST", True),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("", False),
        (None, False),
    ],
)
def test_loopback_is_known_by_name_and_by_number(host: str | None, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_bad_environment_ends_a_command_with_78_and_a_line_for_each_fault() -> None:
    bare = {"PATH": os.environ["PATH"], "ALLOWED_HOSTS": "*"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=env.BASE_DIR,
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == EXIT_CONFIG
    lines = done.stderr.splitlines()
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "SECRET_KEY",
        "TOKEN_KEYS",
        "REDIS_URL",
        "ALLOWED_HOSTS",
    ]


def test_a_child_inherits_the_whole_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMETHING_OF_THE_SYSTEM", "kept")
    assert inherited_environment()["SOMETHING_OF_THE_SYSTEM"] == "kept"
