"""Whatever an address is asked to lead to, it leads to a page of ours."""

from __future__ import annotations

from itertools import product
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from people.confirmation import ask_to_confirm
from solicit_dashboard.access import way_back
from tests.factories import UserFactory

HOST = "evil.example"
BEGINNINGS = (
    *(
        "",
        "/",
        "//",
        "///",
        "////",
        "\\",
        "\\\\",
        "/\\",
        "\\/",
        "/\\/",
        "http:",
        "https:",
        "http:/",
        "https://",
    ),
    *(
        "HTTPS://",
        "hTtp:\\\\",
        "ftp://",
        "javascript:",
        "JaVaScript://",
        "data:text/html,",
        "vbscript:",
    ),
    *(
        " //",
        "\t//",
        "\n//",
        "\r\n//",
        "\x00//",
        "\u200b//",
        "%2f%2f",
        "/%2f",
        "/%09/",
        "/.//",
        "/..//",
        "?//",
    ),
    *(
        "@",
        "/@",
        "https:@",
        "//user@",
        "https://testserver@",
        "//testserver.",
        "https://testserver.",
        "blob:https://",
    ),
)
ENDINGS = (
    HOST,
    f"{HOST}/x",
    f"testserver@{HOST}",
    f"{HOST}\\@testserver",
    f"{HOST}%23",
    f"[{HOST}",
)
TARGETS = [begin + end for begin, end in product(BEGINNINGS, ENDINGS)]


def leads_elsewhere(location: str) -> bool:
    """Whether a browser on our page would leave it for this; it reads \\ as / and drops blanks."""
    cleaned = "".join(sign for sign in location if sign not in "\t\r\n").strip().replace("\\", "/")
    try:
        parts = urlsplit(urljoin("https://testserver/somewhere/", cleaned))
    except ValueError:
        return True
    return parts.scheme not in {"http", "https"} or parts.hostname != "testserver"


def test_the_payloads_would_lead_elsewhere() -> None:
    assert len(TARGETS) >= 200
    assert len([target for target in TARGETS if leads_elsewhere(target)]) >= 120


def test_no_address_leads_elsewhere() -> None:
    factory = RequestFactory()
    for target in TARGETS:
        back = way_back(factory.post("/", {"next": target}), "/accounts/")
        assert not leads_elsewhere(back), target


@pytest.mark.django_db
@pytest.mark.any_database
def test_neither_the_log_in_nor_the_question_who_it_is_leads_elsewhere() -> None:
    client = Client()
    client.force_login(UserFactory())
    for target in TARGETS:
        response = client.get("/login/", {"next": target})
        assert response.status_code in {302, 303} or "\x00" in target, target
        assert not leads_elsewhere(response.headers.get("Location", "")), target


def test_where_a_form_came_from_is_not_believed() -> None:
    factory = RequestFactory()
    for target in TARGETS:
        if not target.isascii() or any(ord(sign) < 32 for sign in target):
            continue  # no header can hold it
        request = factory.post("/accounts/1/pause/", headers={"referer": target})
        request.session = {}  # type: ignore[assignment]
        location = ask_to_confirm(request).headers["Location"]
        assert location.startswith(reverse("account_reauthenticate"))
        (back,) = parse_qs(urlsplit(location).query)["next"]
        assert not leads_elsewhere(back), target
