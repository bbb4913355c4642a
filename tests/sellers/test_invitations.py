"""Invitations: one use, seven days, one account and role, and nothing in the database that opens them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core import serializers
from django.db import IntegrityError, transaction

from audit.models import AuditEvent, AuditKind
from sellers.invitations import (
    InvitationError,
    accept_as_new_person,
    accept_invitation,
    find_invitation,
    invite,
    read_invitation,
    revoke_invitation,
)
from sellers.models import Invitation, Membership, Role, SellerAccount
from tests.factories import MembershipFactory, SellerAccountFactory, UserFactory
from tests.sellers.test_memberships import at_once

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
SECOND = timedelta(seconds=1)


@pytest.fixture
def manager() -> Membership:
    found: Membership = MembershipFactory(
        account__name="Nordwind", user__username="ann", role=Role.MANAGER
    )
    return found


def invited(manager: Membership, role: Role = Role.OPERATOR) -> tuple[Invitation, str]:
    return invite(manager.account, role, manager.user, NOW, "Bob of the shop")


def test_the_token_is_random_and_its_hash_alone_is_kept(manager: Membership) -> None:
    tokens = {invited(manager)[1] for _ in range(20)}
    assert len(tokens) == 20
    assert {len(token) for token in tokens} == {43}  # 256 bits, six a character
    stored = serializers.serialize("json", [*Invitation.objects.all(), *AuditEvent.objects.all()])
    assert all(token not in stored for token in tokens)
    assert {len(entry) for entry in Invitation.objects.values_list("token_hash", flat=True)} == {64}


def test_an_invitation_is_on_record(manager: Membership) -> None:
    invitation, _token = invited(manager)
    event = AuditEvent.objects.get()
    assert (event.kind, event.user) == ("invited", manager.user)
    assert (event.account_id, event.subject) == (manager.account_id, "Bob of the shop")
    assert event.detail == {"invitation": invitation.pk, "role": "operator"}


@pytest.mark.parametrize("role", list(Role))
def test_who_was_invited_becomes_a_member_once(manager: Membership, role: Role) -> None:
    invitation, token = invited(manager, role)
    found = find_invitation(token, NOW)
    assert found == invitation == read_invitation(invitation.pk, NOW)
    assert found is not None
    bob, eve = UserFactory(username="bob"), UserFactory(username="eve")
    member = accept_invitation(found, bob, NOW)
    assert (member.account, member.user, member.role) == (manager.account, bob, role)
    assert find_invitation(token, NOW) is None
    assert read_invitation(invitation.pk, NOW) is None
    with pytest.raises(InvitationError, match=r"^This invitation was used or revoked a moment ago"):
        accept_invitation(found, eve, NOW)
    assert not Membership.objects.filter(user=eve).exists()
    invitation.refresh_from_db()
    assert (invitation.accepted_by, invitation.accepted_at) == (bob, NOW)
    event = AuditEvent.objects.get(kind=AuditKind.ROLE_GIVEN)
    assert (event.user, event.account_id, event.subject) == (bob, manager.account_id, "bob")
    assert event.detail == {"invitation": invitation.pk, "role": role.value, "new_person": False}


def test_it_works_for_seven_days(manager: Membership) -> None:
    invitation, token = invited(manager)
    assert find_invitation(token, NOW + WEEK - SECOND) == invitation
    assert find_invitation(token, NOW + WEEK) is None
    assert read_invitation(invitation.pk, NOW + WEEK) is None
    with pytest.raises(InvitationError):
        accept_invitation(invitation, UserFactory(), NOW + WEEK)


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 65, "x" * 100_000, "é\x00"])
def test_another_token_opens_nothing(manager: Membership, token: str) -> None:
    invited(manager)
    assert find_invitation(token, NOW) is None


def test_the_hash_is_no_token(manager: Membership) -> None:
    invitation, _token = invited(manager)
    assert find_invitation(invitation.token_hash, NOW) is None


def test_a_revoked_one_works_no_longer(manager: Membership) -> None:
    invitation, token = invited(manager)
    assert revoke_invitation(invitation, manager.user, NOW)
    assert not revoke_invitation(invitation, manager.user, NOW + SECOND)
    assert find_invitation(token, NOW) is None
    with pytest.raises(InvitationError):
        accept_invitation(invitation, UserFactory(), NOW)
    invitation.refresh_from_db()
    assert (invitation.revoked_by, invitation.revoked_at) == (manager.user, NOW)
    event = AuditEvent.objects.get(kind=AuditKind.UNINVITED)
    assert (event.user, event.account_id) == (manager.user, manager.account_id)
    assert event.detail == {"invitation": invitation.pk, "role": "operator"}


def test_a_used_one_cannot_be_revoked(manager: Membership) -> None:
    invitation, _token = invited(manager)
    accept_invitation(invitation, UserFactory(), NOW)
    assert not revoke_invitation(invitation, manager.user, NOW)
    assert not AuditEvent.objects.filter(kind=AuditKind.UNINVITED).exists()


def _demote(manager: Membership) -> None:
    Membership.objects.filter(pk=manager.pk).update(role=Role.OPERATOR)


def _remove(manager: Membership) -> None:
    Membership.objects.filter(pk=manager.pk).delete()
    # a manager elsewhere is nobody here
    MembershipFactory(user=manager.user, role=Role.MANAGER)


def _deactivate(manager: Membership) -> None:
    User.objects.filter(pk=manager.user_id).update(is_active=False)


@pytest.mark.parametrize("leave", [_demote, _remove, _deactivate])
def test_it_ends_with_who_made_it(manager: Membership, leave: Callable[[Membership], None]) -> None:
    invitation, token = invited(manager, Role.MANAGER)
    leave(manager)
    assert find_invitation(token, NOW) is None
    with pytest.raises(InvitationError):
        accept_invitation(invitation, UserFactory(), NOW)


@pytest.mark.parametrize("role", list(Role))
def test_a_member_keeps_the_role_that_they_have(manager: Membership, role: Role) -> None:
    invitation, token = invited(manager, Role.MANAGER)
    member = MembershipFactory(account=manager.account, role=role)
    words = rf"^You are a member of Nordwind already \({role.label}\)\."
    with pytest.raises(InvitationError, match=words):
        accept_invitation(invitation, member.user, NOW)
    member.refresh_from_db()
    assert member.role == role
    assert find_invitation(token, NOW) == invitation


def test_a_new_person_is_made_with_the_role_or_not_at_all(manager: Membership) -> None:
    invitation, _token = invited(manager)
    member = accept_as_new_person(invitation, User(username="bob"), NOW)
    assert (member.user.username, member.role) == ("bob", Role.OPERATOR)
    assert AuditEvent.objects.get(kind=AuditKind.ROLE_GIVEN).detail["new_person"] is True
    with pytest.raises(InvitationError):
        accept_as_new_person(invitation, User(username="eve"), NOW)
    assert not User.objects.filter(username="eve").exists()


def test_a_name_that_was_taken_meanwhile_uses_nothing_up(manager: Membership) -> None:
    invitation, token = invited(manager)
    with pytest.raises(IntegrityError):
        accept_as_new_person(invitation, User(username="ann"), NOW)
    assert find_invitation(token, NOW) == invitation


@pytest.mark.django_db(transaction=True)
def test_of_many_who_open_it_at_once_one_becomes_a_member() -> None:
    manager = MembershipFactory(role=Role.MANAGER)
    invitation, _token = invited(manager)
    people = UserFactory.create_batch(4)
    deeds: list[Callable[[], object]] = [
        lambda person=person: accept_invitation(invitation, person, NOW)  # type: ignore[misc]
        for person in people
    ]
    raised = at_once(*deeds)
    assert [type(error) for error in raised] == [InvitationError] * 3
    invitation.refresh_from_db()
    assert Membership.objects.exclude(pk=manager.pk).get().user == invitation.accepted_by
    assert AuditEvent.objects.filter(kind=AuditKind.ROLE_GIVEN).count() == 1


def test_the_database_knows_no_invitation_that_was_used_and_revoked() -> None:
    account: SellerAccount = SellerAccountFactory()
    user = UserFactory()
    fields = {
        "account": account,
        "role": Role.VIEWER,
        "created_at": NOW,
        "created_by": user,
        "expires_at": NOW + WEEK,
    }
    for number, wrong in enumerate(
        (
            {"accepted_at": NOW, "accepted_by": user, "revoked_at": NOW},
            {"accepted_at": NOW},
            {"accepted_by": user},
        )
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Invitation.objects.create(token_hash=str(number), **fields, **wrong)


def test_what_is_recorded_of_invitations_can_be_written_out(manager: Membership) -> None:
    invited(manager)
    assert json.dumps(AuditEvent.objects.get().detail)
