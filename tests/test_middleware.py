"""What every answer has in common."""

from __future__ import annotations

import re

import pytest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import Client, RequestFactory
from django.utils import timezone

from solicit_dashboard.middleware import is_htmx, page_rules, readers_time_zone
from tests.factories import UserFactory

PATHS = ("/login/", "/healthz", "/orders/", "/nowhere/", "/static/css/tokens.css")


@pytest.fixture
def client(db: None) -> Client:
    """Somebody who is logged in."""
    client = Client()
    client.force_login(UserFactory())
    return client


@pytest.mark.parametrize("path", PATHS[:4])
def test_every_page_differs_by_htmx_and_is_kept_by_nobody(client: Client, path: str) -> None:
    response = client.get(path)
    assert "HX-Request" in response.headers["Vary"]
    assert "no-store" in response.headers["Cache-Control"]
    assert "private" in response.headers["Cache-Control"]


def test_every_answer_has_an_id_of_our_own(client: Client) -> None:
    ids = [client.get("/healthz", headers={"X-Request-ID": "mine"}).headers["X-Request-ID"]]
    ids.append(client.get("/healthz").headers["X-Request-ID"])
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)
    assert len(set(ids)) == 2


def test_files_may_be_kept(client: Client) -> None:
    answer = page_rules(lambda _request: HttpResponse(headers={"Cache-Control": "max-age=60"}))
    response = answer(RequestFactory().get("/"))
    assert response.headers["Cache-Control"] == "max-age=60"


@pytest.mark.parametrize("path", ["/login/?next=%00", "/orders/?%00=1", "/%00/", "/orders/?q=\x00"])
def test_nul_is_refused_everywhere(client: Client, path: str) -> None:
    for headers in ({}, {"HX-Request": "true"}):
        response = client.get(path, headers=headers)
        assert response.status_code == 400
        assert "NUL" in response.content.decode()


def test_a_redirect_leads_the_browser_and_not_the_fragment() -> None:
    answer = page_rules(lambda _request: HttpResponse(status=302, headers={"Location": "/x/"}))
    plain = answer(RequestFactory().get("/"))
    assert (plain.status_code, plain.headers["Location"]) == (302, "/x/")
    by_htmx = answer(RequestFactory().get("/", headers={"HX-Request": "true"}))
    assert (by_htmx.status_code, by_htmx.headers["HX-Redirect"]) == (204, "/x/")
    assert "Location" not in by_htmx.headers


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"HX-Request": "true"}, True),
        ({"HX-Request": "false"}, False),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, False),
    ],
)
def test_a_fragment_is_asked_for_by_its_header(headers: dict[str, str], expected: bool) -> None:
    assert is_htmx(RequestFactory().get("/", headers=headers)) == expected


@pytest.mark.parametrize(
    ("cookie", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("Etc/GMT+5", "Etc/GMT+5"),
        ("", "UTC"),
        ("Mars/Olympus", "UTC"),
        ("../../etc/passwd", "UTC"),
        ("/etc/passwd", "UTC"),
        ("Europe", "UTC"),
        ("Europe/", "UTC"),
        ("x" * 5000, "UTC"),
        ("Europe/Berlin\x00", "UTC"),
    ],
)
def test_times_are_in_the_readers_zone(cookie: str, zone: str) -> None:
    seen = []

    def view(_request: HttpRequest) -> HttpResponseBase:
        seen.append(str(timezone.get_current_timezone()))
        return HttpResponse()

    request = RequestFactory().get("/")
    request.COOKIES["tz"] = cookie
    readers_time_zone(view)(request)
    assert seen == [zone]
    assert timezone.get_current_timezone_name() == "UTC"


def test_a_page_that_cannot_be_one_leads_to_the_first(db: None) -> None:
    UserFactory()
    headers = {"HX-Request": "true", "HX-Current-URL": "http://["}
    response = Client().get("/orders/", headers=headers)
    assert response.headers["HX-Redirect"] == "/login/?next=%2F"
