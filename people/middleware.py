"""What holds on every page for whoever is logged in."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, resolve_url
from django.urls import Resolver404, resolve
from django.utils import timezone

from people.confirmation import page_of
from people.factors import has_factor, has_shown_factor, must_have_factor
from people.limits import TooManyAttemptsError
from people.passwords import has_old_password
from people.sessions import BY_ITSELF, is_over, keep_alive
from people.unsent import keep_words
from solicit_dashboard.errors import error_page

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# Where somebody without a second factor may go, to get one or to leave.
_WITHOUT_FACTOR = frozenset(
    {
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_view_recovery_codes",
        "account_change_password",
        "account_reauthenticate",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "people:sessions",
        "people:end_others",
        "people:end_session",
        "login",
        "account_login",
        "logout",
        "healthz",
        "readyz",
        "metrics",
    }
)


def session_limits(get_response: GetResponse) -> GetResponse:
    """A session that was idle or open for too long has ended before its request is looked at."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            if is_over(request):
                request.logged_out = request.user.pk  # type: ignore[attr-defined]
                logout(request)
            elif _view_name(request) not in BY_ITSELF and keep_alive(request):
                UserSession.objects.filter(session_key=request.session.session_key).update(
                    last_seen_at=timezone.now()
                )
        return get_response(request)

    return middleware


def unsent_words(get_response: GetResponse) -> GetResponse:
    """A form that was sent when its session had ended leads, by the log-in, back to its page.

    What was written there is kept until then. Who had no session just now leaves nothing behind.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.method != "POST" or response.status_code != 302:
            return response
        login = resolve_url(settings.LOGIN_URL)
        target, _mark, query = response.headers["Location"].partition("?")
        if target == login and "next" in QueryDict(query):
            # The address of the form itself may be one that cannot be looked at.
            back = urlencode({"next": page_of(request)})
            response.headers["Location"] = f"{login}?{back}"
            if writer := getattr(request, "logged_out", None):
                keep_words(request, writer)
        return response

    return middleware


def second_factor(get_response: GetResponse) -> GetResponse:
    """Whoever must have a second factor sees nothing but the way to one until they have it."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if (
            settings.SECOND_FACTOR_REQUIRED
            and isinstance(user, User)
            and not has_shown_factor(request)
            and _view_name(request) not in _WITHOUT_FACTOR
            and must_have_factor(user)
        ):
            if has_factor(user):
                # This session began on a way that did not ask for it.
                logout(request)
                return redirect("login")
            if _view_name(request) in BY_ITSELF:
                # The page that they are sent to asks for these again, for ever.
                return HttpResponse(status=204)
            return redirect("mfa_index")
        return get_response(request)

    return middleware


def old_password(get_response: GetResponse) -> GetResponse:
    """Whoever has had their password for too long changes it before anything else."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        name = _view_name(request) if has_old_password(request) else ""
        if name in BY_ITSELF:
            return HttpResponse(status=204)
        if name and name not in _WITHOUT_FACTOR and request.user.is_authenticated:
            return redirect("account_change_password")
        return get_response(request)

    return middleware


def too_many_attempts(get_response: GetResponse) -> GetResponse:
    """TooManyAttemptsError becomes a 429 that says for how long."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return get_response(request)

    def process_exception(request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, TooManyAttemptsError):
            return None
        response = error_page(
            request,
            429,
            "Too many attempts",
            f"Too many wrong attempts. Wait {error.minutes} "
            f"minute{'' if error.minutes == 1 else 's'}, then try again; until then the right one "
            "is not taken either.",
        )
        response.headers["Retry-After"] = str(error.minutes * 60)
        return response

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


def _view_name(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""
