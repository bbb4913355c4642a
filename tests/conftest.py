"""Fixtures for every test."""

import os
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import override_settings

from solicit_dashboard.redis import get_redis


@pytest.fixture(scope="session", autouse=True)
def _fast_passwords() -> Iterator[None]:
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture
def redis_empty() -> Iterator[None]:
    """Nothing is in Redis when the test begins."""
    get_redis().flushall()
    yield
    get_redis().flushall()


@pytest.fixture
def process_environment(transactional_db: None) -> dict[str, str]:
    """The environment for a process that is to see the test's own database and Redis."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{settings['NAME']}"
    else:
        url = (
            f"postgres://{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}"
            f":{settings['PORT'] or 5432}/{settings['NAME']}"
        )
    return os.environ | {"DATABASE_URL": url}
