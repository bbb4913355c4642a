"""Errors sent to Sentry, where SENTRY_DSN asks for it; nothing of a request or a secret in them."""

from __future__ import annotations

import importlib
import json
from typing import Any

from solicit_dashboard.logs import redact


def start_error_reports(dsn: str) -> None:
    """Errors are reported from now on. Needs the package sentry-sdk, which we do not require."""
    sentry = importlib.import_module("sentry_sdk")
    sentry.init(
        dsn=dsn,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=_without_secrets,
    )


def _without_secrets(event: dict[str, Any], _hint: dict[str, Any]) -> dict[str, Any] | None:
    event.pop("request", None)
    try:
        cleaned: dict[str, Any] = _redacted(event)
        json.dumps(cleaned, default=str)
    except (TypeError, ValueError):
        return None
    return cleaned


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _redacted(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(entry) for entry in value]
    return value
