"""Pages for what went wrong: a sentence that names it, as a page or as a fragment for htmx."""

from __future__ import annotations

import logging

from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from solicit_dashboard.access import RoleTooLowError

logger = logging.getLogger(__name__)

TOO_LONG_OPEN = "This page was open too long. Reload and try again."
NOT_FOUND = "There is nothing at this address, or it belongs to somebody else."
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
    """500, drawn without the database, which may be what is broken."""
    request_id = request.META.get("REQUEST_ID", "")
    logger.error("Request %s failed: %s %s", request_id, request.method, request.path)
    return HttpResponse(render_to_string("500.html", {"request_id": request_id}), status=500)


def error_page(request: HttpRequest, status: int, title: str, sentence: str) -> HttpResponse:
    """The sentence as a page; for htmx as a toast, wherever the answer would have gone."""
    headers = request.headers
    if headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in headers:
        response = render(request, "_error.html", {"sentence": sentence}, status=status)
        response.headers["HX-Retarget"] = "#toasts"
        response.headers["HX-Reswap"] = "beforeend"
        return response
    return render(request, "error.html", {"title": title, "sentence": sentence}, status=status)
