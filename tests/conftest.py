"""Fixtures for every test."""

import os
from collections.abc import Iterator
from functools import cache

import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase, override_settings

from audit.guards import GUARDS, install, remove
from solicit_dashboard.redis import get_redis

_DATABASE_FIXTURES = frozenset({"db", "transactional_db", "live_server", "django_db_setup"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only-database",
        action="store_true",
        help="only tests that use the database: the others say the same on every database",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("only_database"):
        others = [item for item in items if not _uses_database(item)]
        items[:] = [item for item in items if _uses_database(item)]
        config.hook.pytest_deselected(items=others)


def _uses_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("any_database"):
        return False
    if any(item.get_closest_marker(name) for name in ("django_db", "e2e")):
        return True
    if not _DATABASE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
        return True
    case = getattr(item, "cls", None)
    return isinstance(case, type) and issubclass(case, TransactionTestCase)


@pytest.fixture(scope="session", autouse=True)
def _fast_passwords() -> Iterator[None]:
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session", autouse=True)
def _tables_are_emptied_quickly() -> Iterator[None]:
    """After a transactional test only what it has left is deleted.

    Django's way empties every table and makes all permissions anew, which took the longest part of
    many a test. It is the one deletion that the guards of the records let pass.
    """

    def empty(_case: TransactionTestCase) -> None:
        tables = _tables()
        with connection.cursor() as cursor:
            cursor.execute("SELECT " + ", ".join(f"EXISTS (SELECT 1 FROM {t})" for t in tables))
            used = [
                table for table, is_used in zip(tables, cursor.fetchone(), strict=True) if is_used
            ]
            with transaction.atomic():
                remove(connection, GUARDS)
                for table in used:
                    cursor.execute(f"DELETE FROM {table}")
                install(connection, GUARDS)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@cache
def _tables() -> list[str]:
    """All tables but those that the migrations have filled."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(tables) - {"auth_permission", "django_content_type"})


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
