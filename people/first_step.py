"""The first step of a log-in that waits for its second: the password that was given must count still."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

FIRST_STEP = "people_first_step"  # in the session: the keyed hash of the password that was given


def note_first_step(request: HttpRequest, person: User) -> None:
    """This person gave their password in this session."""
    request.session[FIRST_STEP] = person.get_session_auth_hash()


def is_first_step_valid(request: HttpRequest, person: User | None) -> bool:
    """Whether this person's password is the one that was given here. Another ends the log-in."""
    given = request.session.get(FIRST_STEP, "")
    return person is not None and constant_time_compare(given, person.get_session_auth_hash())
