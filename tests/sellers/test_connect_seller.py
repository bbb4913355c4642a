"""manage.py connect_seller, as a script uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from sandbox.testing import Running, SellerKeys
from sellers.models import Membership, SellerAccount
from tests.factories import UserFactory

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
