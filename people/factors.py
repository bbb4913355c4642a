"""Who must have a second factor, and whether this session has shown one."""

from __future__ import annotations

from ipaddress import ip_address

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.http import HttpRequest

from sellers.models import Membership, Role

SHOWN = "people_factor"  # in the session: the id of who gave or set up a second factor in it
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def must_have_factor(user: User) -> bool:
    """Managers of any account, superusers and whoever may open the admin."""
    return (
        user.is_superuser
        or user.is_staff
        or Membership.objects.filter(user=user, role=Role.MANAGER).exists()
    )


def has_factor(user: User) -> bool:
    """Whether this person has an app or a passkey."""
    return Authenticator.objects.filter(user=user, type__in=_FACTORS).exists()


def has_shown_factor(request: HttpRequest) -> bool:
    """Whether who is logged in gave or set up a second factor in this session."""
    return request.user.is_authenticated and request.session.get(SHOWN) == request.user.pk


def mark_factor(request: HttpRequest, user: User) -> None:
    """This person gave or set up a second factor in this session."""
    request.session[SHOWN] = user.pk


def forget_factor(request: HttpRequest, user: User) -> None:
    """The session counts as one without a second factor, if this person has none any more."""
    if not has_factor(user):
        request.session.pop(SHOWN, None)


def is_address(host: str) -> bool:
    """Whether the Host header holds an IP address, for which browsers make no passkeys."""
    bare = host.rpartition("]")[0].lstrip("[") or host.partition(":")[0]
    try:
        ip_address(bare)
    except ValueError:
        return False
    return True
