"""Measures notifications with the servers of the environment; started by `benchmarks.notifications`.

The database must be empty. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import boto3
import django

django.setup()

# Models can be imported only now.
from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.database import database_version  # noqa: E402
from benchmarks.measure import PLAIN_STORAGES  # noqa: E402
from benchmarks.notification_figures import LIMIT_SECONDS, times_of  # noqa: E402
from benchmarks.sending_site import running_workers  # noqa: E402
from orders.models import NotificationQueue, Order, OrderSync  # noqa: E402
from orders.notifications.queues import parse_arn  # noqa: E402
from orders.notifications.subscribing import subscribe  # noqa: E402
from sandbox.testing import Running  # noqa: E402
from sellers.clients import client_for  # noqa: E402
from sellers.models import Membership, Role, SellerAccount  # noqa: E402
from sellers.services import connect_account  # noqa: E402
from solicit_dashboard.children import start_child  # noqa: E402
from spapi import Unlimited  # noqa: E402

TOLD_OF = timedelta(days=60)
PAUSE_SECONDS = 1.37  # beside the ticks of the scheduler, not with them
LOOKED_EVERY = 0.005  # seconds


def main() -> int:
    """Prepares, measures, prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--queue-url", required=True)
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    amazon = Running(settings.SPAPI_ENDPOINT or "", lambda: None)
    account = _connect(amazon)
    told = _told(amazon)
    if len(told) < options.messages + 1:
        raise RuntimeError(f"Amazon told of {len(told)} orders only")
    folder = Path(settings.DATA_DIR)
    with (
        running_workers(1, os.environ, folder),
        _running_consumer(folder),
        override_settings(STORAGES=PLAIN_STORAGES),
    ):
        _wait_until(NotificationQueue.objects.exclude(read_at=None).exists)
        site = Site(account, options.queue_url)
        # the first one wakes the workers and compiles the templates
        number, body = told.popitem()
        site.show(number, body)
        found = []
        for number, body in list(told.items())[: options.messages]:
            time.sleep(PAUSE_SECONDS)
            found.append(site.show(number, body))
    shown = [one for one in found if one is not None]
    names = ("until it is committed", "until its page shows it")
    times = [
        asdict(times_of(name, seconds))
        for name, seconds in zip(names, zip(*shown, strict=True), strict=False)
    ]
    print(json.dumps({"database": database_version(), "shown": len(shown), "times": times}))
    return 0


class Site:
    """The dashboard as an operator sees it, and the queue."""

    def __init__(self, account: SellerAccount, queue_url: str) -> None:
        self._account = account
        self._queue_url = queue_url
        name = parse_arn(settings.SQS_QUEUE_ARN)
        endpoint = settings.AWS_ENDPOINT_URL_SQS
        self._sqs = boto3.session.Session().client(
            "sqs", region_name=name.region, endpoint_url=endpoint
        )
        user = User.objects.create_user("operator")
        Membership.objects.create(user=user, account=account, role=Role.OPERATOR)
        self._client = Client(SERVER_NAME="127.0.0.1")
        self._client.force_login(user)

    def show(self, number: str, body: str) -> tuple[float, float] | None:
        """Seconds until the order is committed, and until its page shows it; None: it never was."""
        here = Order.objects.filter(account=self._account, amazon_order_id=number, is_partial=False)
        if here.exists():
            raise RuntimeError(f"{number} is here before it was told of")
        self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=body)
        started = time.perf_counter()
        while not here.exists():
            if time.perf_counter() - started > LIMIT_SECONDS:
                return None
            time.sleep(LOOKED_EVERY)
        committed = time.perf_counter() - started
        page = self._client.get(f"/orders/{self._account.pk}/{number}/")
        shown = time.perf_counter() - started
        if page.status_code != 200 or number not in page.content.decode():
            raise RuntimeError(f"the page of {number} answered {page.status_code}")
        return committed, shown


def _connect(amazon: Running) -> SellerAccount:
    """The seller is connected, its notifications go to the queue, and no search is due."""
    keys = amazon.sellers[0]
    account = connect_account(
        name=keys.name,
        region=keys.region,
        selling_partner_id=keys.selling_partner_id,
        client_id=keys.client_id,
        client_secret=keys.client_secret,
        refresh_token=keys.refresh_token,
    )
    now = timezone.now()
    due_at = now + timedelta(days=1)
    OrderSync.objects.update_or_create(account=account, defaults={"due_at": due_at})
    client = client_for(account, limiter=Unlimited())
    subscribe(account, client=client, queue_arn=settings.SQS_QUEUE_ARN, user=None, at=now)
    return account


def _told(amazon: Running) -> dict[str, str]:
    """By order, the newest notification of the past."""
    since: datetime = timezone.now() - TOLD_OF
    told = {}
    for message in amazon.take_notifications(since=since.isoformat()):
        change = json.loads(message["body"])["Payload"]["OrderChangeNotification"]
        told[change["AmazonOrderId"]] = message["body"]
    return told


@contextmanager
def _running_consumer(folder: Path) -> Iterator[None]:
    command = [sys.executable, "manage.py", "consume_notifications"]
    with (folder / "consumer.log").open("wb") as log:
        process = start_child(command, os.environ, log.fileno())
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    while not true():
        if time.monotonic() > end:
            raise RuntimeError("nobody reads the queue; see consumer.log in DATA_DIR")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
