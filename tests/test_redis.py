"""The process's one connection to Redis."""

import os

from solicit_dashboard import redis
from solicit_dashboard.redis import get_redis, redis_key


def test_a_process_has_one_client() -> None:
    assert get_redis() is get_redis()
    assert get_redis().ping()


def test_answers_are_bytes(redis_empty: None) -> None:
    get_redis().set(redis_key("test"), "ü")
    assert get_redis().get("solicit:test") == "ü".encode()


def test_a_key_has_our_prefix_and_its_parts() -> None:
    assert redis_key("bucket", 7, "getOrder") == "solicit:bucket:7:getOrder"


def test_a_forked_child_opens_connections_of_its_own() -> None:
    get_redis().ping()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # no assertion and no clean-up of pytest's may run here
        os.write(writer, b"0" if redis._clients else b"1")
        os._exit(0)
    os.waitpid(child, 0)
    try:
        assert os.read(reader, 1) == b"1"
    finally:
        os.close(reader)
        os.close(writer)


def test_more_threads_than_connections_wait_instead_of_failing() -> None:
    pool = get_redis().connection_pool
    assert pool.max_connections >= 16
    assert type(pool).__name__ == "BlockingConnectionPool"
