"""Solicitations v1: whether the buyer of an order may be asked for a review, and asking."""

from collections.abc import Callable

from spapi.actions import ActionsApi
from spapi.operations import CREATE_SOLICITATION, GET_SOLICITATION_ACTIONS
from spapi.types import Accepted, OfferedActions


class SolicitationsApi(ActionsApi):
    """https://developer-docs.amazon.com/sp-api/docs/solicitations-api-v1-reference"""

    def get_solicitation_actions_for_order(
        self, order_id: str, marketplace_id: str
    ) -> OfferedActions:
        """What Amazon offers for the order at this moment; an empty list is never final."""
        return self._offers(GET_SOLICITATION_ACTIONS, order_id, marketplace_id)

    def create_product_review_and_seller_feedback_solicitation(
        self,
        order_id: str,
        marketplace_id: str,
        *,
        before_send: Callable[[], None] | None = None,
    ) -> Accepted:
        """Amazon has taken the request to ask the buyer for a review; it writes the text itself.

        There is no key that would make a second call harmless before it is read, and no way to ask
        afterwards: of an error, `effect` says whether the buyer may have been asked. `before_send`
        is called when all else is ready, directly before the first byte leaves; if it raises,
        nothing is sent and Aborted is raised.
        """
        return self._accepted(CREATE_SOLICITATION, order_id, marketplace_id, before_send)
