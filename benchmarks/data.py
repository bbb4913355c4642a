"""A large installation in one database: orders of two years, and what was asked for them.

The shape is that of a real seller: three accounts of very different size, a third of the orders
asked, most of them sent, some refused, a few waiting, and each with its items, attempts and events.
The same N and the same moment give the same rows.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.core.management.color import no_style
from django.db import connection, models, transaction

from audit.models import AuditEvent
from benchmarks.belongings import STATEMENTS
from messaging.models import ActionAttempt, ActionEvent, Batch, OutgoingAction
from orders.models import Door, Order, OrderItem, OrderSync
from orders.states import DoorName
from sellers.models import AccountMarketplace, Application, Membership, Role, SellerAccount
from spapi import MARKETPLACES

DAYS = 730
# Account, region, share of the orders, and its marketplaces with their weights.
ACCOUNTS = (
    ("Large", "eu", 0.90, (("A1PA6795UKMFR9", 5), ("A1F83G8C2ARO7P", 3), ("A13V1IB3VIYZZH", 2))),
    ("Middle", "na", 0.09, (("ATVPDKIKX0DER", 9), ("A2EUQ1WTGCTBG2", 1))),
    ("Small", "fe", 0.01, (("A1VC38T7YXB528", 1),)),
)
BIG_BATCH = 10_000  # actions of the batch whose page is measured, at a million orders
ASKED_SHARE = 0.35 / 0.84  # of those that may be asked, so that 35 % of all orders are


@dataclass(frozen=True)
class Filled:
    """What was written: the rows that the measurements start from."""

    orders: int
    account_ids: list[int]
    big_batch_id: int


def fill(number: int, *, now: datetime) -> Filled:
    """The empty database holds `number` orders and all that belongs to them; `now` is in UTC."""
    with _bulk_speed():
        account_ids = _people_and_accounts(now)
        with (
            transaction.atomic(),
            _without_indexes(
                Order, OrderItem, OutgoingAction, ActionAttempt, ActionEvent, AuditEvent
            ),
        ):
            _load_orders(number, account_ids, now)
            _load_what_belongs_to_them(number, now)
        _reset_sequences()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")  # what autovacuum does by itself
    return Filled(orders=number, account_ids=account_ids, big_batch_id=1)


def _people_and_accounts(now: datetime) -> list[int]:
    application = Application(name="Benchmark", client_id="benchmark")
    application.client_secret = "benchmark"
    application.save()
    people = {
        name: User.objects.create(username=name)
        for name in ("operator", "small", "manager", "viewer")
    }
    User.objects.create(username="admin", is_staff=True, is_superuser=True)
    ids = []
    for position, (name, region, _share, marketplaces) in enumerate(ACCOUNTS):
        account = SellerAccount.objects.create(
            name=name,
            selling_partner_id=f"ABENCH{position}",
            region=region,
            application=application,
        )
        ids.append(account.pk)
        OrderSync.objects.create(account=account, updated_after=now)
        Door.objects.create(account=account, door=DoorName.POLLING, last_worked_at=now)
        for marketplace_id, _weight in marketplaces:
            known = MARKETPLACES[marketplace_id]
            AccountMarketplace.objects.create(
                account=account,
                marketplace_id=marketplace_id,
                name=known.domain,
                country=known.country,
                currency=known.currency,
                domain=known.domain,
            )
        for role, person in (
            (Role.OPERATOR, "operator"),
            (Role.MANAGER, "manager"),
            (Role.VIEWER, "viewer"),
        ):
            Membership.objects.create(user=people[person], account=account, role=role)
    Membership.objects.create(user=people["small"], account_id=ids[-1], role=Role.OPERATOR)
    return ids


ORDER_COLUMNS = (
    "id, account_id, amazon_order_id, marketplace_id, fulfillment_status, fulfilled_by, "
    "service_level, programs, purchased_at, amazon_updated_at, earliest_delivery_at, "
    "latest_delivery_at, window_source, quantity, total_amount, total_currency, "
    "is_sold_on_amazon, is_cancelled, is_replacement, is_returned, is_refunded, is_business, "
    "is_excluded, is_partial, original_order_id, first_seen_at, synced_at, solicitation, "
    "solicitation_at, offer_checked_at, is_offered"
)
Row = tuple[str | int | None, ...]


def _order_rows(number: int, account_ids: list[int], now: datetime) -> Iterator[Row]:
    """The rows of the orders, oldest first; moments as text in UTC, truths as 0 and 1."""
    chance = random.Random(number)  # the same rows every time
    start = now.timestamp() - DAYS * 86_400
    step = DAYS * 86_400 / number
    today = now.timestamp()
    shares = [share for _name, _region, share, _marketplaces in ACCOUNTS]
    for pk in range(1, number + 1):
        which = chance.choices((0, 1, 2), shares)[0]
        marketplaces = ACCOUNTS[which][3]
        marketplace_id = chance.choices(
            [name for name, _weight in marketplaces], [weight for _name, weight in marketplaces]
        )[0]
        purchased = start + step * (pk - chance.random())
        earliest = purchased + 86_400 * (2 + 3 * chance.random())
        latest = earliest + 86_400 * (1 + 4 * chance.random())
        is_fba = chance.random() < 0.7
        fate = chance.random()
        is_shipped = fate >= 0.03 and today - purchased > 1.5 * 86_400
        has_dates = fate < 0.98
        is_askable = 0.11 < fate < 0.98 and is_shipped
        opened = earliest + 5 * 86_400
        asked, asked_at = "", None
        if is_askable and opened < today and chance.random() < ASKED_SHARE:
            last = min(latest + 29 * 86_400, today - 60)
            moment = opened + (last - opened) * chance.random() ** 3
            asked, asked_at = _outcome(chance, today - moment), _moment(moment)
        yield (
            pk,
            account_ids[which],
            f"{302 + pk % 5:03d}-{pk * 7919 % 10**7:07d}-{pk % 10**7:07d}",
            marketplace_id,
            "CANCELLED" if fate < 0.03 else "SHIPPED" if is_shipped else "UNSHIPPED",
            "AMAZON" if is_fba else "MERCHANT",
            "STANDARD",
            "[]",
            _moment(purchased),
            _moment(min(purchased + 3 * 86_400, today)),
            _moment(earliest) if has_dates else None,
            _moment(latest) if has_dates else None,
            ("estimate" if is_fba else "amazon") if has_dates else "",
            1 + pk % 3,
            f"{9 + pk % 90}.{pk % 100:02d}",
            MARKETPLACES[marketplace_id].currency,
            int(not 0.105 < fate < 0.11),
            int(fate < 0.03),
            int(0.03 <= fate < 0.04),
            int(0.04 <= fate < 0.08),
            int(0.08 <= fate < 0.10),
            int(pk % 25 == 0),
            int(0.10 <= fate < 0.105),
            0,
            "",
            _moment(purchased + 600),
            _moment(today - pk % 1200),
            asked,
            asked_at,
            asked_at,
            1 if asked else None,
        )


def _outcome(chance: random.Random, age: float) -> str:
    """What became of a request that is so many seconds old: the younger, the more still move."""
    if age < 72 * 3600 and chance.random() < 0.6:
        return chance.choices(("queued", "held", "unconfirmed", "probably_sent"), (90, 4, 4, 2))[0]
    return chance.choices(("sent", "refused", "unresolved"), (920, 78, 2))[0]


def _moment(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _load_orders(number: int, account_ids: list[int], now: datetime) -> None:
    table = connection.ops.quote_name(Order._meta.db_table)
    rows = _order_rows(number, account_ids, now)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({ORDER_COLUMNS}) FROM STDIN") as copy:
                for row in rows:
                    copy.write(
                        "\t".join("\\N" if value is None else str(value) for value in row) + "\n"
                    )
        else:
            marks = ", ".join("?" * (ORDER_COLUMNS.count(",") + 1))
            # Django's own cursor would rewrite the statement for each row
            cursor.cursor.connection.executemany(
                f"INSERT INTO {table} ({ORDER_COLUMNS}) VALUES ({marks})", rows
            )


def _load_what_belongs_to_them(number: int, now: datetime) -> None:
    """Items for all orders; actions, attempts and events for those that were asked, by INSERT SELECT."""
    big = max(1, round(BIG_BATCH / 0.35 * number / 1_000_000))
    size = max(1, number // 350)
    batches = 2 + (number - big) // size
    released = now - timedelta(days=1)
    Batch.objects.bulk_create(
        Batch(
            pk=pk,
            created_at=released,
            created_by_id=User.objects.get(username="operator").pk,
            description="Eligible now",
            release_at=released,
            selected=1_000,
            queued=1_000,
        )
        for pk in range(1, batches + 1)
    )
    operator = User.objects.get(username="operator").pk
    manager = User.objects.get(username="manager").pk
    closes = (
        "latest_delivery_at + interval '30 days'"
        if connection.vendor == "postgresql"
        else "strftime('%Y-%m-%d %H:%M:%f', latest_delivery_at, '+30 days')"
    )
    with connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(
                statement.format(
                    closes=closes,
                    big=big,
                    size=size,
                    operator=operator,
                    manager=manager,
                )
            )


@contextmanager
def _bulk_speed() -> Iterator[None]:
    """SQLite need not survive a power cut while a scratch file is filled."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=OFF")
        cursor.execute("PRAGMA cache_size=-400000")
    yield
    connection.close()  # the next connection has the project's own settings


@contextmanager
def _without_indexes(*tables: type[models.Model]) -> Iterator[None]:
    """The declared indexes are made when all rows are there, which is several times faster."""
    indexes = [(model, index) for model in tables for index in model._meta.indexes]
    with connection.cursor() as cursor:
        for _model, index in indexes:
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(index.name)}")
    yield
    if connection.vendor == "postgresql":
        connection.check_constraints()  # no index is made while foreign keys are yet to be checked
    editor = connection.schema_editor(collect_sql=True)
    with connection.cursor() as cursor:
        for model, index in indexes:
            cursor.execute(str(index.create_sql(model, editor)))


def _reset_sequences() -> None:
    statements = connection.ops.sequence_reset_sql(
        no_style(), [Order, OutgoingAction, ActionAttempt, Batch]
    )
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
