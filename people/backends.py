"""Who somebody is by name and password, in the same time whether or not there is such a person."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest


class PeopleBackend(ModelBackend):
    """By user name, or by an e-mail address that one person alone has."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """The active person with that password, else None. One query and one hash in any case."""
        if username is None or password is None:
            return None
        person = find_person(username)
        if person is None:
            User().set_password(password)
            return None
        if not person.check_password(password) or not person.is_active:
            return None
        return person


def find_person(name: str) -> User | None:
    """Who has this user name or, when nobody has, alone has this e-mail address."""
    found = list(User.objects.filter(Q(username=name) | Q(email__iexact=name) & ~Q(email="")))
    by_name = [person for person in found if person.username == name]
    if by_name:
        return by_name[0]
    return found[0] if len(found) == 1 else None
