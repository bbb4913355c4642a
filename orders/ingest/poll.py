"""Reading an account's orders from Amazon, page by page, so that a kill at any moment loses none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from orders.doors import door_failed, door_heard, door_worked
from orders.freshness import POLL_EVERY
from orders.ingest.partial import facts_of, upsert_facts
from orders.ingest.search import (
    begin_search,
    end_search,
    finish_span,
    first_reach,
    next_way,
    resume_or_begin,
    shorten_span,
)
from orders.ingest.sources import Way, ask_page
from orders.ingest.upsert import Counts, upsert_orders
from orders.locking import lock_orders_of
from orders.models import OrderSync
from orders.states import DoorName
from sellers.models import SellerAccount
from sellers.services import note_trouble
from solicit_dashboard.conflicts import repeats_on_conflict
from spapi import BadRequest, Client, LimitReached, OrderPage, SpApiError, Throttled

EVERY = POLL_EVERY
MOST_PAGES = 1000
LONGEST_TOKEN = 8192
# One token of searchOrders comes back in 179 s; used when a 429 does not say how long to wait.
THROTTLED_SECONDS = 180.0
AFTER_ERROR = timedelta(minutes=5)
AFTER_ALARM = timedelta(hours=6)


@dataclass(frozen=True)
class SyncResult:
    """How far a run came. `wait_seconds` says when it can go on, if Amazon's rate stopped it."""

    counts: Counts = field(default_factory=Counts)
    pages: int = 0
    finished: bool = False
    wait_seconds: float | None = None
    error: str = ""


def sync_orders(
    account: SellerAccount,
    *,
    client: Client,
    now: datetime,
    since: datetime | None = None,
    full: bool = False,
    max_pages: int | None = None,
    on_page: Callable[[SyncResult], None] | None = None,
) -> SyncResult:
    """The account's orders are as Amazon had them up to the cursor, or as far as this run came.

    Goes on with a search under way, or begins one from the cursor (the first one from so long ago
    that every order in its window is found). `since` begins one from that moment, `full` one of
    everything that Amazon keeps. Each page is one transaction with the place reached, so that the
    next run goes on after it; the cursor moves with the last page. Never sleeps: when the rate is
    used up, `due_at` and the result say when to go on. An error stands at the door, and on the
    account when it is about the connection; nothing is raised for it. `now` is in UTC.
    """
    run = _Run(account, client, now, on_page)
    run.begin(since=since, full=full)
    return run.read(max_pages)


class _Run:
    """One run of `sync_orders`."""

    def __init__(
        self,
        account: SellerAccount,
        client: Client,
        now: datetime,
        on_page: Callable[[SyncResult], None] | None,
    ) -> None:
        self.account = account
        self.client = client
        self.now = now
        self.on_page = on_page
        self.marketplaces = sorted(account.marketplaces.values_list("marketplace_id", flat=True))
        self.counts = Counts()
        self.pages = 0
        self.tokens: set[str] = set()
        self.resumed = False
        self.sync: OrderSync

    def begin(self, *, since: datetime | None, full: bool) -> None:
        with transaction.atomic():
            self.sync = lock_orders_of(self.account.pk)
            self.resumed = resume_or_begin(self.sync, self.now, since=since, full=full)
            self.sync.save()

    def read(self, max_pages: int | None) -> SyncResult:
        refusal: BadRequest | None = None
        while max_pages is None or self.pages < max_pages:
            token = self.sync.next_token
            try:
                page = ask_page(self.client, self.sync, self.marketplaces)
            except (LimitReached, Throttled) as error:
                return self._wait(error.retry_after or THROTTLED_SECONDS)
            except BadRequest as error:
                refusal = refusal or error
                if not self._begin_otherwise(token):
                    return self._fail(refusal)
                continue
            except SpApiError as error:
                return self._fail(error)
            refusal, self.resumed = None, False
            self.tokens.add(token)
            if page.next_token is not None and self.sync.pages + 1 >= MOST_PAGES:
                if self._shorten():
                    continue
                return self._alarm(f"The search has more than {MOST_PAGES} pages.")
            problem = self._problem(page)
            if problem:
                return self._alarm(problem)
            if not self._take(page, token):
                return self._result(error="Another run is reading this account's orders.")
            if self.sync.search_after is None:
                return self._result(finished=True)
        OrderSync.objects.filter(pk=self.sync.pk).update(due_at=self.now)
        return self._result()

    def _begin_otherwise(self, token: str) -> bool:
        """After a 400: a search with an old token begins again, a new one is tried in the next way."""
        with transaction.atomic():
            sync = lock_orders_of(self.account.pk)
            if token:
                if not self.resumed:
                    return False
                # the token of an earlier run is no longer taken
                self.resumed = False
                begin_search(sync, sync.search_after or first_reach(self.now), self.now)
            elif not next_way(sync, self.now, has_marketplaces=bool(self.marketplaces)):
                sync.way, sync.way_since = Way.WHOLE, None
                sync.save()
                return False
            sync.save()
            self.sync = sync
        return True

    def _shorten(self) -> bool:
        with transaction.atomic():
            sync = lock_orders_of(self.account.pk)
            if not shorten_span(sync):
                return False
            sync.save()
            self.sync = sync
        self.tokens.clear()
        return True

    def _take(self, page: OrderPage, token: str) -> bool:
        """The page and the place reached are stored together; False if another run was faster."""
        stored = self._store(page, token)
        if stored is None:
            return False
        counts, self.sync = stored
        self.counts += counts
        self.pages += 1
        if self.on_page is not None:
            self.on_page(self._result(finished=self.sync.search_after is None))
        return True

    @repeats_on_conflict
    def _store(self, page: OrderPage, token: str) -> tuple[Counts, OrderSync] | None:
        with transaction.atomic():
            sync = lock_orders_of(self.account.pk)
            if _place(sync) != (token, *_place(self.sync)[1:]):
                return None
            if sync.way == Way.WHOLE:
                counts = upsert_orders(self.account, page.orders, seen_at=self.now)
            else:
                facts = map(facts_of, page.orders)
                counts = upsert_facts(self.account, facts, door=DoorName.POLLING, seen_at=self.now)
            counts += Counts(unreadable=page.unreadable)
            sync.pages += 1
            sync.page_at = self.now
            sync.next_token = page.next_token or ""
            if sync.search_before is None:
                # the first page's: what changes while we read belongs to the next search
                sync.search_before = page.last_updated_before
            is_done = page.next_token is None and finish_span(sync, self.now)
            if is_done:
                sync.due_at = self.now + EVERY
            sync.save()
            self._tell_door(page, counts, is_done=is_done)
        return counts, sync

    def _tell_door(self, page: OrderPage, counts: Counts, *, is_done: bool) -> None:
        tell = partial(door_worked, at=self.now) if is_done else door_heard
        tell(
            self.account,
            DoorName.POLLING,
            newest_heard_at=max(
                (order.updated_at for order in page.orders if order.updated_at), default=None
            ),
            counts={"unreadable": counts.unreadable},
            unknown_words=[word for order in page.orders for word in order.unknown_words],
        )

    def _problem(self, page: OrderPage) -> str:
        token = page.next_token
        if token is None:
            return ""
        if token in self.tokens:
            return "Amazon named the same next page twice."
        if len(token) > LONGEST_TOKEN:
            return f"Amazon's page token is {len(token)} characters long."
        return ""

    def _wait(self, seconds: float) -> SyncResult:
        due_at = self.now + timedelta(seconds=seconds)
        OrderSync.objects.filter(pk=self.sync.pk).update(due_at=due_at)
        return self._result(wait_seconds=seconds)

    def _fail(self, error: SpApiError) -> SyncResult:
        note_trouble(self.account, error)
        return self._stop(f"Amazon did not give the orders: {error}", AFTER_ERROR)

    def _alarm(self, problem: str) -> SyncResult:
        with transaction.atomic():
            sync = lock_orders_of(self.account.pk)
            end_search(sync)
            sync.save()
        return self._stop(f"The search was stopped: {problem}", AFTER_ALARM)

    def _stop(self, sentence: str, pause: timedelta) -> SyncResult:
        sentence = sentence[:500]
        OrderSync.objects.filter(pk=self.sync.pk).update(due_at=self.now + pause)
        door_failed(self.account, DoorName.POLLING, at=self.now, error=sentence)
        return self._result(error=sentence)

    def _result(
        self, *, finished: bool = False, wait_seconds: float | None = None, error: str = ""
    ) -> SyncResult:
        return SyncResult(self.counts, self.pages, finished, wait_seconds, error)


def _place(sync: OrderSync) -> tuple[object, ...]:
    """Where a search stands: two that differ in it are not the same search."""
    return (sync.next_token, sync.search_started_at, sync.search_after, sync.search_until, sync.way)
