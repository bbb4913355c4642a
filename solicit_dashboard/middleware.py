"""What every page has in common, around the views."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from solicit_dashboard.errors import bad_request

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# What no page of ours needs; passkeys are not among it.
NOTHING_OF_THE_DEVICE = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer"),
        *("microphone", "midi", "payment", "serial", "usb"),
    )
)
_NUL = re.compile(r"%00|\x00")
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")


def page_rules(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponseBase]:
    """Each answer has its request id, differs by HX-Request, is not kept by caches, and says so.

    A lost session sends htmx to the log-in page instead of drawing that page into a table. A NUL in
    the address is refused, because no field takes one and PostgreSQL stumbles over it.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request_id = uuid.uuid4().hex
        request.META["REQUEST_ID"] = request_id
        if _NUL.search(request.META.get("QUERY_STRING", "")) or "\x00" in request.path_info:
            response: HttpResponseBase = bad_request(
                request, None, "The address holds a NUL character (%00). Remove it."
            )
        else:
            response = get_response(request)
        if is_htmx(request) and response.status_code == 302:
            response = _redirect_for_htmx(request, response)
        response.headers["X-Request-ID"] = request_id
        response.headers["Permissions-Policy"] = NOTHING_OF_THE_DEVICE
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        # for what is answered right here, without the middleware that sets it elsewhere
        response.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        patch_vary_headers(response, ["HX-Request"])
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
            response.headers["Cache-Control"] += ", no-store"
        return response

    return middleware


def readers_time_zone(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponseBase]:
    """Times are shown in the reader's zone, which their browser wrote into the cookie `tz`."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        zone = _zone(request.COOKIES.get("tz", ""))
        if zone is None:
            return get_response(request)
        with timezone.override(zone):
            return get_response(request)

    return middleware


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx asks for a fragment (not: for the whole page, to go back in its history)."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"
    )


def page_of_fragment(request: HttpRequest) -> str:
    """Path and query of the page on which htmx asks, as it says; "" when it does not, or nonsense."""
    here = getattr(request, "htmx", None)
    try:
        return (here.current_url_abs_path if here else "") or ""
    except ValueError:  # such as http://[
        return ""


def _redirect_for_htmx(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """htmx follows a redirect by itself and would swap in what it finds there: tell it to go."""
    target = response.headers["Location"]
    login = resolve_url(settings.LOGIN_URL)
    if target.partition("?")[0] == login:
        # Back to the page that they were on, not to the fragment that it asked for.
        target = f"{login}?{urlencode({'next': page_of_fragment(request) or '/'})}"
    answer = HttpResponse(status=204, headers={"HX-Redirect": target})
    answer.cookies = response.cookies  # the session may have ended, or begun
    return answer


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo | None:
    if len(name) > 64 or not _ZONE_NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        # an unknown name is a KeyError, a folder of the zone database an OSError
        return None
