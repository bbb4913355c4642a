"""People in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def log_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_superuser_keeps_people() -> None:
    client = log_in(UserFactory(is_staff=True, is_superuser=True))
    added = client.post(
        reverse("admin:auth_user_add"),
        {
            "username": "ann",
            "usable_password": "true",
            "password1": "Correct horse battery 9",
            "password2": "Correct horse battery 9",
        },
    )
    assert added.status_code == 302
    assert User.objects.filter(username="ann").exists()


def test_nobody_deletes_people_whom_the_record_names() -> None:
    client = log_in(UserFactory(is_staff=True, is_superuser=True))
    person = UserFactory()
    address = reverse("admin:auth_user_delete", args=[person.pk])
    assert client.post(address, {"post": "yes"}).status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": [person.pk], "post": "yes"}
    client.post(reverse("admin:auth_user_changelist"), bulk)
    assert User.objects.filter(pk=person.pk).exists()


def test_staff_with_every_permission_makes_nobody_a_superuser() -> None:
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    client = log_in(user)
    address = reverse("admin:auth_user_change", args=[user.pk])
    assert (
        client.post(address, {"username": user.username, "is_superuser": "on"}).status_code == 403
    )
    assert client.post(reverse("admin:auth_group_add"), {"name": "x"}).status_code == 403
    user.refresh_from_db()
    assert not user.is_superuser
