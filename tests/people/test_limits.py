"""Many tries at once, and tries while Redis is away."""

from __future__ import annotations

import threading

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, RequestFactory
from pytest_django import Settings

from people.limits import TooManyAttemptsError, begin_attempt
from people.models import LogInAttempt
from tests.factories import UserFactory
from tests.people.test_log_in import SECRET, code_for, is_in, log_in


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_ten_are_looked_at() -> None:
    user: User = UserFactory()
    looked_at: list[int] = []
    begin = threading.Barrier(16)

    def attempt(number: int) -> None:
        begin.wait()
        try:
            begin_attempt(RequestFactory().post("/login/"), "password", user.username, user)
            looked_at.append(number)
        except TooManyAttemptsError:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Of those that come in the same moment each may see the others': fewer, never more.
    assert len(looked_at) <= 10
    assert LogInAttempt.objects.count() == 3 * len(looked_at)


@pytest.mark.django_db
def test_one_can_log_in_while_redis_is_away(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": settings.REDIS_URL,
        }
    }
    user, client = UserFactory(), Client()
    TOTP.activate(user, SECRET)
    log_in(client, user.username, "wrong")
    log_in(client, user.username)
    client.post("/login/code/", {"code": "000000"})
    assert client.post("/login/code/", {"code": code_for()}).status_code == 302
    assert client.get("/me/").status_code == 200
    assert is_in(client)
