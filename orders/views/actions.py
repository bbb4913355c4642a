"""What is done from the list of orders: ask for one review, take it back, ask for many."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from messaging.action_types import REVIEW_REQUEST
from messaging.clock import read_database_clock
from messaging.models import Batch, OutgoingAction
from messaging.queueing import RequestPreview, preview_reviews
from messaging.services import (
    NotAllowedError,
    cancel_action,
    hold,
    request_review,
    request_reviews,
)
from messaging.services.refusing import second_of_one
from messaging.states import STOPPABLE, Status
from messaging.templatetags.actions import why_held
from orders.models import Order
from orders.views.pages import render_row
from orders.views.selection import (
    ListChangedError,
    Selection,
    TooManyOrdersError,
    read_selection,
    sign_all_matching,
)
from sellers.models import Role
from solicit_dashboard.access import (
    get_order,
    get_reach,
    get_user,
    log_ignored_fields,
    single_value,
)
from solicit_dashboard.errors import content_too_large, error_page
from solicit_dashboard.middleware import is_htmx
from spapi import MARKETPLACES

SHOWN_ORDERS = 100
_SELECTION_FIELDS = ("order", "all_matching", "confirmed", "client_key", "next")


@require_POST
def request_one(request: HttpRequest, account_id: int, number: str) -> HttpResponse:
    """A review request for this order is queued; the row comes back, or the page that one was on.

    Where a message was written it wants `warned`: that the person was told so, on the order's page.
    """
    order = get_order(request, account_id, number, Role.OPERATOR)
    log_ignored_fields(request, ("client_key", "next", "warned"))
    key = _client_key(request)
    if not single_value(request.POST, "warned"):
        second = second_of_one(order, is_solicitation=True)
        if second and not order.account.one_message_per_order:
            sentence = f"{order.amazon_order_id}: {second} Open the order to ask all the same."
            return _back(request, order, sentence, is_refused=True)
    try:
        action = request_review(
            order, user=get_user(request), at=read_database_clock(), client_key=key
        )
    except NotAllowedError as refusal:
        return _back(request, order, f"{order.amazon_order_id}: {refusal}", is_refused=True)
    sentence = (
        f"The review request for {order.amazon_order_id} is queued. "
        "Until it leaves you can undo it."
    )
    if action.status == Status.HELD:
        why = order.account.why_held() or "Sending is stopped."
        sentence = f"The review request for {order.amazon_order_id} is on hold. {why}"
    return _back(request, order, sentence)


@require_POST
def cancel_one(request: HttpRequest, account_id: int, number: str) -> HttpResponse:
    """The order's waiting review request will not leave; the row comes back, or the page."""
    order = get_order(request, account_id, number, Role.OPERATOR)
    log_ignored_fields(request, ("next",))
    action = (
        OutgoingAction.objects.select_related("order")
        .filter(order=order, kind=REVIEW_REQUEST.name)
        .order_by("-pk")
        .first()
    )
    if action is None or action.status not in STOPPABLE:
        state = f"it is “{action.get_status_display()}” now" if action else "nothing is waiting"
        return _back(
            request, order, f"{order.amazon_order_id}: too late, {state}.", is_refused=True
        )
    try:
        cancel_action(action, user=get_user(request), at=read_database_clock())
    except NotAllowedError as refusal:
        return _back(request, order, f"{order.amazon_order_id}: {refusal}", is_refused=True)
    return _back(request, order, f"Nothing is sent for {order.amazon_order_id}.")


@require_POST
def request_many(request: HttpRequest) -> HttpResponse:
    """What a request for the selected orders would do; with `confirmed`, it is queued as a batch."""
    at = read_database_clock()
    user = get_user(request)
    log_ignored_fields(request, _SELECTION_FIELDS)
    is_confirmed = bool(single_value(request.POST, "confirmed"))
    key = _client_key(request)
    if is_confirmed and key is None:
        raise BadRequest("client_key: it is missing. Go back to the orders and begin again.")
    if is_confirmed and key is not None:
        # The same form again: its orders are queued by now, so they would not match any more.
        made = Batch.objects.filter(client_key=key, created_by=user).first()
        if made is not None:
            return redirect(_batch_path(made))
    try:
        selection = read_selection(request, get_reach(request), at=at)
        if is_confirmed and key is not None:
            return _queue(request, selection, key, at)
        return _confirm(request, selection, at)
    except TooManyOrdersError:
        return content_too_large(request)
    except (ListChangedError, NotAllowedError) as error:
        return error_page(request, 409, "Nothing was requested", str(error))


def _confirm(request: HttpRequest, selection: Selection, at: datetime) -> HttpResponse:
    """The page that says what would happen, with a form that makes one batch."""
    preview = preview_reviews(selection.orders, at=at, start=at + hold())
    selection.check(preview.selected)
    token = ""
    if selection.is_all_matching:
        token = sign_all_matching(get_user(request), selection.query, preview.selected)
    wanted = preview.orders.order_by("latest_delivery_at", "pk")
    first_orders = list(wanted.only("account_id", "amazon_order_id")[:SHOWN_ORDERS])
    context = {
        "preview": preview,
        "first_orders": first_orders,
        "others": preview.eligible - len(first_orders),
        "selection": selection,
        "token": token,
        "client_key": str(uuid.uuid4()),
        "hold_seconds": int(hold().total_seconds()),
        "back": _safe_next(request),
        "lines": _lines(preview),
        "skipped": preview.skipped_in_words(),
        "skipped_count": preview.selected - preview.eligible,
        "held": [
            (share.account, why)
            for share in preview.shares
            if (why := why_held(share.account, REVIEW_REQUEST.name))
        ],
    }
    response = render(request, "orders/confirm.html", context)
    # Not no-store: the answer of a form has no address, so the back button needs it kept.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@dataclass(frozen=True)
class _Line:
    """One line of the confirm page; what is the account's stands in its first line alone."""

    account: str
    marketplace: str
    number: int
    finish_at: datetime | None
    waiting_before: int


def _lines(preview: RequestPreview) -> list[_Line]:
    lines = []
    for share in preview.shares:
        by_number = sorted(share.marketplaces.items(), key=lambda pair: -pair[1])
        for position, (marketplace_id, number) in enumerate(by_number):
            known = MARKETPLACES.get(marketplace_id)
            lines.append(
                _Line(
                    account=share.account.name,
                    marketplace=known.domain if known else marketplace_id,
                    number=number,
                    finish_at=None if position else share.finish_at,
                    waiting_before=0 if position else share.waiting_before,
                )
            )
    return lines


def _queue(
    request: HttpRequest, selection: Selection, key: uuid.UUID, at: datetime
) -> HttpResponse:
    if selection.promised is not None:
        selection.check(selection.orders.count())
    batch = request_reviews(
        selection.orders,
        user=get_user(request),
        at=at,
        client_key=key,
        description=selection.description,
    )
    if selection.repeats:
        messages.info(request, f"{selection.repeats} repeats ignored.")
    return redirect(_batch_path(batch))


def _batch_path(batch: Batch) -> str:
    return reverse("messaging:batch", args=[batch.pk])


def _back(
    request: HttpRequest, order: Order, sentence: str, *, is_refused: bool = False
) -> HttpResponse:
    """The row again for htmx (422 when it was refused), else the page that the person came from."""
    if is_htmx(request):
        response = render_row(
            request,
            order,
            status=422 if is_refused else 200,
            toast=sentence,
            tone="bad" if is_refused else "good",
        )
        if not is_refused:
            response.headers["HX-Trigger"] = "order-changed"
        return response
    (messages.error if is_refused else messages.success)(request, sentence)
    return HttpResponseRedirect(_safe_next(request))


def _safe_next(request: HttpRequest) -> str:
    """The page of ours that the form says it stands on, else the list."""
    target = single_value(request.POST, "next")
    if target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        return target
    return reverse("orders:list")


def _client_key(request: HttpRequest) -> uuid.UUID | None:
    given = single_value(request.POST, "client_key")
    if not given:
        return None
    try:
        return uuid.UUID(given)
    except ValueError:
        raise BadRequest("client_key: this is not a key of ours. Reload and try again.") from None
