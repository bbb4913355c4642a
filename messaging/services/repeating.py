"""One form, one batch: a double click, a second tab or a lost answer makes no other."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError

from messaging.models import Batch
from messaging.services.refusing import FOREIGN_FORM, NotAllowedError


def batch_of_form(client_key: UUID, user: User | None, make: Callable[[], Batch]) -> Batch:
    """The batch that the form of this key has made, else the one that `make` makes now.

    Raises NotAllowedError when the key is somebody else's, and what `make` raises.
    """
    made = Batch.objects.filter(client_key=client_key).first()
    if made is None:
        try:
            return make()
        except IntegrityError:
            made = Batch.objects.filter(client_key=client_key).first()
            if made is None:
                raise
    if made.created_by_id != (user.pk if user else None):
        raise NotAllowedError(FOREIGN_FORM)
    return made
