"""An app, recovery codes and passkeys in a real browser, by the forms that people see.

The passkeys are a virtual authenticator's (Chromium's WebAuthn domain); the page is opened by the
name localhost, since a passkey is bound to a name.
"""

from __future__ import annotations

import base64
import re
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import CDPSession, Page, expect

from tests.e2e.axe import findings
from tests.e2e.browser import Visitors
from tests.e2e.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.any_database]

NOT_RIGHT = "That code is not right, or was used already."


def test_an_app_and_recovery_codes_each_let_in_once(people: Visitors, stack: Stack) -> None:
    page = people.visit("app-holder")
    # An app is set up with its own code and with no other.
    page.goto("/me/")
    page.get_by_role("link", name="Set up").click()
    code(page, "000000", button="Set up")
    expect(page.locator("main")).to_contain_text("Incorrect code")
    secret = page.locator("#totp-key").inner_text()
    first = app_code(secret)
    code(page, first, button="Set up")
    codes = page.locator("#recovery-codes code").all_inner_texts()
    assert len(set(codes)) == 10
    page.reload()
    expect(page.locator("#recovery-codes")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("10 of 10 are left")

    # The log-in asks for it: a wrong code and the one that was used are refused, a new one is not.
    leave_and_give_password(page, stack, "app-holder")
    flaws = findings(page)
    assert not flaws, "\n".join(flaws)
    for wrong in ("000000", "abcdef", first):
        code(page, wrong)
        expect(page.locator("main")).to_contain_text(NOT_RIGHT)
    later = app_code(secret, 1)
    code(page, later)
    expect_in(page)
    leave_and_give_password(page, stack, "app-holder")
    code(page, later)
    expect(page.locator("main")).to_contain_text(NOT_RIGHT)

    # A recovery code lets in once.
    code(page, codes[0])
    expect_in(page)
    leave_and_give_password(page, stack, "app-holder")
    code(page, codes[0])
    expect(page.locator("main")).to_contain_text(NOT_RIGHT)
    code(page, codes[1])
    expect_in(page)
    page.goto("/me/")
    expect(page.locator("main")).to_contain_text("8 left")

    # The app goes, and the codes with it.
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("main")).not_to_contain_text("Recovery codes")
    leave_and_give_password(page, stack, "app-holder")
    expect_in(page)


def test_a_passkey_is_added_used_and_removed(people: Visitors, stack: Stack) -> None:
    home = f"http://localhost:{urlsplit(stack.url).port}"
    page = people.visit(None)
    keys = Keys(page)
    give_password(page, stack, "key-holder", home)
    expect_in(page)

    # A passkey is added; it brings recovery codes.
    page.goto(f"{home}/me/")
    page.get_by_role("link", name="Add").click()
    page.get_by_label("Name").fill("My phone")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#recovery-codes code")).to_have_count(10)

    # It lets in alone, and after the password.
    log_out(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect_in(page)
    leave_and_give_password(page, stack, "key-holder", home)
    page.get_by_role("button", name="Use a passkey").click()
    expect_in(page)

    # It confirms who it is; the confirm page leads back.
    page.goto(f"{home}/me/confirm/passkey/?next=/me/sessions/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(re.compile("/me/sessions/$"))

    # A key that only says that it is this one is refused, alone and after the password.
    mine = keys.replace_by_false_one()
    log_out(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("main")).to_contain_text("That passkey is not known here")
    give_password(page, stack, "key-holder", home)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("main")).to_contain_text("That passkey is not known here")
    keys.put_back(mine)
    page.get_by_role("button", name="Use a passkey").click()
    expect_in(page)

    # Removed, it lets in no more, and the password is enough again.
    page.goto(f"{home}/me/")
    page.get_by_role("link", name="Remove My phone").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("main")).not_to_contain_text("My phone")
    log_out(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("main")).to_contain_text("That passkey is not known here")
    give_password(page, stack, "key-holder", home)
    expect_in(page)


class Keys:
    """A virtual authenticator with a fingerprint that always fits."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        answer = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._id = {"authenticatorId": answer["authenticatorId"]}

    def replace_by_false_one(self) -> dict[str, Any]:
        """Its passkey has the same id and person, and another private key; returns the true one."""
        (mine,) = self._session.send("WebAuthn.getCredentials", self._id)["credentials"]
        another = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self._put({**mine, "privateKey": base64.b64encode(another).decode()})
        return dict(mine)

    def put_back(self, credential: dict[str, Any]) -> None:
        """Its passkey is this one again."""
        self._put(credential)

    def _put(self, credential: dict[str, Any]) -> None:
        self._session.send("WebAuthn.clearCredentials", self._id)
        self._session.send("WebAuthn.addCredential", {**self._id, "credential": credential})


def app_code(secret: str, steps: int = 0) -> str:
    """What the app shows now, or so many half minutes later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def code(page: Page, value: str, *, button: str = "Log in") -> None:
    page.locator("input[name=code]").fill(value)
    page.get_by_role("button", name=button, exact=True).click()


def expect_in(page: Page) -> None:
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile(r"/login/$"))


def leave_and_give_password(page: Page, stack: Stack, person: str, home: str = "") -> None:
    log_out(page)
    give_password(page, stack, person, home)


def give_password(page: Page, stack: Stack, person: str, home: str = "") -> None:
    page.goto(f"{home}/login/")
    page.get_by_label("User name or e-mail address").fill(person)
    page.get_by_label("Password").fill(stack.passwords[person])
    page.get_by_role("button", name="Log in", exact=True).click()
