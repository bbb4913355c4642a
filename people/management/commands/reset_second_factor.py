"""manage.py reset_second_factor"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from audit.models import AuditKind
from audit.services import record_event


class Command(BaseCommand):
    help = (
        "Take away the app, the passkeys and the recovery codes of somebody who has lost them, and "
        "end their sessions. They log in with the password and set up new ones."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["username"]
        person = User.objects.filter(username=name).first()
        if person is None:
            raise CommandError(f"There is nobody named {name}.")
        number, _rows = Authenticator.objects.filter(user=person).delete()
        if not number:
            self.stdout.write(f"{name} had no second factor. Nothing was done.")
            return
        for session in UserSession.objects.filter(user=person):
            session.end()
        record_event(
            AuditKind.FACTOR_REMOVED, user=None, subject=name, factor="all", by="command line"
        )
        self.stdout.write(f"{name} has no second factor now ({number} taken away).")
