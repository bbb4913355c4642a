"""What can be asked of Amazon for an order, as data.

An action that Amazon lists and that has no row here is none that a program can carry out: the pages
send people to Seller Central for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models

from spapi import MESSAGE_BODIES


class Api(models.TextChoices):
    """The two APIs that list actions for an order; each has its own lanes and rates."""

    SOLICITATIONS = "solicitations", "Solicitations"
    MESSAGING = "messaging", "Messaging"


@dataclass(frozen=True)
class Limits:
    """Least and most: of a text in characters as Amazon may count them (`spapi.text_length`), or files."""

    least: int
    most: int


@dataclass(frozen=True)
class ActionType:
    """One action that Amazon may offer.

    `name` is the name in Amazon's list (`_links.actions[].name`); `look` and `send` are the
    operations of `spapi.OPERATIONS` that list it and carry it out. `text` and `files` are what a
    person gives for it: None when it takes none; `coverage`, whether it takes both ends of a
    warranty. `help` says what it does, `purpose` what Amazon lets it be used for. `withdrawn_on` is
    the day on which the operation left Amazon's model: it is shown only where Amazon offers it.
    `acknowledgement` is what a person has to say before it is sent, "" for nothing.
    """

    name: str
    api: Api
    label: str
    look: str
    send: str
    source: str
    help: str = ""
    purpose: str = ""
    text: Limits | None = None
    files: Limits | None = None
    coverage: bool = False
    withdrawn_on: str = ""
    acknowledgement: str = ""

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


def _message(
    name: str, send: str, label: str, *, help: str, purpose: str, **more: str
) -> ActionType:
    """A message of Messaging API v1; what it takes is what Amazon's model says."""
    body = MESSAGE_BODIES[send]
    return ActionType(
        name=name,
        api=Api.MESSAGING,
        label=label,
        look="getMessagingActionsForOrder",
        send=send,
        source=f"Messaging API v1, {send}",
        help=help,
        purpose=purpose,
        text=Limits(*body.text) if body.text else None,
        files=Limits(*body.attachments) if body.attachments else None,
        coverage=body.coverage,
        **more,
    )


CONFIRM_ORDER_DETAILS = _message(
    "confirmOrderDetails",
    "createConfirmOrderDetails",
    "Question before shipping",
    help="Ask the buyer about the order before it is shipped.",
    purpose="Only what is needed to complete this order.",
)
CONFIRM_CUSTOMIZATION_DETAILS = _message(
    "confirmCustomizationDetails",
    "confirmCustomizationDetails",
    "Question about customization",
    help="Ask how a customized product is to be made: a spelling, initials, an image.",
    purpose="Only details of the customization that the buyer ordered.",
)
CONFIRM_DELIVERY_DETAILS = _message(
    "confirmDeliveryDetails",
    "createConfirmDeliveryDetails",
    "Delivery arrangement",
    help="Arrange the delivery with the buyer, or confirm how they can be reached.",
    purpose="Only what is needed to deliver this order.",
)
CONFIRM_SERVICE_DETAILS = _message(
    "confirmServiceDetails",
    "createConfirmServiceDetails",
    "Home Services arrangement",
    help="Arrange the details of a Home Services order with the buyer.",
    purpose="Only the call or visit that belongs to the service ordered.",
)
UNEXPECTED_PROBLEM = _message(
    "unexpectedProblem",
    "createUnexpectedProblem",
    "Unexpected problem",
    help="Tell the buyer that something unexpected happened with the order.",
    purpose="Only a problem that keeps the order from being completed.",
)
DIGITAL_ACCESS_KEY = _message(
    "digitalAccessKey",
    "createDigitalAccessKey",
    "Digital access key",
    help="Send the key to digital content that belongs to the order.",
    purpose="Only the key and how to use it.",
)
LEGAL_DISCLOSURE = _message(
    "legalDisclosure",
    "createLegalDisclosure",
    "Legal disclosure",
    help="Send documents that the law wants the buyer to have.",
    purpose="Only documents that the law requires.",
)
SEND_INVOICE = _message(
    "sendInvoice",
    "sendInvoice",
    "Invoice",
    help="Send the invoice of the order.",
    purpose="Only the invoice of this order.",
)
WARRANTY = _message(
    "warranty",
    "CreateWarranty",
    "Warranty",
    help="Send the warranty of what was bought, with the time that it covers.",
    purpose="Only the warranty of the products of this order.",
)
AMAZON_MOTORS = _message(
    "amazonMotors",
    "CreateAmazonMotors",
    "Amazon Motors documents",
    help="Send documents of an order of Amazon Motors.",
    purpose="Only documents of this vehicle's order.",
    withdrawn_on="2026-01-30",
)
NEGATIVE_FEEDBACK_REMOVAL = _message(
    "negativeFeedbackRemoval",
    "createNegativeFeedbackRemoval",
    "Removal of negative feedback",
    help="Amazon asks the buyer, in its own words, to remove negative feedback.",
    purpose="Only after the buyer's problem was solved.",
    withdrawn_on="2025-08-04",
    acknowledgement="The buyer's problem is solved.",
)

ACTION_TYPES: dict[str, ActionType] = {
    one.name: one
    for one in (
        REVIEW_REQUEST,
        CONFIRM_ORDER_DETAILS,
        CONFIRM_CUSTOMIZATION_DETAILS,
        CONFIRM_DELIVERY_DETAILS,
        CONFIRM_SERVICE_DETAILS,
        UNEXPECTED_PROBLEM,
        DIGITAL_ACCESS_KEY,
        LEGAL_DISCLOSURE,
        SEND_INVOICE,
        WARRANTY,
        AMAZON_MOTORS,
        NEGATIVE_FEEDBACK_REMOVAL,
    )
}
MESSAGES: dict[str, ActionType] = {
    name: action_type
    for name, action_type in ACTION_TYPES.items()
    if not action_type.is_solicitation
}
