"""Messaging v1: which messages an order allows, and sending one.

Every accepted call is one more message to the buyer, none has an id, and there is no way to ask
afterwards: of an error, `effect` says whether the buyer may have got it. `before_send` is called
when all else is ready, directly before the first byte leaves; if it raises, nothing is sent and
Aborted is raised. Texts are for the buyer's language (`get_attributes`), without HTML and e-mail
addresses; what is longer or more than Amazon's model allows is a ValueError, and nothing is sent.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from spapi.actions import ActionsApi
from spapi.hal import read_message_offer
from spapi.message_types import Attachment, BuyerAttributes, MessageBody, OfferedMessages
from spapi.operations import (
    CONFIRM_CUSTOMIZATION_DETAILS,
    CREATE_AMAZON_MOTORS,
    CREATE_CONFIRM_DELIVERY_DETAILS,
    CREATE_CONFIRM_ORDER_DETAILS,
    CREATE_CONFIRM_SERVICE_DETAILS,
    CREATE_DIGITAL_ACCESS_KEY,
    CREATE_LEGAL_DISCLOSURE,
    CREATE_NEGATIVE_FEEDBACK_REMOVAL,
    CREATE_UNEXPECTED_PROBLEM,
    CREATE_WARRANTY,
    GET_ATTRIBUTES,
    GET_MESSAGING_ACTIONS,
    SEND_INVOICE,
    Operation,
)
from spapi.texts import part, text
from spapi.types import Accepted
from spapi.writing import coverage_moments, json_body, plain_newlines, query_text, text_length

BeforeSend = Callable[[], None] | None

_LONG = MessageBody(text=(1, 2000))
_FILES = MessageBody(attachments=(1, 5))
MESSAGE_BODIES: Mapping[str, MessageBody] = MappingProxyType(
    {
        CONFIRM_CUSTOMIZATION_DETAILS.name: MessageBody(text=(1, 800), attachments=(0, 5)),
        CREATE_CONFIRM_DELIVERY_DETAILS.name: _LONG,
        CREATE_LEGAL_DISCLOSURE.name: _FILES,
        CREATE_NEGATIVE_FEEDBACK_REMOVAL.name: MessageBody(),
        CREATE_CONFIRM_ORDER_DETAILS.name: _LONG,
        CREATE_CONFIRM_SERVICE_DETAILS.name: _LONG,
        CREATE_AMAZON_MOTORS.name: _FILES,
        CREATE_WARRANTY.name: MessageBody(attachments=(1, 5), coverage=True),
        CREATE_DIGITAL_ACCESS_KEY.name: MessageBody(text=(1, 400), attachments=(0, 5)),
        CREATE_UNEXPECTED_PROBLEM.name: _LONG,
        SEND_INVOICE.name: _FILES,
    }
)
"""By operation, what Amazon's models allow (messaging.json, and its text before 2025-08-04).

Where a model names no least number of files although the message is nothing without one, it is 1.
"""


class MessagingApi(ActionsApi):
    """https://developer-docs.amazon.com/sp-api/docs/messaging-api-v1-reference"""

    def get_messaging_actions_for_order(
        self, order_id: str, marketplace_id: str
    ) -> OfferedMessages:
        """The messages that Amazon offers for the order at this moment, with Amazon's forms.

        The names in the list are not always those of the operations (`sendInvoice` goes to
        `/messages/invoice`), and it may name some for which there is no operation.
        """
        found = self._offers(GET_MESSAGING_ACTIONS, order_id, marketplace_id)
        messages = tuple(read_message_offer(action) for action in found.actions)
        return OfferedMessages(
            found.actions, found.well_formed, found.request_id, found.body, messages
        )

    def get_attributes(self, order_id: str, marketplace_id: str) -> BuyerAttributes:
        """The language in which the order's buyer wants to be written to."""
        path = GET_ATTRIBUTES.url_path(order_id=order_id)
        query = query_text(marketplaceIds=[marketplace_id])
        return self._ask(GET_ATTRIBUTES, _read_attributes, path, query)

    def confirm_customization_details(
        self,
        order_id: str,
        marketplace_id: str,
        *,
        text: str,
        attachments: Sequence[Attachment] = (),
        before_send: BeforeSend = None,
    ) -> Accepted:
        """Amazon has taken a question about what is to be made for the buyer: a name, an image."""
        operation = CONFIRM_CUSTOMIZATION_DETAILS
        document = _texts(operation, text) | _files(operation, attachments)
        return self._send(operation, order_id, marketplace_id, document, before_send)

    def create_confirm_delivery_details(
        self, order_id: str, marketplace_id: str, *, text: str, before_send: BeforeSend = None
    ) -> Accepted:
        """Amazon has taken a message that arranges the delivery."""
        operation = CREATE_CONFIRM_DELIVERY_DETAILS
        document = _texts(operation, text)
        return self._send(operation, order_id, marketplace_id, document, before_send)

    def create_legal_disclosure(
        self,
        order_id: str,
        marketplace_id: str,
        *,
        attachments: Sequence[Attachment],
        before_send: BeforeSend = None,
    ) -> Accepted:
        """Amazon has taken documents that the law wants the buyer to have, and no others."""
        operation = CREATE_LEGAL_DISCLOSURE
        document = _files(operation, attachments)
        return self._send(operation, order_id, marketplace_id, document, before_send)

    def create_negative_feedback_removal(
        self, order_id: str, marketplace_id: str, *, before_send: BeforeSend = None
    ) -> Accepted:
        """Amazon asks the buyer to remove negative feedback, in its own words.

        Only after the buyer's problem was solved. Withdrawn from Amazon's model on 2025-08-04.
        """
        operation = CREATE_NEGATIVE_FEEDBACK_REMOVAL
        return self._accepted(operation, order_id, marketplace_id, before_send)

    def create_confirm_order_details(
        self, order_id: str, marketplace_id: str, *, text: str, before_send: BeforeSend = None
    ) -> Accepted:
        """Amazon has taken a question to the buyer before the order is shipped."""
        operation = CREATE_CONFIRM_ORDER_DETAILS
        document = _texts(operation, text)
        return self._send(operation, order_id, marketplace_id, document, before_send)

    def create_confirm_service_details(
        self, order_id: str, marketplace_id: str, *, text: str, before_send: BeforeSend = None
    ) -> Accepted:
        """Amazon has taken a message that arranges a call of Home Services."""
        operation = CREATE_CONFIRM_SERVICE_DETAILS
        document = _texts(operation, text)
        return self._send(operation, order_id, marketplace_id, document, before_send)

    def create_amazon_motors(
        self,
        order_id: str,
        marketplace_id: str,
        *,
        attachments: Sequence[Attachment],
        before_send: BeforeSend = None,
    ) -> Accepted:
        """Amazon has taken documents for an order of Amazon Motors.

        Withdrawn from Amazon's model on 2026-01-30.
        """
        operation = CREATE_AMAZON_MOTORS
        document = _files(operation, attachments)
        return self._send(operation, order_id, marketplace_id, document, before_send)

    def create_warranty(
        self,
        order_id: str,
        marketplace_id: str,
        *,
        attachments: Sequence[Attachment],
        coverage_start: datetime | str,
        coverage_end: datetime | str,
        before_send: BeforeSend = None,
    ) -> Accepted:
        """Amazon has taken a warranty and its time, from the start to the end and not before it.

        Both are aware datetimes or ISO 8601 texts with an offset, and keep their offset.
        """
        operation = CREATE_WARRANTY
        start, end = coverage_moments(coverage_start, coverage_end)
        coverage = {"coverageStartDate": start, "coverageEndDate": end}
        document = _files(operation, attachments) | coverage
        return self._send(operation, order_id, marketplace_id, document, before_send)

    def create_digital_access_key(
        self,
        order_id: str,
        marketplace_id: str,
        *,
        text: str,
        attachments: Sequence[Attachment] = (),
        before_send: BeforeSend = None,
    ) -> Accepted:
        """Amazon has taken the key to digital content of the order."""
        operation = CREATE_DIGITAL_ACCESS_KEY
        document = _texts(operation, text) | _files(operation, attachments)
        return self._send(operation, order_id, marketplace_id, document, before_send)

    def create_unexpected_problem(
        self, order_id: str, marketplace_id: str, *, text: str, before_send: BeforeSend = None
    ) -> Accepted:
        """Amazon has taken the news of an unexpected problem with the order."""
        operation = CREATE_UNEXPECTED_PROBLEM
        document = _texts(operation, text)
        return self._send(operation, order_id, marketplace_id, document, before_send)

    def send_invoice(
        self,
        order_id: str,
        marketplace_id: str,
        *,
        attachments: Sequence[Attachment],
        before_send: BeforeSend = None,
    ) -> Accepted:
        """Amazon has taken the invoice of the order."""
        operation = SEND_INVOICE
        document = _files(operation, attachments)
        return self._send(operation, order_id, marketplace_id, document, before_send)

    def _send(
        self,
        operation: Operation,
        order_id: str,
        marketplace_id: str,
        document: Mapping[str, object],
        before_send: BeforeSend,
    ) -> Accepted:
        body = json_body(document)
        return self._accepted(operation, order_id, marketplace_id, before_send, body)


def _texts(operation: Operation, given: str) -> dict[str, object]:
    limits = MESSAGE_BODIES[operation.name].text
    assert limits is not None
    least, most = limits
    if not least <= text_length(given) <= most:
        raise ValueError(f"{operation.name} takes a text of {least} to {most:,} characters")
    return {"text": plain_newlines(given)}


def _files(operation: Operation, attachments: Sequence[Attachment]) -> dict[str, object]:
    limits = MESSAGE_BODIES[operation.name].attachments
    assert limits is not None
    least, most = limits
    if not least <= len(attachments) <= most:
        raise ValueError(f"{operation.name} takes {least} to {most} attachments")
    if not all(one.upload_destination_id and one.file_name for one in attachments):
        raise ValueError("an attachment has the id of its upload and a file name")
    # A message without files is sent as one that never could have any.
    return {"attachments": [one.as_json() for one in attachments]} if attachments else {}


def _read_attributes(document: object) -> BuyerAttributes | None:
    if not isinstance(document, Mapping):
        return None
    return BuyerAttributes(text(part(document, "buyer"), "locale"))
