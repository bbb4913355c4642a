"""Accounts are connected when Amazon lets us in, renewed, paused, and marked when it shuts us out."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import override_settings

from audit.models import AuditEvent, AuditKind
from messaging.clock import read_database_clock
from sandbox.testing import Running, SellerKeys
from sellers.clients import TOKEN_STORE, client_for
from sellers.connection import AmazonRefusedError, ConnectError
from sellers.models import (
    Application,
    Connection,
    Membership,
    Region,
    Role,
    SellerAccount,
)
from sellers.services import (
    connect_account,
    connection_after,
    disconnect_account,
    mark_connection,
    note_trouble,
    pause_account,
    resume_account,
)
from sellers.storing import store_account
from solicit_dashboard.ports import free_port
from spapi import (
    AccessDenied,
    Client,
    InvalidClient,
    InvalidGrant,
    ServerError,
    SpApiError,
    TokenServiceUnavailable,
    Unlimited,
)
from tests.factories import MembershipFactory, SellerAccountFactory, UserFactory
from tests.sellers.conftest import keys_of

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def test_a_new_account_stands_with_its_marketplaces_manager_and_record(
    nordlicht: SellerKeys,
) -> None:
    person = UserFactory()
    account = connect_account(**keys_of(nordlicht), user=person)
    account.refresh_from_db()
    assert (account.name, account.region) == ("Nordlicht Home", Region.EU)
    assert account.refresh_token == nordlicht.refresh_token
    assert account.application.client_secret == nordlicht.client_secret
    assert account.is_sending
    marketplaces = {row.marketplace_id: row for row in account.marketplaces.all()}
    assert set(marketplaces) == set(nordlicht.marketplace_ids)
    germany = marketplaces["A1PA6795UKMFR9"]
    assert (germany.country, germany.currency, germany.is_participating) == ("DE", "EUR", True)
    assert Membership.objects.get().role == Role.MANAGER
    event = AuditEvent.objects.get(kind=AuditKind.CONNECTED)
    assert (event.user, event.account_id, event.detail["renewed"]) == (person, account.pk, False)


def test_no_secret_stands_in_the_database_the_record_or_the_log(
    nordlicht: SellerKeys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    account = connect_account(**keys_of(nordlicht))
    stored = [
        bytes(account.refresh_token_encrypted),
        bytes(account.application.client_secret_encrypted),
        repr(list(AuditEvent.objects.values())).encode(),
        repr(account).encode(),
        caplog.text.encode(),
    ]
    for secret in (nordlicht.refresh_token, nordlicht.client_secret):
        assert not any(secret.encode() in text for text in stored)


def test_connecting_again_renews_the_same_account_and_keeps_its_pause(
    nordlicht: SellerKeys,
) -> None:
    first = connect_account(**keys_of(nordlicht))
    pause_account(first, UserFactory(), AT)
    mark_connection(first, Connection.RECONNECT, "invalid_grant")
    again = connect_account(**keys_of(nordlicht, name="Nordlicht"), manager=UserFactory())
    assert again.pk == first.pk
    assert (again.name, again.connection, again.trouble) == ("Nordlicht", "connected", "")
    assert again.paused_at == AT
    assert SellerAccount.objects.count() == Application.objects.count() == 1
    assert not Membership.objects.exists()
    assert AuditEvent.objects.filter(detail__renewed=True).count() == 1


def test_a_pause_in_the_middle_of_a_renewal_stays(
    nordlicht: SellerKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect_account(**keys_of(nordlicht))

    def somebody_pauses_meanwhile(account: SellerAccount, _token: str) -> bool:
        # the account was read, and is not written yet
        SellerAccount.objects.filter(pk=account.pk).update(paused_at=AT)
        return True

    monkeypatch.setattr("sellers.storing._has_token", somebody_pauses_meanwhile)
    monkeypatch.setattr("sellers.storing._refuse_token_of_another", lambda *_: None)
    connect_account(**keys_of(nordlicht, name="Nordlicht"))
    account = SellerAccount.objects.get()
    assert (account.name, account.paused_at) == ("Nordlicht", AT)


def test_a_disconnected_account_comes_back_with_its_history_and_paused(
    nordlicht: SellerKeys,
) -> None:
    """Nothing that waited while it was disconnected leaves by itself."""
    person = UserFactory()
    account = connect_account(**keys_of(nordlicht), user=person)
    assert disconnect_account(account, person, "Sold the shop")
    back = connect_account(**keys_of(nordlicht), user=person)
    assert back.pk == account.pk
    assert SellerAccount.objects.get().refresh_token == nordlicht.refresh_token
    assert (back.connection, back.is_sending) == (Connection.CONNECTED, False)
    assert back.pause_reason.startswith("Connected again")
    assert resume_account(back, person, read_database_clock())


def test_disconnecting_destroys_the_token_once_and_keeps_the_record(
    nordlicht: SellerKeys,
) -> None:
    account, person = connect_account(**keys_of(nordlicht)), UserFactory()
    client = client_for(account, limiter=Unlimited())
    before = client.access_token()
    assert disconnect_account(account, person, "Sold the shop")
    row = SellerAccount.objects.get()
    assert (row.connection, bytes(row.refresh_token_encrypted)) == (Connection.DISCONNECTED, b"")
    assert (row.refresh_token, row.authorized_at) == ("", None)
    assert row.marketplaces.exists()
    with pytest.raises(ValueError, match="no token"):
        client_for(row, limiter=Unlimited())
    assert TOKEN_STORE.get(client._seller) is None, f"{before.expires_at} is far"
    event = AuditEvent.objects.get(kind=AuditKind.DISCONNECTED)
    assert (event.user, event.account_id) == (person, account.pk)
    assert event.detail == {"reason": "Sold the shop"}
    assert not disconnect_account(account, person)
    assert AuditEvent.objects.filter(kind=AuditKind.DISCONNECTED).count() == 1


def test_an_account_whose_key_is_lost_can_be_disconnected(nordlicht: SellerKeys) -> None:
    account = connect_account(**keys_of(nordlicht))
    SellerAccount.objects.update(refresh_token_encrypted=b"lost" * 20)
    assert disconnect_account(SellerAccount.objects.get(pk=account.pk), None)
    assert SellerAccount.objects.get().refresh_token == ""


def test_a_known_account_is_renewed_by_its_own_people_alone(nordlicht: SellerKeys) -> None:
    """B50: whoever is refused hears neither of a team nor that there is one."""
    manager = UserFactory()
    account = connect_account(**keys_of(nordlicht), user=manager)
    stranger, operator = UserFactory(), UserFactory()
    MembershipFactory(user=operator, account=account, role=Role.OPERATOR)
    for disconnected in (False, True):
        if disconnected:
            disconnect_account(account, manager)
        for person in (stranger, operator):
            with pytest.raises(ConnectError) as refused:
                connect_account(**keys_of(nordlicht, name="Mine"), user=person)
            assert refused.value.field == "selling_partner_id"
            assert manager.username not in str(refused.value)
            assert account.name not in str(refused.value)
    assert SellerAccount.objects.get().name == account.name
    other_manager = MembershipFactory(account=account, role=Role.MANAGER).user
    for person in (other_manager, UserFactory(is_superuser=True), None):
        assert connect_account(**keys_of(nordlicht), user=person).pk == account.pk
    assert Membership.objects.count() == 3


def test_the_token_of_somebody_elses_account_is_refused_without_its_name(
    nordlicht: SellerKeys,
) -> None:
    connect_account(**keys_of(nordlicht), user=UserFactory())
    mistyped = keys_of(nordlicht) | {"selling_partner_id": "A2MISTYPED1234", "name": "Again"}
    with pytest.raises(ConnectError, match="belongs to another selling partner") as refused:
        connect_account(**mistyped, user=UserFactory())
    assert nordlicht.name not in str(refused.value)


def test_a_token_that_does_not_lead_to_a_known_order_is_another_sellers(
    nordlicht: SellerKeys, amazon: Running
) -> None:
    own = amazon.ask("GET", "/_eligible")[nordlicht.selling_partner_id][0]
    connect_account(**keys_of(nordlicht), known_order=own)
    with pytest.raises(AmazonRefusedError, match="belongs to another seller than") as refused:
        connect_account(**keys_of(nordlicht), known_order="302-1234567-1234567")
    assert refused.value.field == "refresh_token"
    amazon.set_faults([{"operation": "getOrder", "do": {"kind": "status", "status": 500}}])
    connect_account(**keys_of(nordlicht), known_order="302-1234567-1234567")


def test_the_day_of_the_authorization_is_that_of_the_token(nordlicht: SellerKeys) -> None:
    account = connect_account(**keys_of(nordlicht))
    assert account.authorized_at is not None
    SellerAccount.objects.update(authorized_at=AT)
    assert connect_account(**keys_of(nordlicht, name="Same token")).authorized_at == AT
    SellerAccount.objects.update(refresh_token_encrypted=b"")
    again = connect_account(**keys_of(nordlicht)).authorized_at
    assert again is not None
    assert again > AT


def test_a_new_secret_of_a_known_application_begins_its_180_days(nordlicht: SellerKeys) -> None:
    application = connect_account(**keys_of(nordlicht)).application
    assert AuditEvent.objects.filter(kind=AuditKind.APPLICATION_ADDED).count() == 1
    Application.objects.update(secret_made_on=AT.date())
    connect_account(**keys_of(nordlicht))
    application.refresh_from_db()
    assert application.secret_made_on == AT.date()
    application.client_secret = "older"
    application.save()
    connect_account(**keys_of(nordlicht))
    application.refresh_from_db()
    assert application.client_secret == nordlicht.client_secret
    assert application.secret_made_on > AT.date()
    event = AuditEvent.objects.get(kind=AuditKind.APPLICATION_CHANGED)
    assert event.detail == {"changed": ["client_secret"]}


def test_two_regions_of_one_seller_are_two_accounts_and_share_the_application(
    amazon: Running,
) -> None:
    for seller in amazon.sellers:
        connect_account(**keys_of(seller))
    assert SellerAccount.objects.count() == 2
    assert Application.objects.count() == 1


def test_one_token_is_not_taken_for_two_sellers(nordlicht: SellerKeys) -> None:
    """A mistyped id would make a second account of the same orders."""
    connect_account(**keys_of(nordlicht))
    mistyped = keys_of(nordlicht) | {"selling_partner_id": "A2MISTYPED1234", "name": "Again"}
    with pytest.raises(ConnectError, match="belongs to the account “Nordlicht Home”") as refused:
        connect_account(**mistyped)
    assert refused.value.field == "selling_partner_id"
    assert SellerAccount.objects.count() == 1


def test_input_is_trimmed(nordlicht: SellerKeys) -> None:
    keys = {name: f" {value}\n" for name, value in keys_of(nordlicht).items()}
    keys["refresh_token"] = f' "{nordlicht.refresh_token}" \n'
    keys["region"] = " EU "
    account = connect_account(**keys)
    assert account.selling_partner_id == nordlicht.selling_partner_id
    assert account.refresh_token == nordlicht.refresh_token


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"name": "  "}, "name", "Give the account a name"),
        ({"region": "us"}, "region", "There is no region “us”. Amazon has na (North America)"),
        ({"selling_partner_id": "a2x"}, "selling_partner_id", "begins with A"),
        ({"client_id": ""}, "client_id", "client id is missing"),
        ({"client_secret": " "}, "client_secret", "client secret is missing"),
        ({"refresh_token": "''"}, "refresh_token", "refresh token is missing"),
        ({"refresh_token": "Atza|IwEB"}, "refresh_token", "That is an access token"),
        ({"refresh_token": "IwEB"}, "refresh_token", "begins with Atzr|"),
        ({"refresh_token": "Atzr|" + "x" * 2044}, "refresh_token", "at most 2048"),
        ({"refresh_token": "Atzr|a\x00b"}, "refresh_token", "one word"),
        ({"refresh_token": "Atzr|a b"}, "refresh_token", "one word"),
    ],
)
def test_input_that_cannot_be_right_is_named_before_amazon_is_asked(
    changes: dict[str, str], field: str, sentence: str
) -> None:
    # no sandbox runs here: a call to Amazon would end in another error
    keys = {
        "name": "Shop",
        "region": "eu",
        "selling_partner_id": "A2EXAMPLE1234",
        "client_id": "client",
        "client_secret": "secret",
        "refresh_token": "Atzr|token",
    }
    with pytest.raises(ConnectError) as refusal:
        connect_account(**keys | changes)
    assert not isinstance(refusal.value, AmazonRefusedError)
    assert (refusal.value.field, sentence in str(refusal.value)) == (field, True)
    assert not SellerAccount.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"refresh_token": "Atzr|somebody-elses"}, "refresh_token", "no longer accepts"),
        ({"client_secret": "amzn1.oa2-cs.v1.wrong"}, "client_secret", "does not accept"),
        ({"client_id": "amzn1.application-oa2-client.0"}, "client_secret", "does not accept"),
        ({"marketplaces": ["ATVPDKIKX0DER"]}, "marketplaces", "does not sell in ATVPDKIKX0DER"),
    ],
)
def test_what_amazon_does_not_accept_is_named_and_nothing_is_stored(
    nordlicht: SellerKeys, changes: dict[str, Any], field: str, sentence: str
) -> None:
    with pytest.raises(ConnectError) as refusal:
        connect_account(**keys_of(nordlicht, **changes))
    assert (refusal.value.field, sentence in str(refusal.value)) == (field, True)
    assert not SellerAccount.objects.exists()
    assert not Application.objects.exists()
    assert not AuditEvent.objects.exists()
    assert nordlicht.refresh_token not in str(refusal.value)


def test_the_role_that_connecting_needs_is_named(
    nordlicht: SellerKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_client: Client) -> None:
        raise AccessDenied("Access to requested resource is denied.", status=403)

    monkeypatch.setattr(Client, "get_marketplace_participations", refuse)
    with pytest.raises(AmazonRefusedError, match="role Selling Partner Insights"):
        connect_account(**keys_of(nordlicht))


def test_the_wrong_region_is_named(nordlicht: SellerKeys) -> None:
    with pytest.raises(AmazonRefusedError) as refusal:
        connect_account(**keys_of(nordlicht, region="na"))
    assert refusal.value.field == "region"
    assert "eu" in str(refusal.value)


def test_who_connects_the_same_seller_at_the_same_moment_renews_it(
    nordlicht: SellerKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A double click: the second insert meets the first one's row."""
    person, calls = UserFactory(), []

    def raced(**facts: Any) -> SellerAccount:
        calls.append(facts["partner"])
        if len(calls) == 1:
            raise IntegrityError("one_account_per_partner_and_region")
        return store_account(**facts)

    monkeypatch.setattr("sellers.services.store_account", raced)
    account = connect_account(**keys_of(nordlicht), user=person)
    assert (len(calls), SellerAccount.objects.get()) == (2, account)


def test_only_the_marketplaces_asked_for_are_kept(nordlicht: SellerKeys) -> None:
    account = connect_account(**keys_of(nordlicht))
    assert account.marketplaces.count() > 2
    connect_account(**keys_of(nordlicht, marketplaces=["A1PA6795UKMFR9"]))
    assert [row.marketplace_id for row in account.marketplaces.all()] == ["A1PA6795UKMFR9"]


def test_an_amazon_that_does_not_answer_is_said(nordlicht: SellerKeys) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with (
        override_settings(SPAPI_ENDPOINT=nobody, LWA_ENDPOINT=nobody),
        pytest.raises(AmazonRefusedError, match="could not be asked"),
    ):
        connect_account(**keys_of(nordlicht))


def test_pausing_and_resuming_happen_once_and_are_recorded() -> None:
    account, person = SellerAccountFactory(), UserFactory()
    assert pause_account(account, person, AT)
    assert (account.paused_at, account.paused_by, account.is_sending) == (AT, person, False)
    assert not pause_account(account, UserFactory(), AT + timedelta(days=1))
    assert SellerAccount.objects.get().paused_at == AT
    assert resume_account(account, person, AT + timedelta(days=2))
    assert (account.paused_at, account.paused_by, account.is_sending) == (None, None, True)
    assert not resume_account(account, person, AT + timedelta(days=2))
    kinds = AuditEvent.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == [AuditKind.PAUSED, AuditKind.RESUMED]


def test_marking_twice_changes_once() -> None:
    account = SellerAccountFactory()
    assert mark_connection(account, Connection.RECONNECT, "x" * 600)
    assert (account.connection, len(account.trouble)) == ("reconnect", 500)
    assert not mark_connection(account, Connection.RECONNECT, "x" * 600)
    assert mark_connection(account, Connection.CONNECTED, "")
    assert SellerAccount.objects.get().is_sending


def test_an_old_tokens_trouble_does_not_mark_a_renewed_account() -> None:
    account = SellerAccountFactory()
    renewed = SellerAccount.objects.get()
    renewed.refresh_token = "Atzr|new"
    renewed.save()
    assert not mark_connection(account, Connection.RECONNECT, "invalid_grant")
    assert SellerAccount.objects.get().is_sending
    assert mark_connection(SellerAccount.objects.get(), Connection.RECONNECT, "invalid_grant")


def test_a_persons_disconnect_stands() -> None:
    account = SellerAccountFactory(disconnected=True)
    assert not mark_connection(account, Connection.CONNECTED, "")
    assert SellerAccount.objects.get().connection == Connection.DISCONNECTED


@pytest.mark.parametrize(
    ("error", "connection"),
    [
        (InvalidGrant("revoked", lwa_error="invalid_grant", needs_reconnect=True), "reconnect"),
        (InvalidClient("secret", lwa_error="invalid_client", needs_reconnect=True), "reconnect"),
        (TokenServiceUnavailable("503"), None),
        (AccessDenied("Access to requested resource is denied.", status=403), "role_missing"),
        (
            AccessDenied(
                "Access to requested resource is denied.",
                status=403,
                details="The access token you provided is revoked, malformed or invalid.",
            ),
            "reconnect",
        ),
        (ServerError("500", status=500), None),
    ],
)
def test_an_error_says_what_it_means_for_the_connection(
    error: SpApiError, connection: str | None
) -> None:
    account = SellerAccountFactory()
    assert connection_after(error) == connection
    assert note_trouble(account, error) == connection
    account.refresh_from_db()
    assert account.connection == (connection or "connected")
    assert bool(account.trouble) == (connection is not None)


def test_a_token_that_amazon_revokes_later_marks_the_account(amazon: Running) -> None:
    connect_account(**keys_of(amazon.sellers[0]))
    amazon.set_faults([{"operation": "*", "do": {"kind": "lwa_error", "error": "invalid_grant"}}])
    with pytest.raises(AmazonRefusedError, match="no longer accepts"):
        connect_account(**keys_of(amazon.sellers[0], name="Other"))
    assert SellerAccount.objects.get().name == "Nordlicht Home"
