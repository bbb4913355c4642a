"""Logging in and out."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


def _log_in(client: Client, **fields: str) -> str:
    user = UserFactory()
    data = {"username": user.username, "password": PASSWORD} | fields
    response = client.post("/login/", data)
    assert response.status_code == 302, response.content
    return str(response.headers["Location"])


def test_one_comes_to_the_page_that_one_wanted() -> None:
    UserFactory()  # or the first person would be asked for
    client = Client()
    location = client.get("/orders/?state=sent").headers["Location"]
    assert location == "/login/?next=/orders/%3Fstate%3Dsent"
    assert 'name="next" value="/orders/?state=sent"' in client.get(location).content.decode()
    assert _log_in(client, next="/orders/?state=sent") == "/orders/?state=sent"


@pytest.mark.parametrize(
    "target",
    ["//evil", "https:evil", "https://evil/", "/\\evil", "\\\\evil", "javascript:alert(1)", ""],
)
def test_one_never_comes_to_another_site(target: str) -> None:
    assert _log_in(Client(), next=target) == "/"


def test_a_wrong_password_says_no_more_than_that() -> None:
    user = UserFactory()
    pages = [
        Client().post("/login/", {"username": name, "password": "wrong"}).content.decode()
        for name in (user.username, "no-such-person")
    ]
    assert all("That name and password do not fit together." in page for page in pages)


def test_logging_out_takes_a_form() -> None:
    client = Client()
    _log_in(client)
    assert client.get("/logout/").status_code == 405
    assert client.get("/orders/").status_code == 200
    assert client.post("/logout/").headers["Location"] == "/login/"
    assert client.get("/orders/").status_code == 302


def test_who_is_logged_in_need_not_log_in_again() -> None:
    client = Client()
    _log_in(client)
    assert client.get("/login/").headers["Location"] == "/"
