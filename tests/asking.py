"""Sellers of a sandbox, connected, and reviews asked for: where every test of sending begins."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import uuid4

from django.contrib.auth.models import User
from django.utils import timezone

from messaging.models import Batch
from messaging.services import request_reviews
from orders.ingest.poll import sync_orders
from orders.models import Order
from sandbox.testing import Running
from sellers.clients import client_for
from sellers.models import Application, Region, SellerAccount
from spapi import Unlimited

# Old enough that no clock is behind it.
A_MOMENT_AGO = timedelta(seconds=5)


def connect_sellers(amazon: Running) -> list[SellerAccount]:
    """The accounts of all sellers of that sandbox, with the orders that they have so far."""
    accounts = []
    for keys in amazon.sellers:
        application, _ = Application.objects.get_or_create(
            client_id=keys.client_id,
            defaults={"name": "Sandbox", "client_secret": keys.client_secret},
        )
        account = SellerAccount(
            name=keys.name,
            selling_partner_id=keys.selling_partner_id,
            region=Region(keys.region),
            application=application,
        )
        account.refresh_token = keys.refresh_token
        account.save()
        client = client_for(account, limiter=Unlimited())
        read = sync_orders(account, client=client, now=timezone.now())
        client.close()
        if not read.finished:
            raise RuntimeError(f"The orders were not read to the end: {read}")
        accounts.append(account)
    return accounts


def ask_for_reviews(order_ids: Iterable[int], user: User) -> Batch:
    """The batch of a click on these orders; what it queued is due."""
    wanted = Order.objects.filter(pk__in=list(order_ids))
    at = timezone.now() - A_MOMENT_AGO
    return request_reviews(wanted, user=user, at=at, client_key=uuid4())
