"""The two calls that sending makes, for any kind of action: the list, and the action itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from messaging.action_types import CONFIRM_ORDER_DETAILS, REVIEW_REQUEST, Api
from spapi import Accepted, Client, OfferedActions


def ask_offers(client: Client, api: str, *, order: str, marketplace: str) -> OfferedActions:
    """What Amazon offers for this order now. Raises SpApiError."""
    if api == Api.SOLICITATIONS:
        return client.get_solicitation_actions_for_order(order, marketplace)
    if api == Api.MESSAGING:
        return client.get_messaging_actions_for_order(order, marketplace)
    raise ValueError(f"No list of actions is known for {api!r}.")


def send_action(
    client: Client,
    kind: str,
    *,
    order: str,
    marketplace: str,
    payload: Mapping[str, Any],
    before_send: Callable[[], None],
) -> Accepted:
    """Amazon has accepted the action for this order. Raises SpApiError; `effect` says the rest.

    `payload` is as `messaging.payloads.clean_payload` made it.
    """
    if kind == REVIEW_REQUEST.name:
        return client.create_product_review_and_seller_feedback_solicitation(
            order, marketplace, before_send=before_send
        )
    if kind == CONFIRM_ORDER_DETAILS.name:
        return client.create_confirm_order_details(
            order, marketplace, text=payload["text"], before_send=before_send
        )
    raise ValueError(f"No operation is known for {kind!r}.")
