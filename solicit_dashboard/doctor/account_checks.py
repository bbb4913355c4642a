"""What the doctor asks about one account: its token, roles, marketplaces, clock, rates and queue."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.conf import settings

from messaging.clock import read_database_clock
from messaging.ledger.lateness import queued_too_long
from messaging.ledger.scope import Scope
from messaging.models import OutgoingAction
from messaging.progress import POSTPONED_BY
from messaging.states import Status
from orders.models import Order
from orders.states import Tone
from solicit_dashboard.doctor.findings import Finding, bad, good, refusal, warn
from solicit_dashboard.doctor.visit import Visit
from solicit_dashboard.keyset import capped, count_to
from spapi import OPERATIONS, SpApiError

# Names and uses of roles: the role files of amzn/selling-partner-api-docs (2022) and
# https://developer-docs.amazon.com/sp-api/docs/roles-in-the-selling-partner-api
SOLICITATION_ROLE = "Buyer Solicitation"
MESSAGING_ROLE = "Buyer Communication"
ORDERS_ROLE = "Inventory and Order Tracking (or Buyer Solicitation)"
SELLERS_ROLE = "Selling Partner Insights"
REPORTS_ROLE = "Inventory and Order Tracking"
REPORT_TYPE = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"

CLOCK_IS_FINE = timedelta(seconds=5)
CLOCKS_AGREE = timedelta(seconds=2)
CLOCK_IS_WRONG = timedelta(seconds=120)
RECENT = timedelta(days=1)
MOST_COUNTED = 1_000
# It is named in what both lists of actions answer.
LISTED = OPERATIONS["getSolicitationActionsForOrder"]

NO_ORDER = warn(
    "Not asked: no order of the account is known yet.",
    "Let it synchronise first (it begins by itself within a minute; or manage.py sync_orders).",
)


def token(visit: Visit) -> Finding:
    """Login with Amazon gives a new access token for the refresh token."""
    visit.client.access_token(force_refresh=True)
    return good("Amazon gave a new access token.")


def marketplaces(visit: Visit) -> Finding:
    """Amazon names the marketplaces that the account was connected with, and the seller sells there."""
    try:
        told = {one.marketplace_id: one for one in visit.client.get_marketplace_participations()}
    except SpApiError as error:
        return refusal(error, SELLERS_ROLE)
    kept = {one.marketplace_id: one.name for one in visit.account.marketplaces.all()}
    gone = sorted(name for pk, name in kept.items() if pk not in told)
    idle = sorted(name for pk, name in kept.items() if pk in told and not told[pk].participating)
    suspended = sorted(
        name for pk, name in kept.items() if pk in told and told[pk].suspended_listings
    )
    if gone or not kept:
        return bad(
            f"Amazon no longer names {', '.join(gone)} for this seller."
            if gone
            else "No marketplace is kept for the account.",
            "Connect the account again: its marketplaces are read anew then.",
        )
    if idle or suspended:
        return warn(
            f"Amazon says that the seller does not sell, or has suspended listings, in "
            f"{', '.join(sorted({*idle, *suspended}))}.",
            "See Account Health in Seller Central.",
        )
    return good(f"The seller sells in {', '.join(sorted(kept.values()))}.")


def solicitations(visit: Visit) -> Finding:
    """The list of solicitations of a known order can be read."""
    if visit.known_order is None:
        return NO_ORDER
    order = visit.known_order
    try:
        visit.client.get_solicitation_actions_for_order(order.amazon_order_id, order.marketplace_id)
    except SpApiError as error:
        return refusal(error, SOLICITATION_ROLE)
    return good(f"Amazon told what it offers for the order {order.amazon_order_id}.")


def messages(visit: Visit) -> Finding:
    """The list of messages of a known order can be read; without it, reviews are asked for all the same."""
    if visit.known_order is None:
        return NO_ORDER
    order = visit.known_order
    try:
        visit.client.get_messaging_actions_for_order(order.amazon_order_id, order.marketplace_id)
    except SpApiError as error:
        return refusal(error, MESSAGING_ROLE, lack=Tone.WARN)
    return good(f"Amazon told which messages it offers for the order {order.amazon_order_id}.")


def orders(visit: Visit) -> Finding:
    """Orders can be searched for."""
    try:
        visit.client.search_orders(last_updated_after=visit.at - RECENT, max_results_per_page=1)
    except SpApiError as error:
        return refusal(error, ORDERS_ROLE)
    known = count_to(Order.objects.filter(account=visit.account), MOST_COUNTED)
    return good(f"Amazon lists the account's orders; {capped(known, MOST_COUNTED)} are known here.")


def reports(visit: Visit) -> Finding:
    """Reports can be listed; only the first import of a large account wants them."""
    try:
        visit.client.get_reports([REPORT_TYPE], page_size=1)
    except SpApiError as error:
        return refusal(error, REPORTS_ROLE, lack=Tone.WARN)
    return good("Amazon lists the account's reports of orders.")


def clock(visit: Visit) -> Finding:
    """This machine's clock and the database's are as Amazon's `Date` says."""
    if all(one.ahead is None for one in visit.listener.heard):
        # a refusal has a Date too
        with suppress(SpApiError):
            visit.client.access_token(force_refresh=True)
    offsets = [one.ahead for one in visit.listener.heard if one.ahead is not None]
    if not offsets:
        return warn(
            "Amazon's time is not known: no answer of it came.",
            "See the line of the token first.",
        )
    ours = offsets[-1]
    database = ours - (read_database_clock() - datetime.now(UTC))
    name, worst = "This machine's clock", ours
    if abs(database) > abs(ours) + CLOCKS_AGREE:
        name, worst = "The database's clock", database
    if abs(worst) <= CLOCK_IS_FINE:
        return good("This machine's clock and the database's agree with Amazon's.")
    way = "behind" if worst > timedelta() else "ahead of"
    says = f"{name} is {_seconds(worst)} {way} Amazon's."
    remedy = "Have the clock set by the network (NTP): timedatectl set-ntp true."
    return bad(says, remedy) if abs(worst) > CLOCK_IS_WRONG else warn(says, remedy)


def rates(visit: Visit) -> Finding:
    """Amazon names the rate that its published plan has."""
    if _rate_told(visit) is None:
        asked = solicitations(visit)
        if asked.tone != Tone.GOOD:
            return asked
    told = _rate_told(visit)
    wanted = LISTED.rate * settings.SPAPI_RATE_FACTOR
    if told is None:
        return warn(
            "Amazon named no rate (x-amzn-RateLimit-Limit).",
            f"Nothing to do: the published {wanted:g} a second is used, and 429 slows it down.",
        )
    if math.isclose(told, wanted, rel_tol=0.01) or told > wanted:
        return good(f"Amazon allows {told:g} a second, as published.")
    return warn(
        f"Amazon allows {told:g} a second instead of {wanted:g}.",
        "Sending takes accordingly longer. Ask Amazon's support why the plan is smaller.",
    )


def queue(visit: Visit) -> Finding:
    """Nothing has been due for a minute that nobody takes: a worker may run and be deaf."""
    scope = Scope(read_database_clock(), visit.account.pk)
    late = list(islice(queued_too_long(scope), MOST_COUNTED + 1))
    queued = scope.actions().filter(status=Status.QUEUED)
    if not late:
        line = scope.at + POSTPONED_BY
        waiting = count_to(queued.filter(look_at__lte=line), MOST_COUNTED)
        if waiting:
            return good(f"{_actions(waiting)} waiting, and each is taken in its turn.")
        later = count_to(queued.filter(look_at__gt=line), MOST_COUNTED)
        if later:
            return good(f"Nothing waits now. {_actions(later)} looked at again later.")
        return good("Nothing waits.")
    oldest = queued.order_by("look_at").first()
    return bad(
        f"{_actions(len(late))} due for a minute or longer, and nobody takes what is due"
        f"{_since(oldest, visit)}: the workers of the queue “lanes” are away, or deaf.",
        "Start them again (docs/operations.md). Nothing is lost by that, and nothing sent twice.",
    )


def _actions(number: int) -> str:
    return "1 action is" if number == 1 else f"{capped(number, MOST_COUNTED)} actions are"


def _since(oldest: OutgoingAction | None, visit: Visit) -> str:
    if oldest is None:
        return ""
    due = max(oldest.look_at, oldest.not_before, oldest.status_at)
    return f", the first for {_seconds(visit.at - due)}"


def _rate_told(visit: Visit) -> float | None:
    path = LISTED.path.partition("{")[0]
    for heard in visit.listener.heard:
        if heard.path.startswith(path) and heard.rate:
            with suppress(ValueError):
                return float(heard.rate)
    return None


def _seconds(span: timedelta) -> str:
    seconds = abs(span.total_seconds())
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"
