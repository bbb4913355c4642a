"""To Amazon's consent page and back. Neither page of ours tells anybody where it was come from.

The page that a seller comes back to never draws what it got: it leads on to a clean address, or says
in one sentence why not, on a page without scripts.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from messaging.clock import read_database_clock
from people.confirmation import confirmed_recently
from sellers import consent
from sellers.connection import ConnectError
from sellers.consent import Appstore, Journey
from sellers.models import Role, SellerAccount
from sellers.views.connect import connect_page, connected_page
from sellers.views.connect_forms import ConsentForm
from sellers.views.connecting import (
    account_to_renew,
    chosen,
    get_application,
    known_order,
    posted,
    redirect_uri_of,
    require_connector,
    usable_applications,
)
from solicit_dashboard.access import (
    get_account,
    get_user,
    single_value,
)

_APPSTORE = ("amazon_callback_uri", "amazon_state", "selling_partner_id")


@require_POST
@confirmed_recently
def start(request: HttpRequest) -> HttpResponse:
    """A journey to the consent page for a new account: the page with the link that leads there."""
    require_connector(request)
    return _start(request, None)


@require_POST
@confirmed_recently
def start_renewal(request: HttpRequest, account_id: int) -> HttpResponse:
    """A journey to the consent page for the account."""
    return _start(request, get_account(request, account_id, Role.MANAGER))


@require_GET
@confirmed_recently
def from_appstore(request: HttpRequest) -> HttpResponse:
    """The log-in address that Amazon's Appstore sends sellers to; they choose what is connected."""
    require_connector(request)
    given = {name: single_value(request.GET, name) for name in _APPSTORE}
    try:
        consent.require_amazon(given["amazon_callback_uri"])
    except ConnectError as error:
        raise BadRequest(str(error)) from None
    applications = usable_applications(request)
    form = ConsentForm(applications=applications, initial=given)
    return connect_page(request, applications, None, consent=form)


@require_GET
@login_not_required
def callback(request: HttpRequest) -> HttpResponse:
    """Amazon sends the seller back here: the account is connected, or the reason why it is not."""
    user = request.user if isinstance(request.user, User) else None
    try:
        account, renewed = _arrive(request, user)
    except (ConnectError, BadRequest) as error:
        return _bare(request, "sellers/consent_failed.html", {"sentence": str(error)}, status=400)
    return _unseen(connected_page(request, account, renewed=renewed), status=303)


def _start(request: HttpRequest, account: SellerAccount | None) -> HttpResponse:
    applications = usable_applications(request)
    form = ConsentForm(request.POST, applications=applications, account=account)
    posted(request, form.fields)
    if form.is_valid():
        application = chosen(applications, form.cleaned_data["application"])
        said = form.cleaned_data
        journey = Journey(
            application=application,
            marketplace_id=said["marketplace"],
            redirect_uri=redirect_uri_of(request, application),
            name=account.name if account else said["name"],
            account=account,
            selling_partner_id=said["selling_partner_id"],
        )
        try:
            address = consent.begin(
                journey,
                user=get_user(request),
                session_key=request.session.session_key or "",
                at=read_database_clock(),
                appstore=_appstore(said),
            )
        except ConnectError as error:
            form.blame(error)
        else:
            context = {"address": address, "journey": journey, "host": address.split("/")[2]}
            return _bare(request, "sellers/consent_start.html", context)
    return connect_page(request, applications, account, consent=form)


def _arrive(request: HttpRequest, user: User | None) -> tuple[SellerAccount, bool]:
    """The connected account, and whether it was a known one. Raises ConnectError with a sentence."""
    journey = consent.take_up(
        single_value(request.GET, "state"),
        user=user,
        session_key=request.session.session_key or "",
        at=read_database_clock(),
    )
    if single_value(request.GET, "error"):
        raise ConnectError(consent.NOT_GRANTED)
    try:
        get_application(request, journey.application_id)
        if journey.account is None:
            require_connector(request)
        else:
            get_account(request, journey.account.pk, Role.MANAGER)
    except (Http404, PermissionDenied):
        # they lost the role, or with it the application, on the way
        raise ConnectError(consent.NO_LONGER_VALID) from None
    partner = single_value(request.GET, "selling_partner_id")
    known = journey.account or account_to_renew(request, partner, journey.region)
    account = consent.arrive(
        journey,
        code=single_value(request.GET, "spapi_oauth_code"),
        selling_partner_id=partner,
        known_order=known_order(known),
    )
    return account, journey.account is not None


def _appstore(said: Mapping[str, str]) -> Appstore | None:
    if not said["amazon_callback_uri"]:
        return None
    return Appstore(said["amazon_callback_uri"], said["amazon_state"])


def _bare(
    request: HttpRequest, template: str, context: Mapping[str, object], *, status: int = 200
) -> HttpResponse:
    """A page without scripts and without forms, so that nothing on it can tell its address."""
    words = {**context, "accounts": reverse("sellers:list")}
    return _unseen(render(request, template, words), status=status)


def _unseen(response: HttpResponse, *, status: int) -> HttpResponse:
    response.status_code = status
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response
