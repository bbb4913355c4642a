"""One example's stage: everything that moves, and how it goes on by itself until it rests."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from messaging import delivery
from messaging.action_types import ACTION_TYPES
from messaging.models import KillSwitch, OutgoingAction
from sellers.models import Connection, SellerAccount
from tests.model.amazon import Amazon, List, Post
from tests.model.drivers import ModelDriver
from tests.model.oracle import Oracle
from tests.model.records import Row
from tests.model.rules import OPEN, BreachError
from tests.model.world import Cast, Example, ModelClock, Standing

# What a driver does first of what it could do, when it simply goes on.
ORDER = ("record_looks", "record_sends", "settle_doubts", "post", "ask", "claim", "look")
MOST_STEPS = 60
MOST_MOMENTS = 7
MOST_ROUNDS = 40
A_LITTLE_LATER = timedelta(minutes=20)
PEACE = timedelta(days=2, hours=12)
WINDOWS_OVER = timedelta(days=45)


class Stage:
    """Two drivers, two sellers, five orders, one Amazon."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.example = Example()
        self.clock = ModelClock()
        self.amazon = Amazon(self.clock.now)
        self.standing = Standing()
        self.oracle = Oracle(self.clock, self.amazon, self.standing, self.example)
        self._processes = 0
        self.drivers = [self._new_driver() for _ in range(2)]
        self.moves: Counter[str] = Counter()

    def kill(self, driver: int) -> None:
        """What the driver had in hand is forgotten; another stands in its place."""
        self.drivers[driver] = self._new_driver()

    def move(self, driver: int, step: str, lists: List, posts: Post) -> None:
        """The driver has made this one step."""
        self.moves[step] += 1
        if step in ("ask", "post"):
            self.moves[f"{step}: {lists if step == 'ask' else posts}"] += 1
        self.drivers[driver].step(step, lists, posts)
        self.oracle.check()

    def drive(self, driver: int, until: str, lists: List, posts: Post) -> bool:
        """The driver goes on until something stands at that stage (True), or nothing is left to do."""
        moved = self.drivers[driver]
        has_taken_up = False
        for _ in range(MOST_STEPS):
            if moved.is_at(until):
                return True
            possible = moved.next_steps()
            step = next((name for name in ORDER if name in possible), None)
            if step is None:
                if has_taken_up and not moved.holds():
                    return False
                if moved.holds():
                    self.clock.pass_(10.0)
                has_taken_up, step = True, "take_up"
            self.move(driver, step, lists, posts)
        return False

    def go_on(self, driver: int, until: str, lists: List, posts: Post) -> None:
        """Some moments at which something is due have passed, or the driver has come that far."""
        for _ in range(MOST_MOMENTS):
            self.sweep_if_needed()
            if self.drive(driver, until, lists, posts):
                return
            moment = self.next_moment()
            if moment is None:
                return
            self.clock.pass_until(moment)

    def sweep(self) -> None:
        """The sweeper has had its turn."""
        self.moves["sweep"] += 1
        delivery.sweep(self.clock.now())
        self.oracle.check()

    def sweep_if_needed(self) -> None:
        """The sweeper has had its turn, unless it would find nothing: it costs ten statements."""
        stopped = self.standing.cancel_asked
        if any(
            row.status in ("sending", "held") or (row.status in OPEN and row.pk in stopped)
            for row in self.oracle.rows.values()
        ):
            self.sweep()

    def next_moment(self) -> datetime | None:
        """When something is next due, or a lease over; at least a moment from now."""
        rows = OutgoingAction._base_manager.filter(status__in=OPEN).values_list(
            "kind", "status", "look_at", "lease_until"
        )
        moments = [
            lease if status == "sending" else look
            for kind, status, look, lease in rows
            if not _waits_for_a_person(kind, status)
        ]
        if not moments:
            return None
        return max(min(moments), self.clock.now()) + timedelta(seconds=1)

    # In the end

    def write_down(self) -> None:
        """The drivers have finished what they had in hand, and what it made due a little later."""
        for is_later in (False, True):
            if is_later:
                if not self._is_moving():
                    return
                self.clock.pass_(A_LITTLE_LATER)
                self.sweep()
            for index, driver in enumerate(self.drivers):
                driver.trouble = None
                self.drive(index, "idle", List.TRUE, Post.ACCEPTED)

    def come_to_rest(self) -> None:
        """With a faithful Amazon and a fair driver everything finds its end, and the right one.

        Raises BreachError for what is stuck, forgotten, or shown as something that it is not.
        """
        if not self._is_moving():
            return
        now = self.clock.now()
        SellerAccount.objects.update(connection=Connection.CONNECTED, trouble="", paused_at=None)
        KillSwitch.objects.filter(lifted_at=None).update(lifted_at=now)
        self.standing.paused.clear()
        self.standing.switches.clear()
        self.sweep()
        for _ in range(MOST_ROUNDS):
            self.sweep_if_needed()
            self.drive(0, "idle", List.TRUE, Post.ACCEPTED)
            moment = self.next_moment()
            if moment is None or moment > now + PEACE:
                break
            self.clock.pass_until(moment)
        else:
            raise BreachError(f"it never rests: {self.oracle.rows}")
        for row in self.oracle.rows.values():
            if row.status in OPEN:
                self._check_at_rest(row)
        self.clock.pass_(WINDOWS_OVER)
        self.sweep()
        for row in self.oracle.rows.values():
            if row.status in OPEN and not _waits_for_a_person(row.kind, row.status):
                raise BreachError(f"never resolved: {row}")

    def _is_moving(self) -> bool:
        self.oracle.read()
        return any(row.status in OPEN for row in self.oracle.rows.values())

    def _check_at_rest(self, row: Row) -> None:
        """After two days and a half of peace."""
        if row.status in ("sending", "held"):
            raise BreachError(f"stuck: {row}")
        is_offered = self.amazon.offers(row.order, row.kind)
        if row.status == "probably_sent" and is_offered:
            raise BreachError(f"shown as probably sent, and Amazon still offers it: {row}")
        if _waits_for_a_person(row.kind, row.status):
            return
        if row.status == "unconfirmed" and row.account_id == self.cast.accounts[0].pk:
            raise BreachError(f"still unclear after days of peace with a control at hand: {row}")
        is_allowed = row.order_id not in self.standing.off_limits
        if row.status == "queued" and is_offered and is_allowed:
            raise BreachError(f"never sent, though Amazon would take it: {row}")
        look_at = OutgoingAction._base_manager.values_list("look_at", flat=True).get(pk=row.pk)
        if look_at < self.clock.now():
            raise BreachError(f"forgotten: {row}")

    def _new_driver(self) -> ModelDriver:
        self._processes += 1
        return ModelDriver(f"worker:{self._processes}", self.clock, self.amazon, self.oracle)


def _waits_for_a_person(kind: str, status: str) -> bool:
    return status == "unconfirmed" and not ACTION_TYPES[kind].is_solicitation
