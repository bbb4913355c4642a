"""People in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from tests.factories import PASSWORD, UserFactory
from tests.people.confirming import confirm

pytestmark = pytest.mark.django_db


def log_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    confirm(client, user)
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


def _form(person: User, **changes: str) -> dict[str, str]:
    fields = {
        "username": person.username,
        "date_joined_0": "2026-11-20",
        "date_joined_1": "09:00:00",
        "is_active": "on",
    }
    return {name: value for name, value in (fields | changes).items() if value}


def test_what_superusers_change_of_people_is_on_record() -> None:
    root, person = UserFactory(is_staff=True, is_superuser=True), UserFactory(username="ann")
    client = log_in(root)
    address = reverse("admin:auth_user_change", args=[person.pk])
    assert client.post(address, _form(person, is_superuser="on")).status_code == 302
    password = reverse("admin:auth_user_password_change", args=[person.pk])
    new = {
        "usable_password": "true",
        "password1": "Another horse 9",
        "password2": "Another horse 9",
    }
    assert client.post(password, new).status_code == 302
    events = AuditEvent.objects.filter(user=root, kind="person_changed").order_by("pk")
    assert [event.subject for event in events] == ["ann", "ann"]
    assert [event.detail["is_superuser"] for event in events] == [True, True]
    assert "Superuser status" in str(events[0].detail["changes"])
    assert "another horse" not in str([event.detail for event in events])


def test_who_is_no_longer_active_is_out_at_once_and_stays_out(redis_empty: None) -> None:
    root, person = UserFactory(is_staff=True, is_superuser=True), UserFactory(username="ann")
    client, theirs = log_in(root), Client()
    theirs.post("/login/", {"username": "ann", "password": PASSWORD})
    assert theirs.get("/orders/").status_code == 200
    address = reverse("admin:auth_user_change", args=[person.pk])
    assert client.post(address, _form(person, is_active="")).status_code == 302
    assert theirs.get("/orders/").status_code == 302
    client.post(address, _form(person))
    person.refresh_from_db()
    assert person.is_active
    assert theirs.get("/orders/").status_code == 302


def test_a_superuser_says_who_it_is_before_people_are_touched() -> None:
    root, person = UserFactory(is_staff=True, is_superuser=True), UserFactory()
    client = log_in(root)
    confirm(client, root, seconds_ago=15 * 60)
    for name, arguments in (
        ("add", []),
        ("change", [person.pk]),
        ("password_change", [person.pk]),
    ):
        address = reverse(f"admin:auth_user_{name}", args=arguments)
        for response in (client.get(address), client.post(address, {"is_superuser": "on"})):
            assert response.status_code == 303
            assert response.headers["Location"].startswith("/me/confirm/?next=")
    person.refresh_from_db()
    assert not person.is_superuser


def test_what_superusers_change_of_groups_is_on_record_and_asks_who_it_is() -> None:
    root = UserFactory(is_staff=True, is_superuser=True)
    client, group = log_in(root), Group.objects.create(name="Auditors")
    UserFactory(username="ann").groups.add(group)
    seen = Permission.objects.get(codename="view_auditevent")
    address = reverse("admin:auth_group_change", args=[group.pk])
    assert client.post(address, {"name": "Auditors", "permissions": [seen.pk]}).status_code == 302
    delete = reverse("admin:auth_group_delete", args=[group.pk])
    bulk = {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"}
    client.post(reverse("admin:auth_group_changelist"), bulk)
    assert Group.objects.filter(pk=group.pk).exists(), "one at a time, on record"
    confirm(client, root, seconds_ago=15 * 60)
    for where in (address, delete):
        assert client.post(where, {"post": "yes"}).headers["Location"].startswith("/me/confirm/")
    confirm(client, root)
    assert client.post(delete, {"post": "yes"}).status_code == 302
    events = AuditEvent.objects.filter(user=root, kind="group_changed").order_by("pk")
    assert [(event.subject, event.detail) for event in events] == [
        ("Auditors", {"change": change, "permissions": ["view_auditevent"], "members": ["ann"]})
        for change in ("changed", "deleted")
    ]
