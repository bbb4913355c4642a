"""Which addresses the Appstore may have sellers go back to (B52); the journey: views/test_oauth.py."""

from __future__ import annotations

import pytest
from django.test import override_settings

from sellers.connection import ConnectError
from sellers.consent import new_state, require_amazon


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://evil/",
        "https://evil.example/sellercentral.amazon.com",
        "https://sellercentral.amazon.com.evil.example/",
        "https://evil.example\\@sellercentral.amazon.com/",
        "https://sellercentral.amazon.com@evil.example/",
        "https://user@sellercentral.amazon.com/",
        "https://sellercentral.amazon.com:8443/",
        "https://sellercentral.amazon.com:/",
        "http://sellercentral.amazon.com/",
        "//sellercentral.amazon.com/",
        "javascript:alert(1)",
        "https://SELLERCENTRAL.amazon.com/\nx",
        "https://sellercentral.amazon.com/#here",
        "https://sellercentral.amazon.xyz/",
        "https://[sellercentral.amazon.com/",
        "https://\u0455ellercentral.amazon.com/",
    ],
)
def test_an_address_that_is_not_amazons_is_refused(uri: str) -> None:
    with pytest.raises(ConnectError, match="not one of Amazon's"):
        require_amazon(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "https://sellercentral.amazon.com/apps/authorize/confirm/amzn1.sp.solution.1",
        "https://sellercentral-europe.amazon.com/x?y=z",
        "https://vendorcentral.amazon.co.uk/x",
        "https://sellercentral.example.com/x",
    ],
)
def test_amazons_hosts_and_those_configured_are_taken(uri: str) -> None:
    with override_settings(CONSENT_HOSTS={"A28R8C7NBKEWEA": "sellercentral.example.com"}):
        require_amazon(uri)


def test_no_two_states_are_the_same() -> None:
    assert len({new_state() for _ in range(1000)}) == 1000
