import json
from urllib.parse import urlencode

import pytest

from sandbox.messages import Answer
from tests.sandbox.conftest import Desk, document


def exchange(desk: Desk, *, as_json: bool = False, **fields: str | None) -> Answer:
    """A token request with the first seller's keys, changed by `fields` (None leaves one out)."""
    keys: dict[str, str | None] = {
        "grant_type": "refresh_token",
        "refresh_token": desk.seller.refresh_token,
        "client_id": desk.amazon.world.client_id,
        "client_secret": desk.amazon.world.client_secret,
    }
    sent = {name: value for name, value in (keys | fields).items() if value is not None}
    body, kind = urlencode(sent).encode(), "application/x-www-form-urlencoded;charset=UTF-8"
    if as_json:
        body, kind = json.dumps(sent).encode(), "application/json"
    return desk.ask(
        "POST",
        "/auth/o2/token",
        body=body,
        content_type=kind,
        content_length=str(len(body)),
        user_agent=None,
        x_amz_access_token=None,
    )


@pytest.mark.parametrize("as_json", [False, True])
def test_a_refresh_token_gives_an_access_token_that_opens_the_door(desk, as_json):
    answer = exchange(desk, as_json=as_json)
    assert answer.status == 200
    body = document(answer)
    assert (body["token_type"], body["expires_in"]) == ("bearer", 3600)
    assert body["refresh_token"] == desk.seller.refresh_token
    used = desk.ask(
        "GET", "/sellers/v1/marketplaceParticipations", x_amz_access_token=body["access_token"]
    )
    assert used.status == 200
    assert "x-amzn-RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"grant_type": None}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_id": "amzn1.application-oa2-client.0"}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"refresh_token": "Atzr|other"}, 400, "invalid_grant"),
        ({"refresh_token": None}, 400, "invalid_grant"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_oauth(desk, fields, status, error):
    answer = exchange(desk, **fields)
    assert (answer.status, document(answer)["error"]) == (status, error)
    assert document(answer)["error_description"]


def test_a_body_that_cannot_be_read_is_an_invalid_request(desk):
    for body, kind in (
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"[1", "application/json"),
        (b"[1]", "application/json"),
    ):
        answer = desk.ask("POST", "/auth/o2/token", body=body, content_type=kind)
        assert document(answer)["error"] == "invalid_request"


def test_two_tokens_of_one_moment_differ(desk):
    tokens = {document(exchange(desk))["access_token"] for _ in range(3)}
    assert len(tokens) == 3


def test_token_requests_are_counted_for_their_seller(desk):
    exchange(desk)
    [line] = [
        entry for entry in desk.amazon.tally.as_json()["operations"] if entry["operation"] == "lwa"
    ]
    assert line["seller"] == desk.seller.selling_partner_id
