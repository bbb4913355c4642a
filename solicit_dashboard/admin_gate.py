"""The admin exists only for those who are near: in the networks that ADMIN_NETWORKS names."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from solicit_dashboard.client_address import client_address

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
    told = client_address(request)
    networks = _networks(tuple(settings.ADMIN_NETWORKS))
    return bool(told) and any(ipaddress.ip_address(told) in network for network in networks)


@functools.cache
def _networks(names: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(name) for name in names)
