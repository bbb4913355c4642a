"""What can be asked of Amazon for an order, as data."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models


class Api(models.TextChoices):
    """The two APIs that list actions for an order; each has its own lanes and rates."""

    SOLICITATIONS = "solicitations", "Solicitations"
    MESSAGING = "messaging", "Messaging"


@dataclass(frozen=True)
class ActionType:
    """One action that Amazon may offer.

    `name` is the name in Amazon's list (`_links.actions[].name`); `look` and `send` are the
    operations of `spapi.OPERATIONS` that list it and carry it out.
    """

    name: str
    api: Api
    label: str
    look: str
    send: str
    source: str

    @property
    def is_solicitation(self) -> bool:
        """Whether it is one that may be asked once per order, ever."""
        return self.api == Api.SOLICITATIONS


REVIEW_REQUEST = ActionType(
    name="productReviewAndSellerFeedback",
    api=Api.SOLICITATIONS,
    label="Review request",
    look="getSolicitationActionsForOrder",
    send="createProductReviewAndSellerFeedbackSolicitation",
    source="Solicitations API v1; the only solicitation that exists",
)

ACTION_TYPES: dict[str, ActionType] = {REVIEW_REQUEST.name: REVIEW_REQUEST}
