"""Pages for what went wrong: a sentence that names it, as a page or as a fragment for htmx."""

from __future__ import annotations

import logging
import sys

from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from sellers.encryption import SecretUnreadableError
from solicit_dashboard.access import RoleTooLowError
from solicit_dashboard.outages import RETRY_AFTER_SECONDS, outage

logger = logging.getLogger(__name__)

TOO_LONG_OPEN = "This page was open too long. Reload and try again."
NOT_FOUND = "There is nothing at this address, or it belongs to somebody else."
BROKEN = (
    "The page could not be made. What was queued before is safe; nothing was sent twice. "
    "Try again in a minute."
)
KEY_MISSING = (
    "A stored secret cannot be read: the key that encrypted it is not among TOKEN_KEYS. Whoever runs "
    "this dashboard can put that key back; nothing is lost until then."
)
TOO_LARGE = "This form is larger than 5 MB or has too many fields."
TOO_MANY_ORDERS = "At most 5,000 orders at a time."


def bad_request(
    request: HttpRequest, exception: Exception | None, sentence: str = ""
) -> HttpResponse:
    """400; only our own `BadRequest` is quoted. A form beyond the limits is a 413."""
    if isinstance(exception, (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)):
        return content_too_large(request, exception)
    if isinstance(exception, BadRequest):
        sentence = str(exception)
    return error_page(
        request, 400, "That cannot be read", sentence or "The browser sent a request without sense."
    )


def content_too_large(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """413, naming the limit that the address has."""
    match = request.resolver_match
    at_orders = match is not None and match.view_name == "orders:request_reviews"
    return error_page(request, 413, "Too much at once", TOO_MANY_ORDERS if at_orders else TOO_LARGE)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403; our own refusal says which role is too low."""
    sentence = str(exception) if isinstance(exception, RoleTooLowError) else ""
    return error_page(request, 403, "Not allowed", sentence or "You may not do this.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose secret is missing, foreign or stale."""
    return error_page(request, 403, "Reload the page", TOO_LONG_OPEN)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: the same for what is missing and for what is somebody else's."""
    return error_page(request, 404, "Not found", NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when it goes by itself; drawn without the database, which may be what is broken."""
    request_id = request.META.get("REQUEST_ID", "")
    # Django calls this while it handles the error.
    error = sys.exc_info()[1]
    if sentence := outage(error):
        return _unavailable(request, request_id, sentence, type(error).__name__)
    logger.error("Request %s failed: %s %s", request_id, request.method, request.path)
    sentence = KEY_MISSING if isinstance(error, SecretUnreadableError) else BROKEN
    words = {"title": "Something broke on our side", "sentence": sentence, "request_id": request_id}
    return HttpResponse(render_to_string("500.html", words), status=500)


def _unavailable(request: HttpRequest, request_id: str, sentence: str, error: str) -> HttpResponse:
    # The class alone: a driver's message may quote an address with its password.
    logger.error(
        "Request %s found the database away (%s): %s %s",
        *(request_id, error, request.method, request.path),
    )
    words = {"title": "Not just now", "sentence": sentence, "request_id": request_id}
    if _wants_fragment(request):
        response = _as_toast(HttpResponse(render_to_string("_error.html", words), status=503))
    else:
        response = HttpResponse(render_to_string("500.html", words), status=503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def error_page(request: HttpRequest, status: int, title: str, sentence: str) -> HttpResponse:
    """The sentence as a page; for htmx as a toast, wherever the answer would have gone."""
    if _wants_fragment(request):
        return _as_toast(render(request, "_error.html", {"sentence": sentence}, status=status))
    return render(request, "error.html", {"title": title, "sentence": sentence}, status=status)


def _wants_fragment(request: HttpRequest) -> bool:
    headers = request.headers
    return headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in headers


def _as_toast(response: HttpResponse) -> HttpResponse:
    response.headers["HX-Retarget"] = "#toasts"
    response.headers["HX-Reswap"] = "beforeend"
    return response
