"""A seller whose offers the sandbox has, and somebody who may look at them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client, override_settings

from sandbox.testing import Running, running
from sellers.models import Role, SellerAccount
from sellers.services import connect_account
from tests.factories import MembershipFactory
from tests.sellers.conftest import keys_of

FAST = 50


@pytest.fixture
def amazon(redis_empty: None) -> Iterator[Running]:
    """A sandbox that lets one ask 50 times as often: Amazon's pace is not what is tested."""
    with (
        running(orders=30, rate_factor=FAST) as amazon,
        override_settings(
            SPAPI_ENDPOINT=amazon.url, LWA_ENDPOINT=amazon.url, SPAPI_RATE_FACTOR=FAST
        ),
    ):
        yield amazon


@pytest.fixture
def account(amazon: Running, db: None) -> SellerAccount:
    """The seller in Europe, connected."""
    return connect_account(**keys_of(amazon.sellers[0]))


@pytest.fixture
def viewer(account: SellerAccount) -> Client:
    """Somebody who may look at the account and do nothing."""
    client = Client()
    client.force_login(MembershipFactory(account=account, role=Role.VIEWER).user)
    return client
