"""The messages that Amazon's list may name: each with Seller Central's form and the operation's body.

Limits: model messaging.json, and for the two that were withdrawn its text before 2025-08-04. Titles
and descriptions of `updateFeedback`, `unexpectedProblem` and `sendInvoice` are those of a captured
list (selling-partner-api-samples, MIT-0); the others are ours, in their manner.
"""

from dataclasses import dataclass
from typing import Any

from sandbox.operations.offers import Schema

MOST_FILES = 5
_EXPLAIN = "Explain why you are contacting and any action you need your customer to take. "
_UPLOAD = (
    "You can upload text files, PDFs, Word documents, and these image file types: .jpg, .gif, "
    "and .png. The total size of attachments must be less than 10 MB."
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One message: its form, and what its operation takes.

    `operation` is "" where there is none, `path` the end of the operation's path. `text` is the
    most UTF-16 units of a text (0: takes none), `files` the least number of files, of five at most
    (None: takes none). A message that is sent `once` is not offered again for the order.
    """

    schema: Schema
    operation: str
    path: str
    text: int = 0
    files: int | None = None
    coverage: bool = False
    once: bool = False

    @property
    def name(self) -> str:
        """The name in the list."""
        return self.schema.name


def _text(most: int, links: str) -> dict[str, Any]:
    limit = f"{most} character limit. Only links related to {links} are allowed, "
    return {
        "rawMessageBody": {
            "type": "string",
            "title": _EXPLAIN,
            "description": f"{limit}no HTML or email addresses.",
            "x-ui-field-type": "text",
            "minLength": 1,
            "maxLength": most,
        }
    }


def _files(least: int) -> dict[str, Any]:
    return {
        "attachments": {
            "type": "array",
            "items": {
                "type": "object",
                "required": [],
                "properties": {"fileName": {"type": "string"}, "id": {"type": "string"}},
            },
            "title": "Add attachment",
            "description": _UPLOAD,
            "x-ui-field-type": "attachments",
            "minItems": least,
            "maxItems": MOST_FILES,
        }
    }


def _date(title: str) -> dict[str, Any]:
    return {"type": "string", "title": title, "format": "date-time", "x-ui-field-type": "date"}


def _kind(
    name: str,
    operation: str,
    title: str,
    description: str,
    *,
    path: str = "",
    text: int = 0,
    links: str = "",
    files: int | None = None,
    coverage: bool = False,
    once: bool = False,
) -> Kind:
    form: dict[str, Any] = {}
    if text:
        form |= _text(text, links)
    if files is not None:
        form |= _files(files)
    if coverage:
        form["coverageStartDate"] = _date("First day of the warranty")
        form["coverageEndDate"] = _date("Last day of the warranty")
    # Files are a must only where the message is nothing without them.
    required = tuple(key for key in form if key != "attachments" or files)
    schema = Schema(name, title, description, form, required, hidden=not form)
    return Kind(schema, operation, path or name, text, files, coverage, once)


KINDS = (
    _kind(
        "confirmCustomizationDetails",
        "confirmCustomizationDetails",
        "Ask about the customization",
        "Ask your customer to give or verify details of the customization.",
        text=800,
        links="customization details",
        files=0,
    ),
    _kind(
        "confirmDeliveryDetails",
        "createConfirmDeliveryDetails",
        "Arrange the delivery",
        "Arrange the delivery with your customer, or confirm contact information for it.",
        text=2000,
        links="order delivery",
    ),
    _kind(
        "legalDisclosure",
        "createLegalDisclosure",
        "Send a legal disclosure",
        "Send your customer documents that you are legally obligated to provide.",
        files=1,
    ),
    _kind(
        "updateFeedback",
        "",
        "Request to update negative feedback",
        "Ask your customer to consider updating their seller feedback rating. "
        "You may only send this once per order.",
    ),
    _kind(
        "negativeFeedbackRemoval",
        "createNegativeFeedbackRemoval",
        "Ask to remove negative feedback",
        "Ask your customer to remove their negative feedback once the problem is resolved.",
        once=True,
    ),
    _kind(
        "confirmOrderDetails",
        "createConfirmOrderDetails",
        "Ask a question about the order",
        "Ask your customer an order-related question prior to shipping their order.",
        text=2000,
        links="order completion",
    ),
    _kind(
        "confirmServiceDetails",
        "createConfirmServiceDetails",
        "Arrange a service call",
        "Arrange a Home Services call with your customer, or gather information for it.",
        text=2000,
        links="Home Service calls",
    ),
    _kind(
        "amazonMotors",
        "CreateAmazonMotors",
        "Send details of an Amazon Motors order",
        "Send your customer documents about their Amazon Motors order.",
        files=1,
    ),
    _kind(
        "warranty",
        "CreateWarranty",
        "Send a warranty",
        "Send your customer details of the warranty on a purchase in their order.",
        files=1,
        coverage=True,
    ),
    _kind(
        "digitalAccessKey",
        "createDigitalAccessKey",
        "Send a digital access key",
        "Share the key that your customer needs for digital content in their order.",
        text=400,
        links="the digital access key",
        files=0,
    ),
    _kind(
        "unexpectedProblem",
        "createUnexpectedProblem",
        "Notify of a problem with shipping your order",
        "Notify your customer there was an unexpected problem with shipping their order.",
        text=2000,
        links="order completion",
    ),
    _kind(
        "sendInvoice",
        "sendInvoice",
        "Send Invoice Message Template",
        "Send the customer an invoice for the order.",
        path="invoice",
        files=1,
    ),
)
BY_OPERATION = {kind.operation: kind for kind in KINDS if kind.operation}
WITH_FILES = frozenset(kind.path for kind in KINDS if kind.files is not None)
"""The ends of the paths for which a file may be uploaded."""
