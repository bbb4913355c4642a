"""Writing to the audit trail."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from audit.models import AuditEvent, AuditKind


def record_event(
    kind: AuditKind,
    *,
    user: AbstractBaseUser | AnonymousUser | None,
    account_id: int | None = None,
    subject: str = "",
    **detail: Any,
) -> AuditEvent:
    """One event stands in the audit trail.

    `detail` must be JSON and must not hold a token or a buyer's data. It commits with the caller's
    transaction; a refusal is therefore recorded outside the transaction that it refuses.
    """
    return AuditEvent.objects.create(
        kind=kind,
        user_id=user.pk if user is not None and user.is_authenticated else None,
        account_id=account_id,
        subject=subject[:200],
        detail=detail,
    )
