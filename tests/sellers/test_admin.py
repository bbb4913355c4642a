"""Accounts in the admin: no secret is shown; roles are given by superusers."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from sellers.consent_models import ConsentState
from sellers.invitations import invite
from sellers.memberships import note_review
from sellers.models import Membership, Role
from tests.factories import (
    ApplicationFactory,
    MembershipFactory,
    SellerAccountFactory,
    UserFactory,
)
from tests.people.confirming import confirm

pytestmark = pytest.mark.django_db


@pytest.fixture
def superuser() -> Client:
    client, user = Client(), UserFactory(username="root", is_staff=True, is_superuser=True)
    client.force_login(user)
    confirm(client, user)
    return client


def test_no_secret_is_shown_encrypted_or_not(superuser: Client) -> None:
    account = SellerAccountFactory(name="Nordwind")
    application = account.application
    secrets = (
        account.refresh_token,
        application.client_secret,
        bytes(account.refresh_token_encrypted).decode("latin-1"),
        bytes(application.client_secret_encrypted).decode("latin-1"),
    )
    for name, pk in (("selleraccount", account.pk), ("application", application.pk)):
        for address in (
            reverse(f"admin:sellers_{name}_changelist"),
            reverse(f"admin:sellers_{name}_change", args=[pk]),
        ):
            page = superuser.get(address).content.decode()
            assert "encrypted" not in page
            assert not [secret for secret in secrets if secret in page]
    page = superuser.get(reverse("admin:sellers_selleraccount_change", args=[account.pk]))
    assert account.selling_partner_id in page.content.decode()


def test_a_superuser_gives_changes_and_takes_roles(superuser: Client) -> None:
    account, person = SellerAccountFactory(), UserFactory()
    MembershipFactory(account=account, role=Role.MANAGER)
    fields = {"user": person.pk, "account": account.pk, "role": Role.VIEWER.value}
    added = superuser.post(reverse("admin:sellers_membership_add"), fields)
    assert added.status_code == 302
    member = Membership.objects.get(user=person)
    change = reverse("admin:sellers_membership_change", args=[member.pk])
    superuser.post(change, fields | {"role": Role.MANAGER.value})
    member.refresh_from_db()
    assert member.role == Role.MANAGER
    superuser.post(change, fields | {"role": Role.MANAGER.value})  # nothing new
    superuser.post(reverse("admin:sellers_membership_delete", args=[member.pk]), {"post": "yes"})
    assert not Membership.objects.filter(user=person).exists()
    events = AuditEvent.objects.filter(account_id=account.pk, user__username="root").order_by("pk")
    assert {event.subject for event in events} == {person.username}
    assert [(event.kind, event.detail) for event in events] == [
        ("role_given", {"role": "viewer"}),
        ("role_changed", {"before": "viewer", "after": "manager"}),
        ("role_removed", {"before": "manager"}),
    ]


def test_the_last_manager_is_neither_demoted_nor_removed(superuser: Client) -> None:
    member = MembershipFactory(role=Role.MANAGER)
    MembershipFactory(account=member.account, role=Role.OPERATOR)
    MembershipFactory(account=member.account, role=Role.MANAGER, user=UserFactory(is_active=False))
    change = reverse("admin:sellers_membership_change", args=[member.pk])
    fields = {"user": member.user_id, "account": member.account_id, "role": Role.VIEWER.value}
    answer = superuser.post(change, fields)
    assert "Make somebody else manager first" in answer.content.decode()
    assert "deletelink" not in superuser.get(change).content.decode()
    delete = reverse("admin:sellers_membership_delete", args=[member.pk])
    assert superuser.post(delete, {"post": "yes"}).status_code == 403
    member.refresh_from_db()
    assert member.role == Role.MANAGER
    MembershipFactory(account=member.account, role=Role.MANAGER)
    assert superuser.post(change, fields).status_code == 302
    member.refresh_from_db()
    assert member.role == Role.VIEWER


def test_who_loses_a_manager_s_role_in_the_admin_has_no_open_links(superuser: Client) -> None:
    member = MembershipFactory(role=Role.MANAGER)
    MembershipFactory(account=member.account, role=Role.MANAGER)
    invitation, _token = invite(member.account, Role.VIEWER, member.user, timezone.now())
    delete = reverse("admin:sellers_membership_delete", args=[member.pk])
    assert superuser.post(delete, {"post": "yes"}).status_code == 302
    invitation.refresh_from_db()
    assert invitation.revoked_at is not None


def test_a_journey_to_amazon_is_shown_without_what_ties_it_to_its_browser(
    superuser: Client,
) -> None:
    journey = ConsentState.objects.create(
        state_digest="d" * 64,
        session_digest="e" * 64,
        user=UserFactory(username="traveller"),
        application=ApplicationFactory(),
        region="eu",
        name="Nordwind",
        redirect_uri="https://example.com/accounts/callback/",
        started_at=timezone.now(),
    )
    for address in (
        reverse("admin:sellers_consentstate_changelist"),
        reverse("admin:sellers_consentstate_change", args=[journey.pk]),
    ):
        page = superuser.get(address).content.decode()
        assert "traveller" in page
        assert not [digest for digest in ("d" * 64, "e" * 64) if digest in page]


def test_a_role_is_not_moved_to_another_person_or_account(superuser: Client) -> None:
    member = MembershipFactory(role=Role.VIEWER)
    wanted = {
        "user": UserFactory().pk,
        "account": SellerAccountFactory().pk,
        "role": Role.OPERATOR.value,
    }
    superuser.post(reverse("admin:sellers_membership_change", args=[member.pk]), wanted)
    found = Membership.objects.get()
    assert (found.user, found.account, found.role) == (
        member.user,
        member.account,
        Role.OPERATOR,
    )


def test_roles_are_not_deleted_in_bulk(superuser: Client) -> None:
    member = MembershipFactory()
    bulk = {"action": "delete_selected", "_selected_action": [member.pk], "post": "yes"}
    superuser.post(reverse("admin:sellers_membership_changelist"), bulk)
    assert Membership.objects.get() == member


def test_a_superuser_says_who_it_is_before_roles_are_touched(superuser: Client) -> None:
    member = MembershipFactory(role=Role.VIEWER)
    confirm(superuser, User.objects.get(username="root"), seconds_ago=15 * 60)
    for address in (
        reverse("admin:sellers_membership_add"),
        reverse("admin:sellers_membership_change", args=[member.pk]),
        reverse("admin:sellers_membership_delete", args=[member.pk]),
    ):
        for response in (superuser.get(address), superuser.post(address, {"post": "yes"})):
            assert response.status_code == 303
            assert response.headers["Location"].startswith("/me/confirm/?next=")
    assert Membership.objects.get() == member


def test_staff_with_every_permission_gives_no_role() -> None:
    member = MembershipFactory(role=Role.VIEWER)
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(user)
    confirm(client, user)
    fields = {"user": user.pk, "account": member.account_id, "role": Role.MANAGER.value}
    for address in (
        reverse("admin:sellers_membership_add"),
        reverse("admin:sellers_membership_change", args=[member.pk]),
        reverse("admin:sellers_membership_delete", args=[member.pk]),
    ):
        assert client.post(address, fields).status_code == 403
    assert Membership.objects.get() == member


def test_an_invitation_shows_nothing_that_opens_it(superuser: Client) -> None:
    manager = MembershipFactory(role=Role.MANAGER)
    invitation, token = invite(
        manager.account, Role.VIEWER, manager.user, timezone.now(), "Somebody new"
    )
    note_review(manager.account, manager.user, timezone.now())
    for address in (
        reverse("admin:sellers_invitation_changelist"),
        reverse("admin:sellers_invitation_change", args=[invitation.pk]),
    ):
        page = superuser.get(address).content.decode()
        assert "Somebody new" in page
        assert not [secret for secret in (token, invitation.token_hash) if secret in page]
    page = superuser.get(reverse("admin:sellers_peoplereview_changelist")).content.decode()
    assert manager.user.username in page
