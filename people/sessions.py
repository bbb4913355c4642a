"""How long a session lasts, and which of a person's sessions there are."""

from __future__ import annotations

import time

from django.conf import settings
from django.http import HttpRequest

BEGAN, SEEN = "people_began", "people_seen"  # in the session: seconds since 1970
# The session is written at most this often because it was used, in seconds.
WRITE_EVERY = 60
# Pages ask for these by themselves; an unattended screen must not keep its session alive.
BY_ITSELF = frozenset(
    {
        "messaging:batch_status",
        "messaging:progress",
        "orders:counts",
        "orders:state",
        "orders:row",
    }
)


def begin_session(request: HttpRequest) -> None:
    """The session counts from now."""
    request.session[BEGAN] = request.session[SEEN] = int(time.time())


def is_over(request: HttpRequest) -> bool:
    """Whether the session was idle or open for too long, or does not say since when it is."""
    began, seen = request.session.get(BEGAN), request.session.get(SEEN)
    if not isinstance(began, int) or not isinstance(seen, int):
        return True
    now = time.time()
    return (
        now - seen >= settings.SESSION_IDLE_SECONDS
        or now - began >= settings.SESSION_LONGEST_SECONDS
    )


def keep_alive(request: HttpRequest) -> bool:
    """The session was used now; whether that was written down (at most every WRITE_EVERY)."""
    now = int(time.time())
    if now - request.session[SEEN] < WRITE_EVERY:
        return False
    request.session[SEEN] = now
    return True
