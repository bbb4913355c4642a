"""Where notifications go: queues that were named, subscriptions to them, and what waits there.

No queue is written to: what Amazon would deliver waits in an outbox, from which a test or a
demonstration takes it (`POST /_outbox`) and puts it into whatever queue it has. All of this is
forgotten when the sandbox ends.
"""

import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Destination:
    """`Destination` of model notifications.json."""

    destination_id: str
    name: str
    arn: str

    def as_json(self) -> dict[str, Any]:
        """As Amazon shows it."""
        return {
            "name": self.name,
            "destinationId": self.destination_id,
            "resource": {"sqs": {"arn": self.arn}},
        }


@dataclass(frozen=True, slots=True)
class Subscription:
    """`Subscription` of model notifications.json; events after `since` (seconds) are delivered.

    `seller` is the seller's number; empty sets of marketplaces and kinds let everything through.
    """

    subscription_id: str
    seller: int
    notification_type: str
    payload_version: str
    destination_id: str
    since: float
    directive: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As Amazon shows it."""
        document: dict[str, Any] = {
            "subscriptionId": self.subscription_id,
            "payloadVersion": self.payload_version,
            "destinationId": self.destination_id,
        }
        if self.directive:
            document["processingDirective"] = self.directive
        return document

    def wants(self, marketplace_id: str, change: str) -> bool:
        """Whether its filter lets an order change of this kind pass."""
        chosen = self.directive.get("eventFilter", {})
        return marketplace_id in chosen.get("marketplaceIds", [marketplace_id]) and (
            change in chosen.get("orderChangeTypes", [change])
        )


@dataclass(frozen=True, slots=True)
class Message:
    """One message as a queue would hold it: the text, and which queue."""

    destination_id: str
    arn: str
    body: str

    def as_json(self) -> dict[str, str]:
        """As `POST /_outbox` shows it."""
        return {"destination_id": self.destination_id, "arn": self.arn, "body": self.body}


@dataclass(slots=True)
class PostOffice:
    """Destinations and subscriptions by their ids, and messages that are under way."""

    destinations: dict[str, Destination] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    seen_until: dict[str, float] = field(default_factory=dict)
    outbox: deque[Message] = field(default_factory=deque)
    _late: list[tuple[float, int, Message]] = field(default_factory=list)
    _sent: int = 0

    def send(self, message: Message, due: float, times: int = 1) -> None:
        """The message will be in the outbox from `due` on, so many times."""
        for _ in range(times):
            self._sent += 1
            heapq.heappush(self._late, (due, self._sent, message))

    def deliver(self, now: float) -> None:
        """What is due by `now` lies in the outbox, in the order in which it became due."""
        while self._late and self._late[0][0] <= now:
            self.outbox.append(heapq.heappop(self._late)[2])

    def take(self, limit: int) -> list[Message]:
        """The oldest messages, no longer in the outbox."""
        return [self.outbox.popleft() for _ in range(min(limit, len(self.outbox)))]

    def by_arn(self, arn: str) -> Destination | None:
        """The destination of this queue, or None."""
        return next((one for one in self.destinations.values() if one.arn == arn), None)

    def of_seller(self, seller: int, notification_type: str) -> list[Subscription]:
        """The seller's subscriptions to this type, oldest first."""
        return [
            one
            for one in self.subscriptions.values()
            if (one.seller, one.notification_type) == (seller, notification_type)
        ]

    def start_at(self, since: float) -> None:
        """Every subscription counts as made then, or when it was, whichever is earlier."""
        for one in self.subscriptions:
            self.seen_until[one] = min(since, self.seen_until[one])

    def is_used(self, destination_id: str) -> bool:
        """Whether a subscription delivers there."""
        return any(one.destination_id == destination_id for one in self.subscriptions.values())
