"""Tries that failed, in the audit trail."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest

from audit.models import AuditKind
from audit.services import record_event
from people.limits import counted_address


def record_failure(
    request: HttpRequest, person: User | None, step: str, *, is_last: bool = False
) -> None:
    """The failure stands in the audit trail: whose name it was and from where, not by whom.

    A name that nobody has is not kept: people type passwords there. `is_last`: further tries wait.
    """
    record_event(
        AuditKind.LOGIN_FAILED,
        user=None,
        subject=person.get_username() if person is not None else "",
        step=step,
        address=counted_address(request),
        waits_now=is_last,
    )
