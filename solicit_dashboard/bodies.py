"""How much a form with files may bring, and how long it may take for that."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from solicit_dashboard.errors import error_page

View = Callable[..., HttpResponse]


def limit_body(most: int, sentence: str) -> Callable[[View], View]:
    """The view gets no request whose body has more than `most` bytes: that is a 413, unread.

    `sentence` says what is too large. The check of the form's secret reads the whole body, so that
    it has to come after this one.
    """

    def decorate(view: View) -> View:
        protected = csrf_protect(view)

        @csrf_exempt
        @wraps(view)
        def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            length = request.META.get("CONTENT_LENGTH") or "0"
            if not length.isdecimal() or int(length) > most:
                return error_page(request, 413, "Too much at once", sentence)
            return protected(request, *args, **kwargs)

        return limited

    return decorate
