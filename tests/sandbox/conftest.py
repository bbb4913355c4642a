"""Amazon without a network, on clocks that stand still until a test moves them."""

import json
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any
from urllib.parse import quote

import pytest

from sandbox.amazon import Amazon, Decision
from sandbox.keeping import Kept, keep
from sandbox.life import Life
from sandbox.messages import Answer, Request, parse_target
from sandbox.options import Options
from sandbox.world import Seller

NOW = 1_790_000_000  # 2026-09-21T14:13:20Z
AGENT = "Tests/1.0 (Language=Python/3.11)"


@dataclass
class Desk:
    """Amazon, a caller's desk before it, and the two clocks (seconds)."""

    options: Options
    clock: float = NOW
    ticks: float = 0.0
    amazon: Amazon = field(init=False)
    kept: Kept = field(init=False)

    def __post_init__(self) -> None:
        self.kept = keep(self.options, self.clock)
        self.amazon = Amazon(self.kept, self.options, lambda: self.clock, lambda: self.ticks)

    @property
    def seller(self) -> Seller:
        return self.amazon.world.sellers[0]

    def token(self, seller: Seller | None = None) -> str:
        return self.amazon.state.tokens.issue(seller or self.seller, self.amazon.now())

    def decide(
        self,
        method: str,
        target: str,
        *,
        body: bytes = b"",
        seller: Seller | None = None,
        **headers: str | None,
    ) -> Decision:
        """What Amazon decides; headers by keyword (`user_agent=None` leaves one out)."""
        sent: dict[str, str | None] = {
            "user-agent": AGENT,
            "x-amz-access-token": self.token(seller),
        }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        path, query = parse_target(target)
        present = {name: value for name, value in sent.items() if value is not None}
        return self.amazon.decide(Request(method, path, query, present, body, loopback=True))

    def ask(self, method: str, target: str, **more: Any) -> Answer:
        answer = self.decide(method, target, **more).answer
        assert answer is not None
        return answer

    def order_id(self, life: Life, seller: Seller | None = None) -> str:
        return self.amazon.world.order_id(seller or self.seller, life)

    def actions(self, life: Life, **more: Any) -> Answer:
        order_id, market = self.order_id(life), life.marketplace.id
        return self.ask(
            "GET", f"/solicitations/v1/orders/{order_id}?marketplaceIds={market}", **more
        )

    def solicit(self, life: Life, **more: Any) -> Answer:
        return self.ask("POST", self.solicit_target(life), **more)

    def solicit_target(self, life: Life) -> str:
        order_id, market = self.order_id(life), life.marketplace.id
        name = "productReviewAndSellerFeedback"
        path = f"/solicitations/v1/orders/{order_id}/solicitations/{name}"
        return f"{path}?marketplaceIds={market}"

    def write(self, life: Life, text: str = "Which size?", **more: Any) -> Answer:
        """A question to the buyer; `body` and `query` replace what is made of the text."""
        body = json.dumps({"text": text}).encode() if "body" not in more else more.pop("body")
        query = more.pop("query", f"?marketplaceIds={life.marketplace.id}")
        target = f"/messaging/v1/orders/{self.order_id(life)}/messages/confirmOrderDetails{query}"
        headers = {"content_type": "application/json", "content_length": str(len(body))}
        return self.ask("POST", target, body=body, **(headers | more))

    def messages(self, life: Life, **more: Any) -> Answer:
        target = f"/messaging/v1/orders/{self.order_id(life)}"
        return self.ask("GET", f"{target}?marketplaceIds={life.marketplace.id}", **more)

    def life_for(self, message: str, *, disabled: bool = False) -> Life:
        """The oldest order for which the list has this message now."""
        wanted = self.amazon.message_offers(self.seller, disabled=disabled)[message][0]
        life = self.amazon.world.find(self.seller, wanted, self.amazon.now())
        assert life is not None
        return life

    def send(self, path: str, life: Life, document: object = None, **more: Any) -> Answer:
        """Any message to the order's buyer; `path` is the end of its operation's."""
        body = b"" if document is None else json.dumps(document).encode()
        target = f"/messaging/v1/orders/{self.order_id(life)}/messages/{path}"
        headers = {"content_length": str(len(body))}
        if body:
            headers["content_type"] = "application/json"
        query = more.pop("query", f"?marketplaceIds={life.marketplace.id}")
        return self.ask("POST", target + query, body=body, **(headers | more))

    def destination(self, path: str, life: Life, content_md5: str, **more: Any) -> Answer:
        """A place for a file of this digest, for the message at the end of this path."""
        resource = f"messaging/v1/orders/{self.order_id(life)}/messages/{path}"
        query = f"?marketplaceIds={life.marketplace.id}&contentMD5={quote(content_md5, safe='')}"
        target = f"/uploads/2020-11-01/uploadDestinations/{resource}{query}"
        return self.ask("POST", target, host="sandbox.test", **more)

    def put(self, payload: dict[str, Any], content: bytes, **headers: str | None) -> Answer:
        """The file is put where the payload says; headers as for `decide`."""
        sent: dict[str, str | None] = {
            "x_amz_access_token": None,
            "host": "sandbox.test",
            "content_length": str(len(content)),
            "content_type": "application/pdf",
            **{name.replace("-", "_").lower(): one for name, one in payload["headers"].items()},
        }
        target = payload["url"].removeprefix("http://sandbox.test")
        return self.ask("PUT", target, body=content, **(sent | headers))

    def upload(self, path: str, life: Life, content: bytes = b"%PDF-1.7") -> str:
        """The id of a file that was uploaded for a message."""
        digest = b64encode(md5(content).digest()).decode()
        payload = document(self.destination(path, life, digest))["payload"]
        assert self.put(payload, content).status == 200
        return str(payload["uploadDestinationId"])

    def unshipped_life(self) -> Life:
        """An order whose buyer may be written to now; it takes about 1,000 orders to have some."""
        wanted = self.amazon.messageable(self.seller)[0]
        life = self.amazon.world.find(self.seller, wanted, self.clock)
        assert life is not None
        return life

    def lives(self) -> list[Life]:
        return self.amazon.world.orders_at(self.seller, self.clock)

    def eligible_life(self) -> Life:
        """An order that may be asked now."""
        wanted = self.amazon.eligible(self.seller)[0]
        life = self.amazon.world.find(self.seller, wanted, self.clock)
        assert life is not None
        return life


def offers(answer: Answer) -> list[str]:
    """The names of the actions that Amazon's list offers."""
    assert answer.status == 200
    return [action["name"] for action in document(answer)["_links"]["actions"]]


def document(answer: Answer) -> Any:
    """The answer's JSON."""
    return json.loads(answer.body)


def message(answer: Answer) -> str:
    """The message of Amazon's error body."""
    [error] = document(answer)["errors"]
    return str(error["message"])


@pytest.fixture
def desk() -> Desk:
    return Desk(Options(orders=300, seed=7))
