"""The states of an outgoing action: words, tones, and which may follow which."""

from __future__ import annotations

from django.db import models

from orders.states import Tone


class Status(models.TextChoices):
    """The label is what a person reads."""

    QUEUED = "queued", "Waiting"
    HELD = "held", "On hold"
    SENDING = "sending", "Sending"
    UNCONFIRMED = "unconfirmed", "Needs a look"
    PROBABLY_SENT = "probably_sent", "Probably sent"
    SENT = "sent", "Sent"
    REFUSED = "refused", "Refused by Amazon"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Window closed"
    UNRESOLVED = "unresolved", "Not known"


TONES: dict[Status, Tone] = {
    Status.QUEUED: Tone.WARN,
    Status.HELD: Tone.WARN,
    Status.SENDING: Tone.BUSY,
    Status.UNCONFIRMED: Tone.BAD,
    Status.PROBABLY_SENT: Tone.WARN,
    Status.SENT: Tone.GOOD,
    Status.REFUSED: Tone.BAD,
    Status.CANCELLED: Tone.QUIET,
    Status.EXPIRED: Tone.QUIET,
    Status.UNRESOLVED: Tone.BAD,
}

# What may follow what. Two roads are open from everywhere but `sent` and stand apart, in
# FACT_OF_DELIVERY: Amazon's 201, however late it comes, and a named person's word.
# From `unconfirmed` to `queued` goes a solicitation that Amazon offers still; a message only by a
# named person's word.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.SENDING, Status.HELD, Status.CANCELLED, Status.EXPIRED}),
    Status.HELD: frozenset({Status.QUEUED, Status.CANCELLED, Status.EXPIRED}),
    Status.SENDING: frozenset(
        {
            Status.SENT,
            Status.QUEUED,
            Status.HELD,
            Status.REFUSED,
            Status.UNCONFIRMED,
            Status.PROBABLY_SENT,
        }
    ),
    Status.UNCONFIRMED: frozenset(
        {
            Status.QUEUED,
            Status.PROBABLY_SENT,
            Status.SENT,
            Status.REFUSED,
            Status.UNRESOLVED,
        }
    ),
    Status.PROBABLY_SENT: frozenset({Status.QUEUED, Status.SENT, Status.UNRESOLVED}),
    Status.REFUSED: frozenset({Status.QUEUED, Status.SENT}),
    Status.CANCELLED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.UNRESOLVED: frozenset({Status.SENT}),
    Status.SENT: frozenset(),
}

# From these a 201 that comes late still makes `sent`: the sweeper or a look may have moved the
# action on while its answer was under way.
FACT_OF_DELIVERY: frozenset[Status] = frozenset(
    {
        Status.QUEUED,
        Status.HELD,
        Status.SENDING,
        Status.UNCONFIRMED,
        Status.PROBABLY_SENT,
        Status.REFUSED,
        Status.UNRESOLVED,
        Status.CANCELLED,
        Status.EXPIRED,
    }
)

# Still moving.
OPEN: frozenset[Status] = frozenset(
    {Status.QUEUED, Status.HELD, Status.SENDING, Status.UNCONFIRMED, Status.PROBABLY_SENT}
)
# While an order has one of these, it is not asked by a new action.
TAKEN: frozenset[Status] = OPEN | {Status.SENT, Status.REFUSED, Status.UNRESOLVED}
# The buyer was written to, or may have been or may yet be.
WRITTEN: frozenset[Status] = TAKEN - {Status.REFUSED}
# Not yet gone: a person may still stop it.
STOPPABLE: frozenset[Status] = frozenset({Status.QUEUED, Status.HELD})
# A person should look at it.
NEEDS_A_LOOK: frozenset[Status] = frozenset({Status.UNCONFIRMED, Status.UNRESOLVED})
# In these a solicitation is watched by looks at Amazon's list until it is known what happened. An
# unconfirmed message is a person's: no list tells of it (`OutgoingActionQuerySet.due`).
WATCHED: frozenset[Status] = frozenset({Status.UNCONFIRMED, Status.PROBABLY_SENT})


def may_follow(before: Status, after: Status) -> bool:
    """Whether the machine allows this step."""
    if after == Status.SENT:
        return before in FACT_OF_DELIVERY
    return after in TRANSITIONS[before]


def _check() -> None:
    if set(TRANSITIONS) != set(Status) or set(TONES) != set(Status):
        raise AssertionError("Every status needs its transitions and its tone.")
    if TRANSITIONS[Status.SENT]:
        raise AssertionError("`sent` never changes.")
    if TAKEN & {Status.CANCELLED, Status.EXPIRED}:
        raise AssertionError("After `cancelled` or `expired` a new action may be made.")


_check()
