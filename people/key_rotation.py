"""Moving the seeds of second factors to the first of TOKEN_KEYS, one row at a time."""

from __future__ import annotations

import base64
from collections import Counter

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt, encrypt
from django.db import models, transaction

from sellers.encryption import SecretUnreadableError, key_id_of, known_key_ids
from sellers.key_rotation import Rotation

# Where an app's row keeps its seed. A passkey has none, and of recovery codes there are hashes.
SEED = "secret"


def count_seeds_by_key() -> Counter[str]:
    """How many seeds each key (its id in hex) has encrypted, known or not."""
    rows = _with_seed().values_list("data", flat=True)
    return Counter(_key_id(data[SEED]) for data in rows.iterator())


def rotate_seeds() -> Rotation:
    """Every seed that can be read is encrypted with the first key; the others are as they were.

    Each row is locked while it is written, so that a code taken meanwhile stays taken.
    """
    done, unreadable = 0, []
    keys = _with_seed().order_by("pk").values_list("pk", flat=True)
    for pk in list(keys):
        try:
            done += _rotate(pk)
        except SecretUnreadableError as error:
            unreadable.append(f"second factor {pk}: {error}")
    return Rotation(done, tuple(unreadable))


@transaction.atomic
def _rotate(pk: int) -> bool:
    """Whether this row's seed was encrypted anew; not when that was done, or it has gone."""
    row = Authenticator.objects.select_for_update().filter(pk=pk).first()
    if row is None or _key_id(row.data[SEED]) == known_key_ids()[0]:
        return False
    row.data[SEED] = encrypt(decrypt(row.data[SEED]))
    row.save(update_fields=["data"])
    return True


def _with_seed() -> models.QuerySet[Authenticator]:
    return Authenticator.objects.filter(type=Authenticator.Type.TOTP)


def _key_id(stored: str) -> str:
    return key_id_of(base64.b64decode(stored))
