"""How far a batch has come, how long the lanes' queues are, and when they will be empty."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from messaging.action_types import REVIEW_REQUEST, ActionType
from messaging.lane_speed import finish_time
from messaging.models import Batch, OutgoingAction, OutgoingActionQuerySet
from messaging.states import NEEDS_A_LOOK, STOPPABLE, WATCHED, Status

# What is looked at again within this time is on its way; what comes later waits for Amazon.
POSTPONED_BY = timedelta(minutes=5)

# What a person should know of first, worst first.
FAILURES: tuple[Status, ...] = (
    Status.UNCONFIRMED,
    Status.UNRESOLVED,
    Status.REFUSED,
    Status.EXPIRED,
    Status.PROBABLY_SENT,
    Status.HELD,
)

_ADVICE_ON_MESSAGES: dict[Status, str] = {
    Status.REFUSED: "Amazon does not take it for this order now. It can be tried again.",
    Status.UNCONFIRMED: "Amazon never tells what became of it: a manager looks and decides.",
    Status.UNRESOLVED: "Nothing more is sent. Seller Central shows whether the buyer has it.",
    Status.EXPIRED: "Nothing was sent: Amazon did not offer it in time.",
}


@dataclass(frozen=True)
class BatchProgress:
    """How far a batch has come, in the accounts that were asked about. Moments are in UTC."""

    total: int
    counts: dict[Status, int]
    waiting_now: int
    waiting_later: int
    next_look_at: datetime | None
    finish_at: datetime | None

    @property
    def done(self) -> int:
        """How many have left or will never leave; what became of them is in `counts`."""
        return self.total - sum(self.counts.get(state, 0) for state in STOPPABLE | {Status.SENDING})

    @property
    def sent(self) -> int:
        """How many Amazon confirmed; what was probably sent is not among them."""
        return self.counts.get(Status.SENT, 0)

    @property
    def held(self) -> int:
        """How many wait for their account to be allowed to send."""
        return self.counts.get(Status.HELD, 0)

    @property
    def stoppable(self) -> int:
        """How many have not left and can still be stopped."""
        return sum(self.counts.get(state, 0) for state in STOPPABLE)

    @property
    def failed(self) -> int:
        """How many did not end well: refused, window closed, or the outcome is not known."""
        bad = NEEDS_A_LOOK | {Status.REFUSED, Status.EXPIRED}
        return sum(self.counts.get(state, 0) for state in bad)

    @property
    def is_finished(self) -> bool:
        """Whether nothing is being sent or due now: every action is final, watched or postponed."""
        return self.waiting_now == 0 and not self.counts.get(Status.SENDING, 0)


@dataclass(frozen=True)
class Failure:
    """So many actions of a batch came to this state for this reason; what a person may do about it."""

    status: Status
    reason: str
    number: int
    is_message: bool = False

    @property
    def advice(self) -> str:
        """What to do, in a sentence."""
        return advice(self.status, self.reason, is_message=self.is_message)


@dataclass(frozen=True)
class LaneQueue:
    """What waits for its turn in an account's lane, and when the last of it will have left (UTC)."""

    account_id: int
    waiting: int
    finish_at: datetime


def count_states(batch: Batch, account_ids: Iterable[int]) -> dict[Status, int]:
    """How many of the batch's actions in these accounts are in each state that any is in."""
    rows = _of(batch, account_ids).values_list("status").annotate(Count("pk")).order_by()
    return {Status(status): number for status, number in rows}


def batch_progress(batch: Batch, account_ids: Collection[int], now: datetime) -> BatchProgress:
    """How far the batch has come in these accounts at that moment (UTC), in at most three queries."""
    actions = _of(batch, account_ids)
    counts = count_states(batch, account_ids)
    start = max(now, batch.release_at)
    waiting: dict[int, int] = {}
    later, next_look_at = 0, None
    if counts.get(Status.QUEUED):
        line = start + POSTPONED_BY
        for account_id, soon, postponed, look_at in (
            actions.filter(status=Status.QUEUED)
            .values_list("account_id")
            .annotate(
                soon=Count("pk", filter=Q(look_at__lte=line)),
                postponed=Count("pk", filter=Q(look_at__gt=line)),
                first_look_at=Min("look_at", filter=Q(look_at__gt=line)),
            )
            .order_by()
        ):
            later += postponed
            if soon:
                waiting[account_id] = soon
            if look_at is not None:
                next_look_at = min(next_look_at or look_at, look_at)
    lanes = lane_queues(waiting, start, batch.type) if waiting else []
    return BatchProgress(
        total=sum(counts.values()),
        counts=counts,
        waiting_now=sum(waiting.values()),
        waiting_later=later,
        next_look_at=next_look_at,
        finish_at=max((lane.finish_at for lane in lanes), default=None),
    )


def lane_queues(
    account_ids: Collection[int], start: datetime, action_type: ActionType = REVIEW_REQUEST
) -> list[LaneQueue]:
    """What waits in these accounts' lanes of that type, longest first; accounts without are left out.

    `start` (UTC) is when sending would begin or go on. The forecast is for the whole queue: an
    action may leave sooner than it says, and not later unless new ones with earlier windows come.
    """
    rows = (
        OutgoingAction.objects.filter(
            account_id__in=list(account_ids),
            api=action_type.api,
            status=Status.QUEUED,
            look_at__lte=start + POSTPONED_BY,
        )
        .values_list("account_id")
        .annotate(number=Count("pk"))
        .order_by("-number", "account_id")
    )
    return [
        LaneQueue(
            account_id=account_id,
            waiting=number,
            finish_at=finish_time(action_type, waiting=number, start=start),
        )
        for account_id, number in rows
    ]


def batch_failures(batch: Batch, account_ids: Iterable[int], *, limit: int = 12) -> list[Failure]:
    """What went wrong or hangs in these accounts, by state and reason: worst first, then most frequent."""
    rows = (
        _of(batch, account_ids)
        .filter(status__in=FAILURES)
        .values_list("status", "reason")
        .annotate(number=Count("pk"))
        .order_by("-number", "reason")
    )
    is_message = not batch.type.is_solicitation
    failures = [
        Failure(Status(status), reason, number, is_message) for status, reason, number in rows
    ]
    failures.sort(key=lambda failure: FAILURES.index(failure.status))
    return failures[:limit]


def advice(status: Status, reason: str = "", *, is_message: bool = False) -> str:
    """What a person may do about an action that is in this state for this reason."""
    if is_message and status in _ADVICE_ON_MESSAGES:
        return _ADVICE_ON_MESSAGES[status]
    if status == Status.REFUSED:
        if "already requested" in reason:
            return "Nothing to do: this buyer has been asked before."
        return "Amazon will not ask this buyer now. While its window is open it can be tried again."
    return {
        Status.HELD: "It leaves when the account may send again.",
        Status.UNCONFIRMED: "Amazon is asked again by itself; nothing is sent twice.",
        Status.PROBABLY_SENT: "Nothing to do: Amazon no longer offers it, and it is watched.",
        Status.UNRESOLVED: "Nothing more is sent. Seller Central shows whether the buyer was asked.",
        Status.EXPIRED: "Nothing was sent. Ask sooner next time: the window is over.",
    }.get(status, "")


def requests_in_words(number: int, action_type: ActionType = REVIEW_REQUEST) -> str:
    """So many of what it asks for: "1 review request", "1,204 review requests", "46 messages"."""
    thing = "review request" if action_type.is_solicitation else "message"
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def in_sentence(status: Status) -> str:
    """The label as it stands within a sentence: "refused by Amazon"."""
    label = str(status.label)
    return label[:1].lower() + label[1:]


def next_look(action: OutgoingAction) -> datetime | None:
    """When this action is looked at again by itself (UTC); None when it has come to its end."""
    return action.look_at if action.status in WATCHED | {Status.QUEUED} else None


def _of(batch: Batch, account_ids: Iterable[int]) -> OutgoingActionQuerySet:
    return OutgoingAction.objects.filter(batch=batch, account_id__in=list(account_ids))
