"""How long a session lasts, and which of a person's sessions there are."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from audit.models import AuditKind
from audit.services import record_event
from people.adapters import NO_ADDRESS

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

# What a User-Agent holds, in the order in which it must be looked for.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def begin_session(request: HttpRequest) -> None:
    """The session counts from now. Those that nobody came back to are cleared away."""
    request.session.clear_expired()
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


@dataclass(frozen=True)
class OpenSession:
    """A place where somebody is logged in."""

    pk: int
    device: str
    address: str
    began_at: datetime
    seen_at: datetime
    is_this: bool


def list_sessions(request: HttpRequest) -> list[OpenSession]:
    """The sessions of who is logged in, this one first, then the one that was used last."""
    key = request.session.session_key
    found = [
        OpenSession(
            pk=row.pk,
            device=device_words(row.user_agent),
            address="" if row.ip == NO_ADDRESS else row.ip,
            began_at=row.created_at,
            seen_at=row.last_seen_at,
            is_this=row.session_key == key,
        )
        for row in UserSession.objects.purge_and_list(request.user)
    ]
    return sorted(found, key=lambda one: (not one.is_this, -one.seen_at.timestamp()))


def end_session(user: User, session_id: int) -> None:
    """That session of theirs has ended. Raises Http404 for another's."""
    row = get_object_or_404(UserSession, pk=session_id, user=user)
    row.end()
    record_event(AuditKind.SESSION_ENDED, user=user, subject=user.get_username(), why="asked for")


def end_other_sessions(request: HttpRequest, user: User, *, why: str) -> int:
    """Every session of theirs but this one has ended; how many there were."""
    rows = list(
        UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key)
    )
    for row in rows:
        row.end()
    if rows:
        record_event(
            AuditKind.SESSION_ENDED,
            user=user,
            subject=user.get_username(),
            why=why,
            number=len(rows),
        )
    return len(rows)


def device_words(user_agent: str) -> str:
    """The browser and system that a User-Agent names, in two words where it is a usual one."""
    browser = next((word for mark, word in _BROWSERS if mark in user_agent), "")
    system = next((word for mark, word in _SYSTEMS if mark in user_agent), "")
    return " on ".join(word for word in (browser, system) if word) or "Another program"
