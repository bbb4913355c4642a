"""What Django and allauth tell of log-ins stands in the audit trail, and in the session.

The one module of the project that receives signals: they are the only way in which these packages
tell what happened.
"""

from __future__ import annotations

from typing import Any

from allauth.account.signals import authentication_step_completed, password_changed
from allauth.account.signals import user_logged_in as allauth_logged_in
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest, HttpResponseBase

from audit.models import AuditKind
from audit.services import record_event
from people.codes import spend_codes_until_now
from people.confirmation import mark_confirmed
from people.factors import forget_factor, mark_factor
from people.limits import remember_browser
from people.passwords import note_new_password, note_old_password
from people.sessions import begin_session, end_other_sessions
from people.unsent import show_words


def listen() -> None:
    """The receivers below are connected; more than once does nothing."""
    for signal, receiver in (
        (user_logged_in, _logged_in),
        (user_logged_out, _logged_out),
        (allauth_logged_in, _went_through),
        (authentication_step_completed, _step_completed),
        (authenticator_added, _factor_added),
        (authenticator_removed, _factor_removed),
        (password_changed, _password_changed),
    ):
        signal.connect(receiver, dispatch_uid=f"people:{receiver.__name__}")


def _logged_in(request: HttpRequest, user: User, **_rest: Any) -> None:
    begin_session(request)
    if getattr(request, "user", None) == user:
        # allauth lists only the sessions of its own log-ins
        UserSession.objects.create_from_request(request)
    note_old_password(request, user)
    show_words(request, user)
    steps = request.session.get("account_authentication_methods") or []
    names = [step.get("type") or step.get("method") for step in steps if isinstance(step, dict)]
    record_event(AuditKind.LOGGED_IN, user=user, subject=user.get_username(), steps=names)


def _logged_out(request: HttpRequest, user: User | None, **_rest: Any) -> None:
    if user is not None:
        record_event(AuditKind.LOGGED_OUT, user=user, subject=user.get_username())


def _went_through(
    request: HttpRequest, user: User, response: HttpResponseBase, **_rest: Any
) -> None:
    """All steps of a log-in were taken."""
    remember_browser(request, response, user)


def _step_completed(request: HttpRequest, user: User, method: str, **_rest: Any) -> None:
    mark_confirmed(request, user.pk)
    if method == "mfa":
        mark_factor(request, user)


def _factor_added(
    request: HttpRequest, user: User, authenticator: Authenticator, **_rest: Any
) -> None:
    if authenticator.type == Authenticator.Type.TOTP:
        spend_codes_until_now(authenticator)
    mark_factor(request, user)
    _record(AuditKind.FACTOR_ADDED, user, authenticator)
    end_other_sessions(request, user, why="second factor added")


def _factor_removed(
    request: HttpRequest, user: User, authenticator: Authenticator, **_rest: Any
) -> None:
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        return  # they go with the last factor
    forget_factor(request, user)
    _record(AuditKind.FACTOR_REMOVED, user, authenticator)
    end_other_sessions(request, user, why="second factor removed")


def _password_changed(request: HttpRequest, user: User, **_rest: Any) -> None:
    """Django ends the other sessions, whose hash no longer fits; here they leave the list too."""
    note_new_password(request, user)
    record_event(AuditKind.PASSWORD_CHANGED, user=user, subject=user.get_username())
    end_other_sessions(request, user, why="password changed")


def _record(kind: AuditKind, user: User, authenticator: Authenticator) -> None:
    record_event(kind, user=user, subject=user.get_username(), factor=authenticator.type)
