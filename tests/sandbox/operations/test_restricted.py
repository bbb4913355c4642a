import json

import pytest

from tests.sandbox.conftest import Desk, document
from tests.sandbox.operations.test_lwa import exchange

PATH = "/tokens/2021-03-01/restrictedDataToken"


def test_a_restricted_token_speaks_for_its_seller(desk: Desk) -> None:
    body = {"restrictedResources": [{"method": "GET", "path": "/orders/v0/orders/1/address"}]}
    answer = desk.ask("POST", PATH, body=json.dumps(body).encode())
    assert answer.status == 200
    token = document(answer)["restrictedDataToken"]
    assert token.startswith("Atz.sprdt|")
    used = desk.ask("GET", "/sellers/v1/marketplaceParticipations", x_amz_access_token=token)
    assert used.status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"no",
        b"{}",
        b'{"restrictedResources": []}',
        b'{"restrictedResources": [{"method": "HEAD", "path": "/a"}]}',
        b'{"restrictedResources": [{"method": "GET"}]}',
    ],
)
def test_what_is_no_request_is_refused(desk: Desk, body: bytes) -> None:
    assert desk.ask("POST", PATH, body=body).status == 400


def test_the_applications_own_token_is_for_a_known_scope_and_no_sellers(desk: Desk) -> None:
    grant = {"grant_type": "client_credentials", "refresh_token": None}
    answer = exchange(desk, **grant, scope="sellingpartnerapi::notifications")
    assert answer.status == 200
    assert "refresh_token" not in document(answer)
    token = document(answer)["access_token"]
    used = desk.ask("GET", "/sellers/v1/marketplaceParticipations", x_amz_access_token=token)
    assert used.status == 403
    assert document(exchange(desk, **grant, scope="everything"))["error"] == "invalid_scope"
