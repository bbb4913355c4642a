"""Seeds of second factors move to a new key, and stay readable all the while."""

from __future__ import annotations

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.utils import decrypt
from pytest_django import Settings

from people.key_rotation import count_seeds_by_key, rotate_seeds
from sellers.encryption import known_key_ids
from tests.factories import UserFactory
from tests.people.test_log_in import SECRET
from tests.sellers.test_encryption import new_key
from tests.sellers.test_rotate_token_keys import run

pytestmark = pytest.mark.django_db


def test_the_command_moves_seeds_too(settings: Settings) -> None:
    user = UserFactory()
    totp = TOTP.activate(user, SECRET).instance
    settings.TOKEN_KEYS = (new_key(), *settings.TOKEN_KEYS)
    new, old = known_key_ids()
    said, code = run("--check")
    assert (code, f"Key {old}: 1; it is still needed." in said) == (1, True)
    said, code = run()
    assert (code, "Encrypted anew: 1." in said) == (0, True)
    assert count_seeds_by_key() == {new: 1}
    settings.TOKEN_KEYS = settings.TOKEN_KEYS[:1]
    totp.refresh_from_db()
    assert decrypt(totp.data["secret"]) == SECRET


def test_what_cannot_be_read_is_named_and_left(settings: Settings) -> None:
    seed = TOTP.activate(UserFactory(), SECRET).instance
    settings.TOKEN_KEYS = (new_key(),)
    rotation = rotate_seeds()
    assert rotation.done == 0
    assert [line.partition(":")[0] for line in rotation.unreadable] == [f"second factor {seed.pk}"]
    before = seed.data
    seed.refresh_from_db()
    assert seed.data == before
