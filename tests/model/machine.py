"""The state machine: what people, drivers, Amazon, the database and time can do to sending."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import timedelta

from django.conf import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from messaging import services
from messaging.action_types import CONFIRM_ORDER_DETAILS, REVIEW_REQUEST
from messaging.decisions import Choice
from messaging.models import Origin
from orders.models import Exclusion, ExclusionKind, Order
from orders.services import exclude, undo_exclusion
from sellers.models import Connection, SellerAccount
from tests.model.amazon import List, Post
from tests.model.people import People
from tests.model.rules import OPEN, BreachError
from tests.model.stage import Stage
from tests.model.trouble import Trouble
from tests.model.world import CLICKED, WINDOW_LASTS, Cast

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
        self.people = People(self.stage, self._count)

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
        is_forbidden = asked.pk in self.stage.standing.off_limits or self.people.is_taken(
            asked.pk, kind
        )
        made = self.people.click(asked, is_message)
        if made is None and not is_forbidden and self._is_in_time(asked):
            raise BreachError(f"{asked} could not be asked")
        if made is not None:
            if is_forbidden:
                raise BreachError(f"{asked} could be asked again")
            self.stage.oracle.known.add(made.pk)
            again = self.people.click(asked, is_message, repeated=True)
            if again is None or again.pk != made.pk:
                raise BreachError("a double click made two actions")
        self._check()

    @rule(orders=st.integers(1, 3), by_command=st.booleans())
    def batch(self, orders: int, by_command: bool) -> None:
        """Many orders at once, from the page or from the command line; never the control."""
        self._count("request by command" if by_command else "request by batch")
        wanted = [self.cast.orders[index].pk for index in CLICKED[:orders]]
        free = {pk for pk in wanted if not self.people.is_taken(pk, REVIEW_REQUEST.name)}
        batch = services.request_reviews(
            Order.objects.filter(pk__in=wanted),
            user=None if by_command else self.cast.user,
            at=self.stage.clock.now(),
            client_key=self.people.new_key(),
            origin=Origin.COMMAND if by_command else Origin.PAGE,
            limit=2 if by_command else None,
        )
        made = [row for row in self.people.rows().values() if row.batch_id == batch.pk]
        chosen = {row.order_id for row in made}
        if batch.queued != len(made) or not chosen <= free - self.stage.standing.off_limits:
            raise BreachError("the batch holds what it should not")
        allowed = {
            order.pk
            for order in self.cast.orders
            if order.pk in free - self.stage.standing.off_limits and self._is_in_time(order)
        }
        if len(chosen) < min(len(allowed), 2 if by_command else len(allowed)):
            raise BreachError("the batch does not hold what it should")
        self.stage.oracle.known |= {row.pk for row in made}
        self._check()

    @rule(number=NUMBERS, verb=st.sampled_from(VERBS))
    def person(self, number: int, verb: str) -> None:
        """A person stops one action or a batch, tries a refused one again, or decides."""
        standing = self.stage.standing
        if verb == "cancel":
            self.people.on_action(verb, number, standing.cancel_asked, services.cancel_action)
        elif verb == "try again":
            asked = self.people.on_action(verb, number, standing.retry_asked, services.retry_action)
            standing.cancel_asked.discard(asked)
        elif verb == "stop a batch":
            self.people.stop_batch(number)
        else:
            self.people.decide(number, Choice(verb))

    @rule(account=ACCOUNTS, halfway=st.booleans(), how=st.sampled_from(STOPS))
    def stop(self, account: int, halfway: bool, how: str) -> None:
        """An account or everything is stopped, or resumed when it was; `halfway`: nobody held the rows."""
        self._count(f"stop: {how}")
        row = SellerAccount.objects.get(pk=self.cast.accounts[account].pk)
        if how == "pause":
            self.people.pause(row, halfway)
        elif how in (Connection.CONNECTED, Connection.DISCONNECTED):
            SellerAccount.objects.filter(pk=row.pk).update(connection=how, trouble="")
        else:
            self.people.switch(row if how == "switch of an account" else None, how, halfway)
        self._check()

    @rule(order=ORDERS, how=st.sampled_from(["exclude", "cancelled by the buyer", "by hand"]))
    def order_changes(self, order: int, how: str) -> None:
        """The order is excluded (or no longer), cancelled, or asked for by hand in Seller Central."""
        self._count(f"order: {how}")
        row = Order.objects.get(pk=self.cast.orders[order].pk)
        number, user, now = row.amazon_order_id, self.cast.user, self.stage.clock.now()
        standing = self.stage.standing
        if how == "by hand":
            self.stage.amazon.asked_by_hand.add(number)
        elif how == "exclude":
            if row.pk in standing.excluded:
                rule_of_it = Exclusion.objects.get(value=number, undone_at=None)
                undo_exclusion(rule_of_it, user=user, at=now)
            else:
                exclude(row.account, ExclusionKind.ORDER, [number], user=user)
            standing.excluded ^= {row.pk}
        else:
            Order.objects.filter(pk=row.pk).update(is_cancelled=True)
            standing.cancelled.add(row.pk)
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
            moving = {row.order_id for row in self.people.rows().values() if row.status in OPEN}
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

    def _is_in_time(self, order: Order) -> bool:
        """Whether its window is open for a while yet; that of each order on which people click was."""
        closes = order.latest_delivery_at + WINDOW_LASTS  # type: ignore[operator, unused-ignore]
        return self.stage.clock.now() + timedelta(minutes=1) < closes

    def _check(self) -> None:
        self.stage.oracle.check()

    def _count(self, name: str) -> None:
        self.rules_taken[name] += 1
