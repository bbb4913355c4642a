"""Django's settings. Every value that differs between installations comes from `env`."""

import socket
import sys
from typing import Any

from celery.schedules import crontab
from csp.constants import NONE, SELF
from kombu import Queue

from solicit_dashboard.env import (
    BASE_DIR,
    EXIT_CONFIG,
    BadEnvironmentError,
    is_amazon,
    read_environment,
)
from solicit_dashboard.error_reports import start_error_reports
from solicit_dashboard.logs import logging_configuration
from solicit_dashboard.settings_people import *  # noqa: F403

try:
    _env = read_environment()
except BadEnvironmentError as _error:
    sys.stderr.write("The settings in the environment cannot be used:\n")
    sys.stderr.writelines(f"  {fault}\n" for fault in _error.faults)
    raise SystemExit(EXIT_CONFIG) from None

# What this installation chose
DEBUG = _env.debug
DATA_DIR = _env.data_dir
SECRET_KEY = _env.secret_key
TOKEN_KEYS = _env.token_keys
REDIS_URL = _env.redis_url
ALLOWED_HOSTS = list(_env.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(_env.csrf_trusted_origins)
TRUSTED_PROXIES = _env.trusted_proxies
SPAPI_ENDPOINT = _env.spapi_endpoint
SPAPI_IS_AMAZON = is_amazon(_env.spapi_endpoint)
LWA_ENDPOINT = _env.lwa_endpoint
CONSENT_ENDPOINT = _env.consent_endpoint
CONSENT_HOSTS = _env.consent_hosts
UPLOAD_HOSTS = _env.upload_hosts
FILE_SCANNER = _env.file_scanner
BODY_SECONDS = _env.body_seconds
AWS_ENDPOINT_URL_SQS = _env.aws_endpoint_url_sqs
SQS_QUEUE_ARN = _env.sqs_queue_arn
REVIEW_OPENS_AFTER_DAYS = _env.review_opens_after_days
REVIEW_CLOSES_AFTER_DAYS = _env.review_closes_after_days
SEND_HOLD_SECONDS = _env.send_hold_seconds
MESSAGE_TEXT_DAYS = _env.message_text_days
DISPATCH_SECONDS = _env.dispatch_seconds
LEASE_SECONDS = _env.lease_seconds
CALL_DEADLINE_SECONDS = _env.call_deadline_seconds
LANE_MARGIN = _env.lane_margin
LANE_SHARDS = _env.lane_shards
SPAPI_RATE_FACTOR = _env.spapi_rate_factor
LOG_FORMAT = _env.log_format
LOG_LEVEL = _env.log_level
SENTRY_DSN = _env.sentry_dsn
METRICS_TOKEN = _env.metrics_token
ADMIN_PATH = _env.admin_path
ADMIN_NETWORKS = _env.admin_networks
SECOND_FACTOR_REQUIRED = _env.second_factor_required
DPP_PASSWORDS = _env.dpp_passwords

INSTALLED_APPS = [
    "solicit_dashboard",
    "audit",
    "sellers",
    "orders",
    "messaging",
    "replenishment",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "people",
    "django_htmx",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "solicit_dashboard.middleware.page_rules",
    "solicit_dashboard.middleware.readers_time_zone",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "people.middleware.session_limits",
    "people.middleware.unsent_words",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "people.middleware.second_factor",
    "people.middleware.old_password",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "people.middleware.too_many_attempts",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "solicit_dashboard.admin_gate.admin_from_near",
]
ROOT_URLCONF = "solicit_dashboard.urls"
WSGI_APPLICATION = "solicit_dashboard.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Times and words
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False  # one language: nothing has to be looked up for every word and number
FORMAT_MODULE_PATH = "solicit_dashboard.formats"

# Database
DATABASES: dict[str, dict[str, Any]] = {"default": dict(_env.database)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"] |= {
        # Without IMMEDIATE a transaction that reads before it writes fails under concurrency
        # ("database is locked") however long the busy timeout is.
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                # A claim that Amazon has seen the effect of must survive a power cut. The sandbox
                # forgets with us, and need not wait for the disk.
                "PRAGMA journal_mode=WAL; "
                f"PRAGMA synchronous={'FULL' if SPAPI_IS_AMAZON else 'NORMAL'}; "
                "PRAGMA busy_timeout=20000; PRAGMA recursive_triggers=ON"
            ),
        },
        # A file in tests too: worker processes and threads have to see the same database.
        "TEST": {"NAME": f"{DATABASES['default']['NAME']}.test"},
    }
else:
    _options: dict[str, Any] = {
        "connect_timeout": 5,
        "application_name": "solicit-dashboard",
        # A connection that went dead without a word holds a worker up for half a minute at most.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
        # A process that is frozen, or a machine that is gone, in the middle of a transaction must
        # not keep its rows: the sweeper and every other sender would wait for them.
        # A claim that is confirmed must stand, whatever the server does by default. What is asked
        # here ends after few rows: to compile it, or to start processes for it, takes longer.
        "options": (
            "-c idle_in_transaction_session_timeout=30000 -c synchronous_commit=on"
            " -c jit=off -c max_parallel_workers_per_gather=0"
        ),
    }
    if _env.statement_timeout_seconds:
        _options["options"] += f" -c statement_timeout={int(_env.statement_timeout_seconds * 1000)}"
    DATABASES["default"] |= {
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": _options | DATABASES["default"]["OPTIONS"],
    }

# Redis as cache. Sessions stay in the database: a wiped Redis must log nobody out.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "solicit:cache",
        "OPTIONS": {"socket_timeout": 5, "socket_connect_timeout": 5},
    },
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# Files of the pages
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # The manifest needs collectstatic first, which neither tests nor DEBUG want.
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
    },
}
MEDIA_ROOT = DATA_DIR / "media"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
# More than the 5,000 orders that a form may name, so that too many are told so in words.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 12_000
DATA_UPLOAD_MAX_NUMBER_FILES = 10
FILE_UPLOAD_PERMISSIONS = 0o600

# Safety of the pages. Where only this machine can reach them, plain http has to work.
_https = not DEBUG and not _env.serves_loopback_only
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked by load balancers from inside
SECURE_HSTS_SECONDS = 2 * 365 * 24 * 3600 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_NAME = "__Host-sessionid" if _https else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if _https else "csrftoken"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "solicit_dashboard.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}

# What is written down
LOGGING = logging_configuration(LOG_FORMAT, LOG_LEVEL)
if SENTRY_DSN:
    start_error_reports(SENTRY_DSN)

# Celery: hints only. No results, early acknowledgement, due times in the table.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1).replace(
    "?db=", "?virtual_host=", 1
)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_QUEUES = (Queue("default"), Queue("lanes"))
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_ROUTES = {"messaging.tasks.drive_lanes": {"queue": "lanes"}}
# A click publishes after its commit and must not wait for a dead broker: beat offers it again.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = _env.call_deadline_seconds + 15
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A connection that went dead without a word is noticed within half a minute: when it is idle by the
# first three, with bytes under way that nobody acknowledges by the last (ms; Linux alone has it).
_KEEPALIVE = {
    getattr(socket, name): value
    for name, value in {
        "TCP_KEEPIDLE": 10,
        "TCP_KEEPINTVL": 5,
        "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": 20_000,
    }.items()
    if hasattr(socket, name)
}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "health_check_interval": 25,
    "socket_keepalive": True,
    "socket_keepalive_options": _KEEPALIVE,
    "socket_timeout": 30,
    "socket_connect_timeout": 5,
    "max_connections": 64,  # kombu's ten run out as soon as a few threads publish
    "global_keyprefix": "solicit:celery:",
}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
# Ticks that nobody took in time are worthless: a worker that comes back drops them unread.
CELERY_BEAT_SCHEDULE = {
    "dispatch": {
        "task": "messaging.tasks.dispatch",
        "schedule": DISPATCH_SECONDS,
        "options": {"expires": max(10, 2 * DISPATCH_SECONDS)},
    },
    "sweep": {
        "task": "messaging.tasks.sweep",
        "schedule": 15.0,
        "options": {"expires": 30},
    },
    "sync-due": {
        "task": "orders.tasks.sync_due",
        "schedule": 60.0,
        "options": {"expires": 120},
    },
    "fetch-hinted-due": {
        "task": "orders.tasks.fetch_hinted_due",
        "schedule": 15.0,
        "options": {"expires": 30},
    },
    "read-reports-due": {
        "task": "orders.tasks.read_reports_due",
        "schedule": 15.0,
        "options": {"expires": 30},
    },
    "empty-files": {
        "task": "messaging.tasks.empty_files",
        "schedule": crontab(minute="*/15"),
        "options": {"expires": 120},
    },
    "forget-texts": {
        "task": "messaging.tasks.forget_texts",
        "schedule": crontab(minute=40),
        "options": {"expires": 120},
    },
    "check-ledger": {
        "task": "messaging.tasks.check_ledger",
        # by the clock, so that two clockworks tick for the same slot
        "schedule": crontab(minute="*/5"),
        "options": {"expires": 120},
    },
}
