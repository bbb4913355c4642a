"""Pages know whether Redis is there, without waiting for it, and say so while it is not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils.html import strip_tags
from pytest_django import Settings
from redis import RedisError

from solicit_dashboard import pulse
from solicit_dashboard.ports import free_port
from solicit_dashboard.pulse import GOOD_FOR_SECONDS, Pulse, ping
from tests.factories import UserFactory

# of this year, for a moment of another one is shown with it
BEGUN = datetime(datetime.now(UTC).year, 3, 10, 12, 0, tzinfo=UTC)
WORDS = (
    "The queue is paused: Redis cannot be reached since {}; "
    "nothing is lost, what you ask for is sent when it is back."
)
PAGES = ["/", "/orders/", "/outbox/", "/accounts/"]


class World:
    """A Redis that is there or not, and a clock that is set."""

    def __init__(self) -> None:
        self.is_there, self.pings, self.seconds = True, 0, 0.0
        self.pulse = Pulse(self.ping, lambda: self.seconds, self.now)

    def ping(self) -> None:
        self.pings += 1
        if not self.is_there:
            raise RedisError("away")

    def now(self) -> datetime:
        return BEGUN + timedelta(seconds=self.seconds)


def test_redis_is_asked_once_in_a_few_seconds_however_many_pages_there_are() -> None:
    world = World()
    for _ in range(50):
        assert world.pulse.lost_since() is None
    assert world.pings == 1
    world.seconds += GOOD_FOR_SECONDS - 0.1
    world.pulse.lost_since()
    assert world.pings == 1
    world.seconds += 0.2
    world.pulse.lost_since()
    assert world.pings == 2
    assert GOOD_FOR_SECONDS <= 5


def test_it_is_lost_since_it_was_first_missed_until_it_is_back() -> None:
    world = World()
    world.is_there = False
    for seconds in (0, 10, 100):
        world.seconds = seconds
        assert world.pulse.lost_since() == BEGUN
    world.is_there = True
    world.seconds = 110
    assert world.pulse.lost_since() is None
    world.is_there, world.seconds = False, 200
    assert world.pulse.lost_since() == BEGUN + timedelta(seconds=200)


def test_nobody_else_waits_while_one_asks() -> None:
    asked, answer = threading.Event(), threading.Event()

    def slow() -> None:
        asked.set()
        assert answer.wait(20)

    slow_pulse = Pulse(slow, time.monotonic, lambda: BEGUN)
    thread = threading.Thread(target=slow_pulse.lost_since)
    thread.start()
    assert asked.wait(20)
    assert slow_pulse.lost_since() is None  # returns although the other one waits
    answer.set()
    thread.join(20)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Somebody listens there and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(5)
        yield server.getsockname()[1]


def test_a_redis_that_is_there_answers() -> None:
    ping()


def test_a_redis_that_is_silent_costs_half_a_second_and_one_that_refuses_nothing(
    settings: Settings, silent_port: int
) -> None:
    for port, most in ((silent_port, 2.5), (free_port(), 1.0)):
        settings.REDIS_URL = f"redis://:x@127.0.0.1:{port}/0"
        begun = time.monotonic()
        with pytest.raises(RedisError) as error:
            ping()
        # repeated, as redis-py does by itself, it would take five and more
        assert time.monotonic() - begun < most
        assert "x@" not in str(error.value)


@pytest.fixture
def reader(db: None) -> Client:
    client = Client()
    client.force_login(UserFactory())
    return client


@pytest.fixture
def new_pulse(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def begin_anew() -> None:
        monkeypatch.setattr(pulse, "_pulse", Pulse(ping, time.monotonic, lambda: BEGUN))

    return begin_anew


@pytest.mark.parametrize("path", PAGES)
def test_every_page_stays_up_while_redis_is_away_and_says_so_in_a_line(
    reader: Client, new_pulse: Callable[[], None], settings: Settings, path: str
) -> None:
    settings.REDIS_URL = f"redis://:x@127.0.0.1:{free_port()}/0"
    new_pulse()
    response = reader.get(path)
    assert response.status_code == 200
    assert strip_tags(response.content.decode()).count(WORDS.format("10 Mar 12:00")) == 1


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_said_while_redis_answers(
    reader: Client, new_pulse: Callable[[], None], path: str
) -> None:
    new_pulse()
    assert "queue is paused" not in reader.get(path).content.decode()


def test_strangers_are_told_nothing(
    db: None, new_pulse: Callable[[], None], settings: Settings
) -> None:
    settings.REDIS_URL = f"redis://:x@127.0.0.1:{free_port()}/0"
    new_pulse()
    assert "Redis" not in Client().get("/login/").content.decode()
