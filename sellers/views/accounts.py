"""The accounts that a person can see: whether they send, and if not, why; pause and resume."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from messaging.clock import read_database_clock
from messaging.stopping import (
    may_stop_everything,
    pause_sending,
    resume_sending,
    try_sending_again,
)
from orders.notifications.alarms import queue_alarms
from sellers.expiry import alarms
from sellers.forms import OneMessageForm, read_reason
from sellers.models import Role, SellerAccount
from sellers.services import set_one_message_per_order
from solicit_dashboard.access import (
    get_account,
    get_user,
    log_ignored_fields,
    single_value,
    way_back,
)
from solicit_dashboard.held import standings
from solicit_dashboard.middleware import is_htmx

LIST = "sellers:list"


@require_safe
def account_list(request: HttpRequest) -> HttpResponse:
    """This person's accounts by name; htmx gets the table alone."""
    user = get_user(request)
    rows = standings(user)
    managed = SellerAccount.objects.for_user(user, Role.MANAGER).select_related("application")
    now = read_database_clock()
    told = alarms(managed, now)
    if settings.SQS_QUEUE_ARN and managed:
        told += queue_alarms(settings.SQS_QUEUE_ARN, [one.pk for one in managed], now)
    context = {
        "rows": rows,
        "alarms": told,
        "may_connect": user.is_superuser or any(row.may_manage for row in rows),
        "may_stop": any(row.may_manage for row in rows) or may_stop_everything(user),
    }
    template = "sellers/_accounts.html" if is_htmx(request) else "sellers/accounts.html"
    return render(request, template, context)


@require_POST
def pause(request: HttpRequest, account_id: int) -> HttpResponse:
    """Nothing more of the account is claimed; what waits is on hold."""
    account = get_account(request, account_id, Role.MANAGER)
    log_ignored_fields(request, ["reason", "next"])
    reason = read_reason(request)
    if pause_sending(account, user=get_user(request), at=read_database_clock(), reason=reason):
        messages.success(request, f"{account.name} is paused. Nothing more is sent for it.")
    else:
        who = account.paused_by.get_username() if account.paused_by else "somebody"
        messages.info(request, f"{account.name} was paused already, by {who}.")
    return redirect(way_back(request, LIST))


@require_POST
def resume(request: HttpRequest, account_id: int) -> HttpResponse:
    """The account's pause is over, and what it alone held waits for its turn again."""
    account = get_account(request, account_id, Role.MANAGER)
    log_ignored_fields(request, ["next"])
    if resume_sending(account, user=get_user(request), at=read_database_clock()):
        messages.success(request, f"{account.name} is no longer paused.")
    else:
        messages.info(request, f"{account.name} was not paused.")
    return redirect(way_back(request, LIST))


@require_POST
def one_message(request: HttpRequest, account_id: int) -> HttpResponse:
    """The account refuses the second of a review request and a message for an order, or does not."""
    account = get_account(request, account_id, Role.MANAGER)
    log_ignored_fields(request, ["one_message_per_order"])
    single_value(request.POST, "one_message_per_order")
    form = OneMessageForm(request.POST)
    if not form.is_valid():
        raise BadRequest("one_message_per_order: say yes or no")
    is_one = form.cleaned_data["one_message_per_order"] == "yes"
    if not set_one_message_per_order(account, is_one, get_user(request)):
        messages.info(request, f"{account.name} was set like that already.")
    elif is_one:
        messages.success(request, f"{account.name} sends one message per order at most.")
    else:
        messages.success(request, f"{account.name} warns before a second message, and allows it.")
    return redirect("sellers:account", account.pk)


@require_POST
def try_again(request: HttpRequest, account_id: int) -> HttpResponse:
    """Amazon is asked for the account again; if it still refuses, the account is held again."""
    account = get_account(request, account_id, Role.MANAGER)
    log_ignored_fields(request, ["next"])
    if try_sending_again(account, user=get_user(request), at=read_database_clock()):
        messages.success(
            request, f"{account.name} is tried again. If Amazon still refuses, it stops again."
        )
    else:
        messages.info(request, f"{account.name} is not held by a refusal of Amazon.")
    return redirect(way_back(request, LIST))
