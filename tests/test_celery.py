"""The Celery application: routes, hints that expire, and a shutdown that running tasks see."""

from __future__ import annotations

import json
import os
import socket

import pytest
from celery.signals import worker_shutting_down

from solicit_dashboard import celery
from solicit_dashboard.celery import app, stop_requested
from solicit_dashboard.redis import get_redis


@pytest.fixture
def stop_flag() -> object:
    yield
    celery._stop_flag[0] = 0


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks


def test_lanes_have_a_queue_of_their_own(redis_empty: None) -> None:
    app.send_task("messaging.tasks.drive_lanes", args=[0])
    app.send_task("messaging.tasks.sweep", expires=30)
    client = get_redis()
    assert client.llen("solicit:celery:lanes") == 1
    assert client.llen("solicit:celery:default") == 1
    message = json.loads(client.lindex("solicit:celery:default", 0))
    assert message["headers"]["expires"], "a hint that nobody took in time is dropped"
    assert message["content-type"] == "application/json"


def test_a_connection_to_the_broker_that_went_dead_without_a_word_is_noticed_within_half_a_minute(
    redis_empty: None,
) -> None:
    """A worker that waits on one would never hear of work again, and never know."""
    with app.connection_for_write() as broker:
        pool = broker.default_channel.client.connection_pool
        connection = pool.get_connection()
        try:
            sock = connection._sock
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            idle, interval, count = (
                sock.getsockopt(socket.IPPROTO_TCP, option)
                for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            )
            unheard = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert connection.health_check_interval == 25
        finally:
            pool.release(connection)
    assert idle + interval * count <= 30
    assert 0 < unheard <= 30_000


def test_a_running_task_in_a_forked_child_sees_that_the_worker_is_to_stop(
    stop_flag: object,
) -> None:
    assert not stop_requested()
    reader, writer = os.pipe()
    go_reader, go_writer = os.pipe()
    child = os.fork()
    if child == 0:  # a pool process: it was forked before anybody asked for a stop
        before = stop_requested()
        os.write(writer, b"r")
        os.read(go_reader, 1)
        os.write(writer, b"1" if stop_requested() and not before else b"0")
        os._exit(0)
    assert os.read(reader, 1) == b"r"
    worker_shutting_down.send(sender="worker", sig="TERM", how="Warm", exitcode=0)
    os.write(go_writer, b"g")
    assert os.read(reader, 1) == b"1"
    os.waitpid(child, 0)
    for end in (reader, writer, go_reader, go_writer):
        os.close(end)
