"""A message to the buyers of many orders: choose the kind, write it, check it, send it as a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from messaging.action_types import ActionType
from messaging.bulk_forms import BulkForm
from messaging.clock import read_database_clock
from messaging.drafting import Matches, Writing, Written, match_files, write_drafts
from messaging.files.refusal import FileRefusedError
from messaging.files.scanning import has_scanner
from messaging.lane_speed import finish_time
from messaging.left_out import skipped_in_words
from messaging.models import Batch, MessageTemplate, StoredFile
from messaging.placeholders import PLACEHOLDERS
from messaging.progress import lane_queues
from messaging.repeats import sent_before
from messaging.services import NotAllowedError, hold
from messaging.services.message_batches import (
    MOST_DRAFTS,
    CheckedDraft,
    check_drafts,
    request_messages,
)
from messaging.views.bulk_plan import (
    BULK_KINDS,
    CHANGED_FOR_SECONDS,
    KnownOffers,
    Place,
    Plan,
    digest,
    read_bulk_files,
    read_place,
    recent_offers,
)
from messaging.views.files import takes_files
from orders.views.selection import (
    ListChangedError,
    Selection,
    TooManyOrdersError,
    read_selection,
)
from sellers.models import SellerAccount
from solicit_dashboard.access import get_reach, get_user, log_ignored_fields, single_value, way_back
from solicit_dashboard.errors import error_page

NOTHING = "Nothing was sent"
CHANGED = "The orders changed since you looked, and what would be sent with them. Look again."
_PLACE = ("order", "account", "kind", "next")
_WRITING = ("text", "months", "first_day", "file_use", "file")


@dataclass(frozen=True)
class KindRow:
    """One kind to choose; `offered` and `asked`: for how many of the orders Amazon did and was asked."""

    type: ActionType
    offered: int
    asked: int


@dataclass(frozen=True)
class OrderRow:
    """What one buyer gets, or why nothing; `offer` is what Amazon said lately, in words.

    `is_repeated`: the buyer has this very message, or may have it.
    """

    checked: CheckedDraft
    written: Written
    offer: str
    is_repeated: bool


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """The kinds of messages that the selected orders' buyers can be sent, and of which account."""
    log_ignored_fields(request, ("order", "all_matching", "next"))
    at = read_database_clock()
    reach = get_reach(request)
    try:
        selection = read_selection(request, reach, at=at)
        found = _within_limit(selection)
    except TooManyOrdersError as error:
        return error_page(request, 409, "Too many orders for a message", _too_many(error))
    except ListChangedError as error:
        return error_page(request, 409, NOTHING, str(error))
    if not found:
        raise BadRequest("No orders were selected. Go back and tick some.")
    known = recent_offers([pk for pk, _account in found], at)
    numbers = Counter(account_id for _pk, account_id in found)
    context = {
        "ids": [pk for pk, _account in found],
        "number": len(found),
        "description": selection.description,
        "accounts": [(one, numbers[one.pk]) for one in reach.accounts if one.pk in numbers],
        "kinds": _kind_rows(known),
        "back": way_back(request, "/orders/"),
    }
    return _answer(render(request, "messaging/bulk_choose.html", context))


@require_POST
def write(request: HttpRequest) -> HttpResponse:
    """The form of that kind; with a template, or what was written before, filled in."""
    log_ignored_fields(request, (*_PLACE, *_WRITING, "plan", "template"))
    token = single_value(request.POST, "plan")
    if not token:
        place = read_place(request)
        form = BulkForm(action_type=place.type, initial=_from_template(request, place))
        return _form_page(request, place, form)
    plan = Plan.read(request, token, max_age=CHANGED_FOR_SECONDS)
    place = plan.place(request)
    try:
        files = list(plan.writing(place.account).files)
    except FileRefusedError:
        files = []  # the form asks for them
    form = BulkForm(action_type=place.type, files=files, initial=plan.initial)
    return _form_page(request, place, form)


@require_POST
@takes_files
def check(request: HttpRequest) -> HttpResponse:
    """What each buyer would get, and which get nothing and why; with that page's plan, it is sent.

    422 with what is wrong in the form; 409 when the orders are not those that were looked at.
    """
    log_ignored_fields(request, (*_PLACE, *_WRITING, "upload", "plan", "step", "template"))
    token = single_value(request.POST, "plan")
    if token:
        return _send(request, Plan.read(request, token))
    place = read_place(request)
    at = read_database_clock()
    files: list[StoredFile] = []
    faults: list[str] = []
    if place.type.files is not None:
        files, faults = read_bulk_files(request, place.account, at=at)
    if single_value(request.POST, "step") in ("add", "template"):
        initial = request.POST.dict() | _from_template(request, place)
        form = BulkForm(action_type=place.type, files=files, initial=initial)
        return _form_page(request, place, form, faults=faults)
    form = BulkForm(request.POST, action_type=place.type, files=files, file_faults=faults)
    if not form.is_valid():
        return _form_page(request, place, form, status=422)
    writing = form.writing()
    rows = _rows(request, place, writing, at)
    return _check_page(request, place, writing, rows, at)


def _send(request: HttpRequest, plan: Plan) -> HttpResponse:
    made = Batch.objects.filter(client_key=plan.client_key, created_by=get_user(request)).first()
    if made is not None:  # a double click: what it would send is under way by now
        return redirect("messaging:batch", made.pk)
    place = plan.place(request)
    at = read_database_clock()
    try:
        writing = plan.writing(place.account)
        rows = _rows(request, place, writing, at)
        if digest([row.checked for row in rows]) != plan.shown:
            return _check_page(request, place, writing, rows, at, status=409, fault=CHANGED)
        batch = request_messages(
            [row.checked.draft for row in rows],
            user=get_user(request),
            at=at,
            client_key=plan.client_key,
            kind=place.kind,
            description=place.account.name,
        )
    except (FileRefusedError, NotAllowedError) as error:
        return error_page(request, 409, NOTHING, str(error))
    return redirect("messaging:batch", batch.pk)


def _within_limit(selection: Selection) -> list[tuple[int, int]]:
    """The (order id, account id) of what was selected; TooManyOrdersError with how many they are."""
    number = len(selection.ids) or selection.promised
    if number is not None and number > MOST_DRAFTS:
        raise TooManyOrdersError(f"{number:,}")
    rows = selection.orders.order_by("-purchased_at", "-pk").values_list("pk", "account_id")
    found = list(rows[: MOST_DRAFTS + 1])
    if len(found) > MOST_DRAFTS:
        raise TooManyOrdersError(f"more than {MOST_DRAFTS}")
    selection.check(len(found))
    return found


def _too_many(error: TooManyOrdersError) -> str:
    number = str(error) or "more than 5,000"
    return f"A message goes to at most {MOST_DRAFTS} orders at once; you selected {number}."


def _kind_rows(known: KnownOffers) -> list[KindRow]:
    """The kinds, those that Amazon withdrew only where it offers them still."""
    rows = [KindRow(one, known.count(name), len(known.names)) for name, one in BULK_KINDS.items()]
    return [row for row in rows if row.offered or not row.type.withdrawn_on]


def _from_template(request: HttpRequest, place: Place) -> dict[str, Any]:
    """The text of the template that the form names, if it names one."""
    given = single_value(request.POST, "template")
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        return {}
    found = _templates(place.account, place.kind).filter(pk=int(given)).first()
    return {"text": found.text} if found else {}


def _templates(account: SellerAccount, kind: str) -> Any:
    return MessageTemplate.objects.current().filter(account=account, kind=kind)


def _form_page(
    request: HttpRequest,
    place: Place,
    form: BulkForm,
    *,
    status: int = 200,
    faults: Sequence[str] = (),
) -> HttpResponse:
    context = {
        "place": place,
        "type": place.type,
        "form": form,
        "faults": [*faults, *form.file_faults],
        "templates": _templates(place.account, place.kind) if place.type.text else [],
        "placeholders": PLACEHOLDERS.values(),
        "back": way_back(request, "/orders/"),
        "has_scanner": has_scanner(),
    }
    return _answer(render(request, "messaging/bulk_write.html", context, status=status))


def _rows(request: HttpRequest, place: Place, writing: Writing, at: datetime) -> list[OrderRow]:
    known = recent_offers([order.pk for order in place.orders], at)
    written = write_drafts(place.kind, place.orders, writing, locales=known.locales)
    checked = check_drafts(
        [one.draft for one in written], user=get_user(request), at=at, kind=place.kind
    )
    repeated = sent_before(place.kind, [order.pk for order in place.orders])
    return [
        OrderRow(
            checked=one,
            written=draft,
            offer=_offer_in_words(known, one.draft.order.pk, place.kind),
            is_repeated=(one.draft.order.pk, one.payload_hash) in repeated,
        )
        for one, draft in zip(checked, written, strict=True)
    ]


def _offer_in_words(known: KnownOffers, order_id: int, kind: str) -> str:
    if order_id not in known.names:
        return "Not asked yet"
    return "Offered" if kind in known.names[order_id] else "Not offered lately: waits"


def _check_page(
    request: HttpRequest,
    place: Place,
    writing: Writing,
    rows: list[OrderRow],
    at: datetime,
    *,
    status: int = 200,
    fault: str = "",
) -> HttpResponse:
    sent = [row for row in rows if not row.checked.left_out]
    left_out = [row for row in rows if row.checked.left_out]
    matches = Matches({}, [])
    if writing.by_number:
        matches = match_files(writing.files, {one.amazon_order_id for one in place.orders})
    start = at + hold()
    waiting = sum(one.waiting for one in lane_queues([place.account.pk], start, place.type))
    context = {
        "place": place,
        "type": place.type,
        "writing": writing,
        "fault": fault,
        "sent": sent,
        "left_out": left_out,
        "skipped": skipped_in_words(Counter(row.checked.left_out for row in left_out)),
        "unmatched": matches.others,
        "second": sum(row.checked.second for row in sent),
        "repeated": sum(row.is_repeated for row in sent),
        "warned": sum(bool(row.written.warnings) for row in sent),
        "waiting": waiting,
        "finish_at": finish_time(place.type, waiting=waiting + len(sent), start=start),
        "held": place.account.why_held(),
        "hold_seconds": int(hold().total_seconds()),
        "has_scanner": has_scanner(),
        "plan": Plan.of(place, writing, [row.checked for row in rows]).sign(request),
        "back": way_back(request, "/orders/"),
    }
    return _answer(render(request, "messaging/bulk_check.html", context, status=status))


def _answer(response: HttpResponse) -> HttpResponse:
    # Not no-store: the answer of a form has no address, so the back button needs it kept.
    response.headers["Cache-Control"] = "private, no-cache"
    return response
