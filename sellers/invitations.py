"""Invitations: a link that makes whoever opens it first a member of one account, in one role.

The link holds 256 random bits; the database holds their hash, so that who reads it invites nobody.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from audit.models import AuditKind
from audit.services import record_event
from sellers.membership_models import INVITATION_LASTS, InvitationQuerySet
from sellers.models import Invitation, Membership, Role, SellerAccount

_TOKEN_BYTES = 32
# A token of 32 bytes in the alphabet of addresses; what is longer is not worth hashing.
_LONGEST_TOKEN = 64


class InvitationError(Exception):
    """The invitation made nobody a member; the message is a sentence for a person."""


def invite(
    account: SellerAccount, role: Role, by: User, at: datetime, note: str = ""
) -> tuple[Invitation, str]:
    """An invitation that works once, until seven days after `at` (UTC), and its token.

    The token is given out here and nowhere else: never log or store it.
    """
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with transaction.atomic():
        invitation = Invitation.objects.create(
            account=account,
            role=role,
            note=note,
            token_hash=_hash(token),
            created_at=at,
            created_by=by,
            expires_at=at + INVITATION_LASTS,
        )
        record_event(
            AuditKind.INVITED,
            user=by,
            account_id=account.pk,
            subject=note or f"invitation {invitation.pk}",
            invitation=invitation.pk,
            role=role.value,
        )
    return invitation, token


def find_invitation(token: str, at: datetime) -> Invitation | None:
    """The invitation of this token; None when there is none or it no longer works at `at` (UTC)."""
    if not token or len(token) > _LONGEST_TOKEN:
        return None
    return _known().open(at).filter(token_hash=_hash(token)).first()


def read_invitation(pk: int, at: datetime) -> Invitation | None:
    """The invitation with this id; None when it no longer works at `at` (UTC)."""
    return _known().open(at).filter(pk=pk).first()


def accept_invitation(invitation: Invitation, user: User, at: datetime) -> Membership:
    """The person is a member in the invitation's role, and the invitation is used up.

    Raises InvitationError when it no longer works at `at` (UTC), or they are a member already:
    then it stays open, and their role is what it was.
    """
    with transaction.atomic():
        return _accept(invitation, user, at, new_person=False)


def accept_as_new_person(invitation: Invitation, user: User, at: datetime) -> Membership:
    """The unsaved person is stored and a member in the invitation's role: both, or neither.

    Raises InvitationError when it no longer works at `at` (UTC), and django.db.IntegrityError when
    the user name was taken meanwhile.
    """
    with transaction.atomic():
        user.save()
        return _accept(invitation, user, at, new_person=True)


def revoke_invitation(invitation: Invitation, by: User, at: datetime) -> bool:
    """The link no longer works; False when it was used or revoked before. `at` is in UTC."""
    with transaction.atomic():
        revoked = Invitation.objects.filter(
            pk=invitation.pk, accepted_at=None, revoked_at=None
        ).update(revoked_at=at, revoked_by=by)
        if revoked:
            record_event(
                AuditKind.UNINVITED,
                user=by,
                account_id=invitation.account_id,
                subject=invitation.note or f"invitation {invitation.pk}",
                invitation=invitation.pk,
                role=invitation.role,
            )
    return bool(revoked)


def _accept(invitation: Invitation, user: User, at: datetime, *, new_person: bool) -> Membership:
    # As in memberships: who changes roles on the account waits for one another.
    account = SellerAccount.objects.select_for_update().get(pk=invitation.account_id)
    known = Membership.objects.filter(account=account, user=user).first()
    if known is not None:
        raise InvitationError(
            f"You are a member of {account.name} already ({known.get_role_display()}). "
            "A manager can change your role."
        )
    # Conditional, so that of two who open the link at once one becomes a member.
    accepted = (
        Invitation.objects.open(at)
        .filter(pk=invitation.pk)
        .update(accepted_at=at, accepted_by=user)
    )
    if not accepted:
        raise InvitationError(
            "This invitation was used or revoked a moment ago. Ask for a new one."
        )
    member = Membership.objects.create(account=account, user=user, role=invitation.role)
    record_event(
        AuditKind.ROLE_GIVEN,
        user=user,
        account_id=account.pk,
        subject=user.get_username(),
        invitation=invitation.pk,
        role=invitation.role,
        new_person=new_person,
    )
    return member


def _known() -> InvitationQuerySet:
    return Invitation.objects.select_related("account", "created_by")


def _hash(token: str) -> str:
    # The token is random in all its 256 bits: nothing slower than this would make guessing harder.
    return hashlib.sha256(token.encode()).hexdigest()
