"""The accounts: whether they send and why not; pause, resume, and another try."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent, AuditKind
from messaging.states import Status
from sellers.models import Connection, Role, SellerAccount
from tests.factories import (
    KillSwitchFactory,
    MembershipFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def account() -> SellerAccount:
    found: SellerAccount = SellerAccountFactory(name="Nordwind")
    return found


def log_in(account: SellerAccount | None, role: Role = Role.MANAGER, name: str = "ann") -> Client:
    user: User = UserFactory(username=name)
    if account is not None:
        MembershipFactory(user=user, account=account, role=role)
    client = Client()
    client.force_login(user)
    return client


def test_ones_own_accounts_are_listed_with_their_state(account: SellerAccount) -> None:
    SellerAccountFactory(name="Somebody else's")
    client = log_in(account)
    page = client.get("/accounts/").content.decode()
    assert "Nordwind" in page
    assert "Sends" in page
    assert "Somebody else" not in page
    assert f'action="/accounts/{account.pk}/pause/"' in page
    assert 'aria-current="page">Accounts</a>' in page


def test_htmx_gets_the_table_alone(account: SellerAccount) -> None:
    fragment = log_in(account).get("/accounts/", headers=HTMX).content.decode()
    assert fragment.strip().startswith('<div id="accounts"')
    assert "Nordwind" in fragment


def test_without_an_account_the_page_says_what_will_fill_it() -> None:
    page = log_in(None).get("/accounts/").content.decode()
    assert "No seller account yet" in page
    assert "Stop sending" not in page


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_who_is_no_manager_sees_and_changes_nothing(account: SellerAccount, role: Role) -> None:
    page = log_in(account, role).get("/accounts/").content.decode()
    assert "Nordwind" in page
    assert "/pause/" not in page
    assert "Stop sending" not in page


def test_more_accounts_take_no_more_queries(account: SellerAccount) -> None:
    client = log_in(account)
    user = User.objects.get(username="ann")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/accounts/").status_code == 200
        return len(captured)

    def add() -> None:
        other = SellerAccountFactory(paused=True)
        MembershipFactory(user=user, account=other, role=Role.MANAGER)
        KillSwitchFactory(account=other, set_by=UserFactory())
        OutgoingActionFactory(order__account=other, status=Status.HELD)

    add()
    before = queries()
    add()
    add()
    # session, user, accounts, switches, what ends soon, and for the banner whether anything is
    # stopped, accounts and switches; on PostgreSQL its clock too
    assert queries() == before == 8 + (connection.vendor == "postgresql")


def test_a_pause_holds_what_waits_and_says_so(account: SellerAccount) -> None:
    action = OutgoingActionFactory(order__account=account)
    client = log_in(account)
    response = client.post(
        f"/accounts/{account.pk}/pause/", {"reason": " Stock is counted "}, follow=True
    )
    assert response.redirect_chain == [("/accounts/", 302)]
    page = response.content.decode()
    assert "Nordwind is paused." in page
    assert "Paused by ann" in page
    assert "Stock is counted" in page
    assert f'action="/accounts/{account.pk}/resume/"' in page
    action.refresh_from_db()
    assert action.status == Status.HELD
    assert f'href="/outbox/?state=held&amp;account={account.pk}">1</a>' in page


def test_a_second_click_says_who_was_sooner(account: SellerAccount) -> None:
    first, second = log_in(account), log_in(account, name="bob")
    first.post(f"/accounts/{account.pk}/pause/")
    page = second.post(f"/accounts/{account.pk}/pause/", follow=True).content.decode()
    assert "Nordwind was paused already, by ann." in page
    first.post(f"/accounts/{account.pk}/resume/")
    page = second.post(f"/accounts/{account.pk}/resume/", follow=True).content.decode()
    assert "Nordwind was not paused." in page
    events = AuditEvent.objects.exclude(kind=AuditKind.LOGGED_IN).order_by("pk")
    kinds = list(events.values_list("kind", flat=True))
    assert kinds == ["paused", "resumed"]


def test_another_try_after_amazons_refusal(account: SellerAccount) -> None:
    SellerAccount.objects.update(connection=Connection.ROLE_MISSING, trouble="denied")
    client = log_in(account)
    assert (
        f'action="/accounts/{account.pk}/try-again/"' in client.get("/accounts/").content.decode()
    )
    page = client.post(f"/accounts/{account.pk}/try-again/", follow=True).content.decode()
    assert "Nordwind is tried again." in page
    assert SellerAccount.objects.get().connection == Connection.CONNECTED
    page = client.post(f"/accounts/{account.pk}/try-again/", follow=True).content.decode()
    assert "Nordwind is not held by a refusal of Amazon." in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"reason": "x" * 301}, "reason: it has more than 300 characters"),
        ({"reason": "a\x00b"}, "reason: Null characters are not allowed."),
        ({"reason": ["a", "b"]}, "“reason” was given 2 times. Give it once."),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_reason_that_cannot_be_kept_changes_nothing(
    account: SellerAccount, fields: dict[str, object], words: str, headers: dict[str, str]
) -> None:
    client = log_in(account)
    response = client.post(f"/accounts/{account.pk}/pause/", fields, headers=headers)
    assert response.status_code == 400
    assert words in response.content.decode()
    account.refresh_from_db()
    assert account.paused_at is None


@pytest.mark.parametrize("verb", ["pause", "resume", "try-again"])
def test_htmx_is_sent_back_to_the_page(account: SellerAccount, verb: str) -> None:
    response = log_in(account).post(
        f"/accounts/{account.pk}/{verb}/", {"next": "/orders/"}, headers=HTMX
    )
    assert (response.status_code, response.headers["HX-Redirect"]) == (204, "/orders/")


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example", "/\\evil", ""])
def test_a_form_never_leads_elsewhere(account: SellerAccount, target: str) -> None:
    response = log_in(account).post(f"/accounts/{account.pk}/pause/", {"next": target})
    assert response["Location"] == "/accounts/"


def test_a_manager_lets_an_order_have_one_message_and_takes_it_back(account: SellerAccount) -> None:
    client = log_in(account, Role.MANAGER)
    address = f"/accounts/{account.pk}/one-message/"
    for said, words in (
        ("yes", "sends one message per order at most"),
        ("yes", "was set like that already"),
        ("no", "warns before a second message"),
    ):
        page = client.post(address, {"one_message_per_order": said}, follow=True)
        assert words in page.content.decode()
        account.refresh_from_db()
        assert account.one_message_per_order is (said == "yes")
    events = AuditEvent.objects.filter(kind=AuditKind.ACCOUNT_CHANGED).order_by("pk")
    assert [event.detail for event in events] == [
        {"one_message_per_order": True},
        {"one_message_per_order": False},
    ]
    assert client.post(address, {"one_message_per_order": "perhaps"}).status_code == 400


def test_the_page_of_an_account_says_what_amazon_says_of_two_messages(
    account: SellerAccount,
) -> None:
    page = log_in(account, Role.VIEWER).get(f"/accounts/{account.pk}/").content.decode()
    assert "or free form proactive message per order</q>" in page
    assert "it does not say" in page
    assert "Refuse the second" not in page
    assert f"/accounts/{account.pk}/templates/" in page
