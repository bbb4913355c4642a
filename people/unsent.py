"""What somebody wrote into a form whose session had ended: kept until they have logged in again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest

UNSENT = "people_unsent"  # in the session of who is not logged in: the words
# The fields into which people write. Nothing else of a form is kept: it may be a secret.
WRITTEN = ("reason", "note")
_LONGEST = 1000


def keep_words(request: HttpRequest) -> None:
    """What was written is kept in the new session. Nothing of the form was done."""
    words = " ".join(request.POST.get(name, "").strip() for name in WRITTEN).strip()
    if words:
        request.session[UNSENT] = words[:_LONGEST]


def show_words(request: HttpRequest) -> None:
    """Whoever has logged in again reads what they had written, once."""
    words = request.session.pop(UNSENT, "")
    if words:
        messages.warning(
            request,
            f"You were logged out before this was sent, and nothing was done: “{words}”",
            fail_silently=True,
        )
