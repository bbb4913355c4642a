"""Rows that are made once for all tests of a module or a class."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from pytest_django import DjangoDbBlocker


@contextmanager
def rows_made_once(blocker: DjangoDbBlocker) -> Iterator[None]:
    """For a fixture that also takes `django_db_setup`: what the block makes goes as it ends.

    What a test does itself is undone after that test: it runs in a savepoint of this transaction.
    """
    with blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)
