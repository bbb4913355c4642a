"""What holds on every page for whoever is logged in."""

from __future__ import annotations

from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils import timezone

from people.sessions import BY_ITSELF, is_over, keep_alive

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def session_limits(get_response: GetResponse) -> GetResponse:
    """A session that was idle or open for too long has ended before its request is looked at."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            if is_over(request):
                logout(request)
            elif not _is_by_itself(request) and keep_alive(request):
                UserSession.objects.filter(session_key=request.session.session_key).update(
                    last_seen_at=timezone.now()
                )
        return get_response(request)

    return middleware


def _is_by_itself(request: HttpRequest) -> bool:
    try:
        return resolve(request.path_info).view_name in BY_ITSELF
    except Resolver404:
        return False
