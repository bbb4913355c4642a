"""An account that is connected to a sandbox and knows its orders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.test import override_settings

from messaging.clock import read_database_clock
from orders.ingest.poll import sync_orders
from sandbox.testing import Running, running
from sellers.clients import client_for
from sellers.models import SellerAccount
from sellers.services import connect_account
from solicit_dashboard.doctor.visit import Visit
from spapi import Unlimited
from tests.sellers.conftest import keys_of


@pytest.fixture
def amazon(redis_empty: None) -> Iterator[Running]:
    """A sandbox that the project's settings point to."""
    with (
        running(orders=30) as amazon,
        override_settings(SPAPI_ENDPOINT=amazon.url, LWA_ENDPOINT=amazon.url),
    ):
        yield amazon


@pytest.fixture
def account(db: None, amazon: Running) -> SellerAccount:
    """The seller in Europe, connected and synchronised."""
    account = connect_account(**keys_of(amazon.sellers[0]))
    sync_orders(
        account, client=client_for(account, limiter=Unlimited()), now=datetime.now(UTC), max_pages=1
    )
    return account


@pytest.fixture
def visit(account: SellerAccount) -> Visit:
    """The doctor comes to see that account."""
    return Visit(account, read_database_clock())
