"""What Solicitations and Messaging have in common: a list of what is offered, and asking for it."""

from collections.abc import Callable

from spapi.answers import request_id
from spapi.api import Api
from spapi.hal import parse_action_links
from spapi.operations import Operation
from spapi.texts import parse_json
from spapi.types import Accepted, OfferedActions
from spapi.writing import query_text


class ActionsApi(Api):
    """An API that offers actions for an order and carries them out."""

    def _offers(self, operation: Operation, order_id: str, marketplace_id: str) -> OfferedActions:
        path = operation.url_path(order_id=order_id)
        answer = self._caller.call(operation, path, query_text(marketplaceIds=[marketplace_id]))
        actions, well_formed = parse_action_links(parse_json(answer.body))
        return OfferedActions(
            actions=actions,
            well_formed=well_formed and not answer.cut,
            request_id=request_id(answer),
            body=self._caller.kept_body(answer),
        )

    def _accepted(
        self,
        operation: Operation,
        order_id: str,
        marketplace_id: str,
        before_send: Callable[[], None] | None,
        body: bytes | None = None,
    ) -> Accepted:
        path = operation.url_path(order_id=order_id)
        query = query_text(marketplaceIds=[marketplace_id])
        answer = self._caller.call(operation, path, query, before_send, body)
        return Accepted(answer.status, request_id(answer), self._caller.kept_body(answer))
