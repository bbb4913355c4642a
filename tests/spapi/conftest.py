"""An Amazon that answers as a test tells it, and a client that talks to it."""

from collections.abc import Callable, Iterator

import pytest

import spapi
from tests.spapi.servers import Answer, Handler, Seen, Server, reply

TOKEN = "Atza|the-access-token"
CREDENTIALS = spapi.Credentials(
    "amzn1.application-oa2-client.abc",
    "amzn1.oa2-cs.v1.the-client-secret",
    "Atzr|the-refresh-token",
)
ORDER = "111-1111111-1111111"
US = "ATVPDKIKX0DER"
SHORT = 1.5
"""Seconds: a deadline that a test can wait for, and that is not over before what should come has."""

GRACE = 4.0
"""Seconds that a busy machine may take longer; the next longer limit is 10 seconds."""


class Amazon(Server):
    """Gives out tokens; `replies` answers everything else, and sees only that in `calls`."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.replies: Answer = lambda request: reply(200, {})
        self.tokens: Answer = lambda request: reply(
            200, {"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600}
        )

    def _answer(self, request: Seen) -> bytes | Handler:
        return (self.tokens if request.path == "/auth/o2/token" else self.replies)(request)

    @property
    def calls(self) -> list[Seen]:
        return [one for one in self.seen if one.path != "/auth/o2/token"]

    @property
    def token_calls(self) -> list[Seen]:
        return [one for one in self.seen if one.path == "/auth/o2/token"]


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    server = Amazon()
    yield server
    server.stop()


@pytest.fixture
def make_client(amazon: Amazon) -> Iterator[Callable[..., spapi.Client]]:
    made: list[spapi.Client] = []

    def make(**options: object) -> spapi.Client:
        settings: dict = {
            "limiter": spapi.Unlimited(),
            "endpoint": amazon.url,
            "lwa_endpoint": amazon.url,
            "deadline": 10.0,
            **options,
        }
        made.append(spapi.Client("na", settings.pop("credentials", CREDENTIALS), **settings))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., spapi.Client]) -> spapi.Client:
    return make_client()


def ask(client: spapi.Client, **options: object) -> spapi.Accepted:
    """The POST that all of this is about."""
    return client.create_product_review_and_seller_feedback_solicitation(ORDER, US, **options)


def look(client: spapi.Client) -> spapi.OfferedActions:
    return client.get_solicitation_actions_for_order(ORDER, US)


def warm(client: spapi.Client) -> spapi.Client:
    """The client holds a token, so that the next bytes are those of the call itself."""
    client.access_token()
    return client
