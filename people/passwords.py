"""What a password must be, each rule with its sentence, and how long it may be kept.

Two rules come from Amazon's Data Protection Policy (kinds of characters, at most 365 days), against
the advice of OWASP ASVS 6.2.5 and 6.2.10. Whoever handles Amazon's data has agreed to that policy,
so both hold unless DPP_PASSWORDS is 0.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from people.models import PasswordAge

LONGEST = timedelta(days=365)
OLD = "people_old_password"  # in the session: the password must be changed first
_SHORTEST_NAME = 4
_KINDS = (
    ("a small letter", re.compile(r"[a-z]")),
    ("a capital letter", re.compile(r"[A-Z]")),
    ("a digit", re.compile(r"[0-9]")),
    ("another character", re.compile(r"[^A-Za-z0-9]")),
)
# Takes as long as the password is: it never looks for the last letter from any but the first.
_FROM_LETTER_TO_LETTER = re.compile(r"[a-z](?:.*[a-z])?", re.DOTALL)
_LEET = str.maketrans("0134578@$!", "oieastbasi")


class OwnNameValidator:
    """The password does not hold the person's own name or address."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError."""
        lower = password.lower()
        for name in _names(user):
            if name in lower:
                raise ValidationError(
                    "The password holds your name or address.", code="password_holds_name"
                )

    def get_help_text(self) -> str:
        return "It does not contain your name or e-mail address."


class KnownPasswordValidator:
    """The password is no known one with digits or signs around it, or written with 4 for a."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError. The list is Django's 20,000; nobody is asked over the network."""
        plain = password.lower()
        if {_bare(plain), _bare(plain.translate(_LEET))} & _known():
            raise ValidationError(
                "The password is a known one with something added.", code="password_known"
            )

    def get_help_text(self) -> str:
        return "Nor is it such a password with something added."


class CharacterKindsValidator:
    """The password has every kind of character that Amazon's policy names."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError, naming what is missing."""
        missing = [name for name, pattern in _KINDS if not pattern.search(password)]
        if settings.DPP_PASSWORDS and missing:
            raise ValidationError(
                f"The password needs {_list(missing)}.", code="password_kinds_missing"
            )

    def get_help_text(self) -> str:
        if not settings.DPP_PASSWORDS:
            return "Any characters."
        return f"It has {_list([name for name, _pattern in _KINDS])}."


def note_old_password(request: HttpRequest, user: User) -> None:
    """The session knows whether this person must change their password before anything else."""
    if not settings.DPP_PASSWORDS:
        return
    age = PasswordAge.objects.filter(user=user).first()
    since = age.changed_at if age is not None else user.date_joined
    if timezone.now() - since > LONGEST:
        request.session[OLD] = True


def note_new_password(request: HttpRequest, user: User) -> None:
    """The password is of now."""
    PasswordAge.objects.update_or_create(user=user, defaults={"changed_at": timezone.now()})
    request.session.pop(OLD, None)


def has_old_password(request: HttpRequest) -> bool:
    """Whether whoever is logged in must change their password before anything else."""
    return bool(request.session.get(OLD))


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(CommonPasswordValidator().passwords)


def _bare(password: str) -> str:
    """From the first small letter to the last."""
    found = _FROM_LETTER_TO_LETTER.search(password)
    return found[0] if found else ""


def _names(user: Any) -> list[str]:
    told = [
        getattr(user, name, "") or "" for name in ("username", "email", "first_name", "last_name")
    ]
    told.append(told[1].partition("@")[0])
    return [name.lower() for name in told if len(name) >= _SHORTEST_NAME]


def _list(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
