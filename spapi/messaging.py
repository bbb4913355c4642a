"""Messaging v1: which messages an order allows, and sending one."""

from collections.abc import Callable

from spapi.actions import ActionsApi
from spapi.operations import CREATE_CONFIRM_ORDER_DETAILS, GET_MESSAGING_ACTIONS
from spapi.types import Accepted, OfferedActions
from spapi.writing import json_body


class MessagingApi(ActionsApi):
    """https://developer-docs.amazon.com/sp-api/docs/messaging-api-v1-reference"""

    def get_messaging_actions_for_order(self, order_id: str, marketplace_id: str) -> OfferedActions:
        """The messages that Amazon offers for the order at this moment.

        The names in the list are not always those of the operations, and the schema of an action
        describes Seller Central's form, not the body that the operation takes.
        """
        return self._offers(GET_MESSAGING_ACTIONS, order_id, marketplace_id)

    def create_confirm_order_details(
        self,
        order_id: str,
        marketplace_id: str,
        *,
        text: str,
        before_send: Callable[[], None] | None = None,
    ) -> Accepted:
        """Amazon has taken the message, a question to the buyer before the order is shipped.

        Every accepted call is one more message to the buyer, none has an id, and there is no way to
        ask afterwards: of an error, `effect` says whether the buyer may have got it. `text` is 1 to
        2,000 characters in the buyer's language, without HTML and e-mail addresses (model
        messaging.json). `before_send` as above.
        """
        operation = CREATE_CONFIRM_ORDER_DETAILS
        body = json_body({"text": text})
        return self._accepted(operation, order_id, marketplace_id, before_send, body)
