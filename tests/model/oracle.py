"""What must be true after every step, from docs/sending.md and not from the product's code.

It reads the tables with SQL of its own, replays the events, and believes only the model of Amazon
about what reached a buyer, and only the rules of the machine about what people decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from messaging.action_types import ACTION_TYPES
from messaging.delivery import Claimed
from messaging.models import OutgoingAction
from messaging.results import SendResult
from spapi import Accepted, NotAvailable, NotSent, OutsideWindow, Rejected, SpApiError
from tests.model.amazon import Amazon, Listed
from tests.model.records import Records, Row
from tests.model.rules import (
    ABSENT_SPAN,
    CALL_LASTS,
    LOOK_LASTS,
    MAY_HAVE_LEFT,
    OFFERED_APART,
    OPEN,
    STEPS,
    TAKEN,
    BreachError,
)
from tests.model.world import Example, ModelClock, ModelLease, Standing


class Oracle(Records):
    """Looks at the database after every step and raises BreachError at the first contradiction."""

    def __init__(
        self, clock: ModelClock, amazon: Amazon, standing: Standing, example: Example
    ) -> None:
        super().__init__()
        self._clock = clock
        self._amazon = amazon
        self._standing = standing
        self._example = example
        self.known: set[int] = set()  # the actions that were asked for
        self.answers: dict[int, Accepted | SpApiError] = {}
        self._posted: set[int] = set()
        self._acknowledged: list[tuple[Claimed, int]] = []
        self.steps: Counter[str] = Counter()
        self._states: dict[int, str] = {}
        self._unclear_since: dict[int, datetime] = {}

    # What the drivers tell and ask

    def open_lanes(self) -> set[tuple[int, str]]:
        """The lanes in which something is still moving; in the others nothing can be due."""
        self.read()
        return {
            (row.account_id, ACTION_TYPES[row.kind].api.value)
            for row in self.rows.values()
            if row.status in OPEN
        }

    def about_to_post(self, claimed: Claimed, lease: ModelLease) -> None:
        """A request is on its way to Amazon: it has its committed attempt, its leases and its look."""
        self._demand(self._example.is_outside(), "a call was made inside a transaction")
        self._demand(lease.is_held(), "a call left without the shard's lease")
        self.read()
        job = claimed.job
        attempts = [
            one
            for row in self.rows.values()
            if (row.order, row.kind, row.status) == (job.amazon_order_id, job.kind, "sending")
            for one in self.tries.get(row.pk, [])
            if one.is_open
        ]
        attempt = next((one for one in attempts if one.pk == claimed.attempt_id), None)
        if attempt is None:
            raise BreachError(f"a POST for {job.amazon_order_id} left without its attempt")
        self._demand(attempt.pk not in self._posted, f"attempt {attempt.pk} left twice")
        self._posted.add(attempt.pk)
        until = OutgoingAction._base_manager.values_list("lease_until", flat=True).get(
            pk=attempt.action_id
        )
        now = self._clock.now()
        self._demand(
            until is not None and until - now >= CALL_LASTS, "a call may outlive its claim"
        )
        looks = self._lists(job.amazon_order_id, job.kind, now - LOOK_LASTS)
        self._demand(any(look.is_offered for look in looks), "no look within a minute before")

    def answered(self, claimed: Claimed, answer: Accepted | SpApiError) -> None:
        """This is what the driver knows of the attempt."""
        self.answers[claimed.attempt_id] = answer

    def recorded(self, sends: list[SendResult]) -> None:
        """The driver believes that these are written down."""
        for result in sends:
            if isinstance(result.answer, Accepted):
                self._acknowledged.append((result.claimed, result.claimed.attempt_id))

    # What must be true

    def check(self) -> None:
        """Nothing that is always true is untrue now."""
        self.read()
        for pk in self.rows:
            self._states.setdefault(pk, "queued")
        for action_id, before, after in self.new_events():
            row = self.rows[action_id]
            self._demand(
                self._states[action_id] == before, f"action {action_id}: {before} was not its state"
            )
            self._states[action_id] = after
            self.steps[f"{before} → {after}"] += 1
            self._check_step(row, before, after)
        for row in self.rows.values():
            self._check_row(row)
        self._demand(
            set(self.rows) == self.known,
            f"asked for were the actions {sorted(self.known)}, there are {sorted(self.rows)}",
        )
        taken = [
            row.order
            for row in self.rows.values()
            if row.status in TAKEN and ACTION_TYPES[row.kind].is_solicitation
        ]
        self._demand(len(taken) == len(set(taken)), "two solicitations of one order")
        self._check_deliveries()
        for claimed, attempt in self._acknowledged:
            self._check_acknowledged(claimed, attempt)

    def _check_row(self, row: Row) -> None:
        name = f"action {row.pk}"
        self._demand(
            self._states[row.pk] == row.status, f"{name}: its events do not lead to {row.status}"
        )
        open_attempts = sum(one.is_open for one in self.tries.get(row.pk, []))
        self._demand(
            open_attempts == (1 if row.status == "sending" else 0),
            f"{name}: {row.status} with {open_attempts} open attempts",
        )

    def _check_deliveries(self) -> None:
        """No buyer was asked twice, and no delivery is shown as if there had been none."""
        for (order, kind), attempts in self._amazon.delivered.items():
            if not attempts:
                continue
            rows = [row for row in self.rows.values() if (row.order, row.kind) == (order, kind)]
            if ACTION_TYPES[kind].is_solicitation:
                self._demand(len(attempts) == 1, f"the buyer of {order} was asked twice")
                if not self._amazon.refuses_second:
                    shown = {row.status for row in rows}
                    self._demand(
                        bool(shown & MAY_HAVE_LEFT), f"{order} was asked, and is shown as {shown}"
                    )
                continue
            for row in rows:
                mine = {one.pk for one in self.tries.get(row.pk, [])} & set(attempts)
                allowed = 1 + self._standing.send_again[row.pk]
                self._demand(len(mine) <= allowed, f"action {row.pk} was delivered twice")

    def _check_acknowledged(self, claimed: Claimed, attempt: int) -> None:
        job = claimed.job
        if ACTION_TYPES[job.kind].is_solicitation:
            states = {row.status for row in self.rows.values() if row.order_id == job.order_id}
        else:
            states = {self.rows[job.action_id].status}
        self._demand("sent" in states, f"attempt {attempt} was accepted, and nothing is sent")

    # Single steps

    def _check_step(self, row: Row, before: str, after: str) -> None:
        step = f"action {row.pk}: {before} → {after}"
        if before == "sent" or (after != "sent" and after not in STEPS[before]):
            raise BreachError(f"{step} is not allowed")
        rules: dict[str, Callable[[Row, str, str], None]] = {
            "sending": self._check_claim,
            "sent": self._check_evidence,
            "queued": self._check_return,
            "held": self._check_return,
            "refused": self._check_refusal,
            "probably_sent": self._check_probably_sent,
            "cancelled": self._check_cancelled,
            "unresolved": self._check_window,
            "expired": self._check_window,
        }
        if after == "unconfirmed":
            self._unclear_since[row.pk] = self._clock.now()
        elif after in rules:
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
            answer = self._last_answer(row)
            self._demand(
                isinstance(answer, NotSent | OutsideWindow),
                f"{step} after {answer!r}: it may have left",
            )
        elif before in ("unconfirmed", "probably_sent"):
            self._check_offered(row, step)
        elif before == "refused":
            self._demand(row.pk in self._standing.retry_asked, f"{step}: nobody asked for it")
            self._standing.retry_asked.discard(row.pk)

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
        answer = self._last_answer(row)
        self._demand(isinstance(answer, Rejected), f"{step} after {answer!r}")

    def _check_probably_sent(self, row: Row, before: str, step: str) -> None:
        self._demand(ACTION_TYPES[row.kind].is_solicitation, f"{step} of a message")
        if before == "sending":
            answer = self._last_answer(row)
            self._demand(isinstance(answer, NotAvailable), f"{step} after {answer!r}")
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
            or bool(self._amazon.delivered[row.order, row.kind]),
            f"{step}: nobody asked for it",
        )

    def _check_window(self, row: Row, before: str, step: str) -> None:
        if row.pk in self._standing.left_alone:
            return
        not_after = OutgoingAction._base_manager.values_list("not_after", flat=True).get(pk=row.pk)
        self._demand(not_after < self._clock.now(), f"{step} before its window closed")

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

    def _last_answer(self, row: Row) -> Accepted | SpApiError | None:
        tries = self.tries.get(row.pk)
        return self.answers.get(tries[-1].pk) if tries else None

    @staticmethod
    def _demand(holds: bool, breach: str) -> None:
        if not holds:
            raise BreachError(breach)
