"""One account: its page, connecting it by a pasted token, renewing and disconnecting it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from messaging.clock import read_database_clock
from messaging.stopping import disconnect_sending
from people.confirmation import confirmed_recently
from sellers.connection import ConnectError
from sellers.expiry import authorization_countdown, secret_countdown
from sellers.forms import read_reason
from sellers.models import Application, Role, SellerAccount
from sellers.services import connect_account
from sellers.views.connect_forms import ConnectForm, ConsentForm
from sellers.views.connecting import (
    account_to_renew,
    chosen,
    known_order,
    posted,
    require_connector,
    usable_applications,
)
from solicit_dashboard.access import get_account, get_user, log_ignored_fields

PAGE, LIST = "sellers:account", "sellers:list"


@require_safe
def account(request: HttpRequest, account_id: int) -> HttpResponse:
    """How the account is connected, until when, and what its managers can do about it."""
    found = get_account(request, account_id)
    now = read_database_clock()
    context = {
        "account": found,
        "marketplaces": found.marketplaces.all(),
        "authorization": authorization_countdown(found, now),
        "secret": secret_countdown(found.application, now),
        "may_manage": _is_manager(request, found),
    }
    return render(request, "sellers/account.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
def connect(request: HttpRequest) -> HttpResponse:
    """A new account by a refresh token; 422 with what is wrong in the form."""
    require_connector(request)
    return _connect(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
def renew(request: HttpRequest, account_id: int) -> HttpResponse:
    """Another refresh token for the account; 422 with what is wrong in the form."""
    return _connect(request, get_account(request, account_id, Role.MANAGER))


@require_POST
@confirmed_recently
def disconnect(request: HttpRequest, account_id: int) -> HttpResponse:
    """The account's token is destroyed, what waits is on hold, and the record stays."""
    found = get_account(request, account_id, Role.MANAGER)
    log_ignored_fields(request, ["reason"])
    reason = read_reason(request)
    at = read_database_clock()
    if disconnect_sending(found, user=get_user(request), at=at, reason=reason):
        messages.success(
            request,
            f"{found.name} is disconnected and its token destroyed. Nothing more is sent for it. "
            "End the authorization in Seller Central too.",
        )
    else:
        messages.info(request, f"{found.name} was disconnected already.")
    return redirect(PAGE, found.pk)


def connect_page(
    request: HttpRequest,
    applications: list[Application],
    account: SellerAccount | None,
    *,
    paste: ConnectForm | None = None,
    consent: ConsentForm | None = None,
) -> HttpResponse:
    """The page with both ways to connect; 422 when one of the forms holds something wrong."""
    paste = paste or ConnectForm(applications=applications, account=account)
    consent = consent or ConsentForm(applications=applications, account=account)
    context = {
        "account": account,
        "applications": applications,
        "paste": paste,
        "consent": consent,
        "may_consent": any(one.is_public for one in applications),
    }
    status = 422 if paste.errors or consent.errors else 200
    return render(request, "sellers/connect.html", context, status=status)


def _connect(request: HttpRequest, account: SellerAccount | None) -> HttpResponse:
    applications = usable_applications(request)
    if request.method != "POST":
        return connect_page(request, applications, account)
    form = ConnectForm(request.POST, applications=applications, account=account)
    posted(request, form.fields, lists=("marketplaces",))
    if form.is_valid():
        said = form.cleaned_data
        # a known account may be connected as if it were new
        known = account or account_to_renew(request, said["selling_partner_id"], said["region"])
        try:
            connected = connect_account(
                name=account.name if account else said["name"],
                region=account.region if account else said["region"],
                selling_partner_id=(
                    account.selling_partner_id if account else said["selling_partner_id"]
                ),
                application=chosen(applications, said["application"]),
                refresh_token=said["refresh_token"],
                marketplaces=said["marketplaces"],
                user=get_user(request),
                known_order=known_order(known),
            )
        except ConnectError as error:
            form.blame(error)
        else:
            return connected_page(request, connected, renewed=account is not None)
    return connect_page(request, applications, account, paste=form)


def connected_page(request: HttpRequest, account: SellerAccount, *, renewed: bool) -> HttpResponse:
    """The way to the account's page, which says that it worked, and whether anything is sent now.

    A superuser may have renewed an account on which they have no role: they come to the list.
    """
    messages.success(request, f"{account.name} is {'renewed' if renewed else 'connected'}.")
    if account.paused_at is not None:
        messages.warning(request, f"{account.name} is paused: {account.pause_reason}".rstrip(": "))
    is_member = SellerAccount.objects.for_user(get_user(request)).filter(pk=account.pk).exists()
    return redirect(PAGE, account.pk) if is_member else redirect(LIST)


def _is_manager(request: HttpRequest, account: SellerAccount) -> bool:
    managed = SellerAccount.objects.for_user(get_user(request), Role.MANAGER)
    return managed.filter(pk=account.pk).exists()
