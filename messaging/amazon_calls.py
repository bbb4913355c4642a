"""The two calls that sending makes, for any kind of action: the list, and the action itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from messaging.action_types import (
    ACTION_TYPES,
    AMAZON_MOTORS,
    CONFIRM_CUSTOMIZATION_DETAILS,
    CONFIRM_DELIVERY_DETAILS,
    CONFIRM_ORDER_DETAILS,
    CONFIRM_SERVICE_DETAILS,
    DIGITAL_ACCESS_KEY,
    LEGAL_DISCLOSURE,
    NEGATIVE_FEEDBACK_REMOVAL,
    REVIEW_REQUEST,
    SEND_INVOICE,
    UNEXPECTED_PROBLEM,
    WARRANTY,
    Api,
)
from spapi import Accepted, Attachment, Client, OfferedActions, SpApiError

# A fixed table: neither the address in Amazon's list nor the name there is where a message goes.
_SENDERS: Mapping[str, Callable[..., Accepted]] = {
    REVIEW_REQUEST.name: Client.create_product_review_and_seller_feedback_solicitation,
    CONFIRM_ORDER_DETAILS.name: Client.create_confirm_order_details,
    CONFIRM_CUSTOMIZATION_DETAILS.name: Client.confirm_customization_details,
    CONFIRM_DELIVERY_DETAILS.name: Client.create_confirm_delivery_details,
    CONFIRM_SERVICE_DETAILS.name: Client.create_confirm_service_details,
    UNEXPECTED_PROBLEM.name: Client.create_unexpected_problem,
    DIGITAL_ACCESS_KEY.name: Client.create_digital_access_key,
    LEGAL_DISCLOSURE.name: Client.create_legal_disclosure,
    SEND_INVOICE.name: Client.send_invoice,
    WARRANTY.name: Client.create_warranty,
    AMAZON_MOTORS.name: Client.create_amazon_motors,
    NEGATIVE_FEEDBACK_REMOVAL.name: Client.create_negative_feedback_removal,
}
_REPEATED = "[the message]"
_SHORTEST_REPEATED = 12  # characters
_BEGINNING = 40


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
    attachments: Sequence[Attachment] = (),
    before_send: Callable[[], None],
) -> Accepted:
    """Amazon has accepted the action for this order. Raises SpApiError; `effect` says the rest.

    `payload` is as `messaging.payloads.clean_payload` made it, `attachments` are its files, uploaded.
    """
    if kind not in _SENDERS:
        raise ValueError(f"No operation is known for {kind!r}.")
    given: dict[str, Any] = {}
    action_type = ACTION_TYPES[kind]
    if action_type.text is not None:
        given["text"] = payload["text"]
    if action_type.files is not None:
        given["attachments"] = attachments
    if action_type.coverage:
        given["coverage_start"] = payload["coverage_start"]
        given["coverage_end"] = payload["coverage_end"]
    try:
        accepted = _SENDERS[kind](client, order, marketplace, before_send=before_send, **given)
    except SpApiError as error:
        for name in ("message", "details", "body"):
            setattr(error, name, without_text(getattr(error, name), payload))
        raise
    return replace(accepted, body=without_text(accepted.body, payload))


def without_text(words: str, payload: Mapping[str, Any]) -> str:
    """Amazon's words, without the message itself should they repeat it, whole or cut short.

    They stand in the attempt, which is never changed, and the message is not kept as long. A very
    short message is not looked for: it may be a part of any word.
    """
    text = payload.get("text", "")
    if len(text) < _SHORTEST_REPEATED:
        return words
    for said in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], text):
        words = words.replace(said, _REPEATED)
        cut = words.find(said[:_BEGINNING])
        if cut >= 0:
            words = words[:cut] + _REPEATED
    return words
