"""A server with queues for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.queues import TestQueue, make_queue, queue_server


@pytest.fixture(scope="module")
def queues() -> Iterator[str]:
    """The address of a server that speaks like Amazon SQS."""
    with queue_server() as endpoint:
        yield endpoint


@pytest.fixture
def queue(queues: str) -> TestQueue:
    """An empty queue there."""
    return make_queue(queues)
