"""Reading an account's orders from Amazon, page by page, so that a kill at any moment loses none.

Amazon's rules (Orders API 2026-01-01, searchOrders): a page has at most 100 orders, the token of
the next page is good for 24 hours, and all other parameters must be repeated exactly with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from orders.eligibility import ReviewWindow
from orders.ingest.upsert import Counts, upsert_orders
from orders.locking import lock_orders_of
from orders.models import OrderSync
from sellers.models import SellerAccount
from sellers.services import note_trouble
from solicit_dashboard.conflicts import repeats_on_conflict
from spapi import BadRequest, Client, LimitReached, OrderPage, SpApiError, Throttled

# Never BUYER, RECIPIENT, TAX or PAYMENT: what is not asked for cannot be lost.
INCLUDED_DATA = ("FULFILLMENT", "CANCELLATION", "PACKAGES", "PROCEEDS")

EVERY = timedelta(minutes=20)
OVERLAP = timedelta(minutes=5)
TOKEN_LASTS = timedelta(hours=23, minutes=30)
# lastUpdatedBefore, where Amazon does not name it: it must lie two minutes in the past.
AMAZON_LAGS = timedelta(minutes=2)
# How long after shipping a delivery may have been promised; with the open window it says how far
# back the first run must reach.
LONGEST_PROMISE = timedelta(days=30)
# Amazon keeps orders for two years.
EVERYTHING = timedelta(days=729)
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
    used up, `due_at` and the result say when to go on. An error stands in `OrderSync.error`, and
    on the account when it is about the connection; nothing is raised for it. `now` is in UTC.
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
        self.counts = Counts()
        self.pages = 0
        self.tokens: set[str] = set()
        self.resumed = False
        self.sync: OrderSync

    def begin(self, *, since: datetime | None, full: bool) -> None:
        with transaction.atomic():
            self.sync = lock_orders_of(self.account.pk)
            if full:
                after = self.now - EVERYTHING
            elif since is not None:
                after = since
            elif self.sync.search_after is not None:
                if self.sync.next_token and self._token_lasts():
                    self.resumed = True
                    return
                # begun, but nothing read, or the token is too old: the same search again
                after = self.sync.search_after
            elif self.sync.updated_after is not None:
                after = self.sync.updated_after - OVERLAP
            else:
                after = self._first_reach()
            self._start_search(min(after, self.now - AMAZON_LAGS))

    def read(self, max_pages: int | None) -> SyncResult:
        while max_pages is None or self.pages < max_pages:
            token = self.sync.next_token
            try:
                page = self.client.search_orders(
                    last_updated_after=self.sync.search_after,
                    included_data=INCLUDED_DATA,
                    pagination_token=token or None,
                )
            except (LimitReached, Throttled) as error:
                return self._wait(error.retry_after or THROTTLED_SECONDS)
            except BadRequest as error:
                if not (token and self.resumed):
                    return self._fail(error)
                # the token of an earlier run is no longer taken: the search begins again
                with transaction.atomic():
                    self.sync = lock_orders_of(self.account.pk)
                    self._start_search(self.sync.search_after or self._first_reach())
                continue
            except SpApiError as error:
                return self._fail(error)
            self.resumed = False
            self.tokens.add(token)
            problem = self._problem(page)
            if problem:
                return self._alarm(problem)
            if not self._take(page, token):
                return self._result(error="Another run is reading this account's orders.")
            if page.next_token is None:
                return self._result(finished=True)
        OrderSync.objects.filter(pk=self.sync.pk).update(due_at=self.now)
        return self._result()

    def _take(self, page: OrderPage, token: str) -> bool:
        """The page and the place reached are stored together; False if another run was faster."""
        stored = self._store(page, token)
        if stored is None:
            return False
        counts, self.sync = stored
        self.counts += counts
        self.pages += 1
        if self.on_page is not None:
            self.on_page(self._result(finished=page.next_token is None))
        return True

    @repeats_on_conflict
    def _store(self, page: OrderPage, token: str) -> tuple[Counts, OrderSync] | None:
        with transaction.atomic():
            sync = lock_orders_of(self.account.pk)
            if (sync.next_token, sync.search_started_at, sync.search_after) != (
                token,
                self.sync.search_started_at,
                self.sync.search_after,
            ):
                return None
            counts = upsert_orders(self.account, page.orders, seen_at=self.now)
            sync.pages += 1
            sync.page_at = self.now
            sync.next_token = page.next_token or ""
            if sync.search_before is None:
                # the first page's: what changes while we read belongs to the next search
                sync.search_before = page.last_updated_before
            sync.error, sync.error_at = "", None
            if page.next_token is None:
                self._finish_search(sync)
            sync.save()
        return counts + Counts(unreadable=page.unreadable), sync

    def _finish_search(self, sync: OrderSync) -> None:
        reached = sync.search_before or (sync.search_started_at or self.now) - AMAZON_LAGS
        reached = min(reached, self.now)
        known_until = sync.updated_after or self._first_reach()
        # a search that began after the cursor (`since`) leaves a gap behind it: no step forward
        if sync.search_after is not None and sync.search_after <= known_until:
            sync.updated_after = max(reached, sync.updated_after or reached)
        sync.search_after = sync.search_before = sync.search_started_at = None
        sync.pages = 0
        sync.worked_at = self.now
        sync.due_at = self.now + EVERY

    def _start_search(self, after: datetime) -> None:
        sync = self.sync
        # whole seconds: the parameter must be the same, to the letter, on every page
        sync.search_after = after.replace(microsecond=0)
        sync.search_before = sync.page_at = None
        sync.search_started_at = self.now
        sync.next_token = ""
        sync.pages = 0
        sync.save()

    def _first_reach(self) -> datetime:
        return self.now - ReviewWindow.from_settings().closes_after - LONGEST_PROMISE

    def _token_lasts(self) -> bool:
        return self.sync.page_at is not None and self.now - self.sync.page_at < TOKEN_LASTS

    def _problem(self, page: OrderPage) -> str:
        token = page.next_token
        if token is None:
            return ""
        if token in self.tokens:
            return "Amazon named the same next page twice."
        if len(token) > LONGEST_TOKEN:
            return f"Amazon's page token is {len(token)} characters long."
        if self.sync.pages + 1 >= MOST_PAGES:
            return f"The search has more than {MOST_PAGES} pages."
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
            sync.next_token = ""
            sync.search_after = sync.search_before = sync.search_started_at = None
            sync.save()
        return self._stop(f"The search was stopped: {problem}", AFTER_ALARM)

    def _stop(self, sentence: str, pause: timedelta) -> SyncResult:
        sentence = sentence[:500]
        OrderSync.objects.filter(pk=self.sync.pk).update(
            error=sentence, error_at=self.now, due_at=self.now + pause
        )
        return self._result(error=sentence)

    def _result(
        self, *, finished: bool = False, wait_seconds: float | None = None, error: str = ""
    ) -> SyncResult:
        return SyncResult(self.counts, self.pages, finished, wait_seconds, error)
