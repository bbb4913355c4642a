"""What must hold after every run, whatever went wrong in it: read from the database, Amazon's ledger
and the history, by SQL of its own, so that a mistake of the product's own queries cannot hide itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.faults.history import History
from tests.faults.kinds import LETTER, POST_OF, SOLICITATION, letter_of

_KIND_OF = {operation: kind for kind, operation in POST_OF.items()}
# What an action may end in. An unconfirmed message waits for a person, for ever if need be.
_ENDS = {"sent", "refused", "cancelled", "expired", "unresolved", "probably_sent"}
_STATES = _ENDS | {"queued", "held", "sending", "unconfirmed"}

# Seller, order number, kind, and what a message holds: what one action alone stands for.
_Place = tuple[str, str, str, str]
Ask = Callable[..., list[tuple[Any, ...]]]


@dataclass(frozen=True)
class _Attempt:
    pk: int
    claimed_at: datetime
    is_open: bool
    is_abandoned: bool
    outcome: str
    request_id: str


@dataclass(frozen=True)
class _Action:
    pk: int
    place: _Place
    status: str
    sent_attempt: int | None
    seen_by: int | None
    mark: str
    is_over: bool

    @property
    def is_solicitation(self) -> bool:
        return self.place[2] == SOLICITATION


@dataclass
class Report:
    """The figures of a run, and every sentence that a promise was broken in."""

    actions: int = 0
    states: dict[str, int] = field(default_factory=dict)
    posts: int = 0
    delivered: int = 0
    doubles: int = 0
    lost: int = 0
    false_sent: int = 0
    unresolved: int = 0
    unconfirmed_messages: int = 0
    repeats: int = 0
    attempts: int = 0
    throttled: int = 0
    breaches: list[str] = field(default_factory=list)

    def demand(self) -> Report:
        """The report itself, when nothing was broken; AssertionError with every breach if not."""
        if self.breaches:
            shown = "\n".join(self.breaches[:20])
            raise AssertionError(f"{len(self.breaches)} breaches:\n{shown}")
        return self


def check(
    ask: Ask, posts: Sequence[Mapping[str, Any]], wanted: Mapping[int, str], history: History
) -> Report:
    """The report on a run that is over; `wanted` are the actions that were asked for, by id."""
    return _Checker(ask, posts, wanted, history).run()


class _Checker:
    def __init__(
        self,
        ask: Ask,
        posts: Sequence[Mapping[str, Any]],
        wanted: Mapping[int, str],
        history: History,
    ) -> None:
        self.wanted = wanted
        self.history = history
        self.report = Report()
        self.posts: dict[_Place, list[Mapping[str, Any]]] = defaultdict(list)
        for post in posts:
            kind = _KIND_OF[post.get("operation", POST_OF[SOLICITATION])]
            self.posts[post["seller"], post["order_id"], kind, letter_of(post)].append(post)
        self.actions = _read_actions(ask)
        self.attempts = _read_attempts(ask)
        self.events = _read_events(ask)

    def run(self) -> Report:
        report = self.report
        report.actions = len(self.actions)
        report.states = dict(Counter(action.status for action in self.actions.values()))
        report.posts = sum(map(len, self.posts.values()))
        report.delivered = sum(
            bool(post["accepted"]) for posts in self.posts.values() for post in posts
        )
        report.attempts = sum(map(len, self.attempts.values()))
        self._nothing_lost()
        for action in self.actions.values():
            self._records_agree(action)
            self._evidence(action)
            self._came_to_an_end(action)
        self._once_each()
        self._no_post_without_a_claim()
        return report

    def _break(self, sentence: str) -> None:
        self.report.breaches.append(sentence)

    def _nothing_lost(self) -> None:
        """What was asked for is there and nothing else; so is what a worker saw committed."""
        for pk in sorted(self.wanted.keys() - self.actions.keys()):
            self.report.lost += 1
            self._break(f"lost: action {pk} was asked for and is not there")
        for pk in sorted(self.actions.keys() - self.wanted.keys()):
            self._break(f"invented: action {pk} is there and nobody asked for it")
        attempts = {one.pk for attempts in self.attempts.values() for one in attempts}
        for line in self.history.lines("claim"):
            for pk, attempt in zip(line["actions"], line["attempts"], strict=True):
                if attempt not in attempts:
                    self._break(f"lost: attempt {attempt} of action {pk} was claimed and is gone")
        for line in self.history.lines("result"):
            for pk, answer in zip(line["actions"], line["answers"], strict=True):
                if answer == "Accepted" and self.actions[pk].status != "sent":
                    self._break(f"lost: that action {pk} was accepted had been written")

    def _records_agree(self, action: _Action) -> None:
        if action.status not in _STATES:
            self._break(f"state: action {action.pk} is {action.status}")
        state = "queued"
        for before, after in self.events.get(action.pk, ()):
            if before != state:
                self._break(f"events: action {action.pk} leaves {before} while it was {state}")
            state = after
        if state != action.status:
            self._break(f"events: action {action.pk} is {action.status}, by its events {state}")
        now_open = sum(attempt.is_open for attempt in self.attempts.get(action.pk, ()))
        if now_open != (action.status == "sending"):
            self._break(f"attempts: action {action.pk} is {action.status} with {now_open} open")
        taken = action.status not in ("cancelled", "expired")
        if action.is_solicitation and action.mark != (action.status if taken else ""):
            self._break(
                f"mark: action {action.pk} is {action.status}, its order says {action.mark}"
            )

    def _evidence(self, action: _Action) -> None:
        """Nothing is shown as sent that Amazon did not accept, in just that attempt."""
        if action.seen_by is not None:
            self._break(f"evidence: somebody saw action {action.pk}, and nobody was there")
        if action.status != "sent":
            return
        accepted = {post["request_id"] for post in self.posts[action.place] if post["accepted"]}
        attempts = {attempt.pk: attempt for attempt in self.attempts.get(action.pk, ())}
        attempt = attempts.get(action.sent_attempt or 0)
        if attempt is not None and not attempt.request_id and accepted:
            # its header was cut off behind the status line
            accepted.add("")
        if attempt is None or attempt.outcome != "accepted" or attempt.request_id not in accepted:
            self.report.false_sent += 1
            self._break(f"evidence: action {action.pk} is sent, and Amazon's ledger has it not")

    def _came_to_an_end(self, action: _Action) -> None:
        accepted = any(post["accepted"] for post in self.posts[action.place])
        if action.status == "unconfirmed" and not action.is_solicitation:
            self.report.unconfirmed_messages += 1
            if not self._has_unclear_attempt(action):
                self._break(f"wrong: message {action.pk} is unconfirmed, its attempts are clear")
        elif action.status not in _ENDS or (
            action.status in ("unresolved", "expired") and not action.is_over
        ):
            self.report.unresolved += 1
            self._break(f"unresolved: action {action.pk} is {action.status}")
        elif action.status == "probably_sent" and not accepted:
            self.report.unresolved += 1
            self._break(f"wrong: action {action.pk} is probably_sent, and Amazon never took it")
        elif action.status == "probably_sent" and not action.is_solicitation:
            self._break(f"wrong: message {action.pk} is probably_sent, which nobody can know")
        elif accepted and action.status in ("cancelled", "expired"):
            self._break(f"wrong: action {action.pk} is {action.status}, and Amazon took it")
        elif action.is_solicitation and action.status == "cancelled":
            self.report.lost += 1
            self._break(f"lost: solicitation {action.pk} is cancelled, and nobody cancelled it")
        elif action.status == "refused":
            self._was_refused(action, accepted=accepted)

    def _was_refused(self, action: _Action, *, accepted: bool) -> None:
        if accepted and not self._has_unclear_attempt(action):
            self._break(f"wrong: action {action.pk} is refused, and Amazon took it")
        if not any(400 <= post["status"] < 500 for post in self.posts[action.place]):
            self._break(f"wrong: action {action.pk} is refused, and Amazon never refused it")

    def _has_unclear_attempt(self, action: _Action) -> bool:
        """Whether of one of them nobody knew what it did when its result, or its lease, was over."""
        attempts = self.attempts.get(action.pk, ())
        return any(one.is_abandoned or one.outcome in ("", "unknown") for one in attempts)

    def _once_each(self) -> None:
        asked = Counter(action.place for action in self.actions.values())
        for place, posts in self.posts.items():
            taken = sum(bool(post["accepted"]) for post in posts)
            most = 1 if place[2] == SOLICITATION else asked[place]
            if taken > most:
                self.report.doubles += taken - most
                self._break(f"double: {place[1]} got {taken} times {place[2]}")
            moments = [post["at"] for post in posts if post["accepted"]]
            late = [post for post in posts if moments and post["at"] > moments[0]]
            self.report.repeats += sum(bool(post["reached"]) for post in late)

    def _no_post_without_a_claim(self) -> None:
        claims: dict[_Place, list[datetime]] = defaultdict(list)
        for pk, attempts in self.attempts.items():
            place = self.actions[pk].place
            claims[place] += [attempt.claimed_at for attempt in attempts]
        for place, posts in self.posts.items():
            moments = sorted(datetime.fromisoformat(post["at"]) for post in posts)
            claimed = sorted(claims[place])
            for number, moment in enumerate(moments):
                if number >= len(claimed) or claimed[number] > moment:
                    self._break(f"no claim: POST {number + 1} for {place[1]} at {moment}")


def _read_actions(ask: Ask) -> dict[int, _Action]:
    rows = ask(
        "SELECT a.id, s.selling_partner_id, o.amazon_order_id, a.kind, a.status,"
        f" a.sent_attempt_id, a.seen_by_id, o.solicitation, {LETTER},"
        " a.not_after < now()"
        " FROM messaging_outgoingaction a"
        " JOIN orders_order o ON o.id = a.order_id"
        " JOIN sellers_selleraccount s ON s.id = a.account_id"
    )
    return {
        pk: _Action(pk, (seller, number, kind, text), status, attempt, seen_by, mark, is_over)
        for pk, seller, number, kind, status, attempt, seen_by, mark, text, is_over in rows
    }


def _read_attempts(ask: Ask) -> dict[int, list[_Attempt]]:
    attempts: dict[int, list[_Attempt]] = defaultdict(list)
    for action, pk, claimed_at, finished_at, abandoned_at, outcome, request_id in ask(
        "SELECT action_id, id, claimed_at, finished_at, abandoned_at, outcome, request_id"
        " FROM messaging_actionattempt ORDER BY id"
    ):
        swept = abandoned_at is not None
        is_open = finished_at is None and not swept
        attempts[action].append(_Attempt(pk, claimed_at, is_open, swept, outcome, request_id))
    return attempts


def _read_events(ask: Ask) -> dict[int, list[tuple[str, str]]]:
    events: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for action, before, after in ask(
        "SELECT action_id, before, after FROM messaging_actionevent ORDER BY id"
    ):
        events[action].append((before, after))
    return events
