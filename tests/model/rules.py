"""The rules of docs/sending.md, written down a second time."""

from __future__ import annotations

from datetime import timedelta

# From which state to which; `sent` may follow everything.
STEPS = {
    "queued": {"sending", "held", "cancelled", "expired"},
    "held": {"queued", "cancelled", "expired"},
    "sending": {"queued", "held", "refused", "unconfirmed", "probably_sent"},
    "unconfirmed": {"queued", "probably_sent", "refused", "unresolved"},
    "probably_sent": {"queued", "unresolved"},
    "refused": {"queued"},
    "unresolved": set(),
    "cancelled": set(),
    "expired": set(),
}
TAKEN = set(STEPS) - {"cancelled", "expired"} | {"sent"}
OPEN = {"queued", "held", "sending", "unconfirmed", "probably_sent"}
# What reached the buyer by our hand may not be shown as if it had not.
MAY_HAVE_LEFT = {"sending", "unconfirmed", "probably_sent", "sent", "unresolved"}
LOOK_LASTS = timedelta(seconds=60)
OFFERED_APART = timedelta(minutes=2)
ABSENT_SPAN = timedelta(hours=24)
CALL_LASTS = timedelta(seconds=45)
CLAIM_LASTS = timedelta(seconds=180)


class BreachError(AssertionError):
    """A promise of docs/sending.md was broken."""
