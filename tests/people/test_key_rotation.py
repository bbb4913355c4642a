"""Seeds of second factors move to a new key, and stay readable all the while."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.utils import decrypt
from django.test import Client
from pytest_django import Settings

from people.key_rotation import count_seeds_by_key, rotate_seeds
from sellers.encryption import known_key_ids
from tests.factories import UserFactory
from tests.people.confirming import confirm
from tests.people.test_log_in import SECRET
from tests.sellers.test_encryption import new_key
from tests.sellers.test_rotate_token_keys import run

pytestmark = pytest.mark.django_db


def test_the_command_moves_seeds_too(settings: Settings) -> None:
    user = UserFactory()
    totp = TOTP.activate(user, SECRET).instance
    codes = RecoveryCodes.activate(user).generate_codes()
    settings.TOKEN_KEYS = (new_key(), *settings.TOKEN_KEYS)
    new, old = known_key_ids()
    said, code = run("--check")
    assert (code, f"Key {old}: 2; it is still needed." in said) == (1, True)
    said, code = run()
    assert (code, "Encrypted anew: 2." in said) == (0, True)
    assert count_seeds_by_key() == {new: 2}
    settings.TOKEN_KEYS = settings.TOKEN_KEYS[:1]
    totp.refresh_from_db()
    assert decrypt(totp.data["secret"]) == SECRET
    stored = Authenticator.objects.get(type="recovery_codes").wrap()
    assert stored.generate_codes() == codes


def test_what_cannot_be_read_is_named_and_left(settings: Settings) -> None:
    seed = TOTP.activate(UserFactory(), SECRET).instance
    settings.TOKEN_KEYS = (new_key(),)
    rotation = rotate_seeds()
    assert rotation.done == 0
    assert [line.partition(":")[0] for line in rotation.unreadable] == [f"second factor {seed.pk}"]
    before = seed.data
    seed.refresh_from_db()
    assert seed.data == before


@pytest.mark.parametrize("path", ["/me/", "/me/recovery-codes/"])
def test_a_page_that_needs_a_missing_key_says_so(settings: Settings, path: str) -> None:
    user = UserFactory()
    RecoveryCodes.activate(user)
    settings.TOKEN_KEYS = (new_key(),)
    client = Client(raise_request_exception=False)
    client.force_login(user)
    confirm(client, user)
    answer = client.get(path)
    assert (answer.status_code, "TOKEN_KEYS" in answer.content.decode()) == (500, True)
