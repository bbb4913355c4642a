"""The state machine: what people, drivers, Amazon, the database and time can do to sending."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from messaging import decisions, services, stopping
from messaging.action_types import CONFIRM_ORDER_DETAILS, REVIEW_REQUEST
from messaging.decisions import Choice, Decision, DecisionRefusedError
from messaging.models import Batch, KillSwitch, Origin, OutgoingAction
from messaging.services import NotAllowedError
from orders.models import Exclusion, ExclusionKind, Order
from orders.services import exclude, undo_exclusion
from sellers.models import Connection, SellerAccount
from sellers.services import pause_account, resume_account
from tests.model.amazon import List, Post
from tests.model.drivers import Trouble
from tests.model.oracle import OPEN, TAKEN, BreachError, Row
from tests.model.stage import Stage
from tests.model.world import CLICKED, Cast

DRIVERS = st.integers(0, 1)
ORDERS = st.sampled_from(CLICKED)
ACCOUNTS = st.integers(0, 1)
NUMBERS = st.integers(0, 5)
# What happens most stands first and more than once.
POSTS = st.sampled_from(
    [*[Post.ACCEPTED] * 5, *[Post.LOST_AFTER] * 3, *[Post.LOST_BEFORE, Post.THROTTLED] * 2, *Post]
)
LISTS = st.sampled_from([*[List.TRUE] * 9, *List])
STAGES = st.sampled_from(["claimed", "posted", "ready", "claimed", "posted", "looked", "looking"])
SPANS = st.sampled_from(
    [
        timedelta(seconds=8),
        timedelta(seconds=40),
        timedelta(seconds=70),
        timedelta(minutes=4),
        timedelta(minutes=16),
        timedelta(hours=1),
        timedelta(hours=7),
        timedelta(hours=26),
        timedelta(days=4),
    ]
)

STOPS = [
    "pause",
    "switch of everything",
    "switch of an account",
    "switch of a kind",
    Connection.DISCONNECTED,
    Connection.CONNECTED,
]
VERBS = ["cancel", "try again", "stop a batch", *Choice]


class Sending(RuleBasedStateMachine):
    """Two drivers, two sellers, five orders. `cast` is set before the first example."""

    cast: Cast
    # Over all examples: how often each rule and each step of a driver or an action was taken.
    rules_taken: Counter[str] = Counter()
    moves_made: Counter[str] = Counter()
    steps_seen: Counter[str] = Counter()
    examples: int = 0
    # Whether every example ends in days of peace after which all must be well. The seeded bugs are
    # found without, and sooner.
    rests: bool = True

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(self.cast)
        self.keys = 0

    @initialize(
        refuses_second=st.booleans(),
        hold=st.sampled_from([0, 10]),
        by=st.sampled_from(["click", "batch", "message"]),
    )
    def begin(self, refuses_second: bool, hold: int, by: str) -> None:
        self.stage.amazon.refuses_second = refuses_second
        settings.SEND_HOLD_SECONDS = hold
        if by == "click":
            self.click(0, is_message=False)
        elif by == "message":
            self.click(0, is_message=True)
        elif by == "batch":
            self.batch(2, by_command=False)

    # People

    @rule(order=ORDERS, is_message=st.booleans())
    def click(self, order: int, is_message: bool) -> None:
        """A person asks for one review, or writes one message, with a double click."""
        self._count("click a message" if is_message else "click a review")
        kind = CONFIRM_ORDER_DETAILS.name if is_message else REVIEW_REQUEST.name
        asked = Order.objects.get(pk=self.cast.orders[order].pk)
        is_forbidden = asked.pk in self.stage.standing.off_limits or self._is_taken(asked.pk, kind)
        made = self._click(asked, is_message)
        if made is not None:
            if is_forbidden:
                raise BreachError(f"{asked} could be asked again")
            self.stage.oracle.known.add(made.pk)
            again = self._click(asked, is_message, repeated=True)
            if again is None or again.pk != made.pk:
                raise BreachError("a double click made two actions")
        self._check()

    @rule(orders=st.integers(1, 3), by_command=st.booleans())
    def batch(self, orders: int, by_command: bool) -> None:
        """Many orders at once, from the page or from the command line; never the control."""
        self._count("request by command" if by_command else "request by batch")
        wanted = [self.cast.orders[index].pk for index in CLICKED[:orders]]
        free = {pk for pk in wanted if not self._is_taken(pk, REVIEW_REQUEST.name)}
        batch = services.request_reviews(
            Order.objects.filter(pk__in=wanted),
            user=None if by_command else self.cast.user,
            at=self.stage.clock.now(),
            client_key=self._new_key(),
            origin=Origin.COMMAND if by_command else Origin.PAGE,
            limit=2 if by_command else None,
        )
        made = [row for row in self._rows().values() if row.batch_id == batch.pk]
        if batch.queued != len(made) or not {row.order_id for row in made} <= free:
            raise BreachError("the batch holds what it should not")
        self.stage.oracle.known |= {row.pk for row in made}
        self._check()

    @rule(number=NUMBERS, verb=st.sampled_from(VERBS))
    def person(self, number: int, verb: str) -> None:
        """A person stops one action or a batch, tries a refused one again, or decides."""
        standing = self.stage.standing
        if verb == "cancel":
            self._on_action(verb, number, standing.cancel_asked, services.cancel_action)
        elif verb == "try again":
            asked = self._on_action(verb, number, standing.retry_asked, services.retry_action)
            standing.cancel_asked.discard(asked)
        elif verb == "stop a batch":
            self._stop_batch(number)
        else:
            self._decide(number, Choice(verb))

    @rule(account=ACCOUNTS, halfway=st.booleans(), how=st.sampled_from(STOPS))
    def stop(self, account: int, halfway: bool, how: str) -> None:
        """An account or everything is stopped, or resumed when it was; `halfway`: nobody held the rows."""
        self._count(f"stop: {how}")
        row = SellerAccount.objects.get(pk=self.cast.accounts[account].pk)
        if how == "pause":
            self._pause(row, halfway)
        elif how in (Connection.CONNECTED, Connection.DISCONNECTED):
            SellerAccount.objects.filter(pk=row.pk).update(connection=how, trouble="")
        else:
            self._switch(row if how == "switch of an account" else None, how, halfway)
        self._check()

    @rule(order=ORDERS, how=st.sampled_from(["exclude", "cancelled by the buyer", "by hand"]))
    def order_changes(self, order: int, how: str) -> None:
        """The order is excluded (or no longer), cancelled, or asked for by hand in Seller Central."""
        self._count(f"order: {how}")
        row = Order.objects.get(pk=self.cast.orders[order].pk)
        number, user, now = row.amazon_order_id, self.cast.user, self.stage.clock.now()
        if how == "by hand":
            self.stage.amazon.asked_by_hand.add(number)
        elif how == "exclude":
            standing = Exclusion.objects.filter(value=number, undone_at=None).first()
            if standing is not None:
                undo_exclusion(standing, user=user, at=now)
            else:
                exclude(row.account, ExclusionKind.ORDER, [number], user=user)
        else:
            Order.objects.filter(pk=row.pk).update(is_cancelled=True)
        row.refresh_from_db()
        off_limits = self.stage.standing.off_limits
        (off_limits.add if row.is_excluded or row.is_cancelled else off_limits.discard)(row.pk)
        self._check()

    # Drivers

    @rule(driver=DRIVERS, move=NUMBERS, lists=LISTS, posts=POSTS)
    def step(self, driver: int, move: int, lists: List, posts: Post) -> None:
        """One driver makes one step, any that it could make now."""
        self._count("step")
        steps = [*self.stage.drivers[driver].next_steps(), "take_up"]
        self.stage.move(driver, steps[move % len(steps)], lists, posts)

    @rule(driver=DRIVERS, at=STAGES, lists=LISTS, posts=POSTS)
    def come_to(self, driver: int, at: str, lists: List, posts: Post) -> None:
        """One driver goes on until it has something in hand at that stage."""
        self._count("come to a stage")
        self.stage.drive(driver, at, lists, posts)

    @rule(driver=DRIVERS, at=st.sampled_from(["claimed", "posted"]), posts=POSTS)
    def call(self, driver: int, at: str, posts: Post) -> None:
        """One driver is about to call Amazon, or has its answer and has not written it down."""
        self._count("call")
        self.stage.drive(driver, at, List.TRUE, posts)

    @rule(driver=DRIVERS, lists=LISTS, posts=POSTS)
    def finish(self, driver: int, lists: List, posts: Post) -> None:
        """One driver does all that is left to do now."""
        self._count("finish")
        self.stage.drive(driver, "idle", lists, posts)

    @rule(driver=DRIVERS, until=st.one_of(st.just("idle"), STAGES), lists=LISTS, posts=POSTS)
    def go_on(self, driver: int, until: str, lists: List, posts: Post) -> None:
        """Hours and days pass in which one driver and the sweeper do what is due."""
        self._count("go on")
        self.stage.go_on(driver, until, lists, posts)

    @rule(
        driver=DRIVERS,
        at=st.sampled_from(["ready", "claimed", "posted"]),
        posts=st.sampled_from([Post.ACCEPTED, Post.LOST_BEFORE, Post.THROTTLED]),
        by=st.sampled_from(
            ["time", "the other driver", "an order", "a stop", "a stopped batch", "a person"]
        ),
        span=SPANS,
        number=NUMBERS,
    )
    def interrupt(
        self, driver: int, at: str, posts: Post, by: str, span: timedelta, number: int
    ) -> None:
        """One driver hangs between two steps while something else happens, and then goes on."""
        self._count(f"interrupted by {by}")
        self.stage.drive(driver, at, List.TRUE, posts)
        if by == "time":
            self.wait(span, is_swept=number % 2 == 0)
        elif by == "the other driver":
            self.stage.go_on(1 - driver, "claimed", List.TRUE, Post.ACCEPTED)
        elif by == "an order":
            moving = {row.order_id for row in self._rows().values() if row.status in OPEN}
            for index in CLICKED:
                if self.cast.orders[index].pk in moving:
                    self.order_changes(index, "exclude")
        elif by == "a stop":
            self.stop(number % 2, halfway=True, how=STOPS[number])
        else:
            self.person(number, "stop a batch" if by == "a stopped batch" else VERBS[number])
        self.stage.drive(driver, "idle", List.TRUE, Post.ACCEPTED)

    @rule(
        driver=DRIVERS,
        what=st.sampled_from(["kill", "kill", "claim", "record_sends", "record_looks", "take_up"]),
        statements=st.integers(0, 8),
        after_commit=st.booleans(),
    )
    def mishap(self, driver: int, what: str, statements: int, after_commit: bool) -> None:
        """The driver is killed, or the database leaves it when it next does that work.

        Killed, it forgets what it had in hand, and another begins. The database fails after so many
        statements, or just after the commit, which the driver cannot tell apart.
        """
        if what == "kill":
            self._count("kill")
            self.stage.kill(driver)
        else:
            self._count(f"database fails: {what}")
            self.stage.drivers[driver].trouble = Trouble(what, statements, after_commit)

    # Clockwork and time

    @rule(span=SPANS, is_swept=st.booleans())
    def wait(self, span: timedelta, is_swept: bool) -> None:
        """No driver does anything for a while; then it may be the sweeper's turn."""
        self._count("wait and sweep" if is_swept else "wait")
        self.stage.clock.pass_(span)
        self.stage.amazon.settle()
        self._check()
        if is_swept:
            self.stage.sweep()

    def teardown(self) -> None:
        is_whole = sys.exc_info()[0] is None
        try:
            if is_whole:
                self.stage.write_down()
                if self.rests:
                    self.stage.come_to_rest()
        finally:
            self.stage.example.undo()
            if is_whole:
                Sending.examples += 1
            self.moves_made.update(self.stage.moves)
            self.steps_seen.update(self.stage.oracle.steps)

    # Helpers

    def _click(
        self, order: Order, is_message: bool, *, repeated: bool = False
    ) -> OutgoingAction | None:
        now, user = self.stage.clock.now(), self.cast.user
        key = UUID(int=self.keys) if repeated else self._new_key()
        try:
            if is_message:
                return services.request_message(
                    order,
                    CONFIRM_ORDER_DETAILS.name,
                    {"text": "Which colour?"},
                    user=user,
                    at=now,
                    client_key=key,
                )
            return services.request_review(order, user=user, at=now, client_key=key)
        except NotAllowedError:
            return None

    def _decide(self, number: int, choice: Choice) -> None:
        """A person decides about what is unconfirmed, rightly or wrongly, if they may."""
        waiting = [row for row in self._rows().values() if row.status in decisions.DECIDABLE]
        if not waiting:
            return
        self._count(f"decide: {choice}")
        row, standing = waiting[number % len(waiting)], self.stage.standing
        word = Decision(choice, reason="Looked in Seller Central", order_number=row.order)
        action = OutgoingAction.objects.get(pk=row.pk)
        try:
            decisions.decide(action, word, user=self.cast.user, at=self.stage.clock.now())
        except (DecisionRefusedError, NotAllowedError):
            self._check()
            return
        if choice == Choice.SEEN:
            standing.seen.add(row.pk)
        elif choice == Choice.LEAVE:
            standing.left_alone.add(row.pk)
        else:
            standing.send_again[row.pk] += 1
            standing.may_return.add(row.pk)
            standing.cancel_asked.discard(row.pk)
        self._check()

    def _stop_batch(self, number: int) -> None:
        batches = sorted({row.batch_id for row in self._rows().values() if row.batch_id})
        if not batches:
            return
        self._count("stop a batch")
        pk = batches[number % len(batches)]
        self.stage.standing.cancel_asked |= {
            row.pk for row in self._rows().values() if row.batch_id == pk and row.status in OPEN
        }
        services.stop_batch(
            Batch.objects.get(pk=pk),
            user=self.cast.user,
            at=self.stage.clock.now(),
            account_ids=[account.pk for account in self.cast.accounts],
        )
        self._check()

    def _pause(self, account: SellerAccount, halfway: bool) -> None:
        paused, now, user = self.stage.standing.paused, self.stage.clock.now(), self.cast.user
        if account.pk in paused:
            resume = resume_account if halfway else stopping.resume_sending
            resume(account, user=user, at=now)
        elif halfway:
            pause_account(account, user, now)
        else:
            stopping.pause_sending(account, user=user, at=now)
        paused ^= {account.pk}

    def _switch(self, account: SellerAccount | None, how: str, halfway: bool) -> None:
        switches, now, user = self.stage.standing.switches, self.stage.clock.now(), self.cast.user
        if switches:
            pk = min(switches)
            stopping.lift_switch(KillSwitch.objects.get(pk=pk), user=user, at=now)
            del switches[pk]
            return
        kind = REVIEW_REQUEST.name if how == "switch of a kind" else ""
        if halfway:
            switch = KillSwitch.objects.create(account=account, kind=kind, set_at=now, set_by=user)
        else:
            switch, _ = stopping.set_switch(
                account=account, kind=kind, user=user, at=now, reason="Recall"
            )
        switches[switch.pk] = (account.pk if account else None, kind)

    def _on_action(
        self, name: str, number: int, asked: set[int], verb: Callable[..., object]
    ) -> int:
        """A person's verb on one of the actions; it stands in `asked` when it was not refused."""
        if not self._rows():
            return 0
        self._count(name)
        pk = sorted(self._rows())[number % len(self._rows())]
        try:
            verb(
                OutgoingAction.objects.get(pk=pk),
                user=self.cast.user,
                at=self.stage.clock.now(),
            )
            asked.add(pk)
        except NotAllowedError:
            pk = 0
        self._check()
        return pk

    def _rows(self) -> dict[int, Row]:
        self.stage.oracle.read()
        return self.stage.oracle.rows

    def _is_taken(self, order_id: int, kind: str) -> bool:
        """Whether another one like it must not be made for this order now."""
        states = TAKEN if kind == REVIEW_REQUEST.name else OPEN
        return any(
            (row.order_id, row.kind) == (order_id, kind) and row.status in states
            for row in self._rows().values()
        )

    def _new_key(self) -> UUID:
        self.keys += 1
        return UUID(int=self.keys)

    def _check(self) -> None:
        self.stage.oracle.check()

    def _count(self, name: str) -> None:
        self.rules_taken[name] += 1
