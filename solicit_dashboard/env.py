"""The one place that reads the environment: every setting checked, every fault named at once.

Each name may instead be given as NAME_FILE, the path of a file with the value (as
container secrets are). An empty value counts as not set.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from solicit_dashboard.env_reader import LOOPBACK_HOSTS, Reader, is_loopback

EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h: a supervisor must not restart us, the fix is by hand
AMAZON_DOMAINS = ("amazon.com", "amazonservices.com", "amazonaws.com", "amazon.cn")
SHORTEST_SECRET_KEY = 50
PATH_SEGMENT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# A standard queue: Amazon delivers to no FIFO queue, whose name ends in .fifo.
QUEUE_ARN = re.compile(
    r"arn:aws(?:-[a-z]+){0,2}:sqs:(?P<region>[a-z0-9-]{5,30}):(?P<owner>[0-9]{12})"
    r":(?P<name>[A-Za-z0-9_-]{1,80})"
)
# This machine and the networks that are never routed on the internet (RFC 1918, 4193, 4291).
NEAR_NETWORKS = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    *("::1/128", "fc00::/7", "fe80::/10"),
)
BASE_DIR = Path(__file__).resolve().parent.parent


class BadEnvironmentError(Exception):
    """The environment cannot be used; `faults` has one line for each fault, with its fix."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Environment:
    """What the environment says, typed and checked. Durations are seconds unless named days."""

    debug: bool
    data_dir: Path
    secret_key: str = field(repr=False)
    token_keys: tuple[str, ...] = field(repr=False)
    database: dict[str, Any] = field(repr=False)
    redis_url: str = field(repr=False)
    allowed_hosts: tuple[str, ...]
    csrf_trusted_origins: tuple[str, ...]
    trusted_proxies: int
    spapi_endpoint: str | None
    lwa_endpoint: str
    consent_endpoint: str | None
    consent_hosts: dict[str, str]
    upload_hosts: tuple[str, ...]
    file_scanner: str | None
    body_seconds: float
    aws_endpoint_url_sqs: str | None
    sqs_queue_arn: str | None
    review_opens_after_days: int
    review_closes_after_days: int
    send_hold_seconds: int
    message_text_days: int
    dispatch_seconds: float
    lease_seconds: float
    call_deadline_seconds: float
    lane_margin: float
    lane_shards: int
    spapi_rate_factor: float
    statement_timeout_seconds: float
    log_format: str
    log_level: str
    sentry_dsn: str | None = field(repr=False)
    metrics_token: str | None = field(repr=False)
    admin_path: str
    admin_networks: tuple[str, ...]
    second_factor_required: bool
    dpp_passwords: bool

    @property
    def serves_loopback_only(self) -> bool:
        """Whether only this machine can reach the pages, so that plain http is safe."""
        return all(host in LOOPBACK_HOSTS for host in self.allowed_hosts)


SETTING_NAMES = tuple(
    "DATABASE_URL" if entry.name == "database" else entry.name.upper()
    for entry in fields(Environment)
)


def is_amazon(url: str | None) -> bool:
    """Whether calls to this base address reach Amazon; no address means Amazon's region hosts."""
    if url is None:
        return True
    host = (urlsplit(url).hostname or "").lower()
    return any(host == domain or host.endswith(f".{domain}") for domain in AMAZON_DOMAINS)


def read_environment(environ: Mapping[str, str] | None = None) -> Environment:
    """Every setting, checked; raises BadEnvironmentError with all faults at once."""
    read = Reader(os.environ if environ is None else environ)
    debug = read.flag("DEBUG")
    data_dir = BASE_DIR / (read.text("DATA_DIR") or "data")
    spapi_endpoint = read.endpoint("SPAPI_ENDPOINT")
    environment = Environment(
        debug=debug,
        data_dir=data_dir,
        secret_key=_secret_key(read, debug),
        token_keys=_token_keys(read, debug),
        database=_database(read, data_dir),
        redis_url=_redis_url(read, debug),
        allowed_hosts=_allowed_hosts(read, debug),
        csrf_trusted_origins=_origins(read),
        trusted_proxies=read.whole("TRUSTED_PROXIES", 0, 0, 10),
        spapi_endpoint=spapi_endpoint,
        lwa_endpoint=read.endpoint("LWA_ENDPOINT") or "https://api.amazon.com",
        # a sandbox has its own consent page
        consent_endpoint=read.endpoint("CONSENT_ENDPOINT")
        or (None if is_amazon(spapi_endpoint) else spapi_endpoint),
        consent_hosts=read.hosts("CONSENT_HOSTS"),
        upload_hosts=read.host_names("UPLOAD_HOSTS"),
        file_scanner=read.socket_address("FILE_SCANNER"),
        body_seconds=read.decimal("BODY_SECONDS", 60, 0.1, 3600),
        aws_endpoint_url_sqs=read.endpoint("AWS_ENDPOINT_URL_SQS"),
        sqs_queue_arn=_queue_arn(read),
        review_opens_after_days=read.whole("REVIEW_OPENS_AFTER_DAYS", 5, 0, 365),
        review_closes_after_days=read.whole("REVIEW_CLOSES_AFTER_DAYS", 30, 1, 365),
        send_hold_seconds=read.whole("SEND_HOLD_SECONDS", 10, 0, 3600),
        message_text_days=read.whole("MESSAGE_TEXT_DAYS", 30, 1, 365),
        dispatch_seconds=read.decimal("DISPATCH_SECONDS", 2, 0.1, 60),
        lease_seconds=read.decimal("LEASE_SECONDS", 180, 1, 3600),
        call_deadline_seconds=read.decimal("CALL_DEADLINE_SECONDS", 45, 0.1, 600),
        lane_margin=read.decimal("LANE_MARGIN", 0.9995, 0.01, 1),
        lane_shards=read.whole("LANE_SHARDS", 1, 1, 64),
        spapi_rate_factor=read.decimal("SPAPI_RATE_FACTOR", 1, 0.001, 1000),
        statement_timeout_seconds=read.decimal("STATEMENT_TIMEOUT_SECONDS", 0, 0, 3600),
        log_format=read.choice("LOG_FORMAT", "text", ("text", "json")),
        log_level=read.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        sentry_dsn=read.text("SENTRY_DSN"),
        metrics_token=read.text("METRICS_TOKEN"),
        admin_path=_admin_path(read),
        admin_networks=_admin_networks(read),
        second_factor_required=read.flag("SECOND_FACTOR_REQUIRED", default=not debug),
        dpp_passwords=read.flag("DPP_PASSWORDS", default=True),
    )
    _check_together(read, environment)
    if read.faults:
        raise BadEnvironmentError(read.faults)
    return environment


def _check_together(read: Reader, environment: Environment) -> None:
    if environment.review_closes_after_days <= environment.review_opens_after_days:
        read.fault(
            "REVIEW_CLOSES_AFTER_DAYS",
            f"{environment.review_closes_after_days} is not after the "
            f"{environment.review_opens_after_days} of REVIEW_OPENS_AFTER_DAYS",
            "Give a later day; Amazon's window is 5 to 30.",
        )
    if environment.lease_seconds <= environment.call_deadline_seconds:
        read.fault(
            "LEASE_SECONDS",
            f"{environment.lease_seconds:g} is not longer than the "
            f"{environment.call_deadline_seconds:g} of CALL_DEADLINE_SECONDS",
            "A claim must outlive its call: give 180, or at least the deadline and some seconds.",
        )
    if environment.sentry_dsn and find_spec("sentry_sdk") is None:
        read.fault(
            "SENTRY_DSN",
            "needs a package that is not installed",
            "Type: .venv/bin/python -m pip install sentry-sdk",
        )
    if not (environment.second_factor_required or environment.debug) and is_amazon(
        environment.spapi_endpoint
    ):
        read.fault(
            "SECOND_FACTOR_REQUIRED",
            "would let managers into real accounts with a password alone",
            "Remove it; only a demonstration goes without.",
        )
    if environment.spapi_rate_factor != 1 and is_amazon(environment.spapi_endpoint):
        read.fault(
            "SPAPI_RATE_FACTOR",
            f"{environment.spapi_rate_factor:g} would change Amazon's own published rates",
            "Remove it, or set SPAPI_ENDPOINT to a sandbox.",
        )


def _secret_key(read: Reader, debug: bool) -> str:
    value = read.text("SECRET_KEY")
    make = "Make one: python -c 'import secrets; print(secrets.token_urlsafe(64))'"
    if value is None:
        if not debug:
            read.missing("SECRET_KEY", make)
        # Under DEBUG a key of this process alone: it works, and nothing can come to rely on it.
        return token_urlsafe(64)
    if not debug and (len(value) < SHORTEST_SECRET_KEY or len(set(value)) < 5):
        read.fault("SECRET_KEY", f"is weaker than {SHORTEST_SECRET_KEY} random characters", make)
    return value


def _token_keys(read: Reader, debug: bool) -> tuple[str, ...]:
    keys = read.words("TOKEN_KEYS")
    make = (
        "Make one: python -c 'from cryptography.fernet import Fernet; "
        "print(Fernet.generate_key().decode())'"
    )
    if not keys:
        if not debug:
            read.missing("TOKEN_KEYS", make)
        return (base64.urlsafe_b64encode(os.urandom(32)).decode(),)
    for position, key in enumerate(keys, start=1):
        try:
            length = len(base64.urlsafe_b64decode(key))
        except (binascii.Error, ValueError):
            length = 0
        if length != 32:
            read.fault("TOKEN_KEYS", f"key {position} is not 32 bytes in url-safe base64", make)
    return keys


def _redis_url(read: Reader, debug: bool) -> str:
    value = read.text("REDIS_URL")
    fix = "Write redis://:password@host:6379/0, rediss://… or unix://:password@/path?db=0."
    if value is None:
        if not debug:
            read.missing("REDIS_URL", f"{fix} ./run starts a server of its own.")
        return "redis://127.0.0.1:6379/0"
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in {"redis", "rediss", "unix"} or not (host or parts.scheme == "unix"):
        read.fault("REDIS_URL", "is not the address of a Redis server", fix)
    elif parts.scheme != "unix" and not parts.password and not is_loopback(host):
        read.fault("REDIS_URL", f"has no password, and {host} is not this machine", fix)
    return value


def _allowed_hosts(read: Reader, debug: bool) -> tuple[str, ...]:
    hosts = read.words("ALLOWED_HOSTS")
    fix = "Write the names under which people reach the dashboard, such as reviews.example.com."
    if not hosts:
        if not debug:
            read.missing("ALLOWED_HOSTS", fix)
        return ("localhost", "127.0.0.1", "[::1]")
    if any("*" in host for host in hosts):
        read.fault("ALLOWED_HOSTS", "* would accept forged host names", fix)
    elif any("/" in host or (":" in host and not host.startswith("[")) for host in hosts):
        read.fault("ALLOWED_HOSTS", "has an address or a port in it", fix)
    elif debug and not all(host in LOOPBACK_HOSTS for host in hosts):
        read.fault(
            "DEBUG",
            "would show settings and code to whoever reaches " + ", ".join(hosts),
            "Set DEBUG=0, or ALLOWED_HOSTS=localhost.",
        )
    return hosts


def _queue_arn(read: Reader) -> str | None:
    value = read.text("SQS_QUEUE_ARN")
    if value is not None and not QUEUE_ARN.fullmatch(value):
        read.fault(
            "SQS_QUEUE_ARN",
            "is not the ARN of a standard queue",
            "Write it as arn:aws:sqs:eu-west-1:123456789012:name (no FIFO queue).",
        )
    return value


def _origins(read: Reader) -> tuple[str, ...]:
    origins = read.words("CSRF_TRUSTED_ORIGINS")
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path:
            read.fault(
                "CSRF_TRUSTED_ORIGINS", f"{origin!r} is no origin", "Write https://host[:port]."
            )
    return origins


def _admin_path(read: Reader) -> str:
    value = (read.text("ADMIN_PATH") or "admin").strip("/")
    if not PATH_SEGMENT.fullmatch(value):
        read.fault(
            "ADMIN_PATH",
            f"{value!r} is no part of an address",
            "Write one word of small letters, digits and hyphens, such as records-7f3a.",
        )
        return "admin"
    return value


def _admin_networks(read: Reader) -> tuple[str, ...]:
    networks = read.words("ADMIN_NETWORKS") or NEAR_NETWORKS
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            read.fault(
                "ADMIN_NETWORKS",
                f"{network!r} is no network",
                "Write networks as 192.0.2.0/24 or 2001:db8::/32, parted by commas.",
            )
    return networks


def _database(read: Reader, data_dir: Path) -> dict[str, Any]:
    """Django's connection settings from DATABASE_URL; sqlite paths are relative to the project."""
    value = read.text("DATABASE_URL")
    if value is None:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(data_dir / "db.sqlite3")}
    fix = "Write postgres://user:password@host:5432/name or sqlite:///data/db.sqlite3."
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        read.fault("DATABASE_URL", "is not an address", fix)
        return {}
    name = unquote(parts.path[1:])
    if parts.scheme == "sqlite":
        if parts.netloc or not name or name == ":memory:":
            read.fault("DATABASE_URL", "names no file that several processes can share", fix)
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(BASE_DIR / name)}
    options = dict(parse_qsl(parts.query))
    # libpq's own convention for unix sockets: postgres://user@/name?host=/var/run/postgresql
    host = unquote(parts.hostname or "") or options.pop("host", "")
    if parts.scheme not in {"postgres", "postgresql"} or not name:
        read.fault("DATABASE_URL", "names no PostgreSQL or SQLite database", fix)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(port or ""),
        "OPTIONS": options,
    }


def inherited_environment() -> dict[str, str]:
    """All of this process's environment, for a child process."""
    return dict(os.environ)
