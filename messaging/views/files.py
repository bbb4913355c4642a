"""Files for messages: one comes in, and the way back for whoever may send."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from messaging.files.announced import AnnouncedSize
from messaging.files.checking import MOST_MEGABYTES
from messaging.files.refusal import FileRefusedError
from messaging.files.slots import TooManyUploadsError, upload_place
from messaging.files.storing import store_file
from messaging.models import StoredFile
from messaging.uploading import PieceReader
from sellers.models import Role
from solicit_dashboard.access import get_account, get_user, log_ignored_fields
from solicit_dashboard.bodies import View, limit_body
from solicit_dashboard.errors import error_page
from solicit_dashboard.middleware import is_htmx
from spapi import MOST_UPLOAD_BYTES

# The files, and what a form has besides.
LARGEST_BODY = MOST_UPLOAD_BYTES + 512 * 1024
TOO_LARGE = f"The files have more than {MOST_MEGABYTES} MB together. Amazon takes no more."
TOO_LARGE_FILE = f"The file is larger than {MOST_MEGABYTES} MB. Amazon takes no more."
GONE = "The content of this file was deleted here, once no message needed it any more."
_FIELDS = ("upload",)


def takes_files(
    view: View, handler: Callable[[HttpRequest], FileUploadHandler] = TemporaryFileUploadHandler
) -> View:
    """The view gets forms with files: on disk, 10 MB at most, three at once from one person.

    What is larger is a 413, unread; the fourth at once is a 429, unread.
    """
    limited: View = limit_body(LARGEST_BODY, TOO_LARGE)(view)

    # What the check of the form's secret was told of `limited` stands in its __dict__.
    @wraps(limited)
    def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not (request.content_type or "").startswith("multipart/"):
            return limited(request, *args, **kwargs)
        # Before the check of the form's secret, which reads the body.
        request.upload_handlers = [handler(request)]
        try:
            with upload_place(get_user(request).pk):
                return limited(request, *args, **kwargs)
        except TooManyUploadsError as refusal:
            return error_page(request, 429, "Not so many at once", str(refusal))

    return counted


def takes_one_file(view: View) -> View:
    """As `takes_files`, for the picker: a file of more than 10 MB is a line that says so, unread."""
    counted = takes_files(view, AnnouncedSize)

    @wraps(counted)
    def measured(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            answer = counted(request, *args, **kwargs)
        except FileRefusedError as refusal:
            return _line(request, 422, fault=str(refusal))
        # A page in place of a line would not be shown.
        is_too_large = answer.status_code == 413 and is_htmx(request)
        return _line(request, 422, fault=TOO_LARGE_FILE) if is_too_large else answer

    return measured


@require_POST
@takes_one_file
def upload(request: HttpRequest, account_id: int) -> HttpResponse:
    """One file is kept for a message of this account; the fragment is its line in the picker.

    422 with a line that says why it was not taken.
    """
    account = get_account(request, account_id, Role.OPERATOR)
    log_ignored_fields(request, _FIELDS)
    given = request.FILES.getlist("upload")
    if len(given) != 1 or given[0] is None:
        fault = "One file at a time, please." if given else "No file came. Choose it once more."
        return _line(request, 422, fault=fault)
    try:
        file = store_file(account, given[0], user=get_user(request), at=timezone.now())
    except FileRefusedError as refusal:
        return _line(request, 422, fault=str(refusal))
    return _line(request, 200, file=file)


@require_safe
def file(request: HttpRequest, account_id: int, file_id: int) -> HttpResponseBase:
    """The content, to be saved and never shown; 410 once it was deleted."""
    account = get_account(request, account_id, Role.OPERATOR)
    found = (
        StoredFile.objects.filter(account=account, pk=file_id).first() if file_id < 2**63 else None
    )
    if found is None:
        raise Http404
    if found.emptied_at is not None:
        return error_page(request, 410, "No longer here", GONE)
    content = io.BufferedReader(PieceReader(found))
    response = FileResponse(
        content, as_attachment=True, filename=found.name, content_type=found.content_type
    )
    response.headers["Content-Length"] = str(found.size)
    # SecurityMiddleware says it too; a browser that guesses would be the hole that this closes.
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _line(
    request: HttpRequest, status: int, *, file: StoredFile | None = None, fault: str = ""
) -> HttpResponse:
    context = {"file": file, "fault": fault}
    return render(request, "messaging/_file.html", context, status=status)
