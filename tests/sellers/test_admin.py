"""Accounts in the admin: no secret is shown; roles are given by superusers."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from sellers.models import Membership, Role
from tests.factories import MembershipFactory, SellerAccountFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def superuser() -> Client:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
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
    fields = {"user": person.pk, "account": account.pk, "role": Role.VIEWER.value}
    added = superuser.post(reverse("admin:sellers_membership_add"), fields)
    assert added.status_code == 302
    member = Membership.objects.get()
    change = reverse("admin:sellers_membership_change", args=[member.pk])
    superuser.post(change, fields | {"role": Role.MANAGER.value})
    member.refresh_from_db()
    assert member.role == Role.MANAGER
    superuser.post(reverse("admin:sellers_membership_delete", args=[member.pk]), {"post": "yes"})
    assert not Membership.objects.exists()


def test_staff_with_every_permission_gives_no_role() -> None:
    member = MembershipFactory(role=Role.VIEWER)
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(user)
    fields = {"user": user.pk, "account": member.account_id, "role": Role.MANAGER.value}
    for address in (
        reverse("admin:sellers_membership_add"),
        reverse("admin:sellers_membership_change", args=[member.pk]),
        reverse("admin:sellers_membership_delete", args=[member.pk]),
    ):
        assert client.post(address, fields).status_code == 403
    assert Membership.objects.get() == member
