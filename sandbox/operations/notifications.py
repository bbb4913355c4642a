"""Notifications v1: destinations, subscriptions, and order changes on their way to them.

Refusals as callers have seen them: selling-partner-api-models issues 2281 (a destination twice),
2113 (deleting one in use), 1960 (a subscription twice), 2224 (no such destination), and
selling-partner-api-docs issue 377 (a queue to which Amazon may not write). The sandbox cannot see
a queue's policy: one with `forbidden` in its name has a bad one.
"""

import json
import re
from typing import Any
from uuid import UUID

from sandbox.faults import Faults
from sandbox.faults.rules import NOTIFICATION
from sandbox.marketplaces import BY_ID
from sandbox.messages import Answer, error_answer, json_answer
from sandbox.operations.paging import read_token, write_token
from sandbox.operations.parameters import body_of, invalid, one, refuse_unknown
from sandbox.operations.routing import Call, RequestError, State
from sandbox.order_changes import changes, envelope
from sandbox.post import Destination, Message, Subscription
from sandbox.randomness import draw

TYPES = (
    "ORDER_CHANGE",
    "REPORT_PROCESSING_FINISHED",
    "SHIPMENT_TRACKING_MILESTONE_CHANGED",
    "TRANSACTION_UPDATE",
)
_ARN = re.compile(r"arn:aws:sqs:[a-z0-9-]+:\d+:([A-Za-z0-9_-]{1,80})")
_CHANGES = ("BuyerRequestedChange", "DeliveryTipChange", "OrderStatusChange")
_FILTER_KEYS = {"eventFilterType", "marketplaceIds", "orderChangeTypes"}
_CONFLICT = "The requested resource conflict with a resource in the server."


def create_destination(state: State, call: Call) -> Answer:
    """200 with a new destination; 409 where the queue has one, 403 where Amazon may not write."""
    refuse_unknown(call.request, ())
    document = body_of(call.request)
    name = document.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 256:
        raise invalid("name: 1 to 256 characters are needed.")
    resource = document.get("resourceSpecification")
    queue = resource.get("sqs") if isinstance(resource, dict) else None
    arn = queue.get("arn") if isinstance(queue, dict) else None
    found = _ARN.fullmatch(arn) if isinstance(arn, str) and len(arn) <= 1000 else None
    if found is None or not isinstance(arn, str):
        raise invalid("resourceSpecification: Invalid SQS queue ARN.", str(arn)[:200])
    if "forbidden" in found[1]:
        message = "Access to requested resource is denied."
        return error_answer(403, "Unauthorized", message)
    if state.post.by_arn(arn) is not None:
        application = state.world.application_id
        details = f"A destination with arn {arn} already exists for the application {application}"
        return error_answer(409, "Conflict", _CONFLICT, details)
    made = Destination(_new_id(state, "destination", arn), name, arn)
    state.post.destinations[made.destination_id] = made
    return json_answer(200, {"payload": made.as_json()})


def get_destinations(state: State, call: Call) -> Answer:
    """200 with all destinations of the application."""
    refuse_unknown(call.request, ())
    payload = [one.as_json() for one in state.post.destinations.values()]
    return json_answer(200, {"payload": payload})


def get_destination(state: State, call: Call) -> Answer:
    """200 with the destination, or 404."""
    refuse_unknown(call.request, ())
    return json_answer(200, {"payload": _destination(state, call).as_json()})


def delete_destination(state: State, call: Call) -> Answer:
    """200, and it is gone; 403 while a subscription uses it."""
    refuse_unknown(call.request, ())
    found = _destination(state, call)
    if state.post.is_used(found.destination_id):
        message = "The requested action is forbidden."
        return error_answer(403, "Unauthorized", message, "Destination has subscriptions")
    del state.post.destinations[found.destination_id]
    return json_answer(200, {})


def create_subscription(state: State, call: Call) -> Answer:
    """200 with a new subscription of the seller; 409 where there is one of the type and version."""
    refuse_unknown(call.request, ())
    kind, seller = _type(call), call.partner
    document = body_of(call.request)
    version = document.get("payloadVersion")
    if version != "1.0":
        raise invalid("payloadVersion: Invalid value.", str(version)[:100])
    destination = str(document.get("destinationId"))
    if destination not in state.post.destinations:
        application = state.world.application_id
        raise invalid(f"No destination with id '{destination}' for applicationId '{application}'")
    directive = _directive(document, kind)
    if state.post.of_seller(seller.number, kind):
        message = "The resource specified conflicts with the current state."
        return error_answer(409, "StateConflict", message)
    name = _new_id(state, "subscription", seller.number, kind)
    made = Subscription(name, seller.number, kind, version, destination, call.now, directive)
    state.post.subscriptions[name] = made
    state.post.seen_until[name] = call.now
    return json_answer(200, {"payload": made.as_json()})


def get_subscription(state: State, call: Call) -> Answer:
    """200 with the seller's subscription to the type, or 404."""
    refuse_unknown(call.request, ("payloadVersion",))
    version = one(call.request, "payloadVersion")
    for found in state.post.of_seller(call.partner.number, _type(call)):
        if version in (None, found.payload_version):
            return json_answer(200, {"payload": found.as_json()})
    raise _not_found("subscription")


def get_subscriptions(state: State, call: Call) -> Answer:
    """200 with one page of the seller's subscriptions to the type."""
    known = ("notificationTypes", "payloadVersion", "pageSize", "nextToken")
    refuse_unknown(call.request, known)
    types = call.request.values("notificationTypes")
    if len(types) != 1 or types[0] not in TYPES:
        raise invalid("notificationTypes: Exactly one type is needed.")
    text = one(call.request, "pageSize") or "30"
    if not (text.isascii() and text.isdigit() and 30 <= int(text) <= 100):
        raise invalid("pageSize: Must be between 30 and 100.", text)
    token = one(call.request, "nextToken")
    place = [0] if token is None else read_token(state, token)
    if place is None:
        raise invalid("nextToken: Invalid value.")
    start, end = place[0], place[0] + int(text)
    version = one(call.request, "payloadVersion")
    every = state.post.of_seller(call.partner.number, types[0])
    found = [entry for entry in every if version in (None, entry.payload_version)]
    payload: dict[str, Any] = {"subscriptions": [entry.as_json() for entry in found[start:end]]}
    if end < len(found):
        payload["nextToken"] = write_token(state, end)
    return json_answer(200, {"payload": payload})


def get_subscription_by_id(state: State, call: Call) -> Answer:
    """200 with the subscription, whichever seller's, or 404."""
    refuse_unknown(call.request, ())
    return json_answer(200, {"payload": _subscription(state, call).as_json()})


def delete_subscription_by_id(state: State, call: Call) -> Answer:
    """200, and nothing more is delivered for it."""
    refuse_unknown(call.request, ())
    found = _subscription(state, call).subscription_id
    del state.post.subscriptions[found]
    del state.post.seen_until[found]
    return json_answer(200, {})


def collect(state: State, faults: Faults, now: float, ticks: float) -> None:
    """Every change up to `now` (seconds since 1970) that somebody subscribed to is in the outbox.

    But for those that a fault loses, poisons, multiplies or holds up; rules of `notification` are
    asked once for each.
    """
    post, world = state.post, state.world
    for subscription in list(post.subscriptions.values()):
        key = subscription.subscription_id
        after, post.seen_until[key] = post.seen_until[key], max(now, post.seen_until[key])
        if subscription.notification_type != "ORDER_CHANGE":
            continue
        seller = world.sellers[subscription.seller]
        destination = post.destinations[subscription.destination_id]
        for change in changes(world, seller, after, now):
            if not subscription.wants(change.life.marketplace.id, change.kind):
                continue
            order_id = world.order_id(seller, change.life)
            rule = faults.fired(NOTIFICATION, seller.selling_partner_id, order_id, ticks)
            do: dict[str, Any] = rule.do if rule else {"kind": ""}
            if do["kind"] == "lose":
                continue
            body = json.dumps(envelope(world, seller, change, subscription), ensure_ascii=False)
            if do["kind"] == "poison":
                body = do.get("text", body[: len(body) // 2])
            message = Message(destination.destination_id, destination.arn, body)
            late = do["seconds"] if do["kind"] == "late" else 0
            times = do["times"] if do["kind"] == "duplicate" else 1
            post.send(message, change.published + late, times)
    post.deliver(now)


def _type(call: Call) -> str:
    kind = call.request.path_parts[3]
    if kind not in TYPES:
        raise invalid("notificationType: Invalid value.", kind[:100])
    return kind


def _destination(state: State, call: Call) -> Destination:
    found = state.post.destinations.get(call.request.path_parts[3])
    if found is None:
        raise _not_found("destination")
    return found


def _subscription(state: State, call: Call) -> Subscription:
    kind, key = _type(call), call.request.path_parts[4]
    found = state.post.subscriptions.get(key)
    if found is None or found.notification_type != kind:
        raise _not_found("subscription")
    return found


def _not_found(what: str) -> RequestError:
    message = "The requested resource doesn't exist."
    return RequestError(error_answer(404, "NotFound", message, f"No such {what}"))


def _directive(document: dict[str, Any], kind: str) -> dict[str, Any]:
    """The processing directive, checked; empty when there is none."""
    directive = document.get("processingDirective", {})
    chosen = directive.get("eventFilter", {}) if isinstance(directive, dict) else None
    if not isinstance(chosen, dict) or directive.keys() - {"eventFilter"}:
        raise invalid("processingDirective: Invalid value.")
    if not chosen:
        return {}
    if chosen.get("eventFilterType") != kind or chosen.keys() - _FILTER_KEYS:
        raise invalid("eventFilter: Invalid value.")
    for name, known in (("marketplaceIds", tuple(BY_ID)), ("orderChangeTypes", _CHANGES)):
        listed = chosen.get(name, [])
        if not isinstance(listed, list) or any(word not in known for word in listed):
            raise invalid(f"eventFilter.{name}: Invalid value.")
    return {"eventFilter": chosen}


def _new_id(state: State, *key: object) -> str:
    count = len(state.post.seen_until) + len(state.post.destinations)
    while True:
        made = str(UUID(int=draw(state.world.plan.seed, *key, count).getrandbits(128)))
        if made not in state.post.subscriptions and made not in state.post.destinations:
            return made
        count += 1
