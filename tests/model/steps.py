"""Whether an action may go from one state to another: each step of docs/sending.md with its reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from messaging.action_types import ACTION_TYPES
from messaging.models import OutgoingAction
from sellers.models import SellerAccount
from spapi import Accepted, SpApiError
from tests.model.amazon import Amazon, Known, Listed
from tests.model.records import Records, Row
from tests.model.rules import (
    ABSENT_SPAN,
    CLAIM_LASTS,
    LOOK_LASTS,
    OFFERED_APART,
    STEPS,
    BreachError,
)
from tests.model.world import ModelClock, Standing


class Steps(Records):
    """Knows what the drivers, Amazon and the people did, and judges single steps by it."""

    def __init__(self, clock: ModelClock, amazon: Amazon, standing: Standing) -> None:
        super().__init__()
        self._clock = clock
        self._amazon = amazon
        self._standing = standing
        self.answers: dict[int, Accepted | SpApiError] = {}  # as the drivers have them, by attempt
        self._posted: set[int] = set()
        self._unclear_since: dict[int, datetime] = {}

    def check_step(self, row: Row, before: str, after: str) -> None:
        """The step is one of the table, and what was known then allowed it; BreachError if not."""
        step = f"action {row.pk}: {before} → {after}"
        if before == "sent" or (after != "sent" and after not in STEPS[before]):
            raise BreachError(f"{step} is not allowed")
        rules: dict[str, Callable[[Row, str, str], None]] = {
            "sending": self._check_claim,
            "sent": self._check_evidence,
            "queued": self._check_return,
            "held": self._check_held,
            "unconfirmed": self._check_unconfirmed,
            "refused": self._check_refusal,
            "probably_sent": self._check_probably_sent,
            "cancelled": self._check_cancelled,
            "unresolved": self._check_window,
            "expired": self._check_window,
        }
        if after == "unconfirmed":
            self._unclear_since[row.pk] = self._clock.now()
        rules[after](row, before, step)

    def _check_claim(self, row: Row, before: str, step: str) -> None:
        self._demand(not self._standing.stops(row.account_id, row.kind), f"{step} while stopped")
        self._demand(row.order_id not in self._standing.off_limits, f"{step} of a forbidden order")
        self._demand(row.pk not in self._standing.cancel_asked, f"{step} after it was stopped")
        fields = OutgoingAction._base_manager.values_list(
            "not_before", "not_after", "account__connection"
        ).get(pk=row.pk)
        now = self._clock.now()
        self._demand(fields[0] <= now <= fields[1], f"{step} outside its time")
        self._demand(fields[2] == "connected", f"{step} of an account that is {fields[2]}")

    def _check_evidence(self, row: Row, before: str, step: str) -> None:
        if row.seen_by is not None:
            self._demand(row.pk in self._standing.seen, f"{step}: nobody has seen it")
            return
        attempt = row.sent_attempt
        self._demand(
            attempt is not None and isinstance(self.answers.get(attempt), Accepted),
            f"{step} without Amazon's 201",
        )
        self._demand(
            attempt in self._amazon.delivered[row.order, row.kind],
            f"{step} by an attempt of another order",
        )
        records = [one for tries in self.tries.values() for one in tries if one.pk == attempt]
        self._demand(
            [(one.status_code, one.outcome) for one in records] == [(201, "accepted")],
            f"{step}: the attempt does not hold the evidence",
        )

    def _check_return(self, row: Row, before: str, step: str) -> None:
        """Back in the queue, or on hold: it is certain that it did not leave."""
        if before == "sending":
            self._demand(self._did_not_leave(row), f"{step} after {self._last_answer(row)!r}")
        elif before == "held":
            self._demand(not self._is_stopped(row), f"{step} while stopped")
        elif before in ("unconfirmed", "probably_sent"):
            self._check_offered(row, step)
        elif before == "refused":
            self._demand(row.pk in self._standing.retry_asked, f"{step}: nobody asked for it")
            self._standing.retry_asked.discard(row.pk)

    def _check_held(self, row: Row, before: str, step: str) -> None:
        """On hold: for a reason, and it is certain that it did not leave."""
        self._demand(self._is_stopped(row), f"{step}: nothing stops it")
        if before == "sending":
            self._demand(self._did_not_leave(row), f"{step} after {self._last_answer(row)!r}")

    def _is_stopped(self, row: Row) -> bool:
        account = SellerAccount.objects.get(pk=row.account_id)
        return account.connection != "connected" or self._standing.stops(row.account_id, row.kind)

    def _did_not_leave(self, row: Row) -> bool:
        """Whether it is known of the last attempt that the buyer did not get it, but may get it yet."""
        last = self.tries[row.pk][-1]
        if last.pk not in self._posted:
            return last.pk in self.answers  # its driver says that it kept it back
        return self._amazon.known.get(last.pk) in (Known.NOT_SENT, Known.OUTSIDE)

    def _check_unconfirmed(self, row: Row, before: str, step: str) -> None:
        """Nobody knows: the lease ran out, or the answer does not tell."""
        last = self.tries[row.pk][-1]
        if last.is_abandoned:
            age = self._clock.now() - last.claimed_at
            self._demand(age >= CLAIM_LASTS, f"{step}: its lease was taken after {age}")
            return
        known = self._amazon.known.get(last.pk)
        self._demand(known == Known.UNKNOWN, f"{step}, and it is known: {known}")

    def _had_unclear(self, row: Row) -> bool:
        """Whether, at the last claim, an earlier attempt may have reached the buyer for all we knew.

        Of the order and not of the action: an earlier action may have been cancelled since.
        """
        last = self.tries[row.pk][-1]
        return any(
            one.outcome in ("", "unknown")
            or (
                one.is_abandoned
                and one.finished_at is not None
                and one.finished_at >= last.claimed_at
            )
            for other in self.rows.values()
            if (other.order_id, other.kind) == (row.order_id, row.kind)
            for one in self.tries.get(other.pk, [])
            if one.pk < last.pk
        )

    def _check_offered(self, row: Row, step: str) -> None:
        if not ACTION_TYPES[row.kind].is_solicitation:
            self._demand(row.pk in self._standing.may_return, f"{step} without a person's word")
            self._standing.may_return.discard(row.pk)
            return
        moments = [
            look.at
            for look in self._lists(row.order, row.kind, self._unclear_since[row.pk])
            if look.is_offered
        ]
        self._demand(
            bool(moments) and moments[-1] - moments[0] >= OFFERED_APART,
            f"{step}: not offered in two looks two minutes apart",
        )

    def _check_refusal(self, row: Row, before: str, step: str) -> None:
        known = self._known(row)
        if known == Known.NOT_AVAILABLE:
            self._demand(not self._had_unclear(row), f"{step}: an earlier attempt may have done it")
        rejected = (Known.REJECTED, Known.OUTSIDE, Known.NOT_AVAILABLE)
        self._demand(known in rejected, f"{step} after {known}")

    def _check_probably_sent(self, row: Row, before: str, step: str) -> None:
        self._demand(ACTION_TYPES[row.kind].is_solicitation, f"{step} of a message")
        if before == "sending":
            known = self._known(row)
            self._demand(known == Known.NOT_AVAILABLE, f"{step} after {known}")
            self._demand(self._had_unclear(row), f"{step}: no earlier attempt can have done it")
            return
        moments = [
            look.at
            for look in self._lists(row.order, row.kind, self._unclear_since[row.pk])
            if look.is_absent and self._has_control(look)
        ]
        self._demand(
            len(moments) >= 3 and moments[-1] - moments[0] >= ABSENT_SPAN,
            f"{step} after the looks {moments}",
        )

    def _check_cancelled(self, row: Row, before: str, step: str) -> None:
        self._demand(
            row.pk in self._standing.cancel_asked
            or row.order_id in self._standing.off_limits
            or self._was_asked_before(row),
            f"{step}: nobody asked for it",
        )

    def _check_window(self, row: Row, before: str, step: str) -> None:
        is_message = not ACTION_TYPES[row.kind].is_solicitation
        if row.status == "unresolved" and (row.pk in self._standing.left_alone or is_message):
            self._demand(row.pk in self._standing.left_alone, f"{step} without a person's word")
            return
        not_after = OutgoingAction._base_manager.values_list("not_after", flat=True).get(pk=row.pk)
        self._demand(not_after < self._clock.now(), f"{step} before its window closed")

    def _was_asked_before(self, row: Row) -> bool:
        """Whether its buyer was asked, and this is a solicitation: a second one is not needed."""
        is_solicitation = ACTION_TYPES[row.kind].is_solicitation
        return is_solicitation and bool(self._amazon.delivered[row.order, row.kind])

    def _has_control(self, look: Listed) -> bool:
        """Whether, within a minute of this look, another order of the seller was offered."""
        return any(
            other.is_offered
            and (other.account_id, other.api) == (look.account_id, look.api)
            and abs(other.at - look.at) <= LOOK_LASTS
            for other in self._amazon.lists
        )

    def _lists(self, order: str, kind: str, since: datetime) -> list[Listed]:
        asked = (order, ACTION_TYPES[kind].api)
        return [
            look
            for look in self._amazon.lists
            if (look.order, look.api) == asked and look.at >= since
        ]

    def _known(self, row: Row) -> Known | None:
        """What Amazon's answer to the last attempt tells; None when there was none."""
        tries = self.tries.get(row.pk)
        return self._amazon.known.get(tries[-1].pk) if tries else None

    def _last_answer(self, row: Row) -> Accepted | SpApiError | None:
        tries = self.tries.get(row.pk)
        return self.answers.get(tries[-1].pk) if tries else None

    @staticmethod
    def _demand(holds: bool, breach: str) -> None:
        if not holds:
            raise BreachError(breach)
