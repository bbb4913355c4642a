"""One account at an Amazon of ours, with a queue that speaks like SQS; what all doors are given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.test import override_settings
from django.utils import timezone

from orders.ingest.hints import fetch_hinted
from orders.models import (
    Door,
    EarlyFact,
    HeardNotification,
    Order,
    OrderHint,
    OrderItem,
    OrderReport,
    OrderSync,
    ParkedNotification,
)
from sandbox.testing import Running, running
from sellers.clients import client_for
from sellers.models import SellerAccount
from sellers.services import connect_account
from spapi import Client, Unlimited
from tests.queues import TestQueue, make_queue, queue_server
from tests.sellers.conftest import keys_of

PAST = timedelta(days=130)  # the sandbox's orders reach back 120 days
FAST = 100_000.0  # times Amazon's rates: what is compared is what comes in, not how fast


@dataclass
class Stage:
    """Where a door does its work. `began_at` (UTC): what changes later at Amazon is not compared.

    Of the notifications of an order at most the newest `told_most` go through the queue.
    """

    amazon: Running
    account: SellerAccount
    client: Client
    queue: TestQueue
    began_at: datetime
    told_most: int

    @property
    def since(self) -> datetime:
        """Before the first order (UTC)."""
        return self.began_at - PAST

    def drain(self) -> None:
        """Amazon has been asked for every order that was heard of."""
        while OrderHint.objects.filter(parked_at=None).exists():
            result = fetch_hinted(self.account, client=self.client, now=timezone.now(), most=1_000)
            assert result.error == "", result.error
            assert result.wait_seconds is None
            assert result.asked, "hints wait that are not due"

    def empty(self) -> None:
        """Nothing has come in yet, by whichever door."""
        for model in (OrderItem, Order, OrderHint, EarlyFact, OrderSync, Door):
            model.objects.all().delete()
        for model in (HeardNotification, ParkedNotification, OrderReport):
            model.objects.all().delete()


@contextmanager
def opened(*, orders: int, seed: int, told_most: int = 1_000) -> Iterator[Stage]:
    """A stage with so many orders; needs a database and Redis, and leaves the account there."""
    with (
        queue_server() as endpoint,
        running(orders=orders, sellers=1, seed=seed, rate_factor=FAST, process=True) as amazon,
        override_settings(
            SPAPI_ENDPOINT=amazon.url, LWA_ENDPOINT=amazon.url, SPAPI_RATE_FACTOR=FAST
        ),
    ):
        account = connect_account(**keys_of(amazon.sellers[0]))
        client = client_for(account, limiter=Unlimited())
        yield Stage(amazon, account, client, make_queue(endpoint), datetime.now(UTC), told_most)


def order_of(body: str) -> str:
    """The order that a notification is about."""
    change = json.loads(body)["Payload"]["OrderChangeNotification"]
    number: str = change["AmazonOrderId"]
    return number
