"""That it is really this person: asked again before tokens, roles and other people are touched."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from solicit_dashboard.middleware import is_htmx

View = Callable[..., HttpResponseBase]
CONFIRMED = "people_confirmed"  # in the session: [id of the person, seconds since 1970]
AGAIN = "people_confirm_again"  # in the session: a form was not taken and must be sent again


def confirmed_recently(view: View) -> View:
    """The view, for who gave a password, passkey or code in the last CONFIRMED_SECONDS.

    Logging in counts. Others come to the confirm page (303; for htmx 204 with HX-Redirect) and
    then back: to the same address for a GET, for a form to the page that it stands on, with a
    sentence that nothing was done. Such a view is marked by `needs_confirmation`.
    """

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_confirmed(request):
            return view(request, *args, **kwargs)
        return ask_to_confirm(request)

    checked.needs_confirmation = True  # type: ignore[attr-defined]
    return checked


def is_confirmed(request: HttpRequest) -> bool:
    """Whether this person gave a password, passkey or code in the last CONFIRMED_SECONDS."""
    stored = request.session.get(CONFIRMED)
    if not (isinstance(stored, list) and len(stored) == 2) or not request.user.is_authenticated:
        return False
    pk, at = stored
    return bool(pk == request.user.pk and 0 <= time.time() - at < settings.CONFIRMED_SECONDS)


def mark_confirmed(request: HttpRequest, pk: int) -> None:
    """From now on, for CONFIRMED_SECONDS, this person's session counts as confirmed."""
    request.session[CONFIRMED] = [pk, time.time()]


def ask_to_confirm(request: HttpRequest) -> HttpResponse:
    """The way to the confirm page and back."""
    if request.method in ("GET", "HEAD") and not is_htmx(request):
        back = request.get_full_path()
    else:
        back = page_of(request)
    if request.method not in ("GET", "HEAD"):
        request.session[AGAIN] = True
    target = f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}"
    if is_htmx(request):
        return HttpResponse(status=204, headers={"HX-Redirect": target})
    return HttpResponse(status=303, headers={"Location": target})


def page_of(request: HttpRequest) -> str:
    """The page that the form or fragment stands on, when it is one of ours, else the overview."""
    told = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    if not url_has_allowed_host_and_scheme(told, allowed_hosts={request.get_host()}):
        return "/"
    parts = urlsplit(told)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return path if url_has_allowed_host_and_scheme(path, allowed_hosts=None) else "/"
