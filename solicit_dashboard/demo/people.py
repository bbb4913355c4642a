"""The people of the demonstration and what they may do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction

from sellers.models import Membership, Role, SellerAccount

OPERATOR, MANAGER, VIEWER, AUDITOR = "operator", "manager", "viewer", "auditor"
ROLES = {
    OPERATOR: Role.OPERATOR,
    MANAGER: Role.MANAGER,
    VIEWER: Role.VIEWER,
    AUDITOR: Role.VIEWER,
}
AUDITORS = "Auditors"
# The apps whose tables are the record that auditors read in Django admin.
RECORD_APPS = ("audit", "sellers", "orders", "messaging")


class NoPasswordsError(Exception):
    """The file with the passwords of the demonstration is missing or incomplete."""


def read_passwords(path: Path) -> dict[str, str]:
    """A password for each of the people, from the file that the first start made."""
    try:
        passwords = json.loads(path.read_text(encoding="utf-8"))
        return {name: str(passwords[name]) for name in ROLES}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoPasswordsError(
            f"{path} must hold a password for each of {', '.join(ROLES)}: ./run makes it."
        ) from error


def make_people(passwords: dict[str, str]) -> dict[str, User]:
    """The four people exist; those who existed keep the password that they have."""
    people = {}
    with transaction.atomic():
        for name, password in passwords.items():
            person, is_new = User.objects.get_or_create(username=name)
            if is_new:
                person.set_password(password)
                person.is_staff = name == AUDITOR
                person.save()
            people[name] = person
        auditors, _is_new = Group.objects.get_or_create(name=AUDITORS)
        auditors.permissions.set(
            Permission.objects.filter(
                content_type__app_label__in=RECORD_APPS, codename__startswith="view_"
            )
        )
        people[AUDITOR].groups.add(auditors)
    return people


def give_roles(people: dict[str, User], accounts: Iterable[SellerAccount]) -> None:
    """Everybody has a role on each account; a role that was changed since stays as it is."""
    Membership.objects.bulk_create(
        [
            Membership(user=people[name], account=account, role=role)
            for account in accounts
            for name, role in ROLES.items()
        ],
        ignore_conflicts=True,
    )
