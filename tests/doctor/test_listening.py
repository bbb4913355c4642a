"""What answers say besides their bodies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from solicit_dashboard.doctor.listening import Listener
from spapi import HttpAnswer, HttpRequest, Transport


class Amazon(Transport):
    """Answers with these headers."""

    def __init__(self, **headers: str) -> None:
        self.headers = headers

    def send(self, request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(200, self.headers, b"{}")

    def close(self) -> None:
        raise AssertionError("the connections belong to others")


def heard(**headers: str) -> Listener:
    listener = Listener(Amazon(**headers))
    answer = listener.send(HttpRequest("GET", "https://amazon.example/orders/1?token=x", {}))
    assert answer.body == b"{}"
    listener.close()
    return listener


@pytest.mark.parametrize("seconds", [-7200, 0, 90])
def test_amazon_s_clock_is_compared_with_ours(seconds: int) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    (one,) = heard(date=date).heard
    assert one.ahead is not None
    assert abs(one.ahead.total_seconds() - seconds) < 1


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 20 Nov 2026 21:00:00", "Fri, 99"])
def test_a_date_that_cannot_be_read_says_nothing(date: str) -> None:
    (one,) = heard(date=date).heard
    assert one.ahead is None


def test_the_rate_is_kept_and_the_query_is_not() -> None:
    (one,) = heard(**{"x-amzn-ratelimit-limit": "1.0"}).heard
    assert (one.path, one.rate) == ("/orders/1", "1.0")
