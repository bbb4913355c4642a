"""manage.py rotate_token_keys says how many secrets are left, and for which keys."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from pytest_django import Settings

from sellers.encryption import known_key_ids
from sellers.models import SellerAccount
from tests.factories import SellerAccountFactory
from tests.sellers.test_encryption import new_key

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str) -> tuple[str, int]:
    """What the command wrote to both outputs, and its exit code."""
    output, code = StringIO(), 0
    try:
        call_command("rotate_token_keys", *words, stdout=output, stderr=output)
    except CommandError as error:
        output.write(str(error))
        code = error.returncode
    return output.getvalue(), code


@pytest.mark.django_db
def test_it_moves_everything_and_says_which_keys_may_go(settings: Settings) -> None:
    SellerAccountFactory.create_batch(2)
    settings.TOKEN_KEYS = (new_key(), *settings.TOKEN_KEYS)
    new, old = known_key_ids()
    said, code = run("--check")
    assert code == 1
    assert f"Key {old}: 4; it is still needed." in said
    assert "4 left under another key than the first. Remove no key yet." in said
    said, code = run()
    assert code == 0
    assert said.splitlines() == [
        "Encrypted anew: 4.",
        f"Key {new} (the first): 4.",
        f"Key {old}: 0; it may be removed from TOKEN_KEYS.",
        "0 left under another key than the first.",
    ]
    assert run("--check")[1] == 0


@pytest.mark.django_db
def test_it_does_not_end_well_while_a_key_that_was_taken_away_is_used(
    settings: Settings,
) -> None:
    account = SellerAccountFactory()
    keys = settings.TOKEN_KEYS
    old = known_key_ids()[0]
    settings.TOKEN_KEYS = (new_key(),)
    said, code = run()
    assert code == 1
    assert f"Unreadable: refresh_token of sellers.SellerAccount {account.pk}" in said
    assert f"Key {old}: 2, and it is not in TOKEN_KEYS." in said
    assert "2 left" in said
    for secret in (*keys, *settings.TOKEN_KEYS, account.refresh_token_encrypted.hex()):
        assert secret not in said
    settings.TOKEN_KEYS = (*settings.TOKEN_KEYS, *keys)
    assert run()[1] == 0
    assert SellerAccount.objects.get().refresh_token.startswith("Atzr|")


def test_it_runs_as_a_process_with_the_keys_of_the_environment(
    process_environment: dict[str, str],
) -> None:
    account = SellerAccountFactory()
    keys = ",".join((new_key(), *django_settings.TOKEN_KEYS))
    command = [sys.executable, "manage.py", "rotate_token_keys"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **process_environment, "TOKEN_KEYS": keys},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Encrypted anew: 2." in done.stdout
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(django_settings, "TOKEN_KEYS", tuple(keys.split(",")))
        account.refresh_from_db()
        assert account.refresh_token.startswith("Atzr|")
