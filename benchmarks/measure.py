"""Measures the pages with the database of the environment; started by `benchmarks.pages` alone.

The database must be empty: it is filled. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import django

django.setup()

# Models can be imported only now.
from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.data import Filled, fill  # noqa: E402
from benchmarks.database import database_version  # noqa: E402
from benchmarks.figures import Figure, Result  # noqa: E402
from messaging.models import Batch, OutgoingAction  # noqa: E402
from messaging.services import request_reviews  # noqa: E402
from orders.models import Order  # noqa: E402
from people.factors import SHOWN  # noqa: E402

PAGE_LIMIT_MS = 50.0
ADMIN_LIMIT_MS = 150.0
QUEUE_LIMIT_MS = 500.0
QUEUED = 10_000
REQUESTS_PER_QUEUEING = 5
PAGES_DEEP = 20

PLAIN_STORAGES = settings.STORAGES | {
    # the manifest of static files is made when a release is, not here
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}


@dataclass(frozen=True)
class Page:
    """One address to be measured, as this person."""

    name: str
    address: str
    user: str = "operator"
    limit_ms: float = PAGE_LIMIT_MS
    htmx: bool = False


def main() -> int:
    """Fills, measures, prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, required=True)
    parser.add_argument("--requests", type=int, required=True)
    options = parser.parse_args()
    started = time.monotonic()
    call_command("migrate", verbosity=0)
    filled = fill(options.orders, now=timezone.now())
    fill_seconds = round(time.monotonic() - started, 1)
    with override_settings(STORAGES=PLAIN_STORAGES):
        figures = _measure(filled, options.requests)
    print(json.dumps(asdict(Result(database_version(), options.orders, fill_seconds, figures))))
    return 0


def _pages(filled: Filled) -> Iterator[Page]:
    """Every page that grows with the number of orders, and some that should not."""
    yield Page("Overview", "/")
    yield Page("Overview, small account", "/", user="small")
    yield from _order_list_pages(filled)
    order = _a_sent_order()
    number = order.amazon_order_id
    yield Page("Order", f"/orders/{order.account_id}/{number}/")
    yield Page("Outbox", "/outbox/")
    yield Page("Outbox, last page", "/outbox/?before=0~0")
    depth, address = _deep("/outbox/", "")
    yield Page(f"Outbox, page {depth}", address)
    for state in ("waiting", "look", "sent", "refused", "cancelled"):
        yield Page(f"Outbox, {state}", f"/outbox/?state={state}")
    yield Page("Outbox, one day", "/outbox/?state=sent&from=2026-01-05&to=2026-01-05")
    yield Page("Outbox, order number", f"/outbox/?q={number}")
    yield Page("Outbox, small account", "/outbox/", user="small")
    batch = f"/batches/{filled.big_batch_id}/"
    name = f"Batch of {Batch.objects.get(pk=filled.big_batch_id).queued:,}"
    yield Page(name, batch)
    yield Page(f"{name}, refused", f"{batch}?state=refused")
    yield Page(f"{name}, last page", f"{batch}?before=0~0")
    yield Page(f"{name}, progress", f"{batch}progress/", htmx=True)
    yield Page("Batch status in the header", "/batches/status/", htmx=True)
    yield from _admin_pages(filled, order)


def _a_sent_order() -> Order:
    """One of the newer ones, from the middle where there are few."""
    sent = Order.objects.filter(solicitation="sent").order_by("-pk")
    place = min(100, sent.count() // 2)
    return sent[place : place + 1].get()


def _order_list_pages(filled: Filled) -> Iterator[Page]:
    yield Page("Orders", "/orders/")
    yield Page("Orders, small account", "/orders/", user="small")
    for state in (
        "eligible",
        "closing_soon",
        "too_early",
        "waiting",
        "sent",
        "probably_sent",
        "needs_a_look",
        "refused",
        "window_closed",
        "not_possible",
    ):
        yield Page(f"Orders, {state}", f"/orders/?state={state}")
    for state in ("", "eligible", "sent", "window_closed"):
        name = state or "all"
        depth, address = _deep("/orders/", f"state={state}")
        yield Page(f"Orders, {name}, page {depth}", address)
    yield Page("Orders, last page", "/orders/?before=0~0")
    yield Page("Orders, one account", f"/orders/?account={filled.account_ids[1]}")
    yield Page("Orders, marketplace", "/orders/?marketplace=A2EUQ1WTGCTBG2")
    yield Page("Orders, FBM and dates", "/orders/?channel=fbm&from=2026-01-01&to=2026-03-31")
    yield Page("Orders, eligible by purchase", "/orders/?state=eligible&sort=purchased&dir=asc")
    yield Page("Orders, search number", "/orders/?q=304-10")
    yield Page("Orders, search SKU", "/orders/?q=SKU-77")
    yield Page("Orders, search that finds nothing", "/orders/?q=nothing-like-it")


def _admin_pages(filled: Filled, order: Order) -> Iterator[Page]:
    number = order.amazon_order_id
    action = OutgoingAction.objects.filter(order=order).order_by().first()
    for name, address in (
        ("orders", "orders/order/"),
        ("orders, deep page", f"orders/order/?p={min(100, filled.orders // 50)}"),
        ("orders, one account", f"orders/order/?account__id__exact={filled.account_ids[0]}"),
        ("orders, sent", "orders/order/?solicitation=sent"),
        ("orders, not known", "orders/order/?solicitation=unresolved"),
        ("orders, excluded", "orders/order/?fixed_refusal=excluded"),
        ("orders, 30 days", "orders/order/?when=30"),
        ("orders, a number", f"orders/order/?q={number}"),
        ("orders, a beginning", f"orders/order/?q={number[:6]}"),
        ("one order", f"orders/order/{order.pk}/change/"),
        ("actions", "messaging/outgoingaction/"),
        ("actions, deep page", f"messaging/outgoingaction/?p={min(100, filled.orders // 200)}"),
        ("actions, sent", "messaging/outgoingaction/?status=sent"),
        ("actions, refused", "messaging/outgoingaction/?status=refused"),
        ("actions, needs a look", "messaging/outgoingaction/?status=unconfirmed"),
        ("actions, 30 days", "messaging/outgoingaction/?when=30"),
        ("actions, a batch", f"messaging/outgoingaction/?batch__id__exact={filled.big_batch_id}"),
        ("actions, a number", f"messaging/outgoingaction/?q={number}"),
        ("one action", f"messaging/outgoingaction/{action.pk if action else 1}/change/"),
        ("attempts", "messaging/actionattempt/"),
        ("attempts, unknown", "messaging/actionattempt/?outcome__exact=unknown"),
        ("attempts, 30 days", "messaging/actionattempt/?when=30"),
        ("attempts, a number", f"messaging/actionattempt/?q={number}"),
        ("events", "messaging/actionevent/"),
        ("batches", "messaging/batch/"),
        ("audit", "audit/auditevent/"),
        ("audit, requested", "audit/auditevent/?kind__exact=requested"),
    ):
        yield Page(f"Admin: {name}", f"/admin/{address}", user="admin", limit_ms=ADMIN_LIMIT_MS)


def _deep(path: str, query: str) -> tuple[int, str]:
    """The page that one comes to by clicks on Next, its number and address: the 20th, or the last."""
    client = _client("operator")
    address = f"{path}?{query}"
    for page in range(1, PAGES_DEEP):
        text = client.get(address).content.decode()
        marker = text.find('id="pager-next" href="')
        if marker < 0:
            return page, address
        start = marker + len('id="pager-next" href="')
        link = text[start : text.index('"', start)].replace("&amp;", "&")
        address = link if link.startswith("/") else path + link
    return PAGES_DEEP, address


def _measure(filled: Filled, requests: int) -> list[Figure]:
    """So many requests for each page, in turn, and some queueing in between.

    What else the machine does meanwhile falls on all alike.
    """
    pages = list(_pages(filled))
    asked = [_ask(page) for page in pages]
    queries = []
    for get in asked:
        get()  # the first answer compiles the templates
        with CaptureQueriesContext(connection) as captured:
            get()
        queries.append(len(captured))
    rounds, queueings = [], []
    for number in range(requests):
        rounds.append([_time(get) for get in asked])
        if number % REQUESTS_PER_QUEUEING == 0:
            queueings.append(_queue_and_undo(filled))
    figures = [
        _figure(page.name, times, number, page.limit_ms)
        for page, times, number in zip(pages, zip(*rounds, strict=True), queries, strict=True)
    ]
    queued, queueing, checking = zip(*queueings, strict=True)
    return [
        *figures,
        _figure(f"Queueing {queued[0]:,} selected orders", queueing, 0, QUEUE_LIMIT_MS),
        _figure("… and the checks of the commit", checking, 0, QUEUE_LIMIT_MS),
    ]


def _ask(page: Page) -> Callable[[], None]:
    client = _client(page.user)
    headers = {"HX-Request": "true"} if page.htmx else {}

    def get() -> None:
        response = client.get(page.address, headers=headers)
        if response.status_code != 200:
            raise RuntimeError(f"{page.address} answered {response.status_code}")
        b"".join(response)

    return get


def _queue_and_undo(filled: Filled) -> tuple[int, float, float]:
    """How many orders were queued, and how many milliseconds that and the commit's checks take.

    PostgreSQL checks foreign keys at the commit.
    """
    now = timezone.now()
    selected = Order.objects.filter(account_id__in=filled.account_ids).eligible(now).unasked()
    with transaction.atomic():
        batches: list[Batch] = []
        queueing = _time(
            lambda: batches.append(
                request_reviews(
                    selected,
                    user=User.objects.get(username="operator"),
                    at=now,
                    client_key=uuid.uuid4(),
                    description="Benchmark",
                    limit=QUEUED,
                )
            )
        )
        is_deferred = connection.vendor == "postgresql"
        checking = _time(connection.check_constraints) if is_deferred else 0.0
        transaction.set_rollback(True)
    _sweep_up()
    return batches[0].queued, queueing, checking


def _sweep_up() -> None:
    """What was rolled back leaves dead rows on PostgreSQL, which are not to be measured."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")


def _time(work: Callable[[], None]) -> float:
    """How long it takes, in milliseconds."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _figure(name: str, times: Sequence[float], queries: int, limit_ms: float) -> Figure:
    return Figure(
        page=name,
        median_ms=round(statistics.median(times), 1),
        p95_ms=round(sorted(times)[round(0.95 * (len(times) - 1))], 1),
        queries=queries,
        limit_ms=limit_ms,
    )


def _client(username: str) -> Client:
    client = Client(SERVER_NAME="127.0.0.1")
    user = User.objects.get(username=username)
    client.force_login(user)
    session = client.session
    session[SHOWN] = user.pk  # as after a log-in with a second factor, which managers need
    session.save()
    return client


if __name__ == "__main__":
    sys.exit(main())
