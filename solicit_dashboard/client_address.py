"""Where a request comes from."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

_PORT_PARTS = 2  # 192.0.2.1:4711; an IPv6 address has more colons


def client_address(request: HttpRequest) -> str:
    """The IP address of who asks: what the outermost of TRUSTED_PROXIES saw, "" when none is told.

    Whatever stands further left in X-Forwarded-For was written by the client itself. An IPv4
    address is written as one, also where IPv6 carries it (::ffff:192.0.2.1).
    """
    proxies = int(settings.TRUSTED_PROXIES)
    if not proxies:
        return _clean(str(request.META.get("REMOTE_ADDR", "")))
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    return _clean(hops[-proxies]) if len(hops) >= proxies else ""


def _clean(told: str) -> str:
    """The address without the port that some proxies add; "" for what is none."""
    told = told.strip()
    if told.startswith("["):
        told = told[1:].partition("]")[0]
    elif len(told.split(":")) == _PORT_PARTS:
        told = told.partition(":")[0]
    try:
        address = ipaddress.ip_address(told)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)
