"""manage.py connect_seller, as a script uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from audit.models import AuditEvent, AuditKind
from sandbox.testing import Running, SellerKeys
from sellers.models import Connection, Membership, SellerAccount
from sellers.services import disconnect_account
from tests.factories import UserFactory
from tests.sellers.views.conftest import consent

pytestmark = pytest.mark.django_db


@pytest.fixture
def arguments(nordlicht: SellerKeys, tmp_path: Path) -> dict[str, Any]:
    """The options that connect the seller; the secrets are in files, with a line's end."""
    for name, secret in (("secret", nordlicht.client_secret), ("token", nordlicht.refresh_token)):
        (tmp_path / name).write_text(f"{secret}\n")
    return {
        "name": "Nordlicht",
        "region": "eu",
        "selling_partner_id": nordlicht.selling_partner_id,
        "client_id": nordlicht.client_id,
        "client_secret_file": tmp_path / "secret",
        "refresh_token_file": tmp_path / "token",
    }


def test_the_id_is_printed(arguments: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("connect_seller", **arguments)
    assert capsys.readouterr().out == f"{SellerAccount.objects.get().pk}\n"


def test_json_is_one_document_without_a_secret(
    arguments: dict[str, Any], nordlicht: SellerKeys, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("connect_seller", json=True, marketplaces=["A1PA6795UKMFR9"], **arguments)
    output = capsys.readouterr().out
    assert json.loads(output) == {
        "id": SellerAccount.objects.get().pk,
        "name": "Nordlicht",
        "region": "eu",
        "selling_partner_id": nordlicht.selling_partner_id,
        "marketplaces": ["A1PA6795UKMFR9"],
    }
    assert nordlicht.refresh_token not in output


def test_the_manager_may_see_the_account(arguments: dict[str, Any]) -> None:
    person = UserFactory()
    call_command("connect_seller", manager=person.username, **arguments)
    assert Membership.objects.get().user == person


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"region": "mars"}, "There is no region “mars”. Amazon has na"),
        ({"client_secret_file": Path("/nowhere/secret")}, "No such file"),
        ({"refresh_token_file": Path("/dev/zero")}, "too large"),
        ({"manager": "nobody"}, "There is no user nobody"),
        ({"marketplaces": ["X"]}, "does not sell in X"),
    ],
)
def test_wrong_use_ends_with_2(
    arguments: dict[str, Any], changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(CommandError) as refusal:
        call_command("connect_seller", **arguments | changes)
    assert (refusal.value.returncode, sentence in str(refusal.value)) == (2, True)
    assert not SellerAccount.objects.exists()


def test_a_refusal_by_amazon_ends_with_1(arguments: dict[str, Any], amazon: Running) -> None:
    amazon.set_faults([{"operation": "*", "do": {"kind": "lwa_error", "error": "invalid_client"}}])
    with pytest.raises(CommandError, match="does not accept this client id") as refusal:
        call_command("connect_seller", **arguments)
    assert refusal.value.returncode == 1


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("client_secret_file", "this application is not stored yet"),
        ("refresh_token_file", "Give --selling-partner-id and --refresh-token-file, or"),
        ("selling_partner_id", "Give --selling-partner-id and --refresh-token-file, or"),
    ],
)
def test_what_is_missing_is_named(arguments: dict[str, Any], missing: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence) as refusal:
        call_command("connect_seller", **arguments | {missing: None})
    assert refusal.value.returncode == 2


def test_a_stored_secret_need_not_be_given_again(
    arguments: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("connect_seller", **arguments)
    account = SellerAccount.objects.get()
    disconnect_account(account, None)
    call_command("connect_seller", **arguments | {"client_secret_file": None})
    account.refresh_from_db()
    assert account.connection == Connection.CONNECTED
    assert "The account is paused. Connected again" in capsys.readouterr().err


# --- by consent


@pytest.fixture
def consenting(
    arguments: dict[str, Any], amazon: Running, nordlicht: SellerKeys
) -> Iterator[dict[str, Any]]:
    """The options of --authorize; the consent page is the sandbox's."""
    del arguments["refresh_token_file"], arguments["selling_partner_id"]
    with override_settings(CONSENT_ENDPOINT=amazon.url):
        yield arguments | {
            "authorize": True,
            "application_id": nordlicht.application_id,
            "redirect_uri": "http://localhost/accounts/callback/",
        }


class Browser(StringIO):
    """Standard input of somebody who opens the printed address, and pastes where they were sent."""

    def __init__(self, amazon: Running, told: StringIO, *, seller: int | None = 0) -> None:
        super().__init__()
        self.amazon, self.told, self.seller = amazon, told, seller
        self.change = ("", "")

    def readline(self, _size: int | None = -1, /) -> str:
        [address] = [line for line in self.told.getvalue().splitlines() if "://" in line]
        back = consent(self.amazon, address, self.seller)
        return f"http://localhost{back}\n".replace(*self.change)


def test_a_seller_consents_in_a_browser_and_the_address_is_pasted(
    consenting: dict[str, Any],
    amazon: Running,
    nordlicht: SellerKeys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told, out = StringIO(), StringIO()
    monkeypatch.setattr("sys.stdin", Browser(amazon, told))
    call_command("connect_seller", **consenting, stdout=out, stderr=told)
    account = SellerAccount.objects.get()
    assert out.getvalue() == f"{account.pk}\n"
    assert account.selling_partner_id == nordlicht.selling_partner_id
    assert account.refresh_token == nordlicht.refresh_token
    application = account.application
    assert application.is_public
    assert application.application_id == nordlicht.application_id
    assert nordlicht.refresh_token not in out.getvalue() + told.getvalue()
    # the second time it is all stored
    known = {name: consenting[name] for name in ("name", "region", "client_id", "authorize")}
    told.truncate(0)
    call_command("connect_seller", **known, stdout=out, stderr=told)
    assert SellerAccount.objects.count() == 1
    event = AuditEvent.objects.get(kind=AuditKind.APPLICATION_CHANGED)
    assert (event.user, event.subject) == (None, application.name)
    assert event.detail["changed"] == ["application_id", "is_public", "redirect_uri"]


@pytest.mark.parametrize(
    ("seller", "change", "options", "sentence", "code"),
    [
        (None, ("", ""), {}, "Amazon says access was not granted.", 2),
        (0, ("state=", "state=x"), {}, "no longer valid", 2),
        (0, ("state=", "state=x&state="), {}, "no longer valid", 2),
        (0, ("spapi_oauth_code=", "spapi_oauth_code=x"), {}, "does not take this code", 1),
        (0, ("spapi_oauth_code", "code"), {}, "no code that can be used", 2),
        (1, ("", ""), {}, "marketplaces are in the region na", 1),
        (0, ("", ""), {"selling_partner_id": "A2EXAMPLE1234"}, "Another seller", 2),
        (0, ("", ""), {"consent_at": "ATVPDKIKX0DER"}, "No consent page is known for", 2),
        (0, ("", ""), {"application_id": ""}, "--application-id is needed", 2),
        (0, ("", ""), {"redirect_uri": ""}, "--redirect-uri is needed", 2),
    ],
)
def test_a_consent_that_went_wrong_connects_nothing(
    consenting: dict[str, Any],
    amazon: Running,
    monkeypatch: pytest.MonkeyPatch,
    seller: int | None,
    change: tuple[str, str],
    options: dict[str, str],
    sentence: str,
    code: int,
) -> None:
    told = StringIO()
    browser = Browser(amazon, told, seller=seller)
    browser.change = change
    monkeypatch.setattr("sys.stdin", browser)
    with pytest.raises(CommandError, match=sentence) as refusal:
        call_command("connect_seller", **consenting | options, stderr=told)
    assert refusal.value.returncode == code
    assert not SellerAccount.objects.exists()
