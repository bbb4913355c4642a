"""The kill switch: what stands, setting one, and lifting it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from messaging.clock import read_database_clock
from messaging.forms import SwitchForm
from messaging.models import KillSwitch, OutgoingAction
from messaging.states import Status
from messaging.stopping import lift_switch, may_stop_everything, set_switch
from sellers.models import Role, SellerAccount
from solicit_dashboard.access import (
    Reach,
    get_account,
    get_reach,
    get_user,
    log_ignored_fields,
    require_all_accounts,
    single_value,
    way_back,
)
from solicit_dashboard.keyset import capped, count_to
from solicit_dashboard.middleware import is_htmx

PAGE = "messaging:switches"
FIELDS = ("account", "kind", "reason")
SHOWN_LIFTED = 10


@dataclass(frozen=True)
class SwitchRow:
    """One switch as the page shows it."""

    switch: KillSwitch
    may_lift: bool


@require_http_methods(["GET", "HEAD", "POST"])
def switches(request: HttpRequest) -> HttpResponse:
    """What is stopped of what this person can see; a form stops more. 422 with what is wrong in it."""
    user = get_user(request)
    if request.method != "POST":
        return _page(request, user, status=200)
    log_ignored_fields(request, FIELDS)
    account = _account(request)
    for name in FIELDS:
        single_value(request.POST, name)
    form = _form(request, get_reach(request), user, is_bound=True)
    if form is None or not form.is_valid():
        return _page(request, user, status=422, form=form)
    switch, is_new = set_switch(
        account=account,
        kind=form.cleaned_data["kind"],
        user=user,
        at=read_database_clock(),
        reason=form.cleaned_data["reason"],
    )
    if is_new:
        messages.success(request, f"Stopped: {switch.scope}. Nothing more leaves.")
    else:
        who = switch.set_by.get_username() if switch.set_by else "somebody"
        messages.info(request, f"It is stopped already, by {who}: {switch.scope}.")
    return redirect(PAGE)


@require_POST
def lift(request: HttpRequest, switch_id: int) -> HttpResponse:
    """The switch stops nothing any more, and what it alone held waits for its turn again."""
    if switch_id >= 2**63:
        raise Http404
    switch = KillSwitch.objects.select_related("account", "lifted_by").filter(pk=switch_id).first()
    if switch is None:
        raise Http404
    if switch.account_id is not None:
        get_account(request, switch.account_id, Role.MANAGER)
    else:
        require_all_accounts(request)
    log_ignored_fields(request, ["next"])
    if lift_switch(switch, user=get_user(request), at=read_database_clock()):
        messages.success(request, f"Lifted: {switch.scope}. What nothing else holds is sent again.")
    else:
        who = switch.lifted_by.get_username() if switch.lifted_by else "somebody"
        messages.info(request, f"This stop was lifted already, by {who}.")
    return redirect(way_back(request, PAGE))


def _account(request: HttpRequest) -> SellerAccount | None:
    """The account that the form names, None for all; refused to those who may not stop it."""
    given = single_value(request.POST, "account")
    if not given:
        require_all_accounts(request)
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 20):
        raise BadRequest("account: this is no account of the list. Reload and choose again.")
    return get_account(request, int(given), Role.MANAGER)


def _form(
    request: HttpRequest, reach: Reach, user: User, *, is_bound: bool = False
) -> SwitchForm | None:
    """The form with what this person may stop; None when that is nothing."""
    managed = [account for account in reach.accounts if reach.may(account.pk, Role.MANAGER)]
    everything = may_stop_everything(user)
    if not managed and not everything:
        return None
    return SwitchForm(
        request.POST if is_bound else None, accounts=managed, may_stop_everything=everything
    )


def _page(
    request: HttpRequest, user: User, *, status: int, form: SwitchForm | None = None
) -> HttpResponse:
    reach = get_reach(request)
    form = form or _form(request, reach, user)
    everything = form is not None and form.may_stop_everything
    visible = Q(account_id__in=reach.ids())
    if everything or reach.roles:
        visible |= Q(account=None)
    known = KillSwitch.objects.filter(visible).select_related("account", "set_by", "lifted_by")
    held = OutgoingAction.objects.filter(account_id__in=reach.ids(), status=Status.HELD)
    context = {
        "form": form,
        "rows": [
            SwitchRow(
                switch,
                everything
                if switch.account_id is None
                else reach.may(switch.account_id, Role.MANAGER),
            )
            for switch in known.standing()
        ],
        "lifted": known.exclude(lifted_at=None).order_by("-lifted_at")[:SHOWN_LIFTED],
        "held": capped(count_to(held)),
    }
    template = "messaging/_switches.html" if is_htmx(request) else "messaging/switches.html"
    return render(request, template, context, status=status)
