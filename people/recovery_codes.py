"""Recovery codes: kept like passwords, shown once, each taken once.

allauth would keep a seed from which all of them can be made again. Of its table we use the row, and
put hashes into it.
"""

from __future__ import annotations

import secrets

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.db import models, transaction

NUMBER, DIGITS = 10, 12
_KIND = Authenticator.Type.RECOVERY_CODES
_HASHES = "hashes"  # in the row; missing while the codes have not been made


def promise_codes(user: User) -> bool:
    """This person has recovery codes, made when they are first looked at; whether there were none."""
    return Authenticator.objects.get_or_create(user=user, type=_KIND, defaults={"data": {}})[1]


def promise_new_codes(user: User) -> None:
    """The codes from before are taken no longer; new ones are made when they are first looked at."""
    Authenticator.objects.update_or_create(user=user, type=_KIND, defaults={"data": {}})


def make_promised_codes(user: User) -> list[str]:
    """The promised codes in the clear, this once; none when they were made before."""
    if not _promised().filter(user=user).exists():
        return []
    codes = [f"{secrets.randbelow(10**DIGITS):0{DIGITS}}" for _ in range(NUMBER)]
    hashes = [make_password(code) for code in codes]
    # In one statement, so that of two who look at once one is shown what counts.
    made = _promised().filter(user=user).update(data={_HASHES: hashes})
    return codes if made else []


def count_codes(user: User) -> int | None:
    """How many are left; None for who has none, and while they have not been made."""
    row = Authenticator.objects.filter(user=user, type=_KIND).first()
    return len(row.data[_HASHES]) if row is not None and _HASHES in row.data else None


def accept_recovery_code(authenticator: Authenticator, code: str) -> bool:
    """Whether the code is one that is left; it is taken now."""
    if not (code.isascii() and code.isdigit() and len(code) == DIGITS):
        return False
    # Ten hashes take a while: the row is locked only when one of them fits.
    hashes = authenticator.data.get(_HASHES, [])
    fits = next((one for one in hashes if check_password(code, one)), None)
    if fits is None:
        return False
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(pk=authenticator.pk).first()
        if row is None or fits not in row.data.get(_HASHES, []):
            return False  # taken, or replaced, meanwhile
        row.data[_HASHES].remove(fits)
        row.save(update_fields=["data"])
    return True


def _promised() -> models.QuerySet[Authenticator]:
    return Authenticator.objects.filter(type=_KIND).exclude(data__has_key=_HASHES)
