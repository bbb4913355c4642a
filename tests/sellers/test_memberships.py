"""Roles on an account: changed, taken away, reviewed; never is it left without a manager."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connections

from audit.models import AuditEvent, AuditKind
from sellers.invitations import find_invitation, invite
from sellers.memberships import (
    REVIEW_EVERY,
    MembershipError,
    change_role,
    next_review,
    note_review,
    remove_member,
    reviews_due,
)
from sellers.models import Membership, PeopleReview, Role, SellerAccount
from tests.factories import MembershipFactory, SellerAccountFactory, UserFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def account() -> SellerAccount:
    found: SellerAccount = SellerAccountFactory(name="Nordwind")
    return found


def member_of(account: SellerAccount, role: Role, name: str, **user: object) -> Membership:
    found: Membership = MembershipFactory(
        account=account, role=role, user=UserFactory(username=name, **user)
    )
    return found


def roles_of(account: SellerAccount) -> dict[str, str]:
    return dict(Membership.objects.filter(account=account).values_list("user__username", "role"))


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.MANAGER])
def test_a_changed_role_is_on_record(account: SellerAccount, role: Role) -> None:
    ann = member_of(account, Role.MANAGER, "ann")
    bob = member_of(account, Role.VIEWER, "bob")
    assert change_role(bob, role, ann.user)
    assert roles_of(account) == {"ann": "manager", "bob": role}
    event = AuditEvent.objects.get()
    assert (event.kind, event.user, event.account_id) == ("role_changed", ann.user, account.pk)
    assert (event.subject, event.detail) == ("bob", {"before": "viewer", "after": role.value})


def test_the_role_that_one_has_is_no_change(account: SellerAccount) -> None:
    ann = member_of(account, Role.MANAGER, "ann")
    assert not change_role(ann, Role.MANAGER, ann.user)
    assert not AuditEvent.objects.exists()


def test_who_is_removed_has_no_role_and_that_is_on_record(account: SellerAccount) -> None:
    ann = member_of(account, Role.MANAGER, "ann")
    bob = member_of(account, Role.OPERATOR, "bob")
    elsewhere = MembershipFactory(user=bob.user, role=Role.MANAGER)
    remove_member(bob, ann.user)
    assert roles_of(account) == {"ann": "manager"}
    assert Membership.objects.filter(pk=elsewhere.pk).exists()
    event = AuditEvent.objects.get()
    assert (event.kind, event.user, event.account_id) == ("role_removed", ann.user, account.pk)
    assert (event.subject, event.detail) == ("bob", {"before": "operator"})


def test_the_only_manager_stays(account: SellerAccount) -> None:
    ann = member_of(account, Role.MANAGER, "ann")
    member_of(account, Role.OPERATOR, "bob")
    # neither a manager elsewhere nor one who cannot log in could manage this account
    member_of(account, Role.MANAGER, "gone", is_active=False)
    MembershipFactory(user=UserFactory(username="eve"), role=Role.MANAGER)
    for leave in (
        lambda: change_role(ann, Role.VIEWER, ann.user),
        lambda: remove_member(ann, ann.user),
    ):
        with pytest.raises(MembershipError, match=r"^ann is the only manager of Nordwind\. Make"):
            leave()
    assert roles_of(account) == {"ann": "manager", "bob": "operator", "gone": "manager"}
    assert not AuditEvent.objects.exists()


def test_one_of_two_managers_may_go(account: SellerAccount) -> None:
    ann, bob = (member_of(account, Role.MANAGER, name) for name in ("ann", "bob"))
    assert change_role(ann, Role.VIEWER, ann.user)
    with pytest.raises(MembershipError):
        remove_member(bob, bob.user)
    remove_member(ann, bob.user)
    assert roles_of(account) == {"bob": "manager"}


def test_who_left_meanwhile_cannot_be_changed(account: SellerAccount) -> None:
    ann = member_of(account, Role.MANAGER, "ann")
    bob = member_of(account, Role.VIEWER, "bob")
    Membership.objects.filter(pk=bob.pk).delete()
    for change in (
        lambda: change_role(bob, Role.OPERATOR, ann.user),
        lambda: remove_member(bob, ann.user),
    ):
        with pytest.raises(MembershipError, match=r"^bob has left the account already\.$"):
            change()
    assert not AuditEvent.objects.exists()


def at_once(*deeds: Callable[[], object]) -> list[BaseException]:
    """All deeds have been done at the same moment, each on a connection of its own; what they raised."""
    raised: list[BaseException] = []
    start = threading.Barrier(len(deeds))

    def run(deed: Callable[[], object]) -> None:
        try:
            start.wait(30)
            deed()
        except BaseException as error:
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


@pytest.mark.django_db(transaction=True)
def test_two_managers_who_remove_each_other_at_once_leave_one(account: SellerAccount) -> None:
    members = [member_of(account, Role.MANAGER, name) for name in ("ann", "bob", "cid", "dan")]
    deeds: list[Callable[[], object]] = [
        lambda member=member: remove_member(member, member.user)  # type: ignore[misc]
        for member in members
    ]
    raised = at_once(*deeds)
    assert [type(error) for error in raised] == [MembershipError]
    assert list(roles_of(account).values()) == ["manager"]
    assert AuditEvent.objects.filter(kind=AuditKind.ROLE_REMOVED).count() == 3


# --- the quarterly review


def managed_since(user: User, at: datetime, role: Role = Role.MANAGER) -> SellerAccount:
    account: SellerAccount = SellerAccountFactory()
    SellerAccount.objects.filter(pk=account.pk).update(created_at=at)
    MembershipFactory(user=user, account=account, role=role)
    account.refresh_from_db()
    return account


def test_a_review_is_due_a_quarter_after_the_last_one_or_the_beginning() -> None:
    user = UserFactory()
    quarter = NOW - REVIEW_EVERY
    old, fresh = managed_since(user, quarter), managed_since(user, quarter + timedelta(seconds=1))
    managed_since(user, quarter, Role.OPERATOR)
    MembershipFactory(account__name="Somebody else's", role=Role.MANAGER)
    assert next_review(old, None) == NOW
    assert list(reviews_due(user, NOW)) == [old]
    review = note_review(old, user, NOW)
    assert next_review(old, review) == NOW + REVIEW_EVERY
    assert not reviews_due(user, NOW).exists()
    assert list(reviews_due(user, NOW + timedelta(seconds=1))) == [fresh]
    later = NOW + REVIEW_EVERY
    assert set(reviews_due(user, later)) == {old, fresh}
    assert set(reviews_due(user, later - timedelta(seconds=1))) == {fresh}


def test_a_review_is_on_record() -> None:
    user = UserFactory()
    account = managed_since(user, NOW - REVIEW_EVERY)
    MembershipFactory(account=account)
    note_review(account, user, NOW)
    review = PeopleReview.objects.get()
    assert (review.account, review.by, review.at) == (account, user, NOW)
    event = AuditEvent.objects.get()
    assert (event.kind, event.user, event.account_id) == ("people_reviewed", user, account.pk)
    assert event.detail == {"members": 2}


@pytest.mark.parametrize("is_removed", [False, True], ids=["demoted", "removed"])
def test_a_link_does_not_work_again_when_who_made_it_comes_back(
    account: SellerAccount, is_removed: bool
) -> None:
    ann = member_of(account, Role.MANAGER, "ann")
    bob = member_of(account, Role.MANAGER, "bob")
    _invitation, token = invite(account, Role.MANAGER, bob.user, NOW)
    kept, still_works = invite(account, Role.VIEWER, ann.user, NOW)
    if is_removed:
        remove_member(bob, ann.user)
        MembershipFactory(account=account, user=bob.user, role=Role.MANAGER)
    else:
        change_role(bob, Role.VIEWER, ann.user)
        change_role(bob, Role.MANAGER, ann.user)
    assert find_invitation(token, NOW) is None
    assert find_invitation(still_works, NOW) == kept
    ended = [event.detail.get("invitations_ended") for event in AuditEvent.objects.order_by("pk")]
    assert [number for number in ended if number] == [1]
