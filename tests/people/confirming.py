"""Somebody who has just confirmed that it is them, without doing it."""

from __future__ import annotations

import time

from django.contrib.auth.models import User
from django.test import Client

from people.confirmation import CONFIRMED


def confirm(client: Client, user: User, seconds_ago: float = 0) -> None:
    """The client, logged in as this user, gave a password that long ago."""
    session = client.session
    session[CONFIRMED] = [user.pk, time.time() - seconds_ago]
    session.save()
