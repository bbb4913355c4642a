"""What somebody wrote into a form whose session had ended: kept until they have logged in again."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest

UNSENT = "people_unsent"  # in the session of who is not logged in: [id of who wrote, the words]
# The fields into which people write. Nothing else of a form is kept: it may be a secret.
WRITTEN = ("reason", "note")
_LONGEST = 1000


def keep_words(request: HttpRequest, writer: int) -> None:
    """What the person with that id wrote is kept in the new session. Nothing of it was done."""
    words = " ".join(request.POST.get(name, "").strip() for name in WRITTEN).strip()
    if words:
        request.session[UNSENT] = [writer, words[:_LONGEST]]


def show_words(request: HttpRequest, user: User) -> None:
    """Whoever has logged in again reads what they had written, once; nobody else does."""
    writer, words = request.session.pop(UNSENT, None) or (None, "")
    if writer == user.pk:
        messages.warning(
            request,
            f"You were logged out before this was sent, and nothing was done: “{words}”",
            fail_silently=True,
        )
