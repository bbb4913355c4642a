"""Messages with files for the tests of sending: queued and due."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from messaging.models import OutgoingAction
from messaging.services import request_message
from orders.models import Order
from tests.asking import A_MOMENT_AGO
from tests.factories import UserFactory
from tests.files import keep_file
from tests.messaging.shard import Shard

UPLOAD = "uploadToDestination"
DESTINATION = "createUploadDestinationForResource"


def write_with_files(
    shard: Shard,
    number: int,
    kind: str = "legalDisclosure",
    contents: Sequence[bytes] = (b"%PDF-1.4 one",),
    **payload: str,
) -> list[OutgoingAction]:
    """So many messages of this kind, each for an order of its own with these files, are due."""
    offers = shard.amazon.message_offers()
    offered = {pk for by_kind in offers.values() for pk in by_kind.get(kind, [])}
    found = Order.objects.filter(amazon_order_id__in=offered)
    orders = found.order_by("-purchased_at")[:number]
    assert len(orders) == number, f"the sandbox has too few orders for {kind}; give it more"
    at, ann = timezone.now() - A_MOMENT_AGO, UserFactory()
    return [
        request_message(
            order,
            kind,
            payload,
            user=ann,
            at=at,
            files=[keep_file(order.account, content) for content in contents],
        )
        for order in orders
    ]


def make_due(actions: Sequence[OutgoingAction]) -> None:
    """As if the time had passed for which they were put off."""
    OutgoingAction.objects.filter(pk__in=[action.pk for action in actions]).update(
        look_at=timezone.now() - A_MOMENT_AGO, not_before=timezone.now() - A_MOMENT_AGO
    )
