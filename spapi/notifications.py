"""Notifications v1: queues that Amazon may deliver to, and what is delivered there.

Destinations belong to the application and region, subscriptions to a seller and region. Those that
need no seller (`scope` in `operations`) are called with the application's own token. What exists
already is answered by Conflict (409): look it up then.
"""

from collections.abc import Mapping

from spapi.answers import request_id
from spapi.api import Api
from spapi.operations import (
    CREATE_DESTINATION,
    CREATE_SUBSCRIPTION,
    DELETE_DESTINATION,
    DELETE_SUBSCRIPTION_BY_ID,
    GET_DESTINATION,
    GET_DESTINATIONS,
    GET_SUBSCRIPTION,
    GET_SUBSCRIPTION_BY_ID,
    GET_SUBSCRIPTIONS,
    Operation,
)
from spapi.texts import clean, part, parts, text
from spapi.types import Accepted, Destination, EventFilter, Subscription, SubscriptionPage
from spapi.writing import json_body, query_text


class NotificationsApi(Api):
    """https://developer-docs.amazon.com/sp-api/docs/notifications-api-v1-reference"""

    def create_destination(self, name: str, arn: str) -> Destination:
        """Amazon may deliver to the SQS queue, whose policy allows it, from now on.

        Raises Conflict if the application has one for this queue (find it by `get_destinations`),
        and AccessDenied most often if the queue's policy does not let Amazon write.
        """
        body = json_body({"name": name, "resourceSpecification": {"sqs": {"arn": arn}}})
        return self._ask(CREATE_DESTINATION, read_destination, body=body)

    def get_destinations(self) -> tuple[Destination, ...]:
        """All destinations of the application in this region."""
        return self._ask(GET_DESTINATIONS, read_destinations)

    def get_destination(self, destination_id: str) -> Destination:
        """The destination; NotFound if there is none."""
        path = GET_DESTINATION.url_path(destination_id=destination_id)
        return self._ask(GET_DESTINATION, read_destination, path)

    def delete_destination(self, destination_id: str) -> Accepted:
        """Amazon delivers there no more; StillInUse while there are subscriptions to it."""
        path = DELETE_DESTINATION.url_path(destination_id=destination_id)
        return self._deleted(DELETE_DESTINATION, path)

    def create_subscription(
        self,
        notification_type: str,
        destination_id: str,
        *,
        payload_version: str = "1.0",
        event_filter: EventFilter | None = None,
    ) -> Subscription:
        """The seller's notifications of this type go to the destination from now on.

        Raises Conflict if there is a subscription already (find it by `get_subscription`).
        """
        document: dict[str, object] = {
            "payloadVersion": payload_version,
            "destinationId": destination_id,
        }
        if event_filter is not None:
            document["processingDirective"] = {"eventFilter": event_filter.as_json()}
        path = CREATE_SUBSCRIPTION.url_path(notification_type=notification_type)
        return self._ask(CREATE_SUBSCRIPTION, read_subscription, path, body=json_body(document))

    def get_subscription(
        self, notification_type: str, *, payload_version: str | None = None
    ) -> Subscription:
        """The seller's subscription to this type; NotFound if there is none.

        Without a version that of the latest one.
        """
        path = GET_SUBSCRIPTION.url_path(notification_type=notification_type)
        query = query_text(payloadVersion=[payload_version] if payload_version else [])
        return self._ask(GET_SUBSCRIPTION, read_subscription, path, query)

    def get_subscriptions(
        self,
        notification_type: str,
        *,
        payload_version: str | None = None,
        page_size: int | None = None,
        next_token: str | None = None,
    ) -> SubscriptionPage:
        """One page (30 to 100) of the seller's subscriptions to this type; there may be several."""
        query = query_text(
            notificationTypes=[notification_type],
            payloadVersion=[payload_version] if payload_version else [],
            pageSize=[str(page_size)] if page_size is not None else [],
            nextToken=[next_token] if next_token else [],
        )
        return self._ask(GET_SUBSCRIPTIONS, read_subscriptions, query=query)

    def get_subscription_by_id(self, notification_type: str, subscription_id: str) -> Subscription:
        """Any subscription of the application, whichever seller's; NotFound if there is none."""
        operation = GET_SUBSCRIPTION_BY_ID
        path = operation.url_path(
            notification_type=notification_type, subscription_id=subscription_id
        )
        return self._ask(operation, read_subscription, path)

    def delete_subscription_by_id(self, notification_type: str, subscription_id: str) -> Accepted:
        """Nothing is delivered for the subscription, whichever seller's, any more."""
        operation = DELETE_SUBSCRIPTION_BY_ID
        path = operation.url_path(
            notification_type=notification_type, subscription_id=subscription_id
        )
        return self._deleted(operation, path)

    def _deleted(self, operation: Operation, path: str) -> Accepted:
        answer = self._caller.call(operation, path)
        return Accepted(answer.status, request_id(answer), self._caller.kept_body(answer))


def read_destination(document: object) -> Destination | None:
    """The destination in an answer; None if it names no id."""
    return _destination(part(document, "payload"))


def read_destinations(document: object) -> tuple[Destination, ...] | None:
    """The destinations in an answer of getDestinations; None if it is no such answer."""
    if not isinstance(document, Mapping) or not isinstance(document.get("payload"), list):
        return None
    found = (_destination(entry) for entry in parts(document, "payload"))
    return tuple(one for one in found if one is not None)


def _destination(entry: Mapping[str, object]) -> Destination | None:
    if not (destination_id := text(entry, "destinationId")):
        return None
    queue = part(part(entry, "resource"), "sqs")
    return Destination(destination_id, text(entry, "name") or "", text(queue, "arn"))


def read_subscription(document: object) -> Subscription | None:
    """The subscription in an answer; None if it names no id."""
    return _subscription(part(document, "payload"))


def read_subscriptions(document: object) -> SubscriptionPage | None:
    """The page in an answer of getSubscriptions; None if it is no such answer."""
    payload = part(document, "payload")
    if not isinstance(payload.get("subscriptions"), list):
        return None
    found = (_subscription(entry) for entry in parts(payload, "subscriptions"))
    return SubscriptionPage(
        tuple(one for one in found if one is not None), text(payload, "nextToken")
    )


def _subscription(entry: Mapping[str, object]) -> Subscription | None:
    if not (subscription_id := text(entry, "subscriptionId")):
        return None
    chosen = part(part(entry, "processingDirective"), "eventFilter")
    kind = text(chosen, "eventFilterType")
    return Subscription(
        subscription_id,
        text(entry, "payloadVersion"),
        text(entry, "destinationId"),
        EventFilter(kind, _words(chosen, "marketplaceIds"), _words(chosen, "orderChangeTypes"))
        if kind
        else None,
    )


def _words(entry: Mapping[str, object], name: str) -> tuple[str, ...]:
    listed = entry.get(name)
    return tuple(word for one in listed if (word := clean(one))) if isinstance(listed, list) else ()
