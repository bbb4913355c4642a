"""A manager at the door, an application of the sandbox, and the way over its consent page."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from sandbox.testing import Running, SellerKeys
from sellers.models import Application, Role
from tests.factories import ApplicationFactory, MembershipFactory, UserFactory
from tests.people.confirming import confirm

GERMANY = "A1PA6795UKMFR9"


@dataclass
class Desk:
    """Somebody who is logged in, and has just confirmed that it is them."""

    client: Client
    user: User

    def post(self, name: str, /, *arguments: object, **fields: Any) -> HttpResponse:
        """What the address of that name answers to the form."""
        response: HttpResponse = self.client.post(
            reverse(f"sellers:{name}", args=arguments), fields
        )
        return response

    def get(self, name: str, /, *arguments: object, **query: str) -> HttpResponse:
        """What the address of that name answers."""
        response: HttpResponse = self.client.get(reverse(f"sellers:{name}", args=arguments), query)
        return response


def sit_down(user: User) -> Desk:
    """The person is logged in and confirmed."""
    # a host that the consent page of the sandbox sends people back to
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    confirm(client, user)
    return Desk(client, user)


@pytest.fixture
def manager() -> Desk:
    """The manager of an account that has nothing to do with the test."""
    return sit_down(MembershipFactory(role=Role.MANAGER).user)


@pytest.fixture
def superuser() -> Desk:
    return sit_down(UserFactory(is_superuser=True, is_staff=True))


@pytest.fixture
def application(nordlicht: SellerKeys, manager: Desk) -> Application:
    """The sandbox's application, public, added by the manager."""
    made: Application = ApplicationFactory(
        name="Our public one",
        client_id=nordlicht.client_id,
        client_secret=nordlicht.client_secret,
        application_id=nordlicht.application_id,
        is_public=True,
        created_by=manager.user,
    )
    return made


def link_of(response: HttpResponse) -> str:
    """Where the page before the consent leads."""
    assert response.status_code == 200, response.content
    text = response.content.decode()
    return unescape(text.split('<a class="button primary" href="')[1].split('"')[0])


def consent(amazon: Running, address: str, seller: int | None = 0) -> str:
    """Where the sandbox sends the browser back to when that seller consents; None refuses."""
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}" == amazon.url
    path = parts.path.replace("/consent", "/decide")
    query = parts.query + ("" if seller is None else "&" + urlencode({"seller": seller}))
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("GET", f"{path}?{query}")
        response = connection.getresponse()
        target = response.headers["Location"]
    finally:
        connection.close()
    assert response.status == 302
    back = urlsplit(target)
    assert f"{back.scheme}://{back.netloc}" == "http://localhost"
    return f"{back.path}?{back.query}"
