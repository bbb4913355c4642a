"""What `manage.py check` looks at besides Django's own checks; `env` has looked at the environment."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.urls import Resolver404, resolve, reverse


def admin_has_its_own_address(app_configs: Any, **_options: Any) -> list[CheckMessage]:
    """ADMIN_PATH is no word that another page of ours has."""
    try:
        found = resolve(reverse("admin:index")).app_name
    except Resolver404:
        found = ""
    if found == "admin":
        return []
    return [
        Error(
            f"ADMIN_PATH: another page lies at /{settings.ADMIN_PATH}/.",
            hint="Choose another word, such as records-7f3a.",
            id="solicit_dashboard.E001",
        )
    ]
