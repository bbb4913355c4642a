"""Whatever is asked of the web, no answer is a failure of ours or shows anything from inside.

A seeded stream of nonsense (nonsense.py): every address of ours, of people's own pages and of the
admin, by everybody from nobody to a superuser, against a sandbox that answers as Amazon does. The
suite makes a few hundred requests; `python -m tests.security.fuzz` makes as many as it is told.
"""

from __future__ import annotations

import os
import random
import re
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.contrib.auth.models import User
from django.core.signals import got_request_exception
from django.db import connection, transaction
from django.test import Client, TestCase
from django.urls import URLResolver, get_resolver

from messaging.states import Status
from people.factors import SHOWN
from people.recovery_codes import promise_codes
from sandbox.testing import Running, SellerKeys
from solicit_dashboard.redis import get_redis
from tests.factories import (
    GERMANY,
    PASSWORD,
    AccountMarketplaceFactory,
    OrderFactory,
    OutgoingActionFactory,
    UserFactory,
)
from tests.people.addresses import OWN
from tests.security.nonsense import Request, Target, request_to
from tests.sellers.conftest import amazon, nordlicht  # noqa: F401 - fixtures
from tests.test_access import ADDRESSES, ROLES, TABLE, Things, make_things, somebody

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "300"))
REPORT = os.environ.get("FUZZ_REPORT", "")  # a file for the counts
SEED = int(os.environ.get("FUZZ_SEED", "20261120"))
# So many are made of one world; the next begins with new things, people and counters.
REQUESTS_OF_A_ROUND = 150
# From here on every address must have been answered, and by everybody.
ENOUGH = 20_000
# 503 is said on purpose: Redis or the database is away, or a part that /readyz asks about.
PLANNED = {503}
INSIDE = (
    *(b"Traceback (most recent", b"django.core.", b"sqlite3.", b"psycopg.", b"/site-packages/"),
    *(b"TypeError:", b"You're seeing this error because", b"Using the URLconf"),
)
# What nobody can be let in at here: there are people already, the code is none of Amazon's.
CLOSED = {"people:first_run", "sellers:callback", "metrics", "static files", "nothing"}
PEOPLE = (*ROLES, "unconfirmed", "between two steps")


@dataclass
class Found:
    """What was answered, and what should not have been."""

    faults: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    by_person: dict[str, Counter[int]] = field(
        default_factory=lambda: {who: Counter() for who in PEOPLE}
    )
    by_address: dict[str, Counter[int]] = field(default_factory=dict)

    def note(self, who: str, target: Target, status: int) -> None:
        """One answer is counted."""
        self.statuses[status] += 1
        self.by_person[who][status] += 1
        self.by_address.setdefault(target.name, Counter())[status] += 1

    def report(self) -> str:
        """The counts in words."""
        lines = [f"{sum(self.statuses.values())} requests: {dict(sorted(self.statuses.items()))}"]
        lines += [f"  {who}: {dict(sorted(by.items()))}" for who, by in self.by_person.items()]
        never = [name for name, by in self.by_address.items() if not _answered(by)]
        lines.append(f"{len(self.by_address)} addresses; never let in at {never or 'none'}")
        return "\n".join([*lines, *(f"FAULT {fault}" for fault in self.faults)])


def _as_counted(response: Any) -> int:
    """The status; 401 for who is sent to the log-in."""
    target = response.headers.get("HX-Redirect") or response.headers.get("Location") or ""
    is_refused = target.partition("?")[0] in ("/login/", "/admin/login/") and "next=" in target
    return 401 if is_refused else response.status_code


def _answered(by_status: Counter[int]) -> bool:
    return any(status < 400 or status in (409, 422, 503) for status in by_status)


def targets() -> list[Target]:
    """Every address there is, with the fields and the forms that its page has."""
    found = [
        Target(
            name,
            ADDRESSES[name],
            (*row.optional, *_MORE_FIELDS.get(name, ())),
            is_form=bool(row.forms),
            query="token" if name == "sellers:join" else "",
        )
        for name, row in TABLE.items()
    ]
    found += [
        Target(name, own.route, _OWN_FIELDS.get(name, ()), is_form=own.takes_a_form)
        for name, own in OWN.items()
    ]
    admin = list(_admin_routes(get_resolver()))
    assert len(admin) > 80
    found += [Target(f"admin {route}", route, _ADMIN_FIELDS) for route in admin]
    found += [Target("static files", "/static/<name>"), Target("nothing", "/<name>/<other>/")]
    return found


_MORE_FIELDS = {
    "sellers:callback": ("state", "spapi_oauth_code", "selling_partner_id", "error"),
    "sellers:from_appstore": ("amazon_callback_uri", "amazon_state", "selling_partner_id"),
    "orders:list": ("q", "state", "sort", "after", "before", "account", "page"),
    "messaging:outbox": ("q", "state", "sort", "after", "before", "account", "from", "to", "page"),
    "messaging:export": ("state",),
    "sellers:doctor": ("now",),
    "login": ("username", "password", "next"),
    "account_reauthenticate": ("password", "next"),
}
_OWN_FIELDS = {
    "people:first_run": ("code", "username", "email", "password1", "password2"),
    "mfa_authenticate": ("code", "credential"),
    "mfa_login_webauthn": ("credential",),
    "mfa_reauthenticate": ("code", "next"),
    "mfa_reauthenticate_webauthn": ("credential", "next"),
    "account_change_password": ("oldpassword", "password1", "password2"),
    "mfa_activate_totp": ("code",),
    "mfa_add_webauthn": ("name", "passwordless", "credential"),
    "mfa_edit_webauthn": ("name",),
}
_ADMIN_FIELDS = (
    *("q", "o", "p", "e", "all", "_popup", "_to_field", "_changelist_filters", "_facets"),
    *("id__exact", "account__id__exact", "status__exact", "kind__exact", "at__gte", "form", "from"),
    *("to", "action", "_selected_action", "username", "password", "is_superuser", "select_across"),
)
_OF_ADMIN = {"object_id", "id", "app_label", "content_type_id", "url", "name"}


def _admin_routes(resolver: URLResolver, route: str = "/", inside: bool = False) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        here = f"{route}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from _admin_routes(pattern, here, inside or pattern.namespace == "admin")
        elif inside:
            # the part that catches all the rest is written as a regular expression
            yield re.sub(r"\(\?P<(\w+)>.*\)\$", r"<\1>", here)


@dataclass
class World:
    """Things in every state, people of every kind, an account that Amazon knows."""

    things: Things
    seller: SellerKeys
    telling: dict[str, list[str]]
    """Values that are right, by the name of the field."""

    @classmethod
    def make(cls, seller: SellerKeys, chance: random.Random) -> World:
        """A new one; half of the time its account is connected with the sandbox's own keys."""
        things = make_things()
        account = things.account
        AccountMarketplaceFactory(account=account)
        for status in chance.sample(list(Status), 3):
            OutgoingActionFactory(order=OrderFactory(account=account), status=status)
        if chance.random() < 0.5:
            account.application.client_id = seller.client_id
            account.application.client_secret = seller.client_secret
            account.application.save()
            account.refresh_token = seller.refresh_token
            account.save()
        if chance.random() < 0.5:
            status = chance.choice([Status.UNCONFIRMED, Status.PROBABLY_SENT, Status.UNRESOLVED])
            action = OutgoingActionFactory(order=OrderFactory(account=account), status=status)
            things = Things(**{**vars(things), "action": action, "order": action.order})
        telling = {
            "token": [things.token],
            "account": [str(account.pk)],
            "application": [str(account.application_id)],
            "order": [str(things.order.pk)],
            "q": [things.order.amazon_order_id],
            "selling_partner_id": [seller.selling_partner_id],
            "spapi_oauth_code": ["a" * 20],
            "csv": [f"order id\n{things.order.amazon_order_id}\n"],
        }
        return cls(things, seller, telling)

    def begin_consent(self, client: Client) -> None:
        """A journey to Amazon has begun in that browser; its state is among what is right."""
        account = self.things.account
        account.application.is_public = True
        account.application.application_id = self.seller.application_id
        account.application.save()
        fields = {"application": account.application_id, "marketplace": GERMANY}
        page = client.post(f"/accounts/{account.pk}/consent/", fields).content.decode()
        self.telling.setdefault("state", []).extend(re.findall(r"state=([\w-]{20,})", page))

    def values(self, target: Target, user_id: int, chance: random.Random) -> dict[str, object]:
        """What stands in an address of things that are there."""
        own = Authenticator.objects.filter(user_id=user_id).values_list("pk", flat=True)
        key = chance.choice(list(own) or [1])
        values = self.things.values | {"session_id": 1, "pk": key}
        if target.name.startswith("admin "):
            numbers = [value for value in values.values() if isinstance(value, int)]
            values |= {name: chance.choice([*numbers, 1, 2, "sellers"]) for name in _OF_ADMIN}
        return values

    def form(self, target: Target, user: str) -> dict[str, Any]:
        """The form as the page of that address would send it."""
        row = TABLE.get(target.name)
        if target.name in ("sellers:connect", "sellers:renew"):
            return {
                "application": self.things.account.application_id,
                "refresh_token": self.seller.refresh_token,
                "marketplaces": list(self.seller.marketplace_ids),
                "name": "New",
                "region": "eu",
                "selling_partner_id": self.seller.selling_partner_id,
            }
        if target.name in ("sellers:add_application", "sellers:application"):
            secret = {
                "client_id": self.seller.client_id,
                "client_secret": self.seller.client_secret,
            }
            return secret | {"name": "Another", "is_public": "on"}
        if target.name in ("login", "account_login", "account_reauthenticate"):
            return {"username": user, "password": PASSWORD, "next": "/orders/"}
        if target.name == "account_change_password":
            new = "Another battery, horse 8"
            return {"oldpassword": PASSWORD, "password1": new, "password2": new}
        if target.name == "messaging:decide":
            return {"choice": "sent", "reason": "I asked", "order_number": self.things.order.pk}
        return dict(row.form(self.things)) if row else {}


def person(who: str, world: World, chance: random.Random) -> tuple[Client, str, int]:
    """A browser in which that person is logged in, their name and id."""
    if who == "between two steps":
        user = UserFactory()
        TOTP.activate(user, "A" * 32)
        promise_codes(user)
        client = Client(raise_request_exception=False)
        client.post("/login/", {"username": user.username, "password": PASSWORD})
        return client, user.username, user.pk
    role = "manager" if who == "unconfirmed" else who
    client = somebody(role, world.things.account, confirmed=who != "unconfirmed")
    client.raise_request_exception = False
    pk = int(client.session.get("_auth_user_id", 0)) if who != "nobody" else 0
    if who == "manager" and chance.random() < 0.5:
        world.begin_consent(client)
    user = User.objects.filter(pk=pk).first()
    if user and chance.random() < 0.3:
        TOTP.activate(user, "A" * 32)
        session = client.session
        session[SHOWN] = pk
        session.save()
    return client, user.username if user else "nobody", pk


@contextmanager
def _undone() -> Iterator[None]:
    """What the block did to the database never happened."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _round(found: Found, number: int, seller: SellerKeys, every: list[Target]) -> None:
    chance = random.Random(f"{SEED} {number}")
    get_redis().flushall()
    world = World.make(seller, chance)
    secrets = [settings.SECRET_KEY, *settings.TOKEN_KEYS, world.things.account.refresh_token]
    secrets.append(world.things.account.application.client_secret)
    people = {who: person(who, world, chance) for who in PEOPLE}
    admins = [target for target in every if target.name.startswith("admin ")]
    ours = [target for target in every if target not in admins]
    for step in range(min(REQUESTS_OF_A_ROUND, REQUESTS - number * REQUESTS_OF_A_ROUND)):
        who = chance.choice(PEOPLE)
        if chance.random() < 0.03 or _is_out(people[who][0], who):
            people[who] = person(who, world, chance)
        client, name, pk = people[who]
        often = 0.4 if who in ("auditor", "superuser") else 0.08
        bare = chance.choice(admins if chance.random() < often else ours)
        target = replace(bare, form=world.form(bare, name), telling=world.telling)
        request = request_to(target, world.values(target, pk, chance), chance)
        told = f"round {number}, {step}, {who}: {request}"
        _ask(found, client, who, target, request, told, secrets)


def _is_out(client: Client, who: str) -> bool:
    """Whether that person's session has ended, or taken its next step, meanwhile."""
    if who == "nobody":
        return len(client.cookies) > 1
    return (
        "account_login" if who == "between two steps" else "_auth_user_id"
    ) not in client.session


def _ask(
    found: Found,
    client: Client,
    who: str,
    target: Target,
    request: Request,
    told: str,
    secrets: list[str],
) -> None:
    traces: list[str] = []

    def keep_trace(**_rest: Any) -> None:
        traces.append(traceback.format_exc(limit=-6))

    got_request_exception.connect(keep_trace)
    try:
        with TestCase.captureOnCommitCallbacks(execute=True):
            response = request.send(client)
        content = b"".join(response) if response.streaming else response.content
    except Exception:
        found.faults.append(f"{told}:\n{traceback.format_exc()}")
        return
    finally:
        got_request_exception.disconnect(keep_trace)
    found.note(who, target, _as_counted(response))
    if response.status_code >= 500 and response.status_code not in PLANNED:
        found.faults.append(f"{told}: {response.status_code}\n{''.join(traces)}")
    told_by_them = str(request)
    shown = [word for word in INSIDE if word in content]
    shown += [b"a secret" for one in secrets if one.encode() in content and one not in told_by_them]
    found.faults += [f"{told}: shows {word!r}" for word in shown]


def test_no_request_whatever_fails_or_shows_what_is_inside(
    amazon: Running,  # noqa: F811
    nordlicht: SellerKeys,  # noqa: F811
) -> None:
    found, every, report = Found(), targets(), ""
    rounds = -(-REQUESTS // REQUESTS_OF_A_ROUND)
    for number in range(rounds):
        with _undone():
            _round(found, number, nordlicht, every)
        report = f"{connection.vendor}, seed {SEED}: {found.report()}"
        if REPORT:
            Path(REPORT).write_text(report)  # after each round: it takes long, and may be ended
    assert not found.faults, report
    assert {200, 302, 400, 401, 403, 404, 405} <= set(found.statuses), found.statuses
    if REQUESTS >= ENOUGH:
        assert set(found.by_address) == {target.name for target in every}
        of_ours = {name: by for name, by in found.by_address.items() if name[:6] != "admin "}
        closed = {name for name, by in of_ours.items() if not _answered(by)}
        assert closed <= CLOSED, closed - CLOSED
