"""What is done with people's roles on an account: change, take away, look through every quarter."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from audit.models import AuditKind
from audit.services import record_event
from sellers.models import Invitation, Membership, PeopleReview, Role, SellerAccount

# Amazon's Data Protection Policy wants access reviewed quarterly (we know copies of it alone).
REVIEW_EVERY = timedelta(days=90)


class MembershipError(Exception):
    """Roles stay as they are; the message is a sentence for a person."""


def change_role(member: Membership, role: Role, by: User) -> bool:
    """The member has that role from their next click on; False when they had it already.

    Raises MembershipError when the account would be left without a manager, or the member has
    left it meanwhile.
    """
    with transaction.atomic():
        current = _lock(member)
        before = Role(current.role)
        if before == role:
            return False
        if before == Role.MANAGER:
            _require_another_manager(current)
        current.role = role
        current.save(update_fields=["role"])
        ended = _end_invitations(current, by) if before == Role.MANAGER else {}
        record_event(
            AuditKind.ROLE_CHANGED,
            user=by,
            account_id=current.account_id,
            subject=current.user.get_username(),
            before=before.value,
            after=role.value,
            **ended,
        )
    return True


def remove_member(member: Membership, by: User) -> None:
    """The person has no role on the account from their next click on.

    Links by which they invited others work no longer, also when they come back. Raises
    MembershipError when the account would be left without a manager, or they have left it
    meanwhile.
    """
    with transaction.atomic():
        current = _lock(member)
        if current.role == Role.MANAGER:
            _require_another_manager(current)
        record_event(
            AuditKind.ROLE_REMOVED,
            user=by,
            account_id=current.account_id,
            subject=current.user.get_username(),
            before=current.role,
            **_end_invitations(current, by),
        )
        current.delete()


def require_other_manager(member: Membership) -> None:
    """Somebody else manages the account, or this member does not.

    Raises MembershipError. In a transaction it stays so until that ends.
    """
    current = _lock(member)
    if current.role == Role.MANAGER:
        _require_another_manager(current)


def note_review(account: SellerAccount, by: User, at: datetime) -> PeopleReview:
    """It stands on the record that somebody looked through the account's roles at that moment (UTC)."""
    with transaction.atomic():
        review = PeopleReview.objects.create(account=account, by=by, at=at)
        members = Membership.objects.filter(account=account).count()
        record_event(
            AuditKind.PEOPLE_REVIEWED,
            user=by,
            account_id=account.pk,
            subject=account.name,
            members=members,
        )
    return review


def next_review(account: SellerAccount, last: PeopleReview | None) -> datetime:
    """When the account's roles are to be looked through again (UTC)."""
    return (last.at if last else account.created_at) + REVIEW_EVERY


def reviews_due(user: User, at: datetime) -> QuerySet[SellerAccount]:
    """The accounts that this person manages and whose roles are to be looked through by now."""
    begin = at - REVIEW_EVERY
    recent = PeopleReview.objects.filter(account_id=OuterRef("pk"), at__gt=begin)
    return SellerAccount.objects.for_user(user, Role.MANAGER).filter(
        ~Exists(recent), created_at__lte=begin
    )


def _lock(member: Membership) -> Membership:
    """The member as the database has it now; nobody else changes roles on the account meanwhile."""
    # The account's row is the lock: two managers who demote each other wait for one another.
    SellerAccount.objects.select_for_update().get(pk=member.account_id)
    current = Membership.objects.select_related("user", "account").filter(pk=member.pk).first()
    if current is None:
        raise MembershipError(f"{member.user.get_username()} has left the account already.")
    return current


def _end_invitations(member: Membership, by: User) -> dict[str, int]:
    """What this person's open links would still do is over for good; their number for the record."""
    ended = Invitation.objects.filter(
        account_id=member.account_id,
        created_by_id=member.user_id,
        accepted_at=None,
        revoked_at=None,
    ).update(revoked_at=Now(), revoked_by=by)
    return {"invitations_ended": ended} if ended else {}


def is_only_manager(member: Membership) -> bool:
    """Whether without this member nobody manages the account."""
    managers = Membership.objects.filter(account_id=member.account_id, role=Role.MANAGER)
    others = managers.filter(user__is_active=True).exclude(pk=member.pk)
    return managers.filter(pk=member.pk).exists() and not others.exists()


def _require_another_manager(member: Membership) -> None:
    if is_only_manager(member):
        raise MembershipError(
            f"{member.user.get_username()} is the only manager of {member.account.name}. "
            "Make somebody else manager first."
        )
