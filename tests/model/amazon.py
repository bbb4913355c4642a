"""A model of Amazon in memory: what reached the buyer, what it answers, and what it lists.

It is the only judge of how often a buyer was asked. The answers are those of `spapi`, made by hand
from the table in docs/sending.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from messaging.action_types import ACTION_TYPES
from spapi import (
    Accepted,
    AccessDenied,
    ActionLink,
    AlreadyRequested,
    BadRequest,
    ConnectFailed,
    InvalidCombination,
    InvalidGrant,
    MalformedAnswer,
    NoAnswer,
    NotAvailable,
    OfferedActions,
    OutsideWindow,
    ServerError,
    SpApiError,
    Throttled,
    TokenExpired,
    UnknownForbidden,
)

# A request that nobody waits for any more can still take effect so long after it left.
DELAY = timedelta(seconds=40)


class Post(StrEnum):
    """What becomes of one POST; `after` and `before` say on which side of its effect it went wrong."""

    ACCEPTED = "accepted"
    LOST_AFTER = "lost after"
    LOST_BEFORE = "lost before"
    DELAYED = "lost, and takes effect later"
    ERROR_AFTER = "5xx after"
    ERROR_BEFORE = "5xx before"
    ODD_AFTER = "other 2xx after"
    ODD_TEXT_AFTER = "unknown 403 after"
    ODD_TEXT_BEFORE = "unknown 403 before"
    NO_CONNECTION = "no connection"
    THROTTLED = "429"
    TOKEN_EXPIRED = "token expired"
    DENIED = "role missing"
    REVOKED = "invalid grant"
    UNAVAILABLE = "not available"
    OUT_OF_WINDOW = "outside the window"
    BAD_REQUEST = "400"


class List(StrEnum):
    """What becomes of one look at Amazon's list."""

    TRUE = "true"
    EMPTY = "empty"
    MALFORMED = "malformed"
    LAGGING = "as it was before the last delivery"
    LOST = "no answer"
    THROTTLED = "429"
    DENIED = "role missing"


class Known(StrEnum):
    """What is known of a POST's effect by whoever reads its answer: the table of docs/sending.md."""

    ACCEPTED = "accepted"
    NOT_SENT = "not sent"
    REJECTED = "rejected"
    NOT_AVAILABLE = "not available"  # rejected, or done by an earlier attempt
    OUTSIDE = "outside the window"  # rejected, for now or for good
    UNKNOWN = "unknown"


KNOWN = {
    Post.ACCEPTED: Known.ACCEPTED,
    **dict.fromkeys(
        (Post.LOST_AFTER, Post.LOST_BEFORE, Post.DELAYED, Post.ERROR_AFTER, Post.ERROR_BEFORE),
        Known.UNKNOWN,
    ),
    **dict.fromkeys((Post.ODD_AFTER, Post.ODD_TEXT_AFTER, Post.ODD_TEXT_BEFORE), Known.UNKNOWN),
    **dict.fromkeys((Post.NO_CONNECTION, Post.THROTTLED), Known.NOT_SENT),
    **dict.fromkeys((Post.TOKEN_EXPIRED, Post.DENIED, Post.REVOKED), Known.NOT_SENT),
    Post.UNAVAILABLE: Known.NOT_AVAILABLE,
    Post.OUT_OF_WINDOW: Known.OUTSIDE,
    Post.BAD_REQUEST: Known.REJECTED,
}

TAKES_EFFECT = {
    Post.ACCEPTED,
    Post.LOST_AFTER,
    Post.ERROR_AFTER,
    Post.ODD_AFTER,
    Post.ODD_TEXT_AFTER,
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One look, as Amazon has it in its own books."""

    at: datetime
    account_id: int
    api: str
    order: str
    is_offered: bool
    is_absent: bool


class Amazon:
    """What Amazon knows of the orders, and how it behaves.

    With `refuses_second` it turns a second solicitation of an order away, as Amazon does, and its
    list may lag. Without it nothing but the product stands between a buyer and a second one.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.refuses_second = False
        # What reached the buyer: order and kind, with the attempt by which it did.
        self.delivered: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.known: dict[int, Known] = {}  # by attempt
        self.asked_by_hand: set[str] = set()
        self.has_lagged = False
        self.lists: list[Listed] = []
        self._under_way: list[tuple[datetime, str, str, int]] = []

    def settle(self) -> None:
        """What was still on its way has arrived if its time has come."""
        for entry in list(self._under_way):
            at, order, kind, attempt = entry
            if at <= self._now():
                self._under_way.remove(entry)
                self._deliver(order, kind, attempt)

    def offers(self, order: str, kind: str) -> bool:
        """Whether Amazon would accept this now."""
        if not ACTION_TYPES[kind].is_solicitation:
            return True
        return order not in self.asked_by_hand and not self.delivered[order, kind]

    def look(self, account_id: int, api: str, order: str, fate: List) -> OfferedActions:
        """The list for this order. Raises SpApiError."""
        self.settle()
        kinds = [kind.name for kind in ACTION_TYPES.values() if kind.api == api]
        if fate == List.LOST:
            raise NoAnswer(reason="reset")
        if fate == List.THROTTLED:
            raise Throttled("QuotaExceeded", status=429)
        if fate == List.DENIED:
            raise AccessDenied("Access to requested resource is denied.", status=403)
        if fate == List.LAGGING and self.refuses_second:
            offered = kinds
            self.has_lagged = True
        elif fate in (List.EMPTY, List.MALFORMED):
            offered = []
        else:
            offered = [kind for kind in kinds if self.offers(order, kind)]
        is_well_formed = fate != List.MALFORMED
        self.lists.append(
            Listed(
                self._now(),
                account_id,
                api,
                order,
                is_offered=bool(offered),
                is_absent=is_well_formed and not offered,
            )
        )
        return OfferedActions(
            actions=tuple(ActionLink(name=name) for name in offered),
            well_formed=is_well_formed,
        )

    def post(self, order: str, kind: str, attempt: int, fate: Post) -> Accepted:
        """Amazon has accepted the action for this order. Raises SpApiError."""
        self.settle()
        self.known[attempt] = KNOWN[fate]
        error = _before_its_effect(fate)
        if error is not None:
            raise error
        if fate == Post.DELAYED:
            self._under_way.append((self._now() + DELAY, order, kind, attempt))
            raise NoAnswer(reason="read_timeout")
        if not self.offers(order, kind) and (self.refuses_second or order in self.asked_by_hand):
            self.known[attempt] = Known.REJECTED
            raise AlreadyRequested(
                "You have already requested a review for this order.", status=403
            )
        if fate in (Post.UNAVAILABLE, Post.OUT_OF_WINDOW, Post.BAD_REQUEST):
            if not ACTION_TYPES[kind].is_solicitation:
                self.known[attempt] = Known.REJECTED
            raise _refusal(fate, kind)
        assert fate in TAKES_EFFECT
        self._deliver(order, kind, attempt)
        error = _after_its_effect(fate)
        if error is not None:
            raise error
        return Accepted(201, request_id=f"request-{attempt}", body="{}")

    def _deliver(self, order: str, kind: str, attempt: int) -> None:
        is_asked = ACTION_TYPES[kind].is_solicitation and order in self.asked_by_hand
        if self.offers(order, kind) or not (self.refuses_second or is_asked):
            self.delivered[order, kind].append(attempt)


def _before_its_effect(fate: Post) -> SpApiError | None:
    errors: dict[Post, SpApiError] = {
        Post.LOST_BEFORE: NoAnswer(reason="reset"),
        Post.ERROR_BEFORE: ServerError("Internal failure", status=503),
        Post.ODD_TEXT_BEFORE: UnknownForbidden("The moon is in the wrong quarter.", status=403),
        Post.NO_CONNECTION: ConnectFailed(reason="refused"),
        Post.THROTTLED: Throttled("QuotaExceeded", status=429),
        Post.TOKEN_EXPIRED: TokenExpired("The access token has expired.", status=403),
        Post.DENIED: AccessDenied("Access to requested resource is denied.", status=403),
        Post.REVOKED: InvalidGrant("revoked", lwa_error="invalid_grant", needs_reconnect=True),
    }
    return errors.get(fate)


def _after_its_effect(fate: Post) -> SpApiError | None:
    errors: dict[Post, SpApiError] = {
        Post.LOST_AFTER: NoAnswer(reason="closed"),
        Post.ERROR_AFTER: ServerError("Internal failure", status=500),
        Post.ODD_AFTER: MalformedAnswer("not 201", status=200),
        Post.ODD_TEXT_AFTER: UnknownForbidden("The moon is in the wrong quarter.", status=403),
    }
    return errors.get(fate)


def _refusal(fate: Post, kind: str) -> SpApiError:
    if fate == Post.BAD_REQUEST:
        return BadRequest("InvalidInput", status=400)
    if not ACTION_TYPES[kind].is_solicitation:
        return InvalidCombination("Invalid amazonOrderId and template combination.", status=403)
    if fate == Post.OUT_OF_WINDOW:
        return OutsideWindow("outside the 5-30 day range", status=403)
    return NotAvailable("not available for this amazonOrderId.", status=403)
