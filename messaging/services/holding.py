"""How long a request can be undone, and what waits because its account may not send."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from messaging.models import KillSwitch, OutgoingAction
from messaging.states import Status
from sellers.models import SellerAccount

# How long before the end of a click's hold its look begins: less than a look is good for.
LOOK_LEAD = timedelta(seconds=30)


def hold() -> timedelta:
    """How long a request can be undone before it leaves."""
    return timedelta(seconds=settings.SEND_HOLD_SECONDS)


def apply_holds(*, at: datetime, account_ids: Iterable[int] | None = None) -> None:
    """What waits for an account that may not send is on hold; what may leave again waits.

    Idempotent. Without `account_ids` it looks at all accounts.
    """
    if account_ids is None:
        actions = OutgoingAction.objects.of_every_account()
    else:
        actions = OutgoingAction.objects.filter(account_id__in=list(account_ids))
    may_send = Q(Exists(SellerAccount.objects.sending().filter(pk=OuterRef("account_id")))) & ~Q(
        Exists(KillSwitch.objects.standing().covering(OuterRef("account_id"), OuterRef("kind")))
    )
    actions.filter(may_send, status=Status.HELD).transition(
        Status.HELD, Status.QUEUED, at=at, reason="May be sent again"
    )
    actions.filter(~may_send, status=Status.QUEUED).transition(
        Status.QUEUED, Status.HELD, at=at, reason="Sending is stopped for this account"
    )
