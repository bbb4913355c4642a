"""Codes of an authenticator app: each is taken once, whatever the cache forgets."""

from __future__ import annotations

import hmac

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.mfa.utils import decrypt
from django.db import transaction

LAST_COUNTER = "last_counter"


def accept_app_code(authenticator: Authenticator, code: str) -> bool:
    """Whether the code is right and newer than every code that was taken before; it is taken now.

    RFC 6238 §5.2 asks for that. A code counts for its own half minute, the one before and the one
    after (MFA_TOTP_TOLERANCE).
    """
    if not (code.isascii() and code.isdigit()):
        return False
    with transaction.atomic():
        stored = Authenticator.objects.select_for_update().filter(pk=authenticator.pk).first()
        if stored is None:
            return False  # removed a moment ago
        secret = decrypt(stored.data["secret"])
        for counter in yield_hotp_counters_from_time():
            expected = format_hotp_value(hotp_value(secret, counter))
            if hmac.compare_digest(code, expected) and counter > stored.data.get(LAST_COUNTER, -1):
                stored.data[LAST_COUNTER] = counter
                stored.save(update_fields=["data"])
                return True
    return False


def spend_codes_until_now(authenticator: Authenticator) -> None:
    """Every code up to this half minute counts as taken: the one that showed the app is set up."""
    before, now, _after = yield_hotp_counters_from_time()
    authenticator.data[LAST_COUNTER] = max(before, now)
    authenticator.save(update_fields=["data"])
