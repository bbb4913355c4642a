"""The watchdog: every socket at its own deadline, and no socket of another's."""

import socket
import time

import pytest

from spapi.deadlines import DeadlinePassed, Exchange, SendPrevented, Watchdog


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    yield ours, theirs
    ours.close()
    theirs.close()


def test_reader_wakes_at_the_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    watchdog = Watchdog()
    exchange = Exchange(0.3, 1.0)
    exchange.attach(ours)
    began = time.monotonic()
    watchdog.watch(exchange)
    assert ours.recv(1) == b""
    assert 0.25 <= time.monotonic() - began < 2
    assert exchange.expired


def test_earlier_deadline_that_comes_later_is_kept(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    watchdog = Watchdog()
    late, early = Exchange(60, 1.0), Exchange(0.2, 1.0)
    late.attach(theirs)
    early.attach(ours)
    watchdog.watch(late)
    time.sleep(0.05)  # the thread sleeps until the late one by now, or is about to
    watchdog.watch(early)
    assert ours.recv(1) == b""
    assert not late.expired


def test_finished_exchange_keeps_its_hands_off_the_socket(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    exchange = Exchange(0.1, 1.0)
    exchange.attach(ours)
    exchange.finish()
    exchange.expire()
    assert not exchange.expired
    theirs.sendall(b"x")
    assert ours.recv(1) == b"x"


def test_socket_attached_after_the_deadline_is_shut_down(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, _ = pair
    exchange = Exchange(0.1, 1.0)
    exchange.expire()
    exchange.attach(ours)
    assert ours.recv(1) == b""


def test_released_exchange_is_not_expired() -> None:
    watchdog = Watchdog()
    released, other = Exchange(0.1, 1.0), Exchange(0.2, 1.0)
    watchdog.watch(released)
    watchdog.watch(other)
    watchdog.release(released)
    limit = time.monotonic() + 10
    while not other.expired and time.monotonic() < limit:
        time.sleep(0.01)
    assert other.expired
    assert not released.expired


def test_nothing_is_sent_after_the_deadline() -> None:
    with pytest.raises(DeadlinePassed):
        Exchange(0.0, 1.0).begin_sending()
    expired = Exchange(60, 1.0)
    expired.expire()
    with pytest.raises(DeadlinePassed):
        expired.begin_sending()
    assert not expired.sending


def test_nothing_is_sent_if_before_send_raises() -> None:
    def refuse() -> None:
        raise RuntimeError("no")

    exchange = Exchange(60, 1.0, refuse)
    with pytest.raises(SendPrevented) as caught:
        exchange.begin_sending()
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert not exchange.sending
