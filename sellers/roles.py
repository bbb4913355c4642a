"""What a person may do with an account."""

from __future__ import annotations

from django.db import models


class Role(models.TextChoices):
    """What a person may do with an account; each includes the one before."""

    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    MANAGER = "manager", "Manager"

    def includes(self, other: Role) -> bool:
        """Whether this role may do all that the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)
