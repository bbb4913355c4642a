"""The state machine: what people, drivers, Amazon, the database and time can do to sending."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from messaging import delivery, services
from messaging.models import KillSwitch, Origin, OutgoingAction
from messaging.services import NotAllowedError
from messaging.states import Status
from orders.models import Exclusion, ExclusionKind, Order
from orders.services import exclude, undo_exclusion
from sellers.models import Connection, SellerAccount
from sellers.services import pause_account, resume_account
from tests.model.amazon import Amazon, List, Post
from tests.model.drivers import ModelDriver, Trouble
from tests.model.oracle import TAKEN, BreachError, Oracle
from tests.model.world import CLICKED, Cast, Example, ModelClock, Standing

DRIVERS = st.integers(0, 1)
ORDERS = st.sampled_from(CLICKED)
ACCOUNTS = st.integers(0, 1)
NUMBERS = st.integers(0, 5)
# What happens most stands first and more than once.
POSTS = st.sampled_from([Post.ACCEPTED, Post.LOST_AFTER, Post.LOST_BEFORE, *Post])
LISTS = st.sampled_from([List.TRUE, List.TRUE, List.TRUE, *List])
STAGES = st.sampled_from(["idle", "claimed", "posted", "ready", "looked", "looking"])
SPANS = st.sampled_from(
    [
        timedelta(seconds=1),
        timedelta(seconds=8),
        timedelta(seconds=40),
        timedelta(seconds=70),
        timedelta(minutes=3),
        timedelta(minutes=12),
        timedelta(hours=1),
        timedelta(hours=7),
        timedelta(hours=26),
        timedelta(days=4),
    ]
)
MOVES = ("record_looks", "record_sends", "post", "ask", "claim", "look")
MOST_STEPS = 60
REST = timedelta(days=2, hours=12)
WINDOWS_OVER = timedelta(days=40)


class Sending(RuleBasedStateMachine):
    """Two drivers, two sellers, five orders. `cast` is set before the first example."""

    cast: Cast
    counts: Counter[str] = Counter()
    moves: Counter[str] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.example = Example()
        self.clock = ModelClock()
        self.amazon = Amazon(self.clock.now)
        self.standing = Standing()
        self.oracle = Oracle(self.clock, self.amazon, self.standing, self.example)
        self.drivers = [self._new_driver(index) for index in range(2)]
        self.keys = 0

    @initialize(
        refuses_second=st.booleans(),
        hold=st.sampled_from([0, 10]),
        by=st.sampled_from(["click", "batch", "nobody"]),
    )
    def begin(self, refuses_second: bool, hold: int, by: str) -> None:
        self.amazon.refuses_second = refuses_second
        settings.SEND_HOLD_SECONDS = hold
        if by == "click":
            self.click(0)
        elif by == "batch":
            self.batch(2, by_command=False)

    # People

    @rule(order=ORDERS)
    def click(self, order: int) -> None:
        """A person asks for one review, with a double click."""
        self._count("click")
        self.keys += 1
        asked = Order.objects.get(pk=self.cast.orders[order].pk)
        is_taken = self._is_taken(asked.pk)
        key = UUID(int=self.keys)
        try:
            made = services.request_review(
                asked, user=self.cast.user, at=self.clock.now(), client_key=key
            )
        except NotAllowedError:
            self._check()
            return
        if is_taken or asked.pk in self.standing.off_limits:
            raise BreachError(f"{asked} could be asked again")
        self.oracle.known.add(made.pk)
        again = services.request_review(
            asked, user=self.cast.user, at=self.clock.now(), client_key=key
        )
        if again.pk != made.pk:
            raise BreachError("a double click made two actions")
        self._check()

    @rule(orders=st.integers(1, 3), by_command=st.booleans())
    def batch(self, orders: int, by_command: bool) -> None:
        """Many orders at once, from the page or from the command line; never the control."""
        self._count("batch")
        self.keys += 1
        wanted = [self.cast.orders[index].pk for index in CLICKED[:orders]]
        free = [pk for pk in wanted if not self._is_taken(pk)]
        batch = services.request_reviews(
            Order.objects.filter(pk__in=wanted),
            user=None if by_command else self.cast.user,
            at=self.clock.now(),
            client_key=UUID(int=self.keys),
            origin=Origin.COMMAND if by_command else Origin.PAGE,
            limit=2 if by_command else None,
        )
        self.oracle.read()
        made = [row for row in self.oracle.rows.values() if row.batch_id == batch.pk]
        if batch.queued != len(made) or not {row.order_id for row in made} <= set(free):
            raise BreachError("the batch holds what it should not")
        self.oracle.known |= {row.pk for row in made}
        self._check()

    @rule(number=NUMBERS)
    def cancel(self, number: int) -> None:
        """A person stops one action, if it is not too late."""
        self._on_action("cancel", number, self.standing.cancel_asked, services.cancel_action)

    @rule(number=NUMBERS)
    def try_again(self, number: int) -> None:
        """A person tries a refused action again."""
        asked = self._on_action("try again", number, self.standing.retry_asked, services.retry_action)
        if asked is not None:
            self.standing.cancel_asked.discard(asked)

    @rule(number=NUMBERS)
    def stop_batch(self, number: int) -> None:
        """A person stops a batch; what is under way of it comes back to nothing."""
        batches = sorted({row.batch_id for row in self.oracle.rows.values() if row.batch_id})
        if not batches:
            return
        self._count("stop batch")
        pk = batches[number % len(batches)]
        self.standing.cancel_asked |= {
            row.pk
            for row in self.oracle.rows.values()
            if row.batch_id == pk and row.status in TAKEN - {"sent", "refused", "unresolved"}
        }
        services.stop_batch(
            services.Batch.objects.get(pk=pk),
            user=self.cast.user,
            at=self.clock.now(),
            account_ids=[account.pk for account in self.cast.accounts],
        )
        self._check()

    @rule(account=ACCOUNTS)
    def pause(self, account: int) -> None:
        """The account is paused, or resumed when it was."""
        self._count("pause or resume")
        row = SellerAccount.objects.get(pk=self.cast.accounts[account].pk)
        if row.pk in self.standing.paused:
            resume_account(row, self.cast.user, self.clock.now())
            self.standing.paused.discard(row.pk)
        else:
            pause_account(row, self.cast.user, self.clock.now())
            self.standing.paused.add(row.pk)
        self._check()

    @rule(account=ACCOUNTS, is_disconnect=st.booleans())
    def connect(self, account: int, is_disconnect: bool) -> None:
        """A person disconnects the account, or connects it again."""
        self._count("connect or disconnect")
        connection = Connection.DISCONNECTED if is_disconnect else Connection.CONNECTED
        SellerAccount.objects.filter(pk=self.cast.accounts[account].pk).update(
            connection=connection, trouble=""
        )
        self._check()

    @rule(what=st.sampled_from(["everything", "account", "kind"]), hold_now=st.booleans())
    def kill_switch(self, what: str, hold_now: bool) -> None:
        """The emergency stop is set, or lifted when one stands."""
        self._count("kill switch")
        now, user = self.clock.now(), self.cast.user
        if self.standing.switches:
            pk = min(self.standing.switches)
            KillSwitch.objects.filter(pk=pk).update(lifted_at=now, lifted_by=user)
            del self.standing.switches[pk]
        else:
            account = self.cast.accounts[0] if what == "account" else None
            kind = "productReviewAndSellerFeedback" if what == "kind" else ""
            switch = KillSwitch.objects.create(account=account, kind=kind, set_at=now, set_by=user)
            self.standing.switches[switch.pk] = (account.pk if account else None, kind)
        if hold_now:
            services.apply_holds(at=now)
        self._check()

    @rule(order=ORDERS, how=st.sampled_from(["exclude", "cancelled by the buyer", "by hand"]))
    def order_changes(self, order: int, how: str) -> None:
        """The order is excluded (or no longer), cancelled, or asked for by hand in Seller Central."""
        self._count("order changes")
        row = Order.objects.get(pk=self.cast.orders[order].pk)
        if how == "by hand":
            self.amazon.asked_by_hand.add(row.amazon_order_id)
        elif how == "exclude":
            standing = Exclusion.objects.filter(value=row.amazon_order_id, undone_at=None).first()
            if standing is not None:
                undo_exclusion(standing, user=self.cast.user, at=self.clock.now())
            else:
                exclude(
                    row.account, ExclusionKind.ORDER, [row.amazon_order_id], user=self.cast.user
                )
        else:
            Order.objects.filter(pk=row.pk).update(is_cancelled=True)
        row.refresh_from_db()
        if row.is_excluded or row.is_cancelled:
            self.standing.off_limits.add(row.pk)
        else:
            self.standing.off_limits.discard(row.pk)
        self._check()

    # Drivers

    @rule(driver=DRIVERS, move=NUMBERS, lists=LISTS, posts=POSTS)
    def step(self, driver: int, move: int, lists: List, posts: Post) -> None:
        """One driver makes one step, any that it could make now."""
        self._count("step")
        steps = [*self.drivers[driver].next_steps(), "take_up"]
        self._move(driver, steps[move % len(steps)], lists, posts)

    @rule(driver=DRIVERS, until=STAGES, lists=LISTS, posts=POSTS)
    def drive(self, driver: int, until: str, lists: List, posts: Post) -> None:
        """One driver goes on until something stands at that stage, or nothing is left to do."""
        self._count("drive")
        self._drive(driver, until, lists, posts)

    @rule(driver=DRIVERS, until=STAGES, lists=LISTS, posts=POSTS)
    def world_goes_on(self, driver: int, until: str, lists: List, posts: Post) -> None:
        """Hours and days pass in which one driver and the sweeper do what is due."""
        self._count("world goes on")
        for _ in range(7):
            self._sweep()
            if self._drive(driver, until, lists, posts):
                return
            next_at = self._next_moment()
            if next_at is None:
                return
            self.clock.pass_until(next_at)

    @rule(driver=DRIVERS)
    def kill(self, driver: int) -> None:
        """The driver is killed: what it had in hand is forgotten, and another begins."""
        self._count("kill")
        self.drivers[driver] = self._new_driver(driver)

    @rule(driver=DRIVERS, statements=st.integers(1, 9), after_commit=st.booleans())
    def database_fails(self, driver: int, statements: int, after_commit: bool) -> None:
        """The database leaves this driver in its next work, or just after its commit."""
        self._count("database fails")
        self.drivers[driver].trouble = Trouble(statements, after_commit)

    # Clockwork and time

    @rule()
    def sweep(self) -> None:
        """The sweeper's turn."""
        self._count("sweep")
        self._sweep()

    @rule(span=SPANS)
    def wait(self, span: timedelta) -> None:
        """Nothing happens for a while."""
        self._count("wait")
        self.clock.pass_(span)
        self.amazon.settle()
        self._check()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None and self.oracle.rows:
                self._come_to_rest()
        finally:
            self.example.undo()

    # In the end

    def _come_to_rest(self) -> None:
        """With a faithful Amazon and a fair driver everything finds its end, and the right one."""
        now = self.clock.now()
        SellerAccount.objects.update(connection=Connection.CONNECTED, trouble="", paused_at=None)
        KillSwitch.objects.filter(lifted_at=None).update(lifted_at=now)
        self.standing.paused.clear()
        self.standing.switches.clear()
        self.drivers[1] = self._new_driver(1)
        self.drivers[0].trouble = None
        until = now + REST
        while True:
            self._sweep()
            self._drive(0, "idle", List.TRUE, Post.ACCEPTED)
            next_at = self._next_moment()
            if next_at is None or next_at > until:
                break
            self.clock.pass_until(next_at)
        for row in self.oracle.rows.values():
            self._check_rest(row)
        self.clock.pass_(WINDOWS_OVER)
        self._sweep()
        moving = [row for row in self.oracle.rows.values() if row.status in _OPEN]
        if moving:
            raise BreachError(f"never resolved: {moving}")

    def _check_rest(self, row: Any) -> None:
        """After two days and a half of peace."""
        is_offered = self.amazon.offers(row.order, row.kind)
        if row.status in ("sending", "held"):
            raise BreachError(f"stuck: {row}")
        if row.status == "probably_sent" and is_offered:
            raise BreachError(f"shown as probably sent, and Amazon still offers it: {row}")
        is_lost = row.status in ("queued", "unconfirmed") and is_offered
        is_waiting = self._look_at(row) > self.clock.now() - timedelta(minutes=1)
        if is_lost and not is_waiting:
            raise BreachError(f"forgotten: {row}")
        if row.status == "unconfirmed" and row.account_id == self.cast.accounts[0].pk:
            raise BreachError(f"still unclear after days of peace with a control at hand: {row}")

    # Helpers

    def _new_driver(self, index: int) -> ModelDriver:
        return ModelDriver(f"worker:{index}", self.clock, self.amazon, self.oracle)

    def _move(self, driver: int, step: str, lists: List, posts: Post) -> None:
        self.moves[step] += 1
        self.drivers[driver].step(step, lists, posts)
        self._check()

    def _drive(self, driver: int, until: str, lists: List, posts: Post) -> bool:
        """Whether that stage was reached."""
        moved = self.drivers[driver]
        has_taken_up = False
        for _ in range(MOST_STEPS):
            if moved.is_at(until):
                return True
            possible = moved.next_steps()
            step = next((name for name in MOVES if name in possible), None)
            if step is None:
                if moved.holds():
                    self.clock.pass_(10.0)
                elif has_taken_up:
                    return False
                has_taken_up, step = True, "take_up"
            self._move(driver, step, lists, posts)
        return False

    def _sweep(self) -> None:
        self.moves["sweep"] += 1
        delivery.sweep(self.clock.now())
        self._check()

    def _next_moment(self) -> datetime | None:
        """When something is next due, or a lease over; at least a moment from now."""
        rows = OutgoingAction._base_manager.filter(status__in=_OPEN).values_list(
            "status", "look_at", "lease_until"
        )
        moments = [lease if status == "sending" else look for status, look, lease in rows]
        if not moments:
            return None
        return max(min(moments), self.clock.now()) + timedelta(seconds=1)

    def _look_at(self, row: Any) -> datetime:
        moment: datetime = OutgoingAction._base_manager.values_list("look_at", flat=True).get(
            pk=row.pk
        )
        return moment

    def _is_taken(self, order_id: int) -> bool:
        self.oracle.read()
        return any(
            row.order_id == order_id and row.status in TAKEN for row in self.oracle.rows.values()
        )

    def _on_action(
        self, name: str, number: int, asked: set[int], verb: Callable[..., object]
    ) -> int | None:
        """A person's verb on one of the actions; it stands in `asked` when it was not refused."""
        if not self.oracle.rows:
            return None
        self._count(name)
        pk = sorted(self.oracle.rows)[number % len(self.oracle.rows)]
        had = pk in asked
        asked.add(pk)
        try:
            verb(OutgoingAction.objects.get(pk=pk), user=self.cast.user, at=self.clock.now())
        except NotAllowedError:
            if not had:
                asked.discard(pk)
            pk = 0
        self._check()
        return pk or None

    def _check(self) -> None:
        self.oracle.check()

    def _count(self, name: str) -> None:
        self.counts[name] += 1


_OPEN = {
    Status.QUEUED.value,
    Status.HELD.value,
    Status.SENDING.value,
    Status.UNCONFIRMED.value,
    Status.PROBABLY_SENT.value,
}
