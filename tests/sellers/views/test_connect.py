"""Connecting by a pasted token, renewing, disconnecting: what the forms say, and who may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import override_settings
from django.utils import timezone

from audit.models import AuditEvent, AuditKind
from messaging.states import Status
from sandbox.testing import Running, SellerKeys
from sellers.models import Application, Connection, Membership, Role, SellerAccount
from sellers.services import connect_account
from tests.factories import (
    MembershipFactory,
    OrderFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
    UserFactory,
)
from tests.sellers.conftest import keys_of
from tests.sellers.views.conftest import Desk, sit_down

pytestmark = pytest.mark.django_db


def paste(desk: Desk, seller: SellerKeys, **changes: Any) -> HttpResponse:
    """What the form answers with this seller's keys, those given changed."""
    application = Application.objects.filter(created_by=desk.user).first()
    fields = {
        "application": application.pk if application else "",
        "region": seller.region,
        "selling_partner_id": seller.selling_partner_id,
        "refresh_token": seller.refresh_token,
        "name": "Our shop",
    }
    return desk.post("connect", **fields | changes)


def test_a_pasted_token_connects_an_account_that_sends_nothing_by_itself(
    nordlicht: SellerKeys, manager: Desk, application: Application
) -> None:
    """B55: quotes and spaces around it are no fault."""
    response = paste(
        manager,
        nordlicht,
        refresh_token=f' "{nordlicht.refresh_token}" ',
        marketplaces=["A1PA6795UKMFR9"],
    )
    account = SellerAccount.objects.get(selling_partner_id=nordlicht.selling_partner_id)
    assert (response.status_code, response.headers["Location"]) == (302, f"/accounts/{account.pk}/")
    assert Membership.objects.get(account=account).user == manager.user
    assert [one.marketplace_id for one in account.marketplaces.all()] == ["A1PA6795UKMFR9"]
    assert account.refresh_token == nordlicht.refresh_token
    assert AuditEvent.objects.get(kind=AuditKind.CONNECTED).user == manager.user
    page = manager.client.get(response.headers["Location"]).content.decode()
    assert "Our shop is connected." in page
    assert "365 days left" in page
    assert "180 days left" in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"refresh_token": "Atza|IwEB"},
            "That is an access token; paste the one that begins Atzr|.",
        ),
        ({"refresh_token": "IwEB"}, "A refresh token begins with Atzr|."),
        ({"refresh_token": "Atzr|" + "x" * 2044}, "at most 2048 characters"),
        ({"refresh_token": ""}, "The refresh token is missing."),
        (
            {"refresh_token": "Atzr|canary-of-another"},
            "Amazon no longer accepts this refresh token",
        ),
        ({"region": "na"}, "marketplaces are in the region eu (Europe), not in na"),
        ({"region": "mars"}, "Choose one from the list."),
        ({"selling_partner_id": "merchant"}, "A selling partner id (merchant token) begins with A"),
        ({"name": " "}, "Give it a name."),
        ({"marketplaces": ["ATVPDKIKX0DER"]}, "The seller does not sell in ATVPDKIKX0DER"),
        ({"application": "0"}, "Choose one from the list."),
    ],
)
def test_each_mistake_is_a_sentence_at_its_field_and_stores_nothing(
    nordlicht: SellerKeys,
    manager: Desk,
    application: Application,
    changes: dict[str, Any],
    sentence: str,
) -> None:
    before = SellerAccount.objects.count()
    response = paste(manager, nordlicht, **changes)
    page = response.content.decode()
    assert response.status_code == 422
    at_its_field = page.split(f'id="id_{next(iter(changes))}_error">')[1].split("</p>")[0]
    assert sentence in at_its_field.replace("&#x27;", "'")
    assert SellerAccount.objects.count() == before
    assert not AuditEvent.objects.filter(kind=AuditKind.CONNECTED).exists()
    for secret in ("canary-of-another", nordlicht.refresh_token, nordlicht.client_secret):
        assert secret not in page


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"kind": "lwa_error", "error": "invalid_client"}, "does not accept this client id"),
        ({"kind": "status", "status": 500}, "Amazon could not be asked."),
        ({"kind": "hang", "seconds": 5}, "Amazon could not be asked."),
        ({"kind": "body", "text": "<html>", "content_type": "text/html"}, "could not be asked."),
    ],
)
def test_an_amazon_that_does_not_answer_well_is_one_sentence(
    amazon: Running,
    nordlicht: SellerKeys,
    manager: Desk,
    application: Application,
    fault: dict[str, Any],
    sentence: str,
) -> None:
    """B54."""
    amazon.set_faults([{"operation": "lwa", "do": fault}])
    with override_settings(CALL_DEADLINE_SECONDS=0.3):
        response = paste(manager, nordlicht)
    assert (response.status_code, sentence in response.content.decode()) == (422, True)
    assert not SellerAccount.objects.filter(name="Our shop").exists()


def test_a_seller_of_another_team_is_refused_without_its_name(
    nordlicht: SellerKeys, manager: Desk, application: Application
) -> None:
    """B50. With a token that Amazon does not take nobody learns even so much."""
    connect_account(**keys_of(nordlicht, name="Theirs"), user=UserFactory())
    ours = SellerAccountFactory(application=application)
    MembershipFactory(user=manager.user, account=ours, role=Role.MANAGER)
    page = paste(manager, nordlicht).content.decode()
    assert "This seller cannot be connected by you." in page
    assert "Theirs" not in page
    page = paste(manager, nordlicht, refresh_token="Atzr|guess").content.decode()
    assert "cannot be connected by you" not in page


def test_a_field_that_comes_twice_is_not_guessed(
    nordlicht: SellerKeys, manager: Desk, application: Application
) -> None:
    assert paste(manager, nordlicht, name=["One", "Two"]).status_code == 400


def test_who_has_no_application_is_led_to_add_one(superuser: Desk) -> None:
    page = superuser.get("connect").content.decode()
    assert "No application yet" in page
    assert 'name="refresh_token"' not in page


def test_a_token_is_renewed_and_the_history_stays(
    amazon: Running, nordlicht: SellerKeys, manager: Desk, application: Application
) -> None:
    account = connect_account(**keys_of(nordlicht), user=manager.user)
    own = amazon.eligible()[nordlicht.selling_partner_id][0]
    OrderFactory(account=account, amazon_order_id=own)
    SellerAccount.objects.filter(pk=account.pk).update(
        connection=Connection.RECONNECT,
        trouble="invalid_grant",
        authorized_at=timezone.now() - timedelta(days=400),
        refresh_token_encrypted=b"",
    )
    fields = {"application": application.pk, "refresh_token": nordlicht.refresh_token}
    response = manager.post("renew", account.pk, **fields)
    assert response.headers["Location"] == f"/accounts/{account.pk}/"
    account.refresh_from_db()
    assert (account.connection, account.name) == (Connection.CONNECTED, nordlicht.name)
    assert account.authorized_at is not None
    assert timezone.now() - account.authorized_at < timedelta(minutes=1)


def test_the_token_of_another_seller_renews_nothing(
    amazon: Running, nordlicht: SellerKeys, manager: Desk, application: Application
) -> None:
    """Amazon tells nobody's id with a token, but leads nobody to another's orders."""
    account = connect_account(**keys_of(nordlicht), user=manager.user)
    OrderFactory(account=account, amazon_order_id="302-7654321-7654321")
    fields = {"application": application.pk, "refresh_token": nordlicht.refresh_token}
    response = manager.post("renew", account.pk, **fields)
    assert response.status_code == 422
    assert "This token belongs to another seller" in response.content.decode()


def test_disconnecting_holds_what_waits_and_says_what_is_left_to_do(manager: Desk) -> None:
    account = MembershipFactory(user=manager.user, role=Role.MANAGER).account
    action = OutgoingActionFactory(order=OrderFactory(account=account))
    response = manager.post("disconnect", account.pk, reason="Sold the shop")
    assert response.headers["Location"] == f"/accounts/{account.pk}/"
    account.refresh_from_db()
    action.refresh_from_db()
    assert (account.refresh_token, account.connection) == ("", Connection.DISCONNECTED)
    assert action.status == Status.HELD
    page = manager.client.get(f"/accounts/{account.pk}/").content.decode()
    assert "its token destroyed" in page
    assert "Connect again…" in page
    assert "Disconnect and destroy" not in page
    event = AuditEvent.objects.get(kind=AuditKind.DISCONNECTED)
    assert (event.user, event.detail) == (manager.user, {"reason": "Sold the shop"})
    manager.post("disconnect", account.pk)
    assert AuditEvent.objects.filter(kind=AuditKind.DISCONNECTED).count() == 1


def test_a_viewer_sees_the_connection_and_no_way_to_change_it() -> None:
    account = SellerAccountFactory(authorized_at=timezone.now() - timedelta(days=340))
    viewer = sit_down(MembershipFactory(account=account, role=Role.VIEWER).user)
    page = viewer.get("account", account.pk).content.decode()
    assert '<span class="mark warn">25 days left</span>' in page
    for way in ("Renew…", "Disconnect and destroy", "People", "Doctor"):
        assert way not in page


def test_a_superuser_who_renews_an_account_of_others_is_told_so_and_gets_no_role(
    nordlicht: SellerKeys, superuser: Desk, application: Application
) -> None:
    theirs = connect_account(**keys_of(nordlicht, name="Theirs"), user=UserFactory())
    Application.objects.filter(pk=application.pk).update(created_by=superuser.user)
    response = paste(superuser, nordlicht, name="Theirs")
    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/")
    assert "Theirs is connected." in superuser.get("list").content.decode()
    assert not Membership.objects.filter(account=theirs, user=superuser.user).exists()


def test_a_known_account_is_not_given_the_token_of_another_seller_by_connecting_it_as_new(
    nordlicht: SellerKeys, manager: Desk, application: Application
) -> None:
    account = connect_account(**keys_of(nordlicht), user=manager.user)
    order = OrderFactory(account=account)  # none that the token leads to
    for desk in (manager, sit_down(UserFactory(is_superuser=True))):
        Application.objects.filter(pk=application.pk).update(created_by=desk.user)
        page = paste(desk, nordlicht).content.decode()
        assert "This token belongs to another seller" in page
    stranger = sit_down(MembershipFactory(role=Role.MANAGER).user)
    theirs = SellerAccountFactory(application=application)
    MembershipFactory(user=stranger.user, account=theirs, role=Role.MANAGER)
    page = paste(stranger, nordlicht, application=application.pk).content.decode()
    assert "This seller cannot be connected by you." in page
    assert order.amazon_order_id not in page
