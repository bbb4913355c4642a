"""The one way in: every view gets its objects here, so that what is not yours does not exist.

Not mine and missing look the same (404). Mine, but with too low a role, is a 403 that says which
role, and stands in the audit trail. Who is not logged in never comes this far
(`LoginRequiredMiddleware`).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, QueryDict
from django.utils.http import url_has_allowed_host_and_scheme

from audit.models import AuditKind
from audit.services import record_event
from messaging.models import Batch, OutgoingAction
from messaging.stopping import may_stop_everything
from orders.models import Order
from orders.numbers import SHAPE, parse_order_number
from sellers.models import Membership, Role, SellerAccount

logger = logging.getLogger(__name__)

_VERBS = {Role.VIEWER: "see", Role.OPERATOR: "send", Role.MANAGER: "manage"}


class RoleTooLowError(PermissionDenied):
    """What was asked for is there, but this person's role does not reach; the message says so."""


@dataclass(frozen=True)
class Reach:
    """The accounts that a person can see, by name, and their role on each."""

    accounts: tuple[SellerAccount, ...]
    roles: Mapping[int, Role]

    def ids(self, at_least: Role = Role.VIEWER) -> list[int]:
        """The ids of the accounts on which they have that role or a higher one."""
        return [pk for pk, role in self.roles.items() if role.includes(at_least)]

    def may(self, account_id: int, at_least: Role) -> bool:
        """Whether they have that role on the account."""
        role = self.roles.get(account_id)
        return role is not None and role.includes(at_least)


def get_user(request: HttpRequest) -> User:
    """The person who is logged in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def get_reach(request: HttpRequest) -> Reach:
    """What this person can see, in one query."""
    memberships = (
        Membership.objects.filter(user=get_user(request))
        .select_related("account")
        .order_by("account__name", "account_id")
    )
    found = [(membership.account, Role(membership.role)) for membership in memberships]
    return Reach(
        accounts=tuple(account for account, _role in found),
        roles={account.pk: role for account, role in found},
    )


def get_account(
    request: HttpRequest, account_id: int, at_least: Role = Role.VIEWER
) -> SellerAccount:
    """The account, if this person has that role on it."""
    _require_possible(account_id)
    membership = (
        Membership.objects.filter(user=get_user(request), account_id=account_id)
        .select_related("account")
        .first()
    )
    if membership is None:
        raise Http404
    _require(request, Role(membership.role), at_least, membership.account_id)
    return membership.account


def get_order(
    request: HttpRequest,
    account_id: int,
    number: str,
    at_least: Role = Role.VIEWER,
    *,
    among: QuerySet[Order] | None = None,
) -> Order:
    """The order with this number, typed with or without spaces, if this person has that role.

    `among` brings annotations and related rows. A number that cannot be one is a 400, unless Amazon
    gave it to an order all the same (those of other channels begin with a letter).
    """
    clean = parse_order_number(number)
    account = get_account(request, account_id, at_least)
    orders = Order.objects.all() if among is None else among
    order = orders.filter(account=account, amazon_order_id=clean or number).first()
    if order is None and clean is None:
        raise BadRequest(SHAPE)
    if order is None:
        raise Http404
    order.account = account
    return order


def get_batch(request: HttpRequest, batch_id: int, at_least: Role = Role.VIEWER) -> Batch:
    """The batch, if it holds an action of an account on which this person has that role.

    A batch may span several accounts: cut what is shown of it, or done to it, with `get_reach`.
    The person who made it can always see it, even when nothing came into it; to do something with
    it takes a role.
    """
    _require_possible(batch_id)
    batch = Batch.objects.select_related("created_by").filter(pk=batch_id).first()
    if batch is None:
        raise Http404
    reach = get_reach(request)
    touched = set(
        OutgoingAction.objects.filter(batch=batch, account_id__in=reach.ids())
        .order_by()
        .values_list("account_id", flat=True)
        .distinct()
    )
    if not touched and (at_least != Role.VIEWER or batch.created_by_id != request.user.pk):
        # Asked for by its number, as in get_action.
        actions = OutgoingAction.objects.filter(batch=batch).order_by("pk")
        account_id = actions.values_list("account_id", flat=True).first()
        _deny(request, subject=request.path, account_id=account_id, rows=1)
        raise Http404
    if touched and not any(reach.may(pk, at_least) for pk in touched):
        account_id = min(touched)
        _require(request, reach.roles[account_id], at_least, account_id)
    return batch


def get_action(
    request: HttpRequest, action_id: int, at_least: Role = Role.VIEWER
) -> OutgoingAction:
    """The outgoing action with its order and account, if this person has that role."""
    _require_possible(action_id)
    action = (
        OutgoingAction.objects.select_related("order", "account", "requested_by")
        .filter(pk=action_id)
        .first()
    )
    if action is None:
        raise Http404
    membership = Membership.objects.filter(
        user=get_user(request), account_id=action.account_id
    ).first()
    if membership is None:
        # Asked for by its number, which only its own people are ever shown.
        _deny(request, subject=request.path, account_id=action.account_id, rows=1)
        raise Http404
    _require(request, Role(membership.role), at_least, action.account_id)
    return action


def get_orders(
    request: HttpRequest,
    ids: Collection[int],
    at_least: Role = Role.VIEWER,
    *,
    reach: Reach | None = None,
) -> list[tuple[int, int]]:
    """The (account id, order id) of every one of these ids; one that is not mine refuses them all.

    A foreign id and a missing one are the same 404; how many were foreign is written down.
    """
    reach = reach or get_reach(request)
    found = list(Order.objects.filter(pk__in=ids).order_by().values_list("account_id", "pk"))
    mine = [pair for pair in found if pair[0] in reach.roles]
    if len(mine) != len(ids):
        if len(found) > len(mine):
            _deny(request, subject=request.path, rows=len(found) - len(mine))
        raise Http404
    for account_id in sorted({account_id for account_id, _pk in mine}):
        _require(request, reach.roles[account_id], at_least, account_id)
    return mine


def require_some_account(request: HttpRequest, reach: Reach, at_least: Role) -> list[int]:
    """The ids of the accounts on which this person has that role; nobody without one comes past."""
    ids = reach.ids(at_least)
    if not ids:
        if not reach.roles:
            raise Http404
        account_id, role = next(iter(reach.roles.items()))
        _require(request, role, at_least, account_id)
    return ids


def require_all_accounts(request: HttpRequest) -> None:
    """Nobody comes past who may not stop and let go everything at once."""
    if may_stop_everything(get_user(request)):
        return
    _deny(request, subject=request.path, rows=0)
    raise RoleTooLowError("Only a superuser or a manager of every account can do that.")


def way_back(request: HttpRequest, default: str) -> str:
    """The page of ours that the form stands on, as its field `next` says, else `default`."""
    target = single_value(request.POST, "next")
    hosts = {request.get_host()}
    if target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=hosts):
        return target
    return default


def log_ignored_fields(request: HttpRequest, declared: Iterable[str]) -> None:
    """Fields of the form that this address does not take are ignored, and that is written down."""
    extra = sorted(set(request.POST) - set(declared) - {"csrfmiddlewaretoken"})
    if extra:
        logger.warning("%s: ignored the fields %s", request.path, ", ".join(extra)[:300])


def single_value(data: QueryDict, name: str) -> str:
    """The value of a field that must not come twice ("" without one); twice is a 400."""
    values = data.getlist(name)
    if len(values) > 1:
        raise BadRequest(f"“{name}” was given {len(values)} times. Give it once.")
    return str(values[0]) if values else ""


def _require_possible(pk: int) -> None:
    """An id that no row can have is missing; the database would stumble over it."""
    if pk >= 2**63:
        raise Http404


def _require(request: HttpRequest, role: Role, at_least: Role, account_id: int) -> None:
    if role.includes(at_least):
        return
    _deny(request, subject=request.path, account_id=account_id, role=role.value, rows=1)
    raise RoleTooLowError(f"Your role ({role.label}) cannot {_VERBS[at_least]}.")


def _deny(
    request: HttpRequest,
    *,
    subject: str,
    rows: int,
    account_id: int | None = None,
    role: str = "",
) -> None:
    """The refusal is in the audit trail. Runs outside any transaction, so that it stays there."""
    record_event(
        AuditKind.DENIED,
        user=request.user,
        account_id=account_id,
        subject=subject,
        method=request.method,
        rows=rows,
        role=role,
    )
