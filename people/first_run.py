"""The first person: made on a page by whoever knows the code that the installation shows."""

from __future__ import annotations

import hashlib
import secrets

from django.contrib.auth.models import User
from django.db import transaction

from audit.models import AuditKind
from audit.services import record_event
from people.models import FirstRunCode

_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"  # no 0/o, 1/l/i: it is read off a screen
_GROUPS, _GROUP = 5, 4  # 20 of 31 signs: 99 bits


class NotFirstError(Exception):
    """There is somebody already, or the code is not the one that was shown last."""


def is_empty() -> bool:
    """Whether there is nobody yet."""
    return not User.objects.exists()


def new_code() -> str | None:
    """A new code in the clear, the one before it is worth nothing any more; None if there is
    somebody already."""
    if not is_empty():
        return None
    groups = ("".join(secrets.choice(_READABLE) for _ in range(_GROUP)) for _ in range(_GROUPS))
    code = "-".join(groups)
    with transaction.atomic():
        FirstRunCode.objects.all().delete()
        FirstRunCode.objects.create(digest=_digest(code))
    return code


def make_first_person(code: str, *, username: str, email: str, password: str) -> User:
    """The first person, a superuser. Raises NotFirstError; of two at once one is made."""
    with transaction.atomic():
        taken, _rows = FirstRunCode.objects.filter(digest=_digest(code)).delete()
        if not taken or not is_empty():
            raise NotFirstError
        person = User.objects.create_superuser(username, email, password)
        record_event(AuditKind.FIRST_PERSON, user=person, subject=username)
    return person


def _digest(code: str) -> str:
    plain = "".join(code.lower().split()).replace("-", "")
    return hashlib.sha256(plain.encode()).hexdigest()
