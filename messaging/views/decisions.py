"""The page on which a manager decides what became of an action, when nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from messaging.clock import read_database_clock
from messaging.decisions import (
    Choice,
    Decision,
    DecisionRefusedError,
    choices_for,
    decide,
    last_step,
    send_again_at,
)
from messaging.forms import DecisionForm
from messaging.models import ActionEvent, OutgoingAction
from messaging.seller_central import seller_central_address
from messaging.services import NotAllowedError
from messaging.states import WATCHED, Status
from people.confirmation import confirmed_recently
from sellers.models import Role
from solicit_dashboard.access import get_action, get_user, log_ignored_fields, single_value
from solicit_dashboard.middleware import is_htmx

FIELDS = ("choice", "reason", "order_number", "seen_step")
DONE = {
    Choice.SEEN: "it stands as sent, seen by you",
    Choice.AGAIN: "it is queued to be sent again",
    Choice.LEAVE: "it stands as not known",
}


@dataclass(frozen=True)
class Option:
    """One thing that may be decided, with what it means."""

    choice: Choice
    meaning: str
    is_chosen: bool


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
def decision(request: HttpRequest, action_id: int) -> HttpResponse:
    """All that is known of the action, and what may be decided; the form decides.

    422 with what is wrong in the form; 409 when somebody else was sooner, with what they decided.
    """
    found = get_action(request, action_id, Role.MANAGER)
    if request.method != "POST":
        return _page(request, found, status=200)
    log_ignored_fields(request, FIELDS)
    for name in FIELDS:
        single_value(request.POST, name)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _page(request, found, status=422, form=form)
    choice = Choice(form.cleaned_data["choice"])
    try:
        decide(
            found,
            Decision(
                choice=choice,
                reason=form.cleaned_data["reason"],
                order_number=form.cleaned_data["order_number"],
                seen_step=form.cleaned_data["seen_step"],
            ),
            user=get_user(request),
            at=read_database_clock(),
        )
    except DecisionRefusedError as refusal:
        form.add_error(refusal.field, str(refusal))
        return _page(request, found, status=422, form=form)
    except NotAllowedError as refusal:
        return _page(request, get_action(request, action_id), status=409, fault=str(refusal))
    messages.success(request, f"{found.order.amazon_order_id}: {DONE[choice]}.")
    return redirect("orders:detail", found.account_id, found.order.amazon_order_id)


def _page(
    request: HttpRequest,
    action: OutgoingAction,
    *,
    status: int,
    form: DecisionForm | None = None,
    fault: str = "",
) -> HttpResponse:
    step = last_step(action)
    choices = choices_for(action)
    again_at = send_again_at(action) if Choice.AGAIN in choices else None
    context = {
        "action": action,
        "order": action.order,
        "attempts": action.attempts.order_by("-number"),
        "step": step,
        "is_decided": _is_decided(step),
        "is_watched": Status(action.status) in WATCHED and action.type.is_solicitation,
        "options": [
            Option(choice, _meaning(choice, action, again_at), _chosen(form) == choice)
            for choice in choices
        ],
        "again_at": again_at,
        "form": form or DecisionForm(initial={"seen_step": step.pk if step else 0}),
        "fault": fault,
        "seller_central": seller_central_address(
            action.order.marketplace_id, action.order.amazon_order_id
        ),
    }
    template = "messaging/_decision.html" if is_htmx(request) else "messaging/decision.html"
    return render(request, template, context, status=status)


def _chosen(form: DecisionForm | None) -> str:
    return str(form["choice"].value() or "") if form else ""


def _is_decided(step: ActionEvent | None) -> bool:
    """Whether the action is where it is because somebody decided so here."""
    return (
        step is not None
        and step.user_id is not None
        and step.before in (Status.UNCONFIRMED, Status.PROBABLY_SENT, Status.UNRESOLVED)
    )


def _meaning(choice: Choice, action: OutgoingAction, again_at: datetime | None) -> str:
    """What follows when this is decided, in a sentence."""
    if choice == Choice.SEEN:
        return "You saw in Seller Central that the buyer was written to. It stands as sent, with your name."
    if choice == Choice.AGAIN:
        return "You looked, and the buyer was not written to. It is queued once more."
    if action.type.is_solicitation:
        return (
            "It stands as not known, and Amazon's list is no longer read for it. Nothing is sent."
        )
    return "It stands as not known. Nothing is sent."
