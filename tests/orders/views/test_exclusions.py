"""What is never asked: listed, added many at once after a look, and undone."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from audit.models import AuditEvent, AuditKind
from orders.models import Exclusion, ExclusionKind
from orders.services import exclude
from sellers.models import Membership, Role
from tests.factories import (
    ExclusionFactory,
    MembershipFactory,
    OrderFactory,
    OrderItemFactory,
)

pytestmark = pytest.mark.django_db

LIST, ADD = "/exclusions/", "/exclusions/add/"


@pytest.fixture
def member() -> Membership:
    return MembershipFactory(role=Role.OPERATOR)  # type: ignore[no-any-return]


@pytest.fixture
def client(member: Membership) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def words(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def paste(client: Client, member: Membership, text: str, **form: Any) -> HttpResponse:
    fields = {"account": member.account_id, "kind": "sku", "reason": "Recalled", "end": "1"}
    return client.post(ADD, fields | {"text": text} | form)  # type: ignore[return-value]


def confirm(client: Client, response: HttpResponse) -> HttpResponse:
    form = response.content.decode().split('name="plan"')[1]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)">', f'name="plan"{form}'))
    return client.post(ADD, fields)  # type: ignore[return-value]


def test_many_are_pasted_looked_at_excluded_and_undone(client: Client, member: Membership) -> None:
    order = OrderFactory(account=member.account)
    OrderItemFactory(order=order, sku="MUG-1")
    exclude(member.account, ExclusionKind.SKU, ["MUG-2"], user=member.user)
    shown = paste(client, member, "MUG-1\r\nMUG-2\r\n=MUG,3\r\nMUG-1\r\n" + "x" * 65)
    page = words(shown)
    assert f"Exclude 2 SKUs of {member.account.name}" in page
    assert "Excluded from now on 1 Excluded already 1" in page
    assert "Duplicate rows, counted once 1" in page
    assert "Skip 2 bad rows and exclude 2 SKUs" in page
    assert Exclusion.objects.count() == 1

    done = confirm(client, shown)
    assert (done.status_code, done.headers["Location"]) == (302, LIST)
    exclusion = Exclusion.objects.get(value="MUG-1")
    assert (exclusion.created_by, exclusion.reason) == (member.user, "Recalled")
    order.refresh_from_db()
    assert order.is_excluded
    page = words(client.get(LIST))
    assert "1 excluded from now on, 1 were excluded already." in page
    assert f"MUG-1 SKU {member.account.name} Recalled {member.user.username}" in page

    undone = client.post(f"{LIST}{exclusion.pk}/undo/", {"next": "/exclusions/?q=MUG"})
    assert undone.headers["Location"] == "/exclusions/?q=MUG"
    order.refresh_from_db()
    assert not order.is_excluded
    assert "MUG-1" not in words(client.get(LIST)).split("Excluded What")[1]
    assert f"{member.user.username}" in words(client.get(f"{LIST}?state=undone"))
    client.post(f"{LIST}{exclusion.pk}/undo/")
    assert "this was undone already" in words(client.get(LIST))
    assert AuditEvent.objects.filter(kind=AuditKind.EXCLUSION_UNDONE).count() == 1


def test_order_numbers_that_are_not_here_yet_can_be_excluded(
    client: Client, member: Membership
) -> None:
    shown = paste(client, member, "302-1234567-1234567", kind="order")
    assert "Exclude 1 order of" in words(shown)
    confirm(client, shown)
    assert Exclusion.objects.get().value == "302-1234567-1234567"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"reason": ""}, "Say why: it stands on the record."),
        ({"kind": "buyer"}, "Select a valid choice."),
        ({"text": ""}, "Paste something, or choose a file."),
        ({"kind": "asin", "text": "one,two"}, "The column “asin” is missing."),
    ],
)
def test_what_is_wrong_is_said(
    client: Client, member: Membership, form: dict[str, str], sentence: str
) -> None:
    response = paste(client, member, form.pop("text", "MUG-1"), **form)
    assert response.status_code == 422
    assert sentence in words(response)


def test_the_list_has_ones_own_accounts_by_account_beginning_and_page(
    client: Client, member: Membership
) -> None:
    other = MembershipFactory(user=member.user, role=Role.VIEWER).account
    for n in range(55):
        ExclusionFactory(account=member.account, value=f"MINE-{n:02d}")
    ExclusionFactory(account=other, value="OTHER-1")
    ExclusionFactory(value="FOREIGN-1")
    page = client.get(LIST).content.decode()
    assert 'id="exclusions" hx-select="#exclusions"' in page
    assert 'hx-target="#exclusions" hx-swap="outerHTML' in page
    first = words(client.get(LIST))
    assert "OTHER-1" in first
    assert "MINE-54" in first
    assert "MINE-00" not in first
    assert "50 of 56" in first
    last = words(client.get(f"{LIST}?page=last"))
    assert "MINE-00" in last
    assert "FOREIGN" not in first + last
    assert "1 of 1" in words(client.get(f"{LIST}?account={other.pk}"))
    assert "1 of 1" in words(client.get(f"{LIST}?q=mine-07"))
    assert "No exclusion matches" in words(client.get(f"{LIST}?q=MINE-9"))
    # whoever only sees an account undoes nothing of it
    assert client.get(f"{LIST}?account={other.pk}").content.count(b"/undo/") == 0
    for query in ("state=x", "account=0", "account=x", "q=" + "x" * 65, "q=1&q=2"):
        assert client.get(f"{LIST}?{query}").status_code == 400


def test_who_may_only_see_is_shown_no_way_to_add(client: Client, member: Membership) -> None:
    assert ADD in client.get(LIST).content.decode()
    Membership.objects.update(role=Role.VIEWER)
    assert ADD not in client.get(LIST).content.decode()
    assert "An operator can exclude" in words(client.get(LIST))


def test_an_exclusion_that_cannot_be_is_not_found(client: Client) -> None:
    assert client.post(f"{LIST}{2**63}/undo/").status_code == 404
