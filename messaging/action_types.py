"""What can be asked of Amazon for an order, as data."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models


class Api(models.TextChoices):
    """The two APIs that list actions for an order; each has its own lanes and rates."""

    SOLICITATIONS = "solicitations", "Solicitations"
    MESSAGING = "messaging", "Messaging"


@dataclass(frozen=True)
class TextLimits:
    """How long a text may be, in characters as Amazon may count them (`spapi.text_length`)."""

    least: int
    most: int


@dataclass(frozen=True)
class ActionType:
    """One action that Amazon may offer.

    `name` is the name in Amazon's list (`_links.actions[].name`); `look` and `send` are the
    operations of `spapi.OPERATIONS` that list it and carry it out. `text` is what a person writes
    for it: None when there is nothing to write.
    """

    name: str
    api: Api
    label: str
    look: str
    send: str
    source: str
    text: TextLimits | None = None

    @property
    def is_solicitation(self) -> bool:
        """Whether it is one that may be asked once per order, ever.

        Amazon lists a solicitation for as long as it was not asked, so that a lost answer can be
        looked up. A message it takes and delivers as often as it is sent, and never tells.
        """
        return self.api == Api.SOLICITATIONS


REVIEW_REQUEST = ActionType(
    name="productReviewAndSellerFeedback",
    api=Api.SOLICITATIONS,
    label="Review request",
    look="getSolicitationActionsForOrder",
    send="createProductReviewAndSellerFeedbackSolicitation",
    source="Solicitations API v1; the only solicitation that exists",
)

CONFIRM_ORDER_DETAILS = ActionType(
    name="confirmOrderDetails",
    api=Api.MESSAGING,
    label="Question before shipping",
    look="getMessagingActionsForOrder",
    send="createConfirmOrderDetails",
    source="Messaging API v1, CreateConfirmOrderDetailsRequest",
    text=TextLimits(least=1, most=2000),
)

ACTION_TYPES: dict[str, ActionType] = {
    action_type.name: action_type for action_type in (REVIEW_REQUEST, CONFIRM_ORDER_DETAILS)
}
MESSAGES: dict[str, ActionType] = {
    name: action_type
    for name, action_type in ACTION_TYPES.items()
    if not action_type.is_solicitation
}
