"""The admin has a path of its own, and exists only for those who are near."""

from __future__ import annotations

import re

import pytest
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import reverse

from solicit_dashboard.admin_gate import is_near
from tests.factories import UserFactory
from tests.test_env import PRODUCTION
from tests.test_settings import shown

FAR, NEAR = "198.51.100.7", "192.168.1.20"


def request_from(address: str, forwarded: str = "") -> HttpRequest:
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = address
    if forwarded:
        request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    return request


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["", "orders/order/", "login/", "no-such-thing/"])
def test_from_afar_there_is_no_admin_whoever_asks(path: str) -> None:
    for user in (None, UserFactory(is_staff=True, is_superuser=True)):
        client = Client(REMOTE_ADDR=FAR)
        if user:
            client.force_login(user)
        answers = [
            client.get(reverse("admin:index") + path),
            client.get("/no-such-page-at-all/"),
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert len({re.sub(r"[0-9a-f]{32}|\w{64}", "", a.content.decode()) for a in answers}) == 1


@pytest.mark.django_db
def test_from_near_the_admin_is_there() -> None:
    UserFactory()
    assert Client(REMOTE_ADDR=NEAR).get(reverse("admin:index")).status_code == 302
    assert Client(REMOTE_ADDR=FAR).get("/login/").status_code == 200, "the rest is for everybody"


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.1.2.3", NEAR, "fd00::1", "::ffff:10.0.0.1"]
)
def test_this_machine_and_private_networks_are_near(address: str) -> None:
    assert is_near(request_from(address))


@pytest.mark.parametrize("address", [FAR, "8.8.8.8", "2001:db8::1", "", "unix:", "::ffff:8.8.8.8"])
def test_others_and_who_cannot_be_told_are_not(address: str) -> None:
    assert not is_near(request_from(address))


@override_settings(ADMIN_NETWORKS=("198.51.100.0/24",))
def test_the_networks_are_a_setting() -> None:
    assert is_near(request_from(FAR))
    assert not is_near(request_from(NEAR))


def test_the_path_is_a_setting() -> None:
    named = shown({**PRODUCTION, "ADMIN_PATH": "/records-7f3a/"}, "ADMIN_PATH")
    assert named == {"ADMIN_PATH": "records-7f3a"}
    assert shown(PRODUCTION, "ADMIN_PATH") == {"ADMIN_PATH": "admin"}
    assert reverse("admin:index") == "/admin/"


@pytest.mark.django_db
def test_a_password_is_changed_where_everybody_changes_theirs() -> None:
    client = Client()
    client.force_login(UserFactory(is_staff=True))
    for method in (client.get, client.post):
        response = method(reverse("admin:password_change"))
        assert response.status_code == 302
        assert response.headers["Location"] == "/me/password/"
