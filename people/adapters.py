"""What allauth asks of us: nobody signs up, and its secrets are kept like Amazon's tokens."""

from __future__ import annotations

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from people.confirmation import is_confirmed
from sellers.encryption import decrypt_secret, encrypt_secret
from solicit_dashboard.client_address import client_address

_SILENT = (
    "account/messages/logged_in.txt",
    "account/messages/logged_out.txt",
)
NO_ADDRESS = "0.0.0.0"  # noqa: S104  (nobody listens there)
SECRETS_PLACE = "people: second factor"


class AccountAdapter(DefaultAccountAdapter):
    """No sign-up, no mail; only our own pages are gone back to."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str) -> bool:
        """Whether the address is a page of ours, written without a host."""
        return url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        return not is_confirmed(context.request)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that TRUSTED_PROXIES lets us believe; 0.0.0.0 when none is told."""
        return client_address(request) or NO_ADDRESS

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if message_template not in _SILENT:
            super().add_message(request, level, message_template, *args, **kwargs)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Seeds of codes are encrypted with TOKEN_KEYS."""

    def encrypt(self, text: str) -> str:
        return base64.b64encode(encrypt_secret(text, context=SECRETS_PLACE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The secret in the clear; raises SecretUnreadableError."""
        return decrypt_secret(base64.b64decode(encrypted_text), context=SECRETS_PLACE)
