"""What every answer says to the browser, with the settings of production."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import reverse

from sellers.models import Role
from tests.factories import PASSWORD, MembershipFactory, UserFactory
from tests.test_access import ADDRESSES, TABLE, Things, things  # noqa: F401 - a fixture
from tests.test_env import PRODUCTION
from tests.test_settings import shown

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

YEAR = 365 * 24 * 3600
LOCKED = {"default-src", "base-uri", "frame-ancestors"}
OURS = {"script-src", "style-src", "connect-src"}
SAFE_SETTINGS = (
    "SECURE_SSL_REDIRECT",
    "SECURE_HSTS_SECONDS",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS",
    "SECURE_HSTS_PRELOAD",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_SECURE",
    "CSRF_COOKIE_NAME",
    "CSRF_COOKIE_SECURE",
)


@pytest.fixture
def production() -> Iterator[None]:
    """The settings that differ in production and that an answer shows."""
    with override_settings(**shown(PRODUCTION, *SAFE_SETTINGS)):
        yield


@pytest.fixture
def answers(production: None, things: Things, redis_empty: None) -> dict[str, HttpResponse]:  # noqa: F811
    """What every address answers to a manager and to nobody, and the pages of errors."""
    manager = MembershipFactory(account=things.account, role=Role.MANAGER).user
    found: dict[str, HttpResponse] = {}
    for user in (manager, None):
        client = Client()
        if user:
            client.force_login(user)
        for name, route in ADDRESSES.items():
            method = getattr(client, TABLE[name].method)
            # without the form's secret: a refusal has the headers too, and nothing is done
            who = "manager" if user else "nobody"
            found[f"{name} for {who}"] = method(things.path(route), secure=True)
            if user:
                client.force_login(user)
        found[f"missing for {user}"] = client.get("/no-such-page/", secure=True)
        found[f"NUL for {user}"] = client.get("/orders/?q=%00", secure=True)
        found[f"admin for {user}"] = client.get(reverse("admin:index"), secure=True)
    return found


def policy(response: HttpResponse) -> dict[str, set[str]]:
    directives = (part.split() for part in response.headers["Content-Security-Policy"].split(";"))
    return {name: set(values) for name, *values in directives if name}


def test_every_answer_says_what_the_browser_may_do(answers: dict[str, HttpResponse]) -> None:
    assert len(answers) > 60
    wrong = [f"{name}: {fault}" for name, one in answers.items() for fault in faults(one)]
    assert not wrong, "\n".join(wrong)


def faults(response: HttpResponse) -> Iterator[str]:
    """What is missing in the headers of this answer."""
    headers = response.headers
    hsts = headers.get("Strict-Transport-Security", "")
    if not hsts.startswith(f"max-age={2 * YEAR}") or "includeSubDomains" not in hsts:
        yield f"Strict-Transport-Security {hsts!r}"
    wanted = {
        "X-Content-Type-Options": ("nosniff",),
        "X-Frame-Options": ("DENY",),
        "Referrer-Policy": ("same-origin", "no-referrer"),
        "Cross-Origin-Opener-Policy": ("same-origin",),
        "Cross-Origin-Resource-Policy": ("same-origin",),
    }
    for name, values in wanted.items():
        if headers.get(name) not in values:
            yield f"{name} {headers.get(name)!r}"
    if "camera=()" not in headers.get("Permissions-Policy", ""):
        yield "Permissions-Policy"
    if "no-store" not in headers.get("Cache-Control", ""):
        yield f"Cache-Control {headers.get('Cache-Control')!r}"
    directives = policy(response)
    for name in sorted(LOCKED):
        if directives.get(name) != {"'none'"}:
            yield f"{name} {directives.get(name)}"
    for name in sorted(OURS):
        if directives.get(name) != {"'self'"}:
            yield f"{name} {directives.get(name)}"
    if directives.get("img-src") != {"'self'", "data:"}:
        yield f"img-src {directives.get('img-src')}"
    elsewhere = directives.get("form-action", set()) - {"'self'"}
    if "'self'" not in directives.get("form-action", set()) or not all(
        host.startswith("https://sellercentral") for host in elsewhere
    ):
        yield f"form-action {directives.get('form-action')}"


@pytest.mark.parametrize("path", ["/", "/login/", "/admin/", "/no-such-page/"])
def test_plain_http_leads_to_https(production: None, path: str) -> None:
    response = Client().get(path)
    assert response.status_code == 301
    assert response.headers["Location"] == f"https://testserver{path}"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_load_balancers_inside_may_ask_without_https(
    production: None, redis_empty: None, path: str
) -> None:
    assert Client().get(path).status_code in {200, 503}


def _cookies(user: User) -> dict[str, Any]:
    client = Client()
    client.get("/login/", secure=True)
    form = {"username": user.username, "password": PASSWORD}
    response = client.post("/login/", form, secure=True)
    assert response.status_code == 302, response.content
    jar: SimpleCookie = client.cookies
    return dict(jar)


def test_cookies_are_bound_to_this_host_and_to_https(production: None, redis_empty: None) -> None:
    cookies = _cookies(UserFactory())
    assert {"__Host-sessionid", "__Host-csrftoken"} <= set(cookies)
    for name, cookie in cookies.items():
        assert name.startswith("__Host-"), name
        assert cookie["secure"], name
        assert cookie["httponly"], name
        assert cookie["samesite"] == "Lax", name
        assert (cookie["path"], cookie["domain"]) == ("/", ""), name


# The modifiers of Mozilla's HTTP Observatory, from 100; over 100 is A+, the end of the scale is 135.
BONUS = {
    "policy without unsafe sources and default-src 'none'": 10,
    "all cookies secure, of sessions HttpOnly, with SameSite": 5,
    "HSTS for half a year and longer, with preload": 5,
    "no referrer for other sites": 5,
    "frames refused by the policy": 5,
    "resources for the same origin alone": 10,
}


def test_mozilla_s_observatory_would_give_an_a_plus(production: None, redis_empty: None) -> None:
    user = UserFactory()
    page = Client().get("/login/", secure=True)
    directives = policy(page)
    cookies = _cookies(user).values()
    reached = {
        "policy without unsafe sources and default-src 'none'": directives["default-src"]
        == {"'none'"}
        and not any("unsafe" in value for values in directives.values() for value in values),
        "all cookies secure, of sessions HttpOnly, with SameSite": all(
            one["secure"] and one["httponly"] and one["samesite"] for one in cookies
        ),
        "HSTS for half a year and longer, with preload": "preload"
        in page.headers["Strict-Transport-Security"],
        "no referrer for other sites": page.headers["Referrer-Policy"] == "same-origin",
        "frames refused by the policy": directives["frame-ancestors"] == {"'none'"},
        "resources for the same origin alone": page.headers["Cross-Origin-Resource-Policy"]
        == "same-origin",
    }
    score = 100 + sum(BONUS[name] for name, is_reached in reached.items() if is_reached)
    assert score == 140, [name for name, is_reached in reached.items() if not is_reached]
