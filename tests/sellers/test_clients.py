"""Clients reach Amazon with the account's own credentials, in this installation's way."""

from __future__ import annotations

import pytest
from django.test import override_settings

from sandbox.testing import Running
from sellers.clients import account_key, client_for
from sellers.encryption import SecretUnreadableError
from sellers.services import connect_account
from spapi import Unlimited
from tests.factories import SellerAccountFactory
from tests.sellers.conftest import keys_of

pytestmark = pytest.mark.django_db


def test_a_client_calls_for_its_own_account(amazon: Running) -> None:
    accounts = [connect_account(**keys_of(seller)) for seller in amazon.sellers]
    for account, seller in zip(accounts, amazon.sellers, strict=True):
        participations = client_for(account, limiter=Unlimited()).get_marketplace_participations()
        ids = {entry.marketplace_id for entry in participations}
        assert ids >= set(seller.marketplace_ids)


def test_clients_of_one_account_share_an_access_token(amazon: Running) -> None:
    account = connect_account(**keys_of(amazon.sellers[0]))
    tokens = {client_for(account, limiter=Unlimited()).access_token().value for _ in range(3)}
    assert len(tokens) == 1


def test_a_disconnected_account_has_no_client() -> None:
    account = SellerAccountFactory(refresh_token_encrypted=b"", disconnected=True)
    account.refresh_token_encrypted = b""
    with pytest.raises(ValueError, match="disconnected"):
        client_for(account, limiter=Unlimited())


def test_without_its_key_no_token_can_be_read() -> None:
    account = SellerAccountFactory()
    with (
        override_settings(TOKEN_KEYS=("A" * 43 + "=",)),
        pytest.raises(SecretUnreadableError),
    ):
        client_for(account, limiter=Unlimited())


def test_the_same_seller_in_two_regions_has_two_buckets() -> None:
    assert account_key("A1", "eu") != account_key("A1", "na")
