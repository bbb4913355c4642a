"""The admin exists only for those who are near: in the networks that ADMIN_NETWORKS names."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

GetResponse = Callable[[HttpRequest], HttpResponseBase]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def admin_from_near(get_response: GetResponse) -> GetResponse:
    """To anybody else the admin is a page that does not exist, before who they are is asked."""
    beginning = f"/{settings.ADMIN_PATH}/"

    def middleware(request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if (path.startswith(beginning) or f"{path}/" == beginning) and not is_near(request):
            raise Http404
        return get_response(request)

    return middleware


def own_password_page(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """The way to the page where everybody changes their password."""
    return redirect("account_change_password")


def is_near(request: HttpRequest) -> bool:
    """Whether the request comes from one of ADMIN_NETWORKS; not when it cannot be told."""
    try:
        address = ipaddress.ip_address(client_address(request))
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in _networks(tuple(settings.ADMIN_NETWORKS)))


def client_address(request: HttpRequest) -> str:
    """The address of who asks: what the outermost of TRUSTED_PROXIES saw, "" when none can be told.

    Whatever stands further left in X-Forwarded-For was written by the client itself.
    """
    proxies = int(settings.TRUSTED_PROXIES)
    if not proxies:
        return str(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    return hops[-proxies] if len(hops) >= proxies else ""


@functools.cache
def _networks(names: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(name) for name in names)
