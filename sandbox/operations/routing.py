"""What an operation gets to see, and how a path finds its operation."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from sandbox.buckets import Plan
from sandbox.faults import Rule
from sandbox.ledger import Ledger
from sandbox.life import Life
from sandbox.messages import Answer, Request
from sandbox.ordered import Report
from sandbox.post import PostOffice
from sandbox.tokens import Codes, Tokens
from sandbox.uploads import Upload
from sandbox.world import Seller, World


class Door(Enum):
    """Who may call an operation."""

    SELLER = auto()
    """Who has an access token for a seller."""

    APPLICATION = auto()
    """Who has the application's own token (grantless)."""

    OPEN = auto()
    """Whoever knows the address; a token has no business there."""


@dataclass(slots=True)
class State:
    """What all operations share. `looks` counts the looks at each list of actions."""

    world: World
    ledger: Ledger
    tokens: Tokens
    codes: Codes
    empty_share: float = 0.0
    looks: dict[str, int] = field(default_factory=dict)
    snapshots: dict[Any, list[Life]] = field(default_factory=dict)
    post: PostOffice = field(default_factory=PostOffice)
    reports: dict[str, Report] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """One request that reached its operation; `now` in seconds since 1970.

    `seller` is None where none is needed, `order_id` the path's first id, of an order or of what
    else it names. `reached` is true when the operation was carried out, `accepted` when it made
    Amazon ask a buyer or deliver a message.
    """

    operation: "Operation"
    request: Request
    now: float
    seller: Seller | None = None
    order_id: str = ""
    rule: Rule | None = None
    accepted: bool = False
    reached: bool = False

    @property
    def partner(self) -> Seller:
        """The seller whom the access token speaks for."""
        assert self.seller is not None, f"{self.operation.name} is called without a seller"
        return self.seller


class RequestError(Exception):
    """The request is turned down with the answer that it carries."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


Answerer = Callable[[State, Call], Answer]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its name in the model, method, path (None stands for an id), plan.

    Those of Orders v0 have `V0` after their names, which 2026-01-01 uses too. `allowed` says of a
    POST to a buyer whether Amazon's rules allow it for the order now; None for operations that
    reach no buyer.
    """

    name: str
    method: str
    path: tuple[str | None, ...]
    plan: Plan
    answer: Answerer
    allowed: Callable[[State, Call], bool] | None = None
    door: Door = Door.SELLER

    def takes(self, parts: tuple[str, ...]) -> bool:
        """Whether a path belongs to the operation."""
        return len(parts) == len(self.path) and all(
            wanted is None or wanted == part for wanted, part in zip(self.path, parts, strict=True)
        )


def match(operations: tuple[Operation, ...], request: Request) -> tuple[Operation, str] | None:
    """The operation for the request and the first id in its path, or None."""
    parts = request.path_parts
    for operation in operations:
        if operation.method == request.method and operation.takes(parts):
            place = operation.path.index(None) if None in operation.path else None
            return operation, "" if place is None else parts[place]
    return None
