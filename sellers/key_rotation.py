"""Moving the stored secrets to the first of TOKEN_KEYS, one row at a time.

Each row is one conditional update: it holds the old ciphertext or the new one, both of which can be
read as long as both keys are known. Whoever is killed in between has lost nothing, and whoever
begins again skips what is done.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db import models

from sellers.encryption import SecretUnreadableError, key_id_of, known_key_ids
from sellers.models import Application, SellerAccount


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A field that holds secrets, and the property through which they are read and written."""

    model: type[models.Model]
    field: str
    plain: str


STORED_SECRETS = (
    StoredSecret(Application, "client_secret_encrypted", "client_secret"),
    StoredSecret(SellerAccount, "refresh_token_encrypted", "refresh_token"),
)


@dataclass(frozen=True, slots=True)
class Rotation:
    """How a run ended: secrets encrypted anew, and the rows (in words) that cannot be read."""

    done: int
    unreadable: tuple[str, ...]


def count_by_key() -> Counter[str]:
    """How many secrets each key (its id in hex) has encrypted, known or not."""
    counts: Counter[str] = Counter()
    for secret in STORED_SECRETS:
        stored = secret.model._default_manager.values_list(secret.field, flat=True)
        counts.update(key_id_of(value) for value in stored.iterator() if value)
    return counts


def rotate_keys() -> Rotation:
    """Every secret that can be read is encrypted with the first key; the others are as they were.

    Safe while the dashboard runs: a secret that somebody renews meanwhile is not overwritten.
    """
    done, unreadable = 0, []
    for secret in STORED_SECRETS:
        for pk in list(secret.model._default_manager.order_by("pk").values_list("pk", flat=True)):
            try:
                done += _rotate(secret, pk)
            except SecretUnreadableError as error:
                unreadable.append(f"{secret.plain} of {secret.model._meta.label} {pk}: {error}")
    return Rotation(done, tuple(unreadable))


def _rotate(secret: StoredSecret, pk: int) -> bool:
    """Whether this row's secret was encrypted anew; not when that was done, or it has none."""
    rows = secret.model._default_manager.filter(pk=pk)
    first = known_key_ids()[0]
    while (row := rows.first()) is not None:
        before = bytes(getattr(row, secret.field))
        if not before or key_id_of(before) == first:
            return False
        setattr(row, secret.plain, getattr(row, secret.plain))
        after = getattr(row, secret.field)
        if rows.filter(**{secret.field: before}).update(**{secret.field: after}):
            return True
        # somebody renewed it since we read it, perhaps with an old key: look again
    return False
