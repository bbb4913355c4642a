"""Keys are changed row by row: killed at any moment, nothing is lost, and the rest is done later."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from pytest_django import Settings

from messaging.models import FilePiece
from sellers.encryption import encrypt_secret, known_key_ids
from sellers.key_rotation import STORED_SECRETS, count_by_key, rotate_keys
from sellers.models import Application, SellerAccount
from tests.factories import SellerAccountFactory
from tests.sellers.test_encryption import new_key

ACCOUNTS = 8
KILLS = 2 * 2 * ACCOUNTS  # at each write twice


def secrets() -> list[str]:
    """All stored secrets in the clear; fails when one cannot be read."""
    return [row.client_secret for row in Application.objects.order_by("pk")] + [
        row.refresh_token for row in SellerAccount.objects.order_by("pk")
    ]


def put_new_key_first(settings: Settings) -> None:
    settings.TOKEN_KEYS = (new_key(), *settings.TOKEN_KEYS)


@pytest.mark.django_db
def test_all_secrets_move_to_the_first_key_and_stay_what_they_were(
    settings: Settings,
) -> None:
    SellerAccountFactory.create_batch(3)
    before = secrets()
    put_new_key_first(settings)
    new, old = known_key_ids()
    assert count_by_key() == {old: 6}
    rotation = rotate_keys()
    assert (rotation.done, rotation.unreadable) == (6, ())
    assert count_by_key() == {new: 6}
    settings.TOKEN_KEYS = settings.TOKEN_KEYS[:1]
    assert secrets() == before
    assert rotate_keys().done == 0


@pytest.mark.django_db
def test_an_account_without_a_token_has_nothing_to_move(settings: Settings) -> None:
    account = SellerAccountFactory(disconnected=True)
    SellerAccount.objects.update(refresh_token_encrypted=b"")
    put_new_key_first(settings)
    assert rotate_keys().done == 1  # the application's
    account.refresh_from_db()
    assert account.refresh_token == ""
    assert sum(count_by_key().values()) == 1


@pytest.mark.django_db
def test_a_secret_that_cannot_be_read_is_named_and_left_as_it_is(
    settings: Settings,
) -> None:
    lost, _kept = SellerAccountFactory(), SellerAccountFactory()
    stored = bytes(lost.refresh_token_encrypted)
    SellerAccount.objects.filter(pk=lost.pk).update(refresh_token_encrypted=b"lost" + stored[4:])
    put_new_key_first(settings)
    rotation = rotate_keys()
    assert rotation.done == 3
    (line,) = rotation.unreadable
    assert line.startswith(f"refresh_token of sellers.SellerAccount {lost.pk}: ")
    lost.refresh_from_db()
    assert bytes(lost.refresh_token_encrypted) == b"lost" + stored[4:]
    assert count_by_key()[b"lost".hex()] == 1


@pytest.mark.django_db
def test_a_token_that_was_renewed_meanwhile_is_not_overwritten(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = SellerAccountFactory()
    put_new_key_first(settings)
    keys, renewed = settings.TOKEN_KEYS, []

    def somebody_renews_meanwhile(secret: str, *, context: str) -> bytes:
        if "refresh_token" in context and not renewed:
            renewed.append(1)
            settings.TOKEN_KEYS = keys[::-1]  # a process that was not restarted yet
            account.refresh_token = "Atzr|renewed"
            SellerAccount.objects.update(refresh_token_encrypted=account.refresh_token_encrypted)
            settings.TOKEN_KEYS = keys
        return encrypt_secret(secret, context=context)

    monkeypatch.setattr("sellers.models.encrypt_secret", somebody_renews_meanwhile)
    assert rotate_keys().done == 2
    account.refresh_from_db()
    assert account.refresh_token == "Atzr|renewed"
    assert count_by_key() == {known_key_ids()[0]: 2}


def test_every_field_with_secrets_takes_part() -> None:
    fields = {
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.BinaryField) and model is not FilePiece  # no secret
    }
    assert {(secret.model, secret.field) for secret in STORED_SECRETS} == fields


@pytest.mark.django_db(transaction=True)
def test_killed_at_any_moment_nothing_is_unreadable_and_the_rest_is_done_later(
    settings: Settings,
) -> None:
    SellerAccountFactory.create_batch(ACCOUNTS)
    before = secrets()
    midway = 0
    for number in range(KILLS):
        put_new_key_first(settings)
        settings.TOKEN_KEYS = settings.TOKEN_KEYS[:2]
        new = known_key_ids()[0]
        kill_during(rotate_keys, write=number % (2 * ACCOUNTS) + 1)
        assert secrets() == before
        done = count_by_key()[new]
        midway += 0 < done < 2 * ACCOUNTS
        assert rotate_keys().done == 2 * ACCOUNTS - done
        assert count_by_key() == {new: 2 * ACCOUNTS}
    assert midway > KILLS / 2


def kill_during(work: Callable[[], Any], *, write: int) -> None:
    """A process has begun the work and was killed (SIGKILL) about when it made that write."""
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    connection.close()  # a connection has one user only
    process = context.Process(target=_work_aloud, args=(work, writer))
    process.start()
    writer.close()
    for _write in range(write):
        try:
            reader.recv_bytes()
        except EOFError:
            break
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    reader.close()


def _work_aloud(work: Callable[[], Any], writer: Connection) -> None:
    """Does the work, says so before every write, and waits to be killed."""

    def say(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE"):
            writer.send_bytes(b"w")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(say):
        work()
    writer.close()
    signal.pause()
