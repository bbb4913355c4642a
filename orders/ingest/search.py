"""The search for orders that changed: where it begins, where it stands, and what it has reached.

All of it is in the account's `OrderSync`, so that whoever comes next goes on. Amazon's rules
(Orders API 2026-01-01, searchOrders): the token of the next page is good for 24 hours, and all
other parameters must be repeated exactly with it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from orders.eligibility import ReviewWindow
from orders.ingest.sources import FIRST_WAY_AGAIN, Way
from orders.models import OrderSync

OVERLAP = timedelta(minutes=5)
TOKEN_LASTS = timedelta(hours=23, minutes=30)
# lastUpdatedBefore, where Amazon does not name it: it must lie two minutes in the past.
AMAZON_LAGS = timedelta(minutes=2)
# How long after shipping a delivery may have been promised; with the open window it says how far
# back the first run must reach.
LONGEST_PROMISE = timedelta(days=30)
# Amazon keeps orders for two years.
EVERYTHING = timedelta(days=729)
# A search that is longer than Amazon lets us page through is made in spans, none shorter than this.
SHORTEST_SPAN = timedelta(minutes=10)


def resume_or_begin(sync: OrderSync, now: datetime, *, since: datetime | None, full: bool) -> bool:
    """The search under way goes on (True), or one begins, as `sync` then says; not saved.

    Of everything that Amazon keeps (`full`), from that moment (`since`), or from the cursor; the
    first one from so long ago that every order in its window is found. Moments in UTC.
    """
    if full:
        after = now - EVERYTHING
    elif since is not None:
        after = since
    elif sync.search_after is not None:
        if sync.next_token and sync.page_at is not None and now - sync.page_at < TOKEN_LASTS:
            return True
        # begun, but nothing read, or the token is too old: the same search again
        after = sync.search_after
    elif sync.updated_after is not None:
        after = sync.updated_after - OVERLAP
    else:
        after = first_reach(now)
    begin_search(sync, after, now)
    return False


def begin_search(sync: OrderSync, after: datetime, now: datetime) -> None:
    """A search begins there, or a moment before now if that is later; not saved."""
    if sync.way and (sync.way_since is None or now - sync.way_since >= FIRST_WAY_AGAIN):
        sync.way, sync.way_since = Way.WHOLE, None
    sync.search_started_at = now
    _begin_span(sync, min(after, now - AMAZON_LAGS))


def next_way(sync: OrderSync, now: datetime, *, has_marketplaces: bool) -> bool:
    """The search that was refused is tried in the next way; False when there is none. Not saved."""
    last = Way.VERSION_0 if has_marketplaces else Way.FEWER_DATA_SETS
    if sync.way >= last:
        return False
    sync.way, sync.way_since = sync.way + 1, now
    return True


def shorten_span(sync: OrderSync) -> bool:
    """The search begins again with half the span; False when it is as short as can be. Not saved."""
    if sync.search_after is None or sync.search_started_at is None:
        return False
    span = ((sync.search_until or sync.search_started_at) - sync.search_after) / 2
    if span < SHORTEST_SPAN:
        return False
    sync.span_seconds = int(span.total_seconds())
    _begin_span(sync, sync.search_after)
    return True


def finish_span(sync: OrderSync, now: datetime) -> bool:
    """The last page of the span was read: the cursor moves, and the next span begins if there is one.

    True when the search is at its end. Not saved.
    """
    started_at = sync.search_started_at or now
    reached = min(sync.search_before or started_at - AMAZON_LAGS, now)
    if sync.search_until is not None:
        reached = min(reached, sync.search_until)
    known_until = sync.updated_after or first_reach(now)
    # a search that began after the cursor (`since`) leaves a gap behind it: no step forward
    if sync.search_after is not None and sync.search_after <= known_until:
        sync.updated_after = max(reached, sync.updated_after or reached)
    if sync.search_until is not None:
        _begin_span(sync, sync.search_until - OVERLAP)
        return False
    end_search(sync)
    return True


def end_search(sync: OrderSync) -> None:
    """No search is under way; not saved."""
    sync.search_after = sync.search_until = sync.search_before = sync.search_started_at = None
    sync.next_token, sync.pages = "", 0


def first_reach(now: datetime) -> datetime:
    """From when on (UTC) an order may still be in its window."""
    return now - ReviewWindow.from_settings().closes_after - LONGEST_PROMISE


def _begin_span(sync: OrderSync, after: datetime) -> None:
    # whole seconds: the parameters must be the same, to the letter, on every page
    sync.search_after = after.replace(microsecond=0)
    sync.search_until = None
    if sync.span_seconds and sync.search_started_at is not None:
        until = sync.search_after + timedelta(seconds=sync.span_seconds)
        if until < sync.search_started_at - AMAZON_LAGS:
            sync.search_until = until
    sync.search_before = sync.page_at = None
    sync.next_token = ""
    sync.pages = 0
