"""The counter of a passkey's signatures, which tells when a key has been copied."""

from __future__ import annotations

import struct
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.exceptions import InvalidSignature
from django.db import transaction
from fido2.webauthn import AuthenticationResponse

LAST_COUNTER = "last_counter"  # in the row of the passkey
# What fido2 raises for what no browser sends.
JUNK = (
    AttributeError,
    AssertionError,
    InvalidSignature,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


def read_counter(credential: Any) -> int:
    """How often the passkey says that it has signed; 0 when it does not count, or for junk."""
    try:
        answer = AuthenticationResponse.from_dict(credential)
        return int(answer.response.authenticator_data.counter)
    except JUNK:
        return 0


def is_counter_new(authenticator: Authenticator, counter: int) -> bool:
    """Whether the counter is above the last one of this passkey; it is the last one now.

    WebAuthn level 3, 7.2, step 22. Keys that are kept in several devices do not count and always
    say 0: then there is nothing to compare.
    """
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(pk=authenticator.pk).first()
        if row is None:
            return False
        last = row.data.get(LAST_COUNTER)
        if last is None:
            last = row.wrap().authenticator_data.counter
        if counter and last and counter <= last:
            return False
        row.data[LAST_COUNTER] = max(counter, last)
        row.save(update_fields=["data"])
    return True
