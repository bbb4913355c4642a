"""Who may connect accounts and see applications, and what every view of both needs."""

from __future__ import annotations

from collections.abc import Collection

from django.http import Http404, HttpRequest, QueryDict
from django.urls import reverse

from orders.models import Order
from orders.numbers import parse_order_number
from sellers.models import Application, Role, SellerAccount
from solicit_dashboard.access import (
    get_reach,
    get_user,
    log_ignored_fields,
    require_some_account,
    single_value,
)

# Orders of other channels have numbers that Amazon does not lead to: look at so many.
_NEWEST = 20


def require_connector(request: HttpRequest) -> None:
    """Nobody comes past who is neither a superuser nor the manager of some account."""
    if not get_user(request).is_superuser:
        require_some_account(request, get_reach(request), Role.MANAGER)


def get_application(request: HttpRequest, application_id: int) -> Application:
    """The application, if this person may use it; 404 for missing and foreign alike."""
    if application_id >= 2**63:
        raise Http404
    application = Application.objects.for_user(get_user(request)).filter(pk=application_id).first()
    if application is None:
        raise Http404
    return application


def usable_applications(request: HttpRequest) -> list[Application]:
    """The applications that this person may use, by name."""
    return list(Application.objects.for_user(get_user(request)))


def redirect_uri_of(request: HttpRequest, application: Application) -> str:
    """Where Amazon sends people back to: the registered address, or ours as it was asked for."""
    return application.redirect_uri or request.build_absolute_uri(reverse("sellers:callback"))


def account_to_renew(request: HttpRequest, partner: str, region: str) -> SellerAccount | None:
    """The account of this seller that connecting would renew, if this person may renew it."""
    user = get_user(request)
    accounts = SellerAccount.objects.filter(selling_partner_id=partner.strip(), region=region)
    if not user.is_superuser:
        accounts &= SellerAccount.objects.for_user(user, Role.MANAGER)
    return accounts.first()


def known_order(account: SellerAccount | None) -> str:
    """The number of a young order of the account, by which its seller can be told; "" for none."""
    if account is None:
        return ""
    newest = (
        Order.objects.filter(account=account)
        .order_by("-purchased_at", "-pk")
        .values_list("amazon_order_id", flat=True)[:_NEWEST]
    )
    return next((number for number in newest if parse_order_number(number)), "")


def posted(
    request: HttpRequest, names: Collection[str], *, lists: Collection[str] = ()
) -> QueryDict:
    """The form as it was sent; a field that comes twice is a 400, unless it is one of `lists`.

    Fields that are not among the names are ignored, and that is written down.
    """
    log_ignored_fields(request, names)
    for name in names:
        if name not in lists:
            single_value(request.POST, name)
    return request.POST


def chosen(applications: list[Application], pk: str) -> Application:
    """The one of them that a valid form names."""
    return next(one for one in applications if str(one.pk) == pk)
