"""Why nothing leaves for an account, who stopped it, and how a person lets it go again.

For the banner of every page, which is one however many causes there are, and the page of accounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse

from messaging.models import KillSwitch, OutgoingAction
from messaging.states import Status
from messaging.stopping import accounts_of_others
from orders.states import Tone
from sellers.models import Connection, Membership, Role, SellerAccount
from solicit_dashboard.keyset import capped

# What each account holds is counted to this and no further: the banner stands on every page.
MOST_COUNTED = 1_000
# More causes than this are folded away.
SHOWN_CAUSES = 3
SHOWN_NAMES = 3


class CountOf(Subquery):
    """How many rows a query of the outer row has, to its limit. Django counts none with a limit."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


@dataclass(frozen=True)
class Cause:
    """One reason why something does not leave; `at` (UTC) is when it began, if that is known.

    `subject` is what it stops. `address` takes the form that ends it and `button` says so; both are
    empty for those who may not. `is_partial`: other kinds leave; `is_wider`: it stops other accounts too.
    """

    subject: str
    words: str
    tone: Tone
    at: datetime | None = None
    reason: str = ""
    button: str = ""
    address: str = ""
    is_partial: bool = False
    is_wider: bool = False


@dataclass(frozen=True)
class Standing:
    """How sending stands for one account, for one person; `held` is counted to MOST_COUNTED + 1."""

    account: SellerAccount
    role: Role
    held: int
    causes: tuple[Cause, ...]

    @property
    def held_words(self) -> str:
        """How many are on hold, as people read it."""
        return capped(self.held, MOST_COUNTED)

    @property
    def may_manage(self) -> bool:
        """Whether this person may pause and resume it."""
        return self.role.includes(Role.MANAGER)

    @property
    def ends(self) -> list[Cause]:
        """The causes that concern this account alone and that this person can end."""
        return [cause for cause in self.causes if cause.address and not cause.is_wider]

    @property
    def is_of_note(self) -> bool:
        """Whether people should hear of it. Who disconnects an account knows; what it holds counts."""
        was_disconnected = self.account.connection == Connection.DISCONNECTED
        return bool(self.causes) and (self.held > 0 or not was_disconnected)


@dataclass(frozen=True)
class Banner:
    """What every page says while something is stopped."""

    title: str
    tone: Tone
    held: str
    shown: Sequence[Cause]
    folded: Sequence[Cause]


def held_banner(user: User) -> Banner | None:
    """What this person is to be told on every page; nothing when all their accounts may send.

    One query while nothing is stopped, which is how it nearly always is; else one or two more.
    """
    if not _stopped(Membership.objects.filter(user=user)).exists():
        return None
    stopped = [one for one in standings(user, only_stopped=True) if one.is_of_note]
    if not stopped:
        return None
    # a switch that stops several accounts is said once
    causes = list(dict.fromkeys(cause for one in stopped for cause in one.causes))
    causes.sort(key=lambda cause: cause.tone != Tone.BAD)
    is_partial = all(cause.is_partial for cause in causes)
    return Banner(
        title=f"Sending is {'partly ' if is_partial else ''}stopped for {_names(stopped)}.",
        tone=causes[0].tone,
        held=_total(stopped),
        shown=causes[:SHOWN_CAUSES],
        folded=causes[SHOWN_CAUSES:],
    )


def standings(user: User, *, only_stopped: bool = False) -> list[Standing]:
    """How sending stands for each account that this person can see, by name, in two queries at most."""
    memberships = _memberships(user)
    if only_stopped:
        memberships = _stopped(memberships)
    found: list[Any] = list(memberships)
    switches = list(_switches(user, found)) if any(row.is_switched for row in found) else []
    return [_standing(row, switches, user) for row in found]


def _memberships(user: User) -> QuerySet[Any]:
    """This person's roles, with their accounts, whether a switch stands and how many are held."""
    held = OutgoingAction.objects.filter(account_id=OuterRef("account_id"), status=Status.HELD)
    return (
        Membership.objects.filter(user=user)
        .annotate(
            is_switched=Exists(_covering()),
            held=CountOf(held.order_by().values("pk")[: MOST_COUNTED + 1]),
            paused_by_name=F("account__paused_by__username"),
        )
        .select_related("account")
        .order_by("account__name", "account_id")
    )


def _stopped(memberships: QuerySet[Membership]) -> QuerySet[Membership]:
    """Those on whose accounts something cannot leave now."""
    may_send = Q(account__connection=Connection.CONNECTED, account__paused_at=None)
    return memberships.filter(~may_send | Exists(_covering()))


def _covering() -> QuerySet[KillSwitch]:
    """The standing switches that stop something of a membership's account."""
    return KillSwitch.objects.standing().filter(
        Q(account=None) | Q(account_id=OuterRef("account_id"))
    )


def _switches(user: User, memberships: Iterable[Any]) -> QuerySet[Any]:
    """The standing switches that stop any of these, with who set them."""
    return (
        KillSwitch.objects.standing()
        .filter(Q(account=None) | Q(account_id__in=[row.account_id for row in memberships]))
        .select_related("account", "set_by")
        .annotate(has_others=Exists(accounts_of_others(user)))
        .order_by("account_id", "kind")
    )


def _standing(row: Any, switches: Iterable[Any], user: User) -> Standing:
    account: SellerAccount = row.account
    role = Role(row.role)
    may_manage = role.includes(Role.MANAGER)
    causes = list(_own_causes(account, row.paused_by_name, may_manage=may_manage))
    for switch in switches:
        if switch.account_id is None:
            causes.append(_switch_cause(switch, user.is_superuser or not switch.has_others))
        elif switch.account_id == account.pk:
            causes.append(_switch_cause(switch, may_manage))
    return Standing(account, role, row.held, tuple(causes))


def _own_causes(
    account: SellerAccount, paused_by: str | None, *, may_manage: bool
) -> Iterable[Cause]:
    """What of the account itself keeps it from sending."""
    if account.connection != Connection.CONNECTED:
        may_try = may_manage and account.connection != Connection.DISCONNECTED
        yield Cause(
            account.name,
            account.why_held(),
            Tone.BAD,
            reason=account.trouble,
            button="Try again" if may_try else "",
            address=reverse("sellers:try_again", args=[account.pk]) if may_try else "",
        )
    if account.paused_at is not None:
        yield Cause(
            account.name,
            f"paused by {paused_by or 'somebody'}",
            Tone.WARN,
            at=account.paused_at,
            reason=account.pause_reason,
            button="Resume" if may_manage else "",
            address=reverse("sellers:resume", args=[account.pk]) if may_manage else "",
        )


def _switch_cause(switch: KillSwitch, may_lift: bool) -> Cause:
    who = switch.set_by.get_username() if switch.set_by else "somebody"
    return Cause(
        switch.scope[:1].upper() + switch.scope[1:],
        f"stopped by {who}",
        Tone.WARN,
        at=switch.set_at,
        reason=switch.reason,
        button="Lift the stop" if may_lift else "",
        address=reverse("messaging:lift", args=[switch.pk]) if may_lift else "",
        is_partial=bool(switch.kind),
        is_wider=switch.account_id is None,
    )


def _total(stopped: Sequence[Standing]) -> str:
    """How many all of them hold, "" for none: exact, or at least so many."""
    total = sum(min(one.held, MOST_COUNTED) for one in stopped)
    if not total:
        return ""
    return f"{total:,}+" if any(one.held > MOST_COUNTED for one in stopped) else f"{total:,}"


def _names(stopped: Sequence[Standing]) -> str:
    names = [one.account.name for one in stopped]
    if len(names) > SHOWN_NAMES:
        return f"{len(names)} accounts"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
