"""What Amazon offers for an order, as the pages know it: nobody asks."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from django.utils import timezone

from messaging.models import OrderOffers
from messaging.offers import Offer
from orders.models import Order


def offer(
    order: Order, *offers: str | Offer, locale: str = "de-DE", at: datetime | None = None
) -> None:
    """Amazon offers these, named or whole, as it said at that moment (now, unless given)."""
    whole = [Offer(one) if isinstance(one, str) else one for one in offers]
    OrderOffers.objects.update_or_create(
        order=order,
        defaults={
            "asked_at": at or timezone.now(),
            "offers": [asdict(one) for one in whole],
            "locale": locale,
        },
    )
