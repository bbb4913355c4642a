"""What must be true after every step, from docs/sending.md and not from the product's code.

It reads the tables with SQL of its own, replays the events, and believes only the model of Amazon
about what reached a buyer, and only the rules of the machine about what people decided.
"""

from __future__ import annotations

from collections import Counter

from messaging.action_types import ACTION_TYPES
from messaging.delivery import Claimed
from messaging.models import OutgoingAction
from messaging.results import SendResult
from spapi import Accepted, SpApiError
from tests.model.amazon import Amazon
from tests.model.records import Row
from tests.model.rules import (
    CALL_LASTS,
    LOOK_LASTS,
    MAY_HAVE_LEFT,
    OPEN,
    TAKEN,
    BreachError,
)
from tests.model.steps import Steps
from tests.model.world import Example, ModelClock, ModelLease, Standing


class Oracle(Steps):
    """Looks at the database after every step and raises BreachError at the first contradiction."""

    def __init__(
        self, clock: ModelClock, amazon: Amazon, standing: Standing, example: Example
    ) -> None:
        super().__init__(clock, amazon, standing)
        self._example = example
        self.known: set[int] = set()  # the actions that were asked for
        self._acknowledged: list[tuple[Claimed, int]] = []
        self.steps: Counter[str] = Counter()
        self._states: dict[int, str] = {}

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
            self.check_step(row, before, after)
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
                if not self._amazon.has_lagged:
                    shown = {row.status for row in rows}
                    self._demand(
                        bool(shown & self._may_show()),
                        f"{order} was asked, and is shown as {shown}",
                    )
                continue
            for row in rows:
                mine = {one.pk for one in self.tries.get(row.pk, [])} & set(attempts)
                again = self._standing.send_again[row.pk]
                self._demand(len(mine) <= 1 + again, f"action {row.pk} was delivered twice")
                self._demand(
                    not mine or bool(again) or row.status in MAY_HAVE_LEFT,
                    f"message {row.pk} was delivered, and is shown as {row.status}",
                )

    def _may_show(self) -> set[str]:
        """How a solicitation may be shown that reached the buyer."""
        # an Amazon that refuses the second says so to an attempt after one that got through unseen
        return MAY_HAVE_LEFT | ({"refused"} if self._amazon.refuses_second else set())

    def _check_acknowledged(self, claimed: Claimed, attempt: int) -> None:
        job = claimed.job
        if ACTION_TYPES[job.kind].is_solicitation:
            states = {row.status for row in self.rows.values() if row.order_id == job.order_id}
        else:
            states = {self.rows[job.action_id].status}
        self._demand("sent" in states, f"attempt {attempt} was accepted, and nothing is sent")
