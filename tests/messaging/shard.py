"""A shard to drive in a test: Amazon on this machine, its sellers connected, their orders taken in."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from messaging.action_types import CONFIRM_ORDER_DETAILS
from messaging.driver import Driver
from messaging.models import ActionAttempt, OutgoingAction
from messaging.services import request_message
from orders.models import Order, OrderQuerySet
from sandbox.testing import Running
from sellers.models import SellerAccount
from tests.asking import A_MOMENT_AGO, ask_for_reviews, connect_sellers
from tests.factories import UserFactory
from tests.messaging.sending import check_records

POST = "createProductReviewAndSellerFeedbackSolicitation"
LIST = "getSolicitationActionsForOrder"
MESSAGE_POST = "createConfirmOrderDetails"
MESSAGE_LIST = "getMessagingActionsForOrder"
# How much faster than Amazon the sandbox and our lanes are: forty calls a second.
FACTOR = 40
# How long a driver stays when nothing is left to do.
LINGER_SECONDS = 0.25


class Shard:
    """The sellers of one sandbox, all on shard 0."""

    def __init__(self, amazon: Running) -> None:
        self.amazon = amazon
        self.accounts: list[SellerAccount] = []

    def connect(self) -> None:
        """Every seller is connected and its orders are here."""
        self.accounts += connect_sellers(self.amazon)

    def orders(self, account: SellerAccount | None = None) -> OrderQuerySet:
        """The orders that both Amazon and we would ask now, earliest window first."""
        theirs = {number for listed in self.amazon.eligible().values() for number in listed}
        orders = Order.objects.eligible(timezone.now()).unasked().filter(amazon_order_id__in=theirs)
        if account is not None:
            orders = orders.filter(account=account)
        return orders.order_by("latest_delivery_at", "pk")

    def ask(self, orders: OrderQuerySet | None = None, limit: int | None = None) -> list[Order]:
        """These orders (all that may be asked) are queued and due; returns them."""
        chosen = list((self.orders() if orders is None else orders)[:limit])
        batch = ask_for_reviews([order.pk for order in chosen], UserFactory())
        assert batch.queued == len(chosen)
        return chosen

    def write(self, number: int, account: SellerAccount | None = None) -> list[OutgoingAction]:
        """So many questions, each with a text of its own, are queued and due; returns them."""
        theirs = {one for listed in self.amazon.messageable().values() for one in listed}
        orders = Order.objects.filter(amazon_order_id__in=theirs).order_by("pk")
        if account is not None:
            orders = orders.filter(account=account)
        assert orders, "the sandbox has no order that waits to be shipped; give it more orders"
        at, ann = timezone.now() - A_MOMENT_AGO, UserFactory()
        payloads = [{"text": f"Question {place + 1} of {number}"} for place in range(number)]
        kind = CONFIRM_ORDER_DETAILS.name
        return [
            request_message(order, kind, payload, user=ann, at=at)
            for order, payload in zip(cycle(orders), payloads, strict=False)
        ]

    def posts(self) -> list[dict[str, Any]]:
        """The POSTs that Amazon has seen, in the order of their arrival."""
        posts: list[dict[str, Any]] = self.amazon.ledger()["posts"]
        return posts

    def requests(self, operation: str) -> int:
        """How many requests of this operation Amazon has seen."""
        lines = self.amazon.stats()["operations"]
        return sum(line["requests"] for line in lines if line["operation"] == operation)

    def check(self) -> None:
        """What must be true after every run, whatever went wrong in it."""
        stats = self.amazon.stats()
        assert stats["throttled"] == 0
        assert stats["accepted_not_eligible"] == 0
        accepted = Counter(_letter(post) for post in self.posts() if post["accepted"])
        assert not accepted or max(accepted.values()) == 1
        actions = OutgoingAction.objects.select_related("order", "sent_attempt")
        check_records(actions)
        attempted: Counter[tuple[str, str, str]] = Counter()
        for action in actions:
            letter = (
                action.order.amazon_order_id,
                action.type.send,
                action.payload.get("text", ""),
            )
            attempted[letter] += ActionAttempt.objects.filter(action=action).count()
            if action.status == "sent":
                assert accepted[letter] == 1
            if accepted[letter]:
                # accepted and unknown to us is possible, accepted and free to be sent is not
                assert action.status in {"sent", "unconfirmed", "probably_sent", "sending"}
        for letter, times in Counter(_letter(post) for post in self.posts()).items():
            assert times <= attempted[letter], "a POST without a committed attempt"


def _letter(post: dict[str, Any]) -> tuple[str, str, str]:
    """What the buyer of an order gets by a POST: the same again is a double."""
    return post["order_id"], post["operation"], post["text"]


def drive(
    *, seconds: float = 20.0, stop: Callable[[], bool] = lambda: False, shard: int = 0
) -> bool:
    """A driver has run to its end in this thread; returns whether it left work."""
    return Driver(shard, seconds=seconds, stop=stop).run()


@contextmanager
def driving(**options: Any) -> Iterator[None]:
    """A driver runs in a thread of its own, until the block ends or it has nothing to do."""
    ended = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            drive(stop=ended.is_set, **options)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, name="driver")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(30)
    assert not thread.is_alive()
    assert errors == []


def wait_until(
    true: Callable[[], bool], what: str, *, seconds: float = 20.0, every: float = 0.02
) -> None:
    """Returns as soon as it is true; fails after `seconds`, which no healthy run comes near."""
    pause = threading.Event()
    for _ in range(int(seconds / every)):
        if true():
            return
        pause.wait(every)
    pytest.fail(f"never happened: {what}")


def states() -> Counter[str]:
    """How many actions are in each state."""
    return Counter(OutgoingAction.objects.values_list("status", flat=True))
