"""Whether a buyer had this very message before.

The services take it again: it may be wanted. A person who asks for it is told first.
"""

from __future__ import annotations

from collections.abc import Collection

from messaging.models import OutgoingAction
from messaging.states import Status

REPEATED = "The buyer has this very message already, or may have it."


def sent_before(kind: str, order_ids: Collection[int]) -> frozenset[tuple[int, str]]:
    """(order id, payload hash) of each message of this kind that left; one query.

    What is still moving is not among them: the services refuse the same message beside it.
    """
    left = OutgoingAction.objects.filter(
        order_id__in=order_ids, kind=kind, status__in=[Status.SENT, Status.UNRESOLVED]
    )
    return frozenset(left.order_by().values_list("order", "payload_hash"))
