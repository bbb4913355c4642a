"""What `manage.py check` says besides Django's own checks."""

from __future__ import annotations

from django.core.checks import run_checks

from solicit_dashboard.checks import admin_has_its_own_address
from tests.test_env import PRODUCTION
from tests.test_settings import run


def test_the_admin_has_an_address_of_its_own() -> None:
    assert admin_has_its_own_address(None) == []
    assert run_checks() == []


def test_an_admin_where_another_page_lies_is_refused() -> None:
    done = run(["manage.py", "check"], {**PRODUCTION, "ADMIN_PATH": "orders"})
    assert done.returncode == 1
    assert "ADMIN_PATH: another page lies at /orders/." in done.stderr
