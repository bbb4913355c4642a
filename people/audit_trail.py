"""What Django and allauth tell of log-ins stands in the audit trail, and in the session.

The one module of the project that receives signals: they are the only way in which these packages
tell what happened.
"""

from __future__ import annotations

from typing import Any

from allauth.account.signals import authentication_step_completed
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest

from audit.models import AuditKind
from audit.services import record_event
from people.confirmation import mark_confirmed
from people.sessions import begin_session


def listen() -> None:
    """The receivers below are connected; more than once does nothing."""
    for signal, receiver in (
        (user_logged_in, _logged_in),
        (user_logged_out, _logged_out),
        (authentication_step_completed, _step_completed),
    ):
        signal.connect(receiver, dispatch_uid=f"people:{receiver.__name__}")


def _logged_in(request: HttpRequest, user: User, **_rest: Any) -> None:
    begin_session(request)
    steps = request.session.get("account_authentication_methods") or []
    names = [step.get("type") or step.get("method") for step in steps if isinstance(step, dict)]
    record_event(AuditKind.LOGGED_IN, user=user, subject=user.get_username(), steps=names)


def _logged_out(request: HttpRequest, user: User | None, **_rest: Any) -> None:
    if user is not None:
        record_event(AuditKind.LOGGED_OUT, user=user, subject=user.get_username())


def _step_completed(request: HttpRequest, user: User, **_rest: Any) -> None:
    mark_confirmed(request, user.pk)
