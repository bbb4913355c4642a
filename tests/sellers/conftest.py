"""Amazon on this machine, for the tests that connect accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from sandbox.testing import Running, SellerKeys, running


@pytest.fixture
def amazon(redis_empty: None) -> Iterator[Running]:
    """A sandbox with two sellers that the project's settings point to."""
    with (
        running(orders=30) as amazon,
        override_settings(SPAPI_ENDPOINT=amazon.url, LWA_ENDPOINT=amazon.url),
    ):
        yield amazon


@pytest.fixture
def nordlicht(amazon: Running) -> SellerKeys:
    """The seller in Europe."""
    return amazon.sellers[0]


def keys_of(seller: SellerKeys, **changes: Any) -> dict[str, Any]:
    """The arguments of `connect_account` for this seller; those given differ."""
    keys = {
        "name": seller.name,
        "region": seller.region,
        "selling_partner_id": seller.selling_partner_id,
        "client_id": seller.client_id,
        "client_secret": seller.client_secret,
        "refresh_token": seller.refresh_token,
    }
    return keys | changes
