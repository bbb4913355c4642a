"""The outbox, and what is done to one action of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from messaging.clock import read_database_clock
from messaging.decisions import DECIDABLE
from messaging.models import OutgoingAction, OutgoingActionQuerySet
from messaging.order_rules import message_refusals
from messaging.outbox import PILLS, OutboxFilter, Pill, read_filter
from messaging.services import NotAllowedError, cancel_action, retry_action
from messaging.states import STOPPABLE, Status
from orders.models import Order
from sellers.models import Role
from solicit_dashboard.access import (
    Reach,
    get_action,
    get_reach,
    get_user,
    log_ignored_fields,
    single_value,
    way_back,
)
from solicit_dashboard.counting import Part, count_each
from solicit_dashboard.keyset import (
    MOST_COUNTED,
    Cursor,
    capped,
    check_only_sort,
    fetch,
    keyset_page,
    pager,
    read_page,
)
from solicit_dashboard.middleware import is_htmx

# What moves within this time is worth drawing again by itself.
SOON = timedelta(minutes=2)


@dataclass(frozen=True)
class ActionRow:
    """One action as a table shows it, with what this person may do to it."""

    action: OutgoingAction
    pk: int
    number: str
    order_url: str
    url: str
    may_cancel: bool
    may_retry: bool
    may_decide: bool


@dataclass(frozen=True)
class PillLink:
    """One pill with its count as people read it."""

    label: str
    count: str
    address: str
    is_current: bool


def action_row(action: OutgoingAction, reach: Reach) -> ActionRow:
    """The row of this action, for this person."""
    return _rows([action], reach)[0]


def action_rows(ids: list[int], reach: Reach) -> list[ActionRow]:
    """The rows of these actions in this order; one query, and one for each of the two sorts that were refused."""
    return _rows(fetch(OutgoingAction.objects.for_lists(), ids), reach)


def _rows(actions: list[OutgoingAction], reach: Reach) -> list[ActionRow]:
    over = _cannot_be_tried_again([one for one in actions if one.status == Status.REFUSED])
    accounts = {account.pk: account for account in reach.accounts}
    outbox_url, orders_url = reverse("messaging:outbox"), reverse("orders:list")
    rows = []
    for action in actions:
        action.account = accounts[action.account_id]
        number = action.order.amazon_order_id
        may_send = reach.may(action.account_id, Role.OPERATOR)
        rows.append(
            ActionRow(
                action=action,
                pk=action.pk,
                number=number,
                order_url=f"{orders_url}{action.account_id}/{number}/",
                url=f"{outbox_url}{action.pk}/",
                may_cancel=may_send and action.status in STOPPABLE,
                may_retry=may_send and action.status == Status.REFUSED and action.pk not in over,
                may_decide=action.status in DECIDABLE
                and reach.may(action.account_id, Role.MANAGER),
            )
        )
    return rows


def _cannot_be_tried_again(refused: list[OutgoingAction]) -> set[int]:
    """The ids of those whose orders our own rules for their kind refuse by now."""
    requests = [action.order_id for action in refused if action.type.is_solicitation]
    writings = [action.order_id for action in refused if not action.type.is_solicitation]
    over = {
        True: Order.objects.filter(pk__in=requests).refusals(timezone.now()) if requests else {},
        False: message_refusals(writings) if writings else {},
    }
    return {one.pk for one in refused if one.order_id in over[one.type.is_solicitation]}


def is_any_moving(rows: list[ActionRow]) -> bool:
    """Whether a row will soon change by itself, so that the table is drawn again."""
    line = timezone.now() + SOON
    return any(
        row.action.status == Status.SENDING
        or (row.action.status == Status.QUEUED and row.action.look_at < line)
        for row in rows
    )


def pill_links(
    actions: OutgoingActionQuerySet, current: Pill, address: Callable[[str], str]
) -> tuple[list[PillLink], str]:
    """The pills over these actions, and how many there are in the current one; counts are capped."""
    parts = [
        actions.filter(status__in=pill.statuses) if pill.statuses else actions for pill in PILLS
    ]
    counted = count_each([Part(part, MOST_COUNTED + 1) for part in parts])
    links, total = [], ""
    for pill, (number, _fitting) in zip(PILLS, counted, strict=True):
        count = capped(number)
        links.append(PillLink(pill.label, count, address(pill.key), pill == current))
        if pill == current:
            total = count
    return links, total


def read_place(request: HttpRequest, *, sort: str) -> tuple[Cursor | None, str]:
    """Where the page of the address begins, in the one order that its list has, and a note or ""."""
    check_only_sort(single_value(request.GET, "sort"), sort)
    return read_page(
        single_value(request.GET, "after"),
        single_value(request.GET, "before"),
        single_value(request.GET, "page"),
    )


@require_safe
def outbox(request: HttpRequest) -> HttpResponse:
    """All that was asked of Amazon for this person's accounts, newest change first."""
    reach = get_reach(request)
    chosen = _read_filter(request, reach)
    cursor, page_note = read_place(request, sort="changed")
    page = keyset_page(chosen.ordered_parts(reach.ids()), "status_at", cursor=cursor)
    rows = action_rows(page.ids, reach)
    links, total = pill_links(
        chosen.without_state(reach.ids()), chosen.pill, lambda key: chosen.address(state=key)
    )
    context = {
        "chosen": chosen,
        "pills": links,
        "notes": [page_note] if page_note else [],
        "rows": rows,
        "pager": pager(page, shown=len(rows), total=total, address=chosen.address),
        "accounts": reach.accounts,
        "here": request.get_full_path(),
        "is_moving": is_any_moving(rows),
    }
    template = "messaging/_outbox.html" if is_htmx(request) else "messaging/outbox.html"
    return render(request, template, context)


@require_safe
def action(request: HttpRequest, action_id: int) -> HttpResponse:
    """Leads to the order's page, which shows the action with its attempts."""
    found = get_action(request, action_id)
    return redirect("orders:detail", found.account_id, found.order.amazon_order_id)


@require_POST
def cancel(request: HttpRequest, action_id: int) -> HttpResponse:
    """The action does not leave, if it has not left."""
    return _change(request, action_id, cancel_action, "Cancelled. It does not leave.")


@require_POST
def retry(request: HttpRequest, action_id: int) -> HttpResponse:
    """The refused action waits for its turn again."""
    return _change(request, action_id, retry_action, "Queued again.")


def _change(
    request: HttpRequest,
    action_id: int,
    service: Callable[..., None],
    done: str,
) -> HttpResponse:
    """One change of one action: htmx gets its row, a plain form goes back to where it stood."""
    found = get_action(request, action_id, Role.OPERATOR)
    log_ignored_fields(request, ["next"])
    status, tone, sentence = 200, "good", done
    try:
        service(found, user=get_user(request), at=read_database_clock())
    except NotAllowedError as error:
        status, tone, sentence = 409, "bad", str(error)
    if not is_htmx(request):
        (messages.success if status == 200 else messages.error)(request, sentence)
        return redirect(way_back(request, "messaging:outbox"))
    changed = get_action(request, action_id)
    response = render(
        request,
        "messaging/_changed_row.html",
        {
            "rows": [action_row(changed, get_reach(request))],
            "tone": tone,
            "text": f"{changed.order.amazon_order_id}: {sentence}",
        },
        status=status,
    )
    response.headers["HX-Trigger"] = "actions-changed"
    return response


def _read_filter(request: HttpRequest, reach: Reach) -> OutboxFilter:
    return read_filter(
        state=single_value(request.GET, "state"),
        account=single_value(request.GET, "account"),
        first=single_value(request.GET, "from"),
        last=single_value(request.GET, "to"),
        number=single_value(request.GET, "q"),
        account_ids=reach.ids(),
    )
