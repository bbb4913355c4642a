"""Whatever is asked of the web, no answer is a failure of ours or shows anything from inside.

A seeded stream of nonsense: every address, strange values in path, query, form and headers, by
somebody who may do everything. FUZZ_REQUESTS says how many; the suite makes a few hundred.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from django.test import Client

from sellers.models import Role
from tests.factories import MembershipFactory, UserFactory
from tests.people.confirming import confirm
from tests.test_access import ADDRESSES, Things, things  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "200"))
SEED = int(os.environ.get("FUZZ_SEED", "20261120"))
# 503 is said on purpose: Redis or the database is away, or a part that /readyz asks about.
PLANNED = {503}
INSIDE = (
    "Traceback (most recent",
    "django.core.",
    "sqlite3.",
    "psycopg.",
    "/site-packages/",
    "TypeError:",
)
VALUES = (
    *(
        "",
        "0",
        "-1",
        "1",
        "9e9",
        "9" * 30,
        "abc",
        "true",
        "null",
        "[]",
        "{}",
        "\x01",
        "\x7f",
        "é\u202e",
    ),
    *(
        "' OR 1=1 --",
        "%",
        "%_%",
        "../../etc/passwd",
        "<img src=x onerror=alert(1)>",
        "{{7*7}}",
        "${7*7}",
    ),
    *(
        "2026-02-30",
        "2026-03-14",
        "0001-01-01",
        "9999-12-31",
        "302-1234567-1234567",
        "//evil",
        "a" * 300,
    ),
    *("\ud7ff", "\U0001f600", "1~1", "2026-03-14T00:00:00~7", "sent", "eligible", "viewer", "csv"),
)
NAMES = (
    *(
        "q",
        "state",
        "sort",
        "after",
        "before",
        "account",
        "marketplace",
        "channel",
        "first",
        "last",
        "next",
    ),
    *(
        "order",
        "all_matching",
        "filter",
        "count",
        "number",
        "page",
        "role",
        "reason",
        "kind",
        "decision",
    ),
    *(
        "token",
        "username",
        "password",
        "code",
        "form",
        "from",
        "to",
        "now",
        "text",
        "state[]",
        "spapi_oauth_code",
    ),
    *("selling_partner_id", "refresh_token", "client_id", "region", "name", "amazon_state"),
)
METHODS = ("get", "get", "get", "post", "post", "head", "options", "put", "delete", "patch")


def _segment(chance: random.Random) -> str:
    value = chance.choice([*VALUES, "1", "2", "302-1234567-1234567"])
    return value.replace("/", "").replace("?", "").replace("#", "").strip("\x00") or "0"


def _path(chance: random.Random, things: Things, route: str) -> str:  # noqa: F811
    if "<" not in route or chance.random() < 0.6:
        return things.path(route)
    parts = route.split("/")
    return "/".join(_segment(chance) if "<" in part else part for part in parts)


def _fields(chance: random.Random) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for _ in range(chance.randrange(5)):
        values = [chance.choice(VALUES) for _ in range(chance.choice([1, 1, 1, 2]))]
        fields[chance.choice(NAMES)] = values
    return fields


def _headers(chance: random.Random) -> dict[str, str]:
    headers = {}
    if chance.random() < 0.4:
        headers["HX-Request"] = chance.choice(["true", "false", "\x7f"])
    if chance.random() < 0.2:
        headers["HX-Current-URL"] = chance.choice(
            ["http://testserver/orders/", "//evil", "http://[", "x" * 300]
        )
    if chance.random() < 0.1:
        headers["Accept-Language"] = "x;q=é,*" * 20
    if chance.random() < 0.1:
        headers["X-Forwarded-For"] = chance.choice(["", "::::", "1.2.3.4, 5"])
    return headers


def test_no_request_whatever_fails_or_shows_what_is_inside(
    things: Things,  # noqa: F811
    redis_empty: None,
) -> None:
    chance = random.Random(SEED)
    user = UserFactory(is_staff=True, is_superuser=True)
    MembershipFactory(user=user, account=things.account, role=Role.MANAGER)
    routes = sorted(route for name, route in ADDRESSES.items() if name not in {"logout"})
    client = Client(raise_request_exception=False)
    client.force_login(user)
    confirm(client, user)
    found, statuses = [], set()
    for number in range(REQUESTS):
        method = chance.choice(METHODS)
        path = _path(chance, things, chance.choice(routes))
        fields, headers = _fields(chance), _headers(chance)
        who = Client(raise_request_exception=False) if chance.random() < 0.1 else client
        if method in {"put", "delete", "patch"}:
            body = chance.randbytes(40)
            response = getattr(who, method)(path, body, "application/octet-stream", headers=headers)
        else:
            response = getattr(who, method)(path, fields, headers=headers)
        statuses.add(response.status_code)
        content = b"" if response.streaming else response.content
        told = f"{number}: {method} {path!r} {fields} {headers}"
        if response.status_code >= 500 and response.status_code not in PLANNED:
            found.append(f"{told}: {response.status_code}")
        found += [f"{told}: shows {word!r}" for word in INSIDE if word.encode() in content]
        if response.streaming:
            b"".join(response)
    assert not found, "\n".join(found)
    assert {200, 302, 400, 404, 405} <= statuses, statuses
