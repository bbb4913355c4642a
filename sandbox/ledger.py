"""What Amazon accepted, and every POST that asked for it: the truth that tests compare with.

A buyer is asked for a review once, however often a POST asks for it; a message is delivered as often
as it is accepted.
"""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from sandbox.moments import to_exact_text

SOLICITATION = "createProductReviewAndSellerFeedbackSolicitation"


@dataclass(slots=True)
class Accepted:
    """One order whose buyer is asked; Amazon does it once.

    `times_asked` counts the POSTs that reached the operation, `eligible` is what the rule said at
    that moment, `by` is `api` or `seller_central`, `history` is true before the epoch.
    """

    seller: str
    order_id: str
    marketplace_id: str
    at: float
    request_id: str
    eligible: bool = True
    history: bool = False
    by: str = "api"
    times_asked: int = 1


@dataclass(slots=True)
class Post:
    """One POST as it arrived and the answer it got.

    `status` is the status that was written, 0 when none was; `answer` the text, the refusal's name
    or the fault; `accepted` whether this very POST made Amazon ask the buyer, or deliver a message:
    the rest is what that held (`sandbox.received`).
    """

    seller: str
    order_id: str
    marketplace_id: str
    at: float
    request_id: str
    status: int
    answer: str
    accepted: bool
    eligible: bool
    reached: bool
    fault: str | None = None
    operation: str = SOLICITATION
    text: str = ""
    text_length: int = 0
    text_sha256: str = ""
    attachments: list[dict[str, Any]] = field(default_factory=list)
    coverage: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Delivered:
    """One message that the buyer of an order got: `times` over, `at` and `request_id` of the first.

    Text, files and dates as in `Post`.
    """

    seller: str
    order_id: str
    marketplace_id: str
    operation: str
    text: str
    at: float
    request_id: str
    times: int = 1
    text_length: int = 0
    text_sha256: str = ""
    attachments: list[dict[str, Any]] = field(default_factory=list)
    coverage: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Ledger:
    """Accepted solicitations by (seller, order), messages by that, operation and content, POSTs."""

    accepted: dict[tuple[str, str], Accepted] = field(default_factory=dict)
    messages: dict[tuple[str, str, str, str], Delivered] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    _delivered: set[tuple[str, str, str]] = field(default_factory=set)
    _journal: IO[str] | None = None

    def keep(self, journal: Path) -> None:
        """What the file holds is known, and every further POST is added to it.

        To be called after the past was remembered. Not synchronised to the disk: the machine's
        crash may lose the last lines, the program's may not.
        """
        self._read(journal)
        self._journal = journal.open("a", encoding="utf-8")

    def has(self, seller: str, order_id: str) -> bool:
        """Whether the buyer of the order was asked already."""
        return (seller, order_id) in self.accepted

    def was_delivered(self, seller: str, order_id: str, operation: str) -> bool:
        """Whether the buyer of the order got any message by this operation."""
        return (seller, order_id, operation) in self._delivered

    def remember(self, entry: Accepted) -> None:
        """An accepted solicitation of the past is known; it is not written to the journal."""
        self.accepted.setdefault((entry.seller, entry.order_id), entry)

    def record(self, post: Post) -> None:
        """The POST is on the record, and in the journal if there is one."""
        self._apply(post)
        if self._journal is not None:
            self._journal.write(json.dumps(asdict(post)) + "\n")
            self._journal.flush()

    def duplicates(self) -> Counter[str]:
        """By seller, the POSTs that reached Amazon for orders whose buyers had been asked before."""
        counts: Counter[str] = Counter()
        for entry in self.accepted.values():
            if entry.times_asked > 1:
                counts[entry.seller] += entry.times_asked - 1
        return counts

    def message_duplicates(self) -> Counter[str]:
        """By seller, the messages that a buyer got again, word for word and file for file."""
        counts: Counter[str] = Counter()
        for message in self.messages.values():
            if message.times > 1:
                counts[message.seller] += message.times - 1
        return counts

    def as_json(self) -> dict[str, Any]:
        """The document of `GET /_ledger`."""
        return {
            "accepted": [_shown(entry) for entry in self.accepted.values()],
            "messages": [_shown(message) for message in self.messages.values()],
            "posts": [_shown(post) for post in self.posts],
        }

    def close(self) -> None:
        """The journal is closed; nothing is recorded there any more."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _apply(self, post: Post) -> None:
        self.posts.append(post)
        if post.operation != SOLICITATION:
            self._deliver(post)
            return
        key = (post.seller, post.order_id)
        if post.accepted:
            self.accepted[key] = Accepted(
                post.seller,
                post.order_id,
                post.marketplace_id,
                post.at,
                post.request_id,
                post.eligible,
            )
        elif post.reached and key in self.accepted:
            self.accepted[key].times_asked += 1

    def _deliver(self, post: Post) -> None:
        if not post.accepted:
            return
        self._delivered.add((post.seller, post.order_id, post.operation))
        key = (post.seller, post.order_id, post.operation, _content(post))
        if key in self.messages:
            self.messages[key].times += 1
            return
        self.messages[key] = Delivered(
            post.seller,
            post.order_id,
            post.marketplace_id,
            post.operation,
            post.text,
            post.at,
            post.request_id,
            text_length=post.text_length,
            text_sha256=post.text_sha256,
            attachments=post.attachments,
            coverage=post.coverage,
        )

    def _read(self, journal: Path) -> None:
        """What an earlier run wrote is known again; a last line cut short is taken off."""
        if not journal.exists():
            journal.touch(mode=0o600)
            return
        whole = 0
        with journal.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self._apply(Post(**json.loads(line)))
                whole += len(line)
        with journal.open("r+b") as lines:
            lines.truncate(whole)


def _content(post: Post) -> str:
    """The same for the same message: a file that was uploaded again is still the same file."""
    files = [[one["file_name"], one["sha256"]] for one in post.attachments]
    return json.dumps([post.text, files, post.coverage])


def _shown(entry: Accepted | Delivered | Post) -> dict[str, Any]:
    return {**asdict(entry), "at": to_exact_text(entry.at)}
