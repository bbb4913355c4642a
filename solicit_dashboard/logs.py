"""Log lines without secrets, and without line breaks that somebody else put in.

The rules stand in the formatter and not in a filter, because only there the whole line
exists, exception text included.
"""

from __future__ import annotations

import json
import logging
import re
import time
from typing import Any

REMOVED = "[removed]"
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    # A presigned address: who has its query may fetch what it leads to. Before the headers below,
    # of which some may also stand in such a query.
    (
        re.compile(
            r"\?[^\s\"'<>?]*?\b(?:x-amz-|signature=|awsaccesskeyid=)[^\s\"'<>]*", re.IGNORECASE
        ),
        f"?{REMOVED}",
    ),
    # LWA tokens, restricted data tokens and application secrets, by the prefixes that Amazon
    # documents; also as they stand in an address
    (
        re.compile(r"\b(?:Atz[a-z]{1,4}|Atz\.sprdt|Atc)(?:\||%7C)[^\s\"'&,;<>\\]+", re.IGNORECASE),
        REMOVED,
    ),
    (re.compile(r"\bamzn1\.oa2-cs\.[\w.-]+"), REMOVED),
    # A whole header: the value may have blanks in it ("Bearer …")
    (
        re.compile(
            r"\b((?:proxy-)?authorization|x-amz-access-token|x-amz-security-token|set-cookie|cookie)"
            r"(\\?[\"']?\s*[:=,]\s*(?:b(?=[\"']))?)(\\?[\"'])?(?(3).*?\3|[^\r\n]+)",
            re.IGNORECASE,
        ),
        rf"\1\2{REMOVED}",
    ),
    # A field of a form, an address or a JSON document
    (
        re.compile(
            r"\b(spapi_oauth_code|mws_auth_token|client_secret|refresh_token|access_token"
            r"|restricted_?data_?token|password|secret_key|token_keys|metrics_token"
            r"|csrfmiddlewaretoken|x-amz-signature|(?<=[?&])(?:code|token)(?==))"
            r"(\\?[\"']?\s*[:=]\s*b?\\?[\"']?)[^\s\"'&,;}\\]+",
            re.IGNORECASE,
        ),
        rf"\1\2{REMOVED}",
    ),
    # Without its header's name, as an exception may show it
    (re.compile(r"\b(Bearer\s+)[^\s\"',;]{8,}", re.IGNORECASE), rf"\1{REMOVED}"),
    # The user and password of an address
    (re.compile(r"(\b[a-z][a-z0-9+.-]{0,30}://)[^\s/@\"']*@", re.IGNORECASE), rf"\1{REMOVED}@"),
)
# Whatever a terminal or a line-based reader would take for the end or the start of something
_CONTROL = {
    code: f"\\x{code:02x}"
    for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))
    if chr(code) not in "\t"
} | {0x0A: "\\n", 0x0D: "\\r", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def redact(text: str) -> str:
    """The text with every secret that can be recognised replaced by "[removed]"."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def one_line(text: str) -> str:
    """The text with control characters written out, so that it cannot forge a second line."""
    return text.translate(_CONTROL)


class NoTraceOfRefusals(logging.Filter):
    """Answers below 500 are a line without the traceback that Django adds: we refused on purpose."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.ERROR:
            record.exc_info = None
        return True


class TextFormatter(logging.Formatter):
    """`2026-11-20T09:00:00Z INFO name: message`; a traceback follows, each line indented."""

    def format(self, record: logging.LogRecord) -> str:
        line = one_line(
            f"{_moment(record)} {record.levelname} {record.name}: {redact(record.getMessage())}"
        )
        trace = _trace(self, record)
        if trace:
            line += "".join(f"\n    {one_line(part)}" for part in redact(trace).split("\n"))
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, process, and trace if any."""

    def format(self, record: logging.LogRecord) -> str:
        document: dict[str, Any] = {
            "time": _moment(record),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(record.getMessage()),
            "process": record.process,
        }
        trace = _trace(self, record)
        if trace:
            document["trace"] = redact(trace)
        return json.dumps(document)


def _moment(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = []
    if record.exc_info:
        parts.append(formatter.formatException(record.exc_info))
    if record.stack_info:
        parts.append(formatter.formatStack(record.stack_info))
    return "\n".join(parts)


def logging_configuration(log_format: str, level: str) -> dict[str, Any]:
    """For logging.config.dictConfig: everything to standard error in one format."""
    formatter = JsonFormatter if log_format == "json" else TextFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"no_trace_of_refusals": {"()": NoTraceOfRefusals}},
        "formatters": {"default": {"()": formatter}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "default"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django would mail and print these by itself.
            "django": {"handlers": [], "level": level, "propagate": True},
            # Its debug lines carry all that a page was drawn from, such as a file that was pasted.
            "django.template": {"level": "WARNING"},
            "django.request": {"filters": ["no_trace_of_refusals"]},
            "django.server": {"handlers": [], "level": level, "propagate": True},
            # Gunicorn and Celery bring handlers of their own, which would not redact.
            "gunicorn.error": {"handlers": ["console"], "level": level, "propagate": False},
            # Its lines hold whole addresses, in which Amazon's consent code may stand.
            "gunicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
            "celery.task": {"handlers": [], "level": level, "propagate": True},
            # A line for each tick of every few seconds would bury the rest.
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            # Its debug lines carry whole requests.
            "urllib3": {"level": "WARNING"},
            # So do theirs, and whole messages of the queue.
            "boto3": {"level": "WARNING"},
            "botocore": {"level": "WARNING"},
        },
    }
