"""Fixtures of the tests that drive a shard."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import Settings

from messaging import driver
from sandbox.testing import running
from tests.messaging.shard import FACTOR, LINGER_SECONDS, Shard


@pytest.fixture
def make_shard(
    transactional_db: None,
    redis_empty: None,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Shard]]:
    """Makes a sandbox with its sellers connected; drivers rest soon when nothing is left to do."""
    monkeypatch.setattr(driver, "LINGER_SECONDS", LINGER_SECONDS)
    monkeypatch.setattr(driver, "FIND_DUE_SECONDS", 0.1)
    settings.LANE_SHARDS = 1
    with ExitStack() as stack:

        def make(*, factor: float = FACTOR, **options: Any) -> Shard:
            options = {"sellers": 1, "orders": 120, "rate_factor": factor} | options
            amazon = stack.enter_context(running(**options))
            settings.SPAPI_RATE_FACTOR = factor
            settings.SPAPI_ENDPOINT = settings.LWA_ENDPOINT = amazon.url
            shard = Shard(amazon)
            shard.connect()
            return shard

        yield make


@pytest.fixture(autouse=True)
def _callers_stay_away_from_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The threads that call Amazon never open a connection to the database."""
    connect = BaseDatabaseWrapper.connect

    def watched(self: BaseDatabaseWrapper) -> None:
        assert not threading.current_thread().name.startswith(("lane_", "wake"))
        connect(self)

    monkeypatch.setattr(BaseDatabaseWrapper, "connect", watched)
