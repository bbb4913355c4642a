"""Writing one message to the buyer of an order: the form, the check, and sending."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from messaging.action_types import MESSAGES, ActionType
from messaging.clock import read_database_clock
from messaging.drafting import foreign_file
from messaging.files.picking import Picker, read_files
from messaging.message_forms import MessageForm
from messaging.models import MessageTemplate, OutgoingAction, StoredFile
from messaging.offers import Listing, Offer, known_offers, read_offers, tighten
from messaging.payloads import clean_payload, hash_payload, unlike_names
from messaging.placeholders import PlaceholderError, fill
from messaging.repeats import REPEATED, sent_before
from messaging.services import NotAllowedError, hold, made_before, request_message
from messaging.services.refusing import second_of_one
from messaging.states import Status
from messaging.views.files import takes_files
from messaging.views.offered import buyer_language, refusal_to_write
from orders.models import Order
from sellers.models import Role
from solicit_dashboard.access import (
    get_order,
    get_user,
    log_ignored_fields,
    single_value,
)
from solicit_dashboard.middleware import is_htmx

NOT_OFFERED = "Amazon does not offer this for the order now."
CHECK, SEND, EDIT = "check", "send", "edit"
_SINGLE = ("step", "text", "first_day", "last_day", "acknowledged", "client_key")
_FIELDS = (*_SINGLE, "file", "upload")


@dataclass(frozen=True)
class Draft:
    """The page of one kind for one order: what Amazon says of it, and what stands in the way."""

    order: Order
    kind: str
    listing: Listing
    offer: Offer | None
    type: ActionType
    refusal: str

    @property
    def is_closed(self) -> bool:
        """Whether it is certain that it cannot be sent now; who cannot be asked has said nothing."""
        return bool(self.refusal) or (self.listing.is_known and self.offer is None)

    @property
    def fault(self) -> str:
        """Why it cannot be sent now, "" when it can."""
        if self.refusal:
            return self.refusal
        if not self.listing.is_known:
            return f"Nobody knows whether Amazon offers this. {self.listing.fault}"
        if self.offer is not None:
            return ""
        reason = self.listing.why_disabled(self.kind)
        return f"{NOT_OFFERED} Its reason: {reason}" if reason else NOT_OFFERED


@require_http_methods(["GET", "HEAD", "POST"])
@takes_files
def compose(request: HttpRequest, account_id: int, number: str, kind: str) -> HttpResponse:
    """The form of one message; posted it is checked and shown as it will be sent, then sent.

    422 with each fault at its field; 409 when Amazon does not offer it, or our rules refuse.
    """
    if kind not in MESSAGES:
        raise Http404
    among = Order.objects.prefetch_related("items")
    order = get_order(request, account_id, number, Role.OPERATOR, among=among)
    if request.method == "POST":
        return _take(request, order, kind)
    draft = _draft(order, kind)
    chosen, text, notes = _from_template(request, order, kind)
    form = _form(draft, initial={"text": text} if text else None)
    status = 409 if draft.is_closed else 200
    return _page(request, draft, form, status=status, chosen=chosen, notes=notes)


def _take(request: HttpRequest, order: Order, kind: str) -> HttpResponse:
    log_ignored_fields(request, _FIELDS)
    given = {name: single_value(request.POST, name) for name in _SINGLE}
    if given["step"] not in ("", CHECK, SEND, EDIT):
        raise BadRequest("The form asks for something that there is not.")
    key = _client_key(given["client_key"])
    if given["step"] == SEND:
        with suppress(NotAllowedError):  # said below, where the form is shown with it
            sent = made_before(key, order, get_user(request))
            if sent is not None:  # whatever Amazon offers by now
                return _queued(request, order, sent)
    draft = _draft(order, kind)
    files, faults = _files(request, draft)
    if given["step"] == EDIT:
        form = _form(draft, initial=given, files=files, faults=faults)
        return _page(request, draft, form, status=200)
    form = _form(draft, request.POST, files=files, faults=faults)
    if draft.fault:
        return _page(request, draft, form, status=409, fault=draft.fault)
    if not form.is_valid():
        return _page(request, draft, form, status=422)
    if given["step"] != SEND:
        return _check(request, draft, form)
    try:
        action = request_message(
            order,
            kind,
            form.payload(),
            user=get_user(request),
            at=read_database_clock(),
            files=files,
            client_key=key,
        )
    except NotAllowedError as refusal:
        return _page(request, draft, form, status=409, fault=str(refusal))
    return _queued(request, order, action)


def _queued(request: HttpRequest, order: Order, action: OutgoingAction) -> HttpResponse:
    label = MESSAGES[action.kind].label
    if action.status == Status.HELD:
        why = order.account.why_held() or "Sending is stopped."
        messages.warning(request, f"{label}: on hold. {why}")
    else:
        messages.success(request, f"{label}: queued. Until it leaves you can undo it.")
    return redirect("orders:detail", order.account_id, order.amazon_order_id)


def _draft(order: Order, kind: str) -> Draft:
    now = timezone.now()
    refusal = refusal_to_write(order, now)
    listing = known_offers(order) if refusal else read_offers(order, at=now)
    offer = listing.offer(kind)
    known = MESSAGES[kind]
    return Draft(order, kind, listing, offer, tighten(known, offer) if offer else known, refusal)


def _files(request: HttpRequest, draft: Draft) -> tuple[list[StoredFile], list[str]]:
    """What was picked, stored; nothing for a message that takes none."""
    if draft.type.files is None:
        return [], []
    return read_files(request, draft.order.account, at=timezone.now())


def _form(
    draft: Draft,
    data: Any = None,
    *,
    files: Sequence[StoredFile] = (),
    faults: Sequence[str] = (),
    initial: dict[str, Any] | None = None,
) -> MessageForm:
    return MessageForm(
        data,
        action_type=draft.type,
        order=draft.order,
        locale=draft.listing.locale,
        files=files,
        file_faults=faults,
        initial=initial,
    )


def _from_template(
    request: HttpRequest, order: Order, kind: str
) -> tuple[MessageTemplate | None, str, list[str]]:
    """The template of the address, its text for this order, and what there is to say of it."""
    wanted = single_value(request.GET, "template")
    if not wanted.isdecimal() or len(wanted) > 18:
        return None, "", []
    found = _templates(order, kind).filter(pk=int(wanted)).first()
    if found is None:
        return None, "", ["This template is no longer there."]
    try:
        filled = fill(found.text, order)
    except PlaceholderError as fault:
        return found, "", [f"“{found.name}” cannot be used here. {fault}"]
    return found, filled.text, list(filled.notes)


def _templates(order: Order, kind: str) -> Any:
    return MessageTemplate.objects.current().filter(account=order.account_id, kind=kind)


def _page(
    request: HttpRequest,
    draft: Draft,
    form: MessageForm,
    *,
    status: int,
    fault: str = "",
    chosen: MessageTemplate | None = None,
    notes: Sequence[str] = (),
) -> HttpResponse:
    """The form, or where nothing can be written the sentence that says why."""
    context = _context(draft, form) | {
        "fault": fault or draft.fault,
        "templates": _templates(draft.order, draft.kind) if draft.type.text else [],
        "chosen": chosen,
        "notes": notes,
        "picker": _picker(draft, form),
    }
    template = "messaging/_compose.html" if is_htmx(request) else "messaging/compose.html"
    return render(request, template, context, status=status)


def _check(request: HttpRequest, draft: Draft, form: MessageForm) -> HttpResponse:
    """The message exactly as it will be sent, and what to think of before."""
    warnings = [
        *(one.sentence for one in form.findings),
        foreign_file(form.picked, draft.order.amazon_order_id),
        _repeated(draft, form),
        second_of_one(draft.order, is_solicitation=False),
    ]
    context = _context(draft, form) | {
        "warnings": [one for one in warnings if one],
        "payload": form.payload(),
        "named_files": zip(
            form.picked, unlike_names([one.name for one in form.picked]), strict=True
        ),
        "client_key": uuid.uuid4(),
        "hold_seconds": int(hold().total_seconds()),
        "held": draft.order.account.why_held(),
    }
    template = "messaging/_check.html" if is_htmx(request) else "messaging/check.html"
    return render(request, template, context)


def _repeated(draft: Draft, form: MessageForm) -> str:
    """That the buyer has this very message, "" when it is new."""
    payload = clean_payload(draft.type, form.payload(), form.picked)
    key = (draft.order.pk, hash_payload(payload) if payload else "")
    return REPEATED if key in sent_before(draft.kind, [draft.order.pk]) else ""


def _context(draft: Draft, form: MessageForm) -> dict[str, Any]:
    return {
        "draft": draft,
        "order": draft.order,
        "listing": draft.listing,
        "offer": draft.offer,
        "type": draft.type,
        "form": form,
        "language": buyer_language(draft.listing.locale),
    }


def _picker(draft: Draft, form: MessageForm) -> Picker | None:
    if draft.type.files is None:
        return None
    faults = [str(fault) for fault in form.errors.get("file", [])] or form.file_faults
    return Picker(draft.order.account, draft.type.files, form.picked, faults)


def _client_key(given: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(given) if given else None
    except ValueError:
        raise BadRequest("The form was changed on its way. Reload the page.") from None
