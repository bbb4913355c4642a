"""Where a request comes from, as far as that can be believed."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings

from solicit_dashboard.client_address import client_address
from tests.factories import UserFactory
from tests.test_admin_gate import FAR, NEAR, request_from


@pytest.mark.parametrize(
    ("proxies", "forwarded", "seen"),
    [
        (0, FAR, NEAR),
        (1, FAR, FAR),
        (1, f"127.0.0.1, {FAR}", FAR),
        (2, f"127.0.0.1, {FAR}, 10.0.0.9", FAR),
        (2, FAR, ""),
        (1, "", ""),
    ],
)
def test_a_client_cannot_write_its_own_address(proxies: int, forwarded: str, seen: str) -> None:
    with override_settings(TRUSTED_PROXIES=proxies):
        assert client_address(request_from(NEAR, forwarded)) == seen


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_an_address_is_written_in_one_way(told: str, seen: str) -> None:
    assert client_address(request_from(told)) == seen
    with override_settings(TRUSTED_PROXIES=1):
        assert client_address(request_from(NEAR, told)) == seen


@pytest.mark.django_db
def test_people_of_an_older_internet_are_not_counted_as_one_on_a_server_of_the_newer() -> None:
    UserFactory()
    for _try in range(11):
        form = {"username": "nobody-here", "password": "wrong"}
        last = Client(REMOTE_ADDR="::ffff:192.0.2.1").post("/login/", form)
    assert last.status_code == 429
    elsewhere = Client(REMOTE_ADDR="::ffff:198.51.100.1").post("/login/", form)
    assert elsewhere.status_code == 200
