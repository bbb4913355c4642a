"""What Celery runs: hints to drive, and the clockwork that needs no hint. Each is one service."""

from __future__ import annotations

import time

from celery import shared_task
from django.conf import settings
from django.db.models import F
from django.db.models.functions import Mod

from messaging.clock import read_database_clock
from messaging.delivery import sweep as sweep_actions
from messaging.driver import Driver
from messaging.files.deletion import empty_unneeded
from messaging.forgetting import forget_old_texts
from messaging.hints import offer_shard
from messaging.leases import is_driven
from messaging.ledger.check import check_periodically
from messaging.models import OutgoingAction
from sellers.models import SellerAccount
from solicit_dashboard.celery import stop_requested
from solicit_dashboard.redis import get_redis, redis_key

DRIVE_SECONDS = 45.0
SEEN_SECONDS = 300
LIFE_SIGN_SECONDS = 20


@shared_task(name="messaging.tasks.drive_lanes")
def drive_lanes(shard: int) -> None:
    """The shard's due actions are looked at, claimed and sent, unless another worker does that."""
    get_redis().set(redis_key("seen", "worker"), int(time.time()), ex=SEEN_SECONDS)
    if Driver(shard, seconds=DRIVE_SECONDS, stop=stop_requested).run() and not stop_requested():
        offer_shard(shard)


@shared_task(name="messaging.tasks.dispatch")
def dispatch() -> None:
    """Every shard with something due that can be reached is driven, or was offered to the workers.

    Without a sign of life of a worker for LIFE_SIGN_SECONDS all shards are offered, so that one that
    has nothing to do can show that it is there.
    """
    redis, now = get_redis(), int(time.time())
    redis.set(redis_key("seen", "dispatcher"), now, ex=SEEN_SECONDS)
    shards = range(settings.LANE_SHARDS)
    driven = {shard for shard in shards if is_driven(redis, shard)}
    if driven:
        redis.set(redis_key("seen", "worker"), now, ex=SEEN_SECONDS)
    elif now - int(redis.get(redis_key("seen", "worker")) or 0) >= LIFE_SIGN_SECONDS:
        for shard in shards:
            offer_shard(shard)
        return
    due = (
        OutgoingAction.objects.due(read_database_clock())
        .filter(account__in=SellerAccount.objects.reachable())
        .annotate(shard=Mod(F("account_id"), settings.LANE_SHARDS))
        .order_by()
        .values_list("shard", flat=True)
        .distinct()
    )
    for shard in sorted(set(due) - driven):
        offer_shard(int(shard))


@shared_task(name="messaging.tasks.sweep")
def sweep() -> None:
    """No lease and no window has run out unnoticed."""
    sweep_actions(read_database_clock())


@shared_task(name="messaging.tasks.empty_files")
def empty_files() -> None:
    """No file's content is kept that no message needs any more."""
    empty_unneeded(read_database_clock())


@shared_task(name="messaging.tasks.forget_texts")
def forget_texts() -> None:
    """No message keeps its words for longer than it should."""
    forget_old_texts(read_database_clock(), stop_requested)


@shared_task(name="messaging.tasks.check_ledger")
def check_ledger() -> None:
    """The Overview knows whether the records contradict each other."""
    check_periodically()
