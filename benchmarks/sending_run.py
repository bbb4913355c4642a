"""Measures sending with the servers of the environment; started by `benchmarks.sending` alone.

The database must be empty. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

# Models can be imported only now.
from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.database import database_version  # noqa: E402
from benchmarks.sending_figures import (  # noqa: E402
    Run,
    departure_ms,
    duplicates,
    over_limit,
    shares,
)
from benchmarks.sending_site import Workers, running_workers  # noqa: E402
from messaging.driver import LINGER_SECONDS  # noqa: E402
from messaging.models import OutgoingAction  # noqa: E402
from messaging.services import request_review, request_reviews  # noqa: E402
from messaging.states import OPEN, Status  # noqa: E402
from orders.ingest.poll import sync_orders  # noqa: E402
from orders.models import Order  # noqa: E402
from sandbox.testing import Running  # noqa: E402
from sellers.clients import client_for  # noqa: E402
from sellers.models import Application, Region, SellerAccount  # noqa: E402
from solicit_dashboard.redis import get_redis  # noqa: E402
from spapi import Unlimited  # noqa: E402

# From the last call of the warm-up on: both buckets are full again, and as the lanes think of them.
REST_SECONDS = 8.0
NOBODY_WAITS_SO_LONG = 3_600.0
_LIST = "getSolicitationActionsForOrder"


def main() -> int:
    """Prepares, measures, prints."""
    options = _options()
    call_command("migrate", verbosity=0)
    site = Site(options)
    with running_workers(options.workers, os.environ, Path(settings.DATA_DIR)) as workers:
        site.warm_up()
        run = site.measure_clicks(workers) if options.clicks else site.measure_batch(workers)
    print(json.dumps(asdict(run)))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for flag in ("--orders", "--small", "--clicks", "--workers"):
        parser.add_argument(flag, type=int, required=True)
    for flag in ("--latency-ms", "--jitter-ms"):
        parser.add_argument(flag, type=float, required=True)
    return parser.parse_args()


class Site:
    """The dashboard with the sandbox's sellers connected, and their orders taken in."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.amazon = Running(settings.SPAPI_ENDPOINT or "", lambda: None)
        self.user = User.objects.create_user("operator")
        self.accounts = [_connect(keys) for keys in self.amazon.sellers]
        listed = self.amazon.eligible()
        self.left = {
            account.pk: self._both_would_ask(account, listed[account.selling_partner_id])
            for account in self.accounts
        }

    def _both_would_ask(self, account: SellerAccount, numbers: Sequence[str]) -> list[int]:
        orders = Order.objects.eligible(timezone.now()).unasked().filter(account=account)
        found = orders.filter(amazon_order_id__in=numbers)
        return list(found.order_by("latest_delivery_at").values_list("pk", flat=True))

    def warm_up(self) -> None:
        """Each seller has been asked for one order, by workers that are awake, and has rested."""
        self._ask({account.pk: 1 for account in self.accounts})
        self._wait_until_sent()
        time.sleep(REST_SECONDS)

    def measure_batch(self, workers: Workers) -> Run:
        """One click queues all orders; measured until the last is sent."""
        wanted = {account.pk: self.options.orders for account in self.accounts}
        if self.options.small:
            wanted[self.accounts[-1].pk] = self.options.small
        total = sum(wanted.values())
        known = len(self._posts())
        commands, before = _redis_commands(), workers.use()
        batch = self._ask(wanted)
        self._wait_until_sent()
        after = workers.use()
        cpu_seconds = after.cpu_seconds - before.cpu_seconds
        commands = _redis_commands() - commands
        posts = self._posts()[known:]
        reached = shares(posts)
        small = None
        if self.options.small:
            seller = self.accounts[-1].selling_partner_id
            small = over_limit(posts, seller, batch["released_at"])
        sent = OutgoingAction.objects.filter(batch=batch["pk"], status=Status.SENT).count()
        moments = [datetime.fromisoformat(post["at"]).timestamp() for post in posts]
        return self._figures(
            seconds=max(moments) - min(moments) if moments else None,
            asked=total,
            sent=sent,
            slowest_share=min(reached.values(), default=None),
            mean_share=statistics.fmean(reached.values()) if reached else None,
            cpu_ms_per_order=cpu_seconds * 1000 / total,
            cpu_seconds_per_1000=cpu_seconds * 1000 / total,
            peak_rss_mb=after.peak_rss_mb,
            grown_mb_per_1000=max(0.0, after.rss_mb - before.rss_mb) * 1000 / total,
            redis_commands_per_order=commands / total,
            small_over_limit=small,
        )

    def measure_clicks(self, workers: Workers) -> Run:
        """Single clicks, from the call of the service to the leaving of the first call to Amazon.

        Half of them come while a driver is at work or lingers, half when it has left its shard.
        """
        times: dict[str, list[float]] = {"driver waiting": [], "driver gone": []}
        for number in range(self.options.clicks):
            gone = number % 2 == 1
            time.sleep(LINGER_SECONDS + 2 if gone else 1.37)
            name = "driver gone" if gone else "driver waiting"
            times[name].append(self._click(self.accounts[number % len(self.accounts)]))
        groups = {"median": [one for some in times.values() for one in some], **times}
        return self._figures(
            peak_rss_mb=workers.use().peak_rss_mb,
            clicks=self.options.clicks,
            first_call_ms={
                name: departure_ms(some, self.options.latency_ms)
                for name, some in groups.items()
                if some
            },
        )

    def _click(self, account: SellerAccount) -> float:
        """From the click to the arrival of the first call at Amazon, in milliseconds."""
        order = Order.objects.get(pk=self.left[account.pk].pop())
        before = self._looks(account)
        clicked_at = time.time()
        request_review(order, user=self.user, at=timezone.now())
        _wait_until(lambda: self._looks(account)[0] > before[0], 30.0, every=0.02)
        return (self._looks(account)[1] - clicked_at) * 1000

    def _figures(self, **measured: Any) -> Run:
        return Run(
            database=database_version(),
            sellers=len(self.accounts),
            orders=self.options.orders,
            workers=self.options.workers,
            latency_ms=self.options.latency_ms,
            jitter_ms=self.options.jitter_ms,
            throttled=self.amazon.stats()["throttled"],
            duplicates=duplicates(self._posts()),
            **measured,
        )

    def _ask(self, wanted: dict[int, int]) -> dict[str, Any]:
        """One click on so many orders of each account."""
        chosen = []
        for account_id, number in wanted.items():
            left = self.left[account_id]
            if len(left) < number:
                raise RuntimeError(f"account {account_id} has only {len(left)} orders to be asked")
            chosen += left[:number]
            self.left[account_id] = left[number:]
        batch = request_reviews(
            Order.objects.filter(pk__in=chosen),
            user=self.user,
            at=timezone.now(),
            client_key=uuid.uuid4(),
            description="Benchmark",
        )
        if batch.queued != len(chosen):
            raise RuntimeError(f"only {batch.queued} of {len(chosen)} orders were queued")
        return {"pk": batch.pk, "released_at": batch.release_at.timestamp()}

    def _wait_until_sent(self) -> None:
        """Nothing waits or is under way: all was sent, or stays as it is for minutes."""
        soon = timedelta(minutes=1)
        moving = OutgoingAction.objects.filter(status__in=OPEN)
        _wait_until(
            lambda: not moving.filter(look_at__lte=timezone.now() + soon).exists(),
            NOBODY_WAITS_SO_LONG,
            every=1.0,
        )

    def _looks(self, account: SellerAccount) -> tuple[int, float]:
        for line in self.amazon.stats()["operations"]:
            if (line["seller"], line["operation"]) == (account.selling_partner_id, _LIST):
                at = datetime.fromisoformat(line["last_at"]).timestamp()
                return line["requests"], at
        return 0, 0.0

    def _posts(self) -> list[dict[str, Any]]:
        posts: list[dict[str, Any]] = self.amazon.ledger()["posts"]
        return posts


def _connect(keys: Any) -> SellerAccount:
    application = Application.objects.filter(client_id=keys.client_id).first()
    if application is None:
        application = Application(name="Sandbox", client_id=keys.client_id)
        application.client_secret = keys.client_secret
        application.save()
    account = SellerAccount(
        name=keys.name,
        selling_partner_id=keys.selling_partner_id,
        region=Region(keys.region),
        application=application,
    )
    account.refresh_token = keys.refresh_token
    account.save()
    client = client_for(account, limiter=Unlimited())
    now = timezone.now()
    result = sync_orders(account, client=client, now=now, since=now - timedelta(days=45))
    if not result.finished:
        raise RuntimeError(f"the orders of {keys.name} could not be read: {result}")
    return account


def _redis_commands() -> int:
    """How many commands Redis has carried out, those inside of scripts included."""
    return sum(line["calls"] for line in get_redis().info("commandstats").values())


def _wait_until(true: Callable[[], bool], seconds: float, *, every: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise RuntimeError("it took too long; see workers.log in DATA_DIR")
        time.sleep(every)


if __name__ == "__main__":
    sys.exit(main())
