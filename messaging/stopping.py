"""Stopping and resuming: the kill switch, and the pause of an account.

What stops is committed first and alone, so that no claim waits for the bookkeeping: a claim looks at
the switches and the account in its own transaction. That what waits is put on hold comes after it,
and the sweeper does it again should this process die in between.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, transaction

from audit.models import AuditKind
from audit.services import record_event
from messaging.hints import wake_lanes_on_commit
from messaging.models import KillSwitch
from messaging.services import apply_holds
from sellers.models import Role, SellerAccount, SellerAccountQuerySet
from sellers.services import disconnect_account, pause_account, resume_account, try_again
from solicit_dashboard.conflicts import repeats_on_conflict

logger = logging.getLogger(__name__)


def set_switch(
    *, account: SellerAccount | None, kind: str, user: User, at: datetime, reason: str
) -> tuple[KillSwitch, bool]:
    """From now on (UTC) nothing of this account (None: of any) and kind ("": any) is claimed.

    Returns the switch, and False when one that stops exactly this stood already.
    """
    scope = KillSwitch.objects.standing().filter(account=account, kind=kind)
    try:
        with transaction.atomic():
            switch = KillSwitch.objects.create(
                account=account, kind=kind, reason=reason, set_at=at, set_by=user
            )
            record_event(
                AuditKind.STOPPED,
                user=user,
                account_id=account.pk if account else None,
                subject=switch.scope,
                switch=switch.pk,
                reason=reason,
            )
    except IntegrityError:
        standing = scope.first()
        if standing is None:
            raise
        return standing, False
    _hold(account, at)
    return switch, True


def lift_switch(switch: KillSwitch, *, user: User, at: datetime) -> bool:
    """The switch stops nothing any more, and what it alone held waits again; False if it was lifted."""
    with transaction.atomic():
        lifted = (
            KillSwitch.objects.standing().filter(pk=switch.pk).update(lifted_at=at, lifted_by=user)
        )
        if lifted:
            record_event(
                AuditKind.LIFTED,
                user=user,
                account_id=switch.account_id,
                subject=switch.scope,
                switch=switch.pk,
            )
    switch.refresh_from_db()
    if lifted:
        _resume(switch.account, at)
    return bool(lifted)


def pause_sending(account: SellerAccount, *, user: User, at: datetime, reason: str = "") -> bool:
    """Nothing of the account is claimed from now on (UTC), what waits is on hold; False if it was."""
    if not pause_account(account, user, at, reason):
        return False
    _hold(account, at)
    return True


def disconnect_sending(
    account: SellerAccount, *, user: User, at: datetime, reason: str = ""
) -> bool:
    """The account's token is destroyed and what waits is on hold (`at`, UTC); False if it was."""
    if not disconnect_account(account, user, reason):
        return False
    _hold(account, at)
    return True


def resume_sending(account: SellerAccount, *, user: User, at: datetime) -> bool:
    """The account's pause is over and what it alone held waits again; False if it was not paused."""
    if not resume_account(account, user, at):
        return False
    _resume(account, at)
    return True


def try_sending_again(account: SellerAccount, *, user: User, at: datetime) -> bool:
    """What was held because Amazon shut the account out is tried again; False if it was not so."""
    if not try_again(account, user):
        return False
    _resume(account, at)
    return True


def may_stop_everything(user: User) -> bool:
    """Whether this person may set and lift what stops every account.

    A superuser may, and whoever is manager of every account that there is.
    """
    if user.is_superuser:
        return True
    return SellerAccount.objects.exists() and not accounts_of_others(user).exists()


def accounts_of_others(user: User) -> SellerAccountQuerySet:
    """The accounts of which this person is not a manager."""
    managed = SellerAccount.objects.for_user(user, Role.MANAGER)
    return SellerAccount.objects.exclude(pk__in=managed.values("pk"))


def _hold(account: SellerAccount | None, at: datetime) -> None:
    """What waits is on hold, or will be by the sweeper: who stopped it need not know, it is stopped."""
    try:
        apply_holds(at=at, account_ids=_ids(account))
    except OperationalError as error:
        logger.warning("What waits will be put on hold by the sweeper: %s", error)


def _resume(account: SellerAccount | None, at: datetime) -> None:
    """What may leave again waits for its turn, or will by the sweeper."""
    try:
        _let_go(account, at)
    except OperationalError as error:
        logger.warning("What was on hold will be let go by the sweeper: %s", error)


@repeats_on_conflict
def _let_go(account: SellerAccount | None, at: datetime) -> None:
    with transaction.atomic():
        apply_holds(at=at, account_ids=_ids(account))
        sending = SellerAccount.objects.sending()
        if account is not None:
            sending = sending.filter(pk=account.pk)
        wake_lanes_on_commit(sending.values_list("pk", flat=True))


def _ids(account: SellerAccount | None) -> list[int] | None:
    return [account.pk] if account else None
