"""The way to a seller's consent and back: the addresses, and the code that becomes a token."""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import pytest

import spapi
from solicit_dashboard.ports import free_port
from spapi.marketplaces import MARKETPLACES
from tests.spapi.conftest import Amazon
from tests.spapi.servers import reply

CODE = "RHcanarycode00000001"
CLIENT_SECRET = "amzn1.oa2-cs.v1.canary"
HOME = "https://reviews.example.com/accounts/callback/"


def redeem(url: str) -> str:
    return spapi.redeem_code(
        CODE,
        client_id="client",
        client_secret=CLIENT_SECRET,
        redirect_uri=HOME,
        transport=spapi.HttpTransport(),
        lwa_endpoint=url,
        deadline=5.0,
    )


def test_the_consent_address_carries_what_amazon_wants() -> None:
    germany = MARKETPLACES["A1PA6795UKMFR9"]
    base = spapi.seller_central(germany)
    assert base is not None
    address = spapi.consent_address(
        base, application_id="amzn1.sp.solution.1", state="a&b", redirect_uri=HOME
    )
    parts = urlsplit(address)
    assert parts[:3] == ("https", "sellercentral-europe.amazon.com", "/apps/authorize/consent")
    assert parse_qs(parts.query) == {
        "application_id": ["amzn1.sp.solution.1"],
        "state": ["a&b"],
        "redirect_uri": [HOME],
    }
    draft = spapi.consent_address(
        base, application_id="x", state="s", redirect_uri=HOME, is_draft=True
    )
    assert draft.endswith("&version=beta")


def test_ireland_has_no_address_and_http_is_refused() -> None:
    assert spapi.seller_central(MARKETPLACES["A28R8C7NBKEWEA"]) is None
    with pytest.raises(ValueError, match="http"):
        spapi.consent_address(
            "http://sellercentral.amazon.com", application_id="x", state="s", redirect_uri=HOME
        )


def test_hosts_of_sellers_and_vendors_are_known() -> None:
    hosts = spapi.consent_hosts()
    assert {"sellercentral.amazon.com", "vendorcentral.amazon.co.jp"} <= hosts
    assert all("central" in host and ".amazon." in host for host in hosts)


def test_the_way_back_to_the_appstore_adds_to_the_address() -> None:
    address = spapi.appstore_return_address(
        "https://sellercentral.amazon.com/apps/x?y=1",
        amazon_state="amazon's",
        state="ours",
        redirect_uri=HOME,
        is_draft=True,
    )
    assert parse_qs(urlsplit(address).query) == {
        "y": ["1"],
        "redirect_uri": [HOME],
        "amazon_state": ["amazon's"],
        "state": ["ours"],
        "version": ["beta"],
    }


def test_a_code_becomes_a_refresh_token(amazon: Amazon) -> None:
    amazon.tokens = lambda _: reply(200, {"access_token": "Atza|a", "refresh_token": "Atzr|r"})
    assert redeem(amazon.url) == "Atzr|r"
    [call] = amazon.token_calls
    assert CODE not in call.target
    assert parse_qs(call.body.decode()) == {
        "grant_type": ["authorization_code"],
        "code": [CODE],
        "redirect_uri": [HOME],
        "client_id": ["client"],
        "client_secret": [CLIENT_SECRET],
    }


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "invalid_grant", "error_description": f"{CODE} bad"}, spapi.InvalidGrant),
        (401, {"error": "invalid_client", "error_description": CLIENT_SECRET}, spapi.InvalidClient),
        (500, {"error": "server_error"}, spapi.TokenServiceUnavailable),
        (400, b"<html>no</html>", spapi.TokenServiceUnavailable),
        (200, {"access_token": "Atza|a"}, spapi.TokenServiceUnavailable),
        (200, {"refresh_token": ["Atzr|r"]}, spapi.TokenServiceUnavailable),
    ],
)
def test_what_amazon_answers_instead_is_an_error_without_a_secret(
    amazon: Amazon, status: int, body: Mapping[str, object] | bytes, kind: type[Exception]
) -> None:
    amazon.tokens = lambda _: reply(status, body)
    with pytest.raises(kind) as failed:
        redeem(amazon.url)
    assert type(failed.value) is kind
    shown = f"{failed.value!r} {failed.value} {vars(failed.value)}"
    assert CODE not in shown
    assert CLIENT_SECRET not in shown


def test_a_token_service_out_of_reach_is_said() -> None:
    with pytest.raises(spapi.TokenServiceUnavailable):
        redeem(f"http://127.0.0.1:{free_port()}")
