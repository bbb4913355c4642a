"""A shard to drive in a test: Amazon on this machine, its sellers connected, their orders taken in."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from messaging.driver import Driver
from messaging.models import ActionAttempt, OutgoingAction
from messaging.services import request_reviews
from orders.ingest.poll import sync_orders
from orders.models import Order, OrderQuerySet
from sandbox.testing import Running
from sellers.clients import client_for
from sellers.models import Application, Region, SellerAccount
from spapi import Unlimited
from tests.factories import UserFactory
from tests.messaging.sending import check_records

POST = "createProductReviewAndSellerFeedbackSolicitation"
LIST = "getSolicitationActionsForOrder"
# How much faster than Amazon the sandbox and our lanes are: forty calls a second.
FACTOR = 40


class Shard:
    """The sellers of one sandbox, all on shard 0."""

    def __init__(self, amazon: Running) -> None:
        self.amazon = amazon
        self.accounts: list[SellerAccount] = []

    def connect(self) -> None:
        """Every seller is connected and its orders are here."""
        for keys in self.amazon.sellers:
            application, _ = Application.objects.get_or_create(
                client_id=keys.client_id,
                defaults={"name": "Sandbox", "client_secret": keys.client_secret},
            )
            account = SellerAccount(
                name=keys.name,
                selling_partner_id=keys.selling_partner_id,
                region=Region(keys.region),
                application=application,
            )
            account.refresh_token = keys.refresh_token
            account.save()
            client = client_for(account, limiter=Unlimited())
            assert sync_orders(account, client=client, now=timezone.now()).finished
            client.close()
            self.accounts.append(account)

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
        at = timezone.now() - timedelta(seconds=5)
        wanted = Order.objects.filter(pk__in=[order.pk for order in chosen])
        batch = request_reviews(wanted, user=UserFactory(), at=at, client_key=uuid4())
        assert batch.queued == len(chosen)
        return chosen

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
        accepted = Counter(post["order_id"] for post in self.posts() if post["accepted"])
        assert not accepted or max(accepted.values()) == 1
        actions = OutgoingAction.objects.select_related("order", "sent_attempt")
        check_records(actions)
        for action in actions:
            number = action.order.amazon_order_id
            if action.status == "sent":
                assert accepted[number] == 1
            if accepted[number]:
                # accepted and unknown to us is possible, accepted and free to be sent is not
                assert action.status in {"sent", "unconfirmed", "probably_sent", "sending"}
        attempted = Counter(
            ActionAttempt.objects.values_list("action__order__amazon_order_id", flat=True)
        )
        for number, times in Counter(post["order_id"] for post in self.posts()).items():
            assert times <= attempted[number], "a POST without a committed attempt"


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
