"""To Amazon's consent page and back (hard cases B46 to B54 and B56)."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.db.models import F
from django.http import HttpResponse
from django.test import override_settings

from audit.models import AuditEvent, AuditKind
from sandbox.testing import Running, SellerKeys
from sellers import consent as journeys
from sellers.connection import CODE_REFUSED, UNAVAILABLE
from sellers.models import Application, Connection, ConsentState, Membership, Role, SellerAccount
from sellers.services import connect_account
from tests.factories import MembershipFactory, OrderFactory, SellerAccountFactory, UserFactory
from tests.sellers.conftest import keys_of
from tests.sellers.views.conftest import GERMANY, Desk, consent, link_of, sit_down

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture(autouse=True)
def _own_consent_page(amazon: Running) -> Iterator[None]:
    with override_settings(CONSENT_ENDPOINT=amazon.url, ALLOWED_HOSTS=["localhost"]):
        yield


@pytest.fixture
def way_back(amazon: Running, manager: Desk, application: Application) -> str:
    """The address with which Nordlicht comes back to the manager who sent them."""
    return consent(amazon, begin(manager, application))


def begin(desk: Desk, application: Application, *account: int, **changes: Any) -> str:
    """Where the page leads that the form to consent is answered with."""
    fields = {"application": application.pk, "marketplace": GERMANY} | changes
    if not account:
        fields.setdefault("name", "Nordlicht by consent")
    return link_of(desk.post("consent_again" if account else "consent", *account, **fields))


def token_calls(amazon: Running) -> int:
    """How often Login with Amazon was asked."""
    return sum(
        line["requests"] for line in amazon.stats()["operations"] if line["operation"] == "lwa"
    )


def assert_refused(response: HttpResponse, sentence: str) -> None:
    """400 with that sentence on the bare page, which tells nobody its address."""
    assert response.status_code == 400
    assert sentence in response.content.decode().replace("&#x27;", "'")
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert b"<script" not in response.content
    assert b"<form" not in response.content


def test_a_seller_who_consents_is_connected_and_left_at_a_clean_address(
    amazon: Running, nordlicht: SellerKeys, manager: Desk, application: Application
) -> None:
    """B56; and the code is exchanged with the redirect URI that was sent along."""
    page = manager.post(
        "consent", application=application.pk, marketplace=GERMANY, name="Nordlicht by consent"
    )
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    address = urlsplit(link_of(page))
    query = parse_qs(address.query)
    assert address.path == "/apps/authorize/consent"
    assert query["application_id"] == [nordlicht.application_id]
    assert query["redirect_uri"] == ["http://localhost/accounts/callback/"]
    assert len(query["state"][0]) == 43, "256 bits"
    back = consent(amazon, link_of(page))
    response = manager.client.get(back)
    account = SellerAccount.objects.get(selling_partner_id=nordlicht.selling_partner_id)
    assert (response.status_code, response.headers["Location"]) == (303, f"/accounts/{account.pk}/")
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert account.refresh_token == nordlicht.refresh_token
    assert (account.name, account.application) == ("Nordlicht by consent", application)
    assert Membership.objects.get(account=account).user == manager.user
    event = AuditEvent.objects.get(kind=AuditKind.CONNECTED)
    assert (event.user, event.account_id) == (manager.user, account.pk)


def test_neither_code_nor_state_is_stored_or_logged(
    manager: Desk, way_back: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    query = parse_qs(urlsplit(way_back).query)
    manager.client.get(way_back)
    manager.client.get(way_back)
    told = caplog.text + repr(list(ConsentState.objects.values()))
    told += repr(list(AuditEvent.objects.values()))
    for secret in (query["spapi_oauth_code"][0], query["state"][0]):
        assert secret not in told


# --- B46, B47: whose state it is


@pytest.mark.parametrize("state", [None, "", "unknown", "x" * 201, "\ud800", "\x00"])
def test_a_state_that_nobody_gave_out_asks_for_no_token(
    amazon: Running, manager: Desk, state: str | None
) -> None:
    query = "" if state is None else f"&state={quote(state.encode('utf-8', 'surrogatepass'))}"
    response = manager.client.get(f"/accounts/callback/?spapi_oauth_code=RH&{query}")
    if state != "\x00":  # refused before it comes here
        assert_refused(response, "This link is no longer valid. Start again from Accounts.")
    assert response.status_code == 400
    assert token_calls(amazon) == 0


def test_a_state_is_good_once(amazon: Running, manager: Desk, way_back: str) -> None:
    assert manager.client.get(way_back).status_code == 303
    asked = token_calls(amazon)
    assert_refused(manager.client.get(way_back), journeys.NO_LONGER_VALID)
    assert token_calls(amazon) == asked


def test_a_state_is_good_for_ten_minutes(amazon: Running, manager: Desk, way_back: str) -> None:
    ConsentState.objects.update(started_at=F("started_at") - timedelta(minutes=10))
    assert_refused(manager.client.get(way_back), journeys.NO_LONGER_VALID)
    assert token_calls(amazon) == 0


@pytest.mark.parametrize("who", ["somebody else", "nobody", "the same in another session"])
def test_a_state_in_other_hands_is_spent_and_written_down(
    amazon: Running, manager: Desk, way_back: str, who: str
) -> None:
    other = sit_down(
        UserFactory(is_superuser=True) if who == "somebody else" else manager.user
    ).client
    if who == "nobody":
        other.logout()
    assert_refused(other.get(way_back), journeys.NO_LONGER_VALID)
    event = AuditEvent.objects.get(kind=AuditKind.OAUTH_STATE_MISMATCH)
    assert event.detail == {"begun_by": manager.user.get_username()}
    assert_refused(manager.client.get(way_back), journeys.NO_LONGER_VALID)
    assert token_calls(amazon) == 0


def test_a_state_is_for_one_account(
    amazon: Running, nordlicht: SellerKeys, manager: Desk, application: Application
) -> None:
    """B49: the one who renews has to be the one who was connected."""
    account = connect_account(**keys_of(nordlicht), user=manager.user)
    before = bytes(SellerAccount.objects.get(pk=account.pk).refresh_token_encrypted)
    asked = token_calls(amazon)
    other = amazon.sellers[1].selling_partner_id
    back = consent(amazon, begin(manager, application, account.pk), seller=1)
    assert_refused(manager.client.get(back), f"You signed in as another seller (…{other[-2:]}).")
    assert token_calls(amazon) == asked
    assert bytes(SellerAccount.objects.get(pk=account.pk).refresh_token_encrypted) == before


def test_who_lost_the_role_on_the_way_renews_nothing(
    amazon: Running, nordlicht: SellerKeys, manager: Desk, application: Application
) -> None:
    account = connect_account(**keys_of(nordlicht), user=manager.user)
    back = consent(amazon, begin(manager, application, account.pk))
    Membership.objects.filter(account=account).update(role=Role.VIEWER)
    assert_refused(manager.client.get(back), journeys.NO_LONGER_VALID)


def test_a_known_account_is_looked_at_by_its_orders_also_when_it_is_connected_as_new(
    nordlicht: SellerKeys, manager: Desk, way_back: str
) -> None:
    account = connect_account(**keys_of(nordlicht), user=manager.user)
    OrderFactory(account=account)  # none that the token leads to
    assert_refused(manager.client.get(way_back), "This token belongs to another seller")


def test_who_lost_the_application_on_the_way_connects_nothing_with_it(
    amazon: Running, manager: Desk, application: Application
) -> None:
    back = consent(amazon, begin(manager, application))
    SellerAccountFactory(application=application)  # others use it now
    assert_refused(manager.client.get(back), journeys.NO_LONGER_VALID)


def test_a_client_secret_whose_key_is_gone_is_a_sentence_both_ways(
    amazon: Running, manager: Desk, application: Application, nordlicht: SellerKeys
) -> None:
    back = consent(amazon, begin(manager, application))
    pasted = {
        "application": application.pk,
        "region": nordlicht.region,
        "selling_partner_id": nordlicht.selling_partner_id,
        "refresh_token": nordlicht.refresh_token,
        "name": "Nordlicht",
    }
    with override_settings(TOKEN_KEYS=(base64.urlsafe_b64encode(b"k" * 32).decode(),)):
        assert_refused(manager.client.get(back), "Paste the secret once more under Applications.")
        response = manager.post("connect", **pasted)
    assert response.status_code == 422
    assert b"Paste the secret once more under Applications." in response.content
    assert not SellerAccount.objects.filter(application=application).exists()


# --- B48, B51, B53, B54: what comes back


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("spapi_oauth_code", "code"), journeys.NO_CODE),
        (("spapi_oauth_code=", f"spapi_oauth_code={'x' * 3000}"), journeys.NO_CODE),
        (("spapi_oauth_code=", "spapi_oauth_code=a&spapi_oauth_code="), "was given 2 times"),
        (("spapi_oauth_code=", "spapi_oauth_code=wrong"), CODE_REFUSED),
        (("selling_partner_id", "seller"), "The selling partner id is missing."),
    ],
)
def test_a_code_that_cannot_be_used_connects_nothing(
    manager: Desk, way_back: str, change: tuple[str, str], sentence: str
) -> None:
    before = SellerAccount.objects.count()
    response = manager.client.get(way_back.replace(*change))
    assert_refused(response, sentence)
    assert SellerAccount.objects.count() == before
    assert b"invalid grant" not in response.content, "Amazon's own words"


def test_a_code_is_good_for_five_minutes(amazon: Running, manager: Desk, way_back: str) -> None:
    amazon.set_clock_offset(301)
    assert_refused(manager.client.get(way_back), CODE_REFUSED)


def test_a_seller_who_refuses_is_not_asked_why(
    amazon: Running, manager: Desk, application: Application
) -> None:
    back = consent(amazon, begin(manager, application), seller=None)
    assert "error=access_denied" in back
    assert_refused(manager.client.get(back), "Amazon says access was not granted.")
    assert token_calls(amazon) == 0


def test_a_seller_of_another_region_is_named(
    amazon: Running, manager: Desk, application: Application
) -> None:
    back = consent(amazon, begin(manager, application), seller=1)
    assert_refused(manager.client.get(back), "This seller's marketplaces are in the region na")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"kind": "lwa_error", "error": "invalid_grant"}, CODE_REFUSED),
        ({"kind": "lwa_error", "error": "invalid_client"}, "Renew the client secret of Our public"),
        ({"kind": "status", "status": 500}, UNAVAILABLE),
        ({"kind": "lwa_error", "error": "unauthorized_client"}, UNAVAILABLE),
        ({"kind": "body", "text": "<html>", "content_type": "text/html"}, UNAVAILABLE),
        ({"kind": "cut_body"}, UNAVAILABLE),
        ({"kind": "body", "text": '{"access_token":"Atza|a"}'}, UNAVAILABLE),
    ],
)
def test_an_amazon_that_gives_no_token_is_one_sentence_and_nothing_is_saved(
    amazon: Running, manager: Desk, way_back: str, fault: dict[str, Any], sentence: str
) -> None:
    before = SellerAccount.objects.count()
    amazon.set_faults([{"operation": "lwa", "do": fault}])
    assert_refused(manager.client.get(way_back), sentence)
    assert SellerAccount.objects.count() == before
    assert not AuditEvent.objects.filter(kind=AuditKind.CONNECTED).exists()


def test_a_seller_of_another_team_is_refused_without_its_name(
    nordlicht: SellerKeys, manager: Desk, application: Application, way_back: str
) -> None:
    """B50."""
    ours = SellerAccountFactory(application=application)
    MembershipFactory(user=manager.user, account=ours, role=Role.MANAGER)
    theirs = connect_account(**keys_of(nordlicht, name="Theirs"), user=UserFactory())
    response = manager.client.get(way_back)
    assert_refused(response, "This seller cannot be connected by you.")
    assert b"Theirs" not in response.content
    assert not Membership.objects.filter(account=theirs, user=manager.user).exists()


def test_consent_renews_the_account_that_it_was_begun_for(
    amazon: Running, nordlicht: SellerKeys, manager: Desk, application: Application
) -> None:
    account = connect_account(**keys_of(nordlicht), user=manager.user)
    SellerAccount.objects.filter(pk=account.pk).update(
        connection=Connection.RECONNECT, trouble="invalid_grant", refresh_token_encrypted=b""
    )
    back = consent(amazon, begin(manager, application, account.pk))
    assert manager.client.get(back).headers["Location"] == f"/accounts/{account.pk}/"
    account.refresh_from_db()
    assert (account.connection, account.trouble) == (Connection.CONNECTED, "")
    assert (account.name, account.refresh_token) == (nordlicht.name, nordlicht.refresh_token)


# --- where a journey may begin and lead


def test_an_account_is_not_sent_to_another_region(
    nordlicht: SellerKeys, manager: Desk, application: Application
) -> None:
    account = connect_account(**keys_of(nordlicht), user=manager.user)
    response = manager.post(
        "consent_again", account.pk, application=application.pk, marketplace="ATVPDKIKX0DER"
    )
    assert response.status_code == 422
    assert b"Choose one from the list." in response.content
    assert not ConsentState.objects.exists()


def test_a_private_application_sends_nobody_to_amazon(
    manager: Desk, application: Application
) -> None:
    Application.objects.update(is_public=False)
    response = manager.post(
        "consent", application=application.pk, marketplace=GERMANY, name="Nordlicht"
    )
    assert response.status_code == 422
    assert not ConsentState.objects.exists()


def test_amazons_own_hosts_are_the_default_and_each_may_be_configured(
    manager: Desk, application: Application
) -> None:
    ireland = "A28R8C7NBKEWEA"
    with override_settings(CONSENT_ENDPOINT=None):
        address = begin(manager, application)
        assert address.startswith("https://sellercentral-europe.amazon.com/apps/authorize/consent?")
        assert ireland not in dict(journeys.places())
        with override_settings(CONSENT_HOSTS={ireland: "sellercentral.example.com"}):
            address = begin(manager, application, marketplace=ireland)
            assert address.startswith("https://sellercentral.example.com/apps/authorize/consent?")
    Application.objects.update(is_draft=True, redirect_uri="https://a.example/accounts/callback/")
    query = parse_qs(urlsplit(begin(manager, application)).query)
    assert query["version"] == ["beta"]
    assert query["redirect_uri"] == ["https://a.example/accounts/callback/"]


# --- B52: from the Appstore


def test_a_seller_from_the_appstore_goes_back_there_with_our_state(
    manager: Desk, application: Application
) -> None:
    given = {
        "amazon_callback_uri": "https://sellercentral.amazon.co.jp/apps/authorize/confirm/x",
        "amazon_state": "amazon's & own",
        "selling_partner_id": "A2EXAMPLE1234",
    }
    page = manager.get("from_appstore", **given)
    assert page.status_code == 200
    assert b"amazon&#x27;s &amp; own" in page.content
    assert not ConsentState.objects.exists(), "a look changes nothing"
    address = urlsplit(begin(manager, application, **given))
    query = parse_qs(address.query)
    assert (address.netloc, address.path) == (
        "sellercentral.amazon.co.jp",
        "/apps/authorize/confirm/x",
    )
    assert query["amazon_state"] == ["amazon's & own"]
    assert set(query) == {"amazon_state", "state", "redirect_uri"}
    assert ConsentState.objects.get().selling_partner_id == "A2EXAMPLE1234"


def test_nobody_is_sent_to_an_address_that_is_not_amazons(
    manager: Desk, application: Application
) -> None:
    for uri in ("", "https://evil.example/"):
        looked = manager.get("from_appstore", amazon_callback_uri=uri, amazon_state="x")
        assert (looked.status_code, b"evil" in looked.content) == (400, False)
    posted = manager.post(
        "consent",
        application=application.pk,
        marketplace=GERMANY,
        name="Nordlicht",
        amazon_callback_uri="https://evil.example/",
        amazon_state="x",
    )
    assert posted.status_code == 422
    assert not ConsentState.objects.exists()


def test_old_journeys_are_swept_away(manager: Desk, application: Application) -> None:
    begin(manager, application)
    ConsentState.objects.update(started_at=F("started_at") - timedelta(days=2))
    begin(manager, application)
    assert ConsentState.objects.count() == 1


def test_another_managers_application_cannot_be_used(application: Application) -> None:
    other = sit_down(MembershipFactory(role=Role.MANAGER).user)
    response = other.post(
        "consent", application=application.pk, marketplace=GERMANY, name="Nordlicht"
    )
    assert response.status_code == 422
    assert application.name.encode() not in response.content
