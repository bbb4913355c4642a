"""A stored secret is read with its own key, in its own row and field, and nowhere else."""

from __future__ import annotations

import base64
import os
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from sellers.encryption import (
    SecretUnreadableError,
    decrypt_secret,
    encrypt_secret,
    key_id_of,
    known_key_ids,
)
from sellers.models import Application, SellerAccount
from tests.factories import ApplicationFactory, SellerAccountFactory

CANARY = "Atzr|canary-5b1e"


def new_key() -> str:
    """A key as it stands in TOKEN_KEYS."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def test_what_was_encrypted_is_read_and_shows_nothing() -> None:
    stored = encrypt_secret(CANARY, context="here")
    assert decrypt_secret(stored, context="here") == CANARY
    assert decrypt_secret(memoryview(stored), context="here") == CANARY
    assert b"canary" not in stored
    assert stored != encrypt_secret(CANARY, context="here")  # a nonce is used once


@pytest.mark.parametrize(
    "spoil",
    [
        lambda stored: stored[:-1],
        lambda stored: stored[:10],
        lambda stored: stored[:-1] + bytes([stored[-1] ^ 1]),
        lambda stored: b"\0\0\0\0" + stored[4:],
        lambda stored: b"",
    ],
)
def test_a_spoilt_secret_is_unreadable(spoil: Any) -> None:
    stored = encrypt_secret(CANARY, context="here")
    with pytest.raises(SecretUnreadableError):
        decrypt_secret(spoil(stored), context="here")


def test_a_secret_of_another_place_is_unreadable() -> None:
    with pytest.raises(SecretUnreadableError, match="does not belong here"):
        decrypt_secret(encrypt_secret(CANARY, context="there"), context="here")


def test_the_first_key_encrypts_and_all_decrypt(settings: Settings) -> None:
    old, new = new_key(), new_key()
    settings.TOKEN_KEYS = (old,)
    stored = encrypt_secret(CANARY, context="here")
    settings.TOKEN_KEYS = (new, old)
    assert decrypt_secret(stored, context="here") == CANARY
    ids = known_key_ids()
    assert key_id_of(stored) == ids[1]
    assert key_id_of(encrypt_secret(CANARY, context="here")) == ids[0]
    settings.TOKEN_KEYS = (new,)
    with pytest.raises(SecretUnreadableError, match="not among TOKEN_KEYS"):
        decrypt_secret(stored, context="here")


def test_the_id_of_a_key_does_not_show_the_key(settings: Settings) -> None:
    settings.TOKEN_KEYS = (key := new_key(),)
    (key_id,) = known_key_ids()
    assert len(key_id) == 8
    assert key_id not in base64.urlsafe_b64decode(key).hex()


@pytest.mark.parametrize("keys", [(), ("short",), ("!" * 44,)])
def test_without_a_usable_key_nothing_is_stored(settings: Settings, keys: tuple[str, ...]) -> None:
    settings.TOKEN_KEYS = keys
    with pytest.raises(ImproperlyConfigured):
        encrypt_secret(CANARY, context="here")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("factory", "field", "plain"),
    [
        (ApplicationFactory, "client_secret_encrypted", "client_secret"),
        (SellerAccountFactory, "refresh_token_encrypted", "refresh_token"),
    ],
)
def test_two_rows_that_were_swapped_are_unreadable(factory: Any, field: str, plain: str) -> None:
    rows = [factory(), factory()]
    assert getattr(rows[0], plain) != getattr(rows[1], plain)
    for row, other in zip(rows, reversed(rows), strict=True):
        type(row).objects.filter(pk=row.pk).update(**{field: getattr(other, field)})
    for row in rows:
        row.refresh_from_db()
        with pytest.raises(SecretUnreadableError):
            getattr(row, plain)


@pytest.mark.django_db
def test_a_secret_in_the_field_of_another_table_is_unreadable() -> None:
    account = SellerAccountFactory()
    SellerAccount.objects.update(
        refresh_token_encrypted=account.application.client_secret_encrypted
    )
    Application.objects.update(client_secret_encrypted=account.refresh_token_encrypted)
    account = SellerAccount.objects.select_related("application").get()
    with pytest.raises(SecretUnreadableError):
        _ = account.refresh_token
    with pytest.raises(SecretUnreadableError):
        _ = account.application.client_secret
