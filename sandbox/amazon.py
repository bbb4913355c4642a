"""Amazon as one object: a request comes in, and it is decided what happens to it.

The door first (GET without a body, User-Agent, access token), then the bucket, then a fault if one
was asked for, then the operation. What is decided is on the record before a byte is written.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from email.utils import formatdate

from sandbox.buckets import Buckets, Plan
from sandbox.eligibility import may_be_written_to, refusal
from sandbox.faults import Faults, Rule, parse_rules
from sandbox.faults.deeds import faulty_answer
from sandbox.faults.rules import CONNECTION, UPLOAD_BODY
from sandbox.history import PastRequest, past_requests
from sandbox.keeping import Kept
from sandbox.ledger import Accepted, Ledger, Post
from sandbox.messages import HTML, Answer, Request, error_answer, storage_error
from sandbox.operations import LWA, OPERATIONS, Call, State, match
from sandbox.operations.lwa import token_fields
from sandbox.operations.messaging import offers_of
from sandbox.operations.notifications import collect
from sandbox.operations.routing import Door, RequestError
from sandbox.options import Options
from sandbox.post import Message
from sandbox.randomness import draw, identifier
from sandbox.received import read_received
from sandbox.tally import Tally
from sandbox.tokens import Codes, TokenFault, Tokens
from sandbox.world import Seller, World

_DENIED = "Access to requested resource is denied."
_TOKEN_DETAILS = {
    TokenFault.EXPIRED: "The access token you provided has expired.",
    TokenFault.MALFORMED: "The access token you provided is revoked, malformed or invalid.",
}
_SHOWS_RATE = (200, 201, 400, 404)
_FRONT_DOOR = (
    b"<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY>"
    b"<H1>400 ERROR</H1><P>Bad request.</P></BODY></HTML>\n"
)


@dataclass(slots=True)
class Decision:
    """What is going to be written: the answer (None: none), spoilt by `rule` if there is one."""

    answer: Answer | None
    rule: Rule | None = None


class Amazon:
    """One world, open for requests. `clock` gives seconds since 1970, `ticks` never goes back."""

    def __init__(
        self,
        kept: Kept,
        options: Options,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self.ticks = ticks
        self.offset = options.clock_offset_s
        self.world = World(kept.plan)
        self.history = list(past_requests(self.world))
        self.ledger = Ledger()
        for past in self.history:
            self._remember(past)
        if kept.journal is not None:
            self.ledger.keep(kept.journal)
        tokens = Tokens(self.world)
        codes = Codes(self.world)
        self.state = State(self.world, self.ledger, tokens, codes, empty_share=options.empty_share)
        self.buckets = Buckets(options.rate_factor)
        self.faults = Faults(since=ticks())
        self.tally = Tally()
        self._request_ids = draw(kept.plan.seed, "request ids")

    def now(self) -> float:
        """Seconds since 1970 on Amazon's clock, which may be ahead of the machine's."""
        return self._clock() + self.offset

    def set_faults(self, document: object) -> None:
        """The rules of the document are in force instead of the earlier ones; FaultError if bad."""
        rules = parse_rules(document, self.world.plan.seed)
        self.faults = Faults(rules, self.ticks())

    def admits(self) -> bool:
        """Whether a new connection is let in; a fault may want it reset."""
        return self.faults.fired(CONNECTION, None, None, self.ticks()) is None

    def eligible(self, seller: Seller) -> list[str]:
        """The orders whose buyers may be asked now and were not, oldest first."""
        at = self.now()
        ids = []
        for life in self.world.orders_at(seller, at):
            order_id = self.world.order_id(seller, life)
            asked = self.ledger.has(seller.selling_partner_id, order_id)
            if refusal(life, at, asked) is None:
                ids.append(order_id)
        return ids

    def messageable(self, seller: Seller) -> list[str]:
        """The orders whose buyers may be written to now, oldest first."""
        at = self.now()
        return [
            self.world.order_id(seller, life)
            for life in self.world.orders_at(seller, at)
            if may_be_written_to(life, at)
        ]

    def message_offers(self, seller: Seller, *, disabled: bool = False) -> dict[str, list[str]]:
        """By name of a message, the orders for which it is offered now, or listed as disabled."""
        at = self.now()
        found: dict[str, list[str]] = {}
        for life in self.world.orders_at(seller, at):
            for name, reason in offers_of(self.state, seller, life, at).items():
                if bool(reason) is disabled:
                    found.setdefault(name, []).append(self.world.order_id(seller, life))
        return found

    def cut_after(self, path: str, length: int) -> int | None:
        """After how many bytes of a file of this length its upload is to be reset, if a fault wants it."""
        parts = path.split("/")
        upload = self.state.uploads.get(parts[2]) if len(parts) > 2 else None
        if upload is None:
            return None
        partner = self.world.sellers[upload.seller].selling_partner_id
        rule = self.faults.fired(UPLOAD_BODY, partner, upload.order_id, self.ticks())
        return None if rule is None else int(length * rule.do.get("share", 0.5))

    def take_notifications(self, limit: int) -> tuple[list[Message], int]:
        """The oldest notifications that wait to be delivered, taken out, and how many are left."""
        collect(self.state, self.faults, self.now(), self.ticks())
        taken = self.state.post.take(limit)
        return taken, len(self.state.post.outbox)

    def decide(self, request: Request) -> Decision:
        """What the request is answered; whatever it changes has happened, and is on the record."""
        found = match(OPERATIONS, request)
        if found is None:
            message = "Missing Authentication Token"  # what the gateway says of an unknown path
            return Decision(error_answer(403, "MissingAuthenticationToken", message))
        operation, order_id = found
        call = Call(operation, request, self.now(), order_id=order_id)
        eligible = False
        try:
            call.seller = self._door(call)
            eligible = operation.allowed is not None and operation.allowed(self.state, call)
            decision = self._past_the_door(call)
        except RequestError as error:
            decision = Decision(error.answer)
        self._record(call, decision, eligible)
        return decision

    def _door(self, call: Call) -> Seller | None:
        """The seller who calls; RequestError for what Amazon turns away before looking further."""
        request = call.request
        if request.too_large:
            if call.operation.door is Door.OPEN:
                message = "Your proposed upload exceeds the maximum allowed size."
                raise RequestError(storage_error(400, "EntityTooLarge", message))
            message = "The request size exceeded the maximum accepted size."
            raise RequestError(error_answer(413, "RequestEntityTooLarge", message))
        lengths = ("content-length", "transfer-encoding")
        if request.method == "GET" and any(name in request.headers for name in lengths):
            raise RequestError(Answer(400, _FRONT_DOOR, HTML))
        if call.operation is LWA:
            token = token_fields(request).get("refresh_token", "")
            return self.world.by_refresh_token.get(token)
        if call.operation.door is Door.OPEN:
            if "x-amz-access-token" in request.headers:
                # S3 would not notice; here it is a mistake of ours.
                message = "An access token was sent to the storage."
                raise RequestError(error_answer(400, "InvalidRequest", message))
            return None
        agent = request.headers.get("user-agent", "")
        if "Language=" not in agent or len(agent) > 500:
            message = "The User-Agent header is missing or invalid."
            raise RequestError(error_answer(400, "InvalidInput", message))
        access_token = request.headers.get("x-amz-access-token")
        if access_token is None:
            details = "Access token is missing in the request header."
            raise RequestError(error_answer(403, "Unauthorized", _DENIED, details))
        if call.operation.door is Door.APPLICATION:
            if not self.state.tokens.is_grantless(access_token):
                raise RequestError(error_answer(403, "Unauthorized", _DENIED))
            return None
        seller = self.state.tokens.read(access_token, call.now)
        if isinstance(seller, TokenFault):
            details = _TOKEN_DETAILS[seller]
            raise RequestError(error_answer(403, "Unauthorized", _DENIED, details))
        return seller

    def _past_the_door(self, call: Call) -> Decision:
        partner = call.seller.selling_partner_id if call.seller else None
        name = call.operation.name
        ticks = self.ticks()
        if call.operation is not LWA and call.operation.door is not Door.OPEN:
            key = (self.world.client_id, partner or "", name)
            if not self.buckets.take(key, self._plan(call), ticks):
                message = "You exceeded your quota for the requested resource."
                return Decision(error_answer(429, "QuotaExceeded", message))
        rule = call.rule = self.faults.fired(name, partner, call.order_id or None, ticks)
        if rule is None:
            return Decision(self._carry_out(call))
        real = self._carry_out(call) if rule.carries_out else None
        return Decision(faulty_answer(rule, real), rule)

    def _carry_out(self, call: Call) -> Answer:
        call.reached = True
        try:
            answer = call.operation.answer(self.state, call)
        except RequestError as error:
            answer = error.answer
        unmetered = call.operation is LWA or call.operation.door is Door.OPEN
        if answer.status in _SHOWS_RATE and not unmetered:
            shown = self.buckets.shown_rate(call.operation.plan)
            answer.headers["x-amzn-RateLimit-Limit"] = shown
        return answer

    def _plan(self, call: Call) -> Plan:
        """The usage plan: searchOrders' is dynamic, its burst lets a seller read all orders once."""
        plan = call.operation.plan
        if call.operation.name != "searchOrders":
            return plan
        pages = self.world.pages(call.partner, call.now)
        return Plan(plan.rate, max(plan.burst, pages + 5))

    def _record(self, call: Call, decision: Decision, eligible: bool) -> None:
        """The request is counted, its answer has an id, and a POST stands in the ledger."""
        request_id = identifier(self._request_ids)
        answer, rule = decision.answer, decision.rule
        if answer is not None:
            answer.headers["x-amzn-RequestId"] = request_id
            answer.headers["Date"] = formatdate(self.now(), usegmt=True)
        status = 0 if answer is None else answer.status
        partner = call.seller.selling_partner_id if call.seller else ""
        outcome = str(status) if answer is not None or rule is None else rule.kind
        agent = call.request.headers.get("user-agent", "")
        self.tally.count(partner, call.operation.name, outcome, agent, call.now)
        if call.operation.allowed is not None:
            self.ledger.record(
                Post(
                    seller=partner,
                    order_id=call.order_id,
                    marketplace_id=",".join(call.request.values("marketplaceIds")),
                    at=call.now,
                    request_id=request_id,
                    status=status,
                    answer=_summary(answer),
                    accepted=call.accepted,
                    eligible=eligible,
                    reached=call.reached,
                    fault=rule.kind if rule else None,
                    operation=call.operation.name,
                    **asdict(read_received(self.state, call.request)),
                )
            )

    def _remember(self, past: PastRequest) -> None:
        by_hand = past.by_hand_at is not None
        if past.outcome == "accepted" or by_hand:
            self.ledger.remember(
                Accepted(
                    seller=past.seller.selling_partner_id,
                    order_id=self.world.order_id(past.seller, past.life),
                    marketplace_id=past.life.marketplace.id,
                    at=past.at if past.by_hand_at is None else past.by_hand_at,
                    request_id="" if by_hand else past.request_id,
                    history=True,
                    by="seller_central" if by_hand else "api",
                )
            )


def _summary(answer: Answer | None) -> str:
    """The answer's message, or the beginning of its body."""
    if answer is None:
        return ""
    try:
        message: str = json.loads(answer.body)["errors"][0]["message"]
    except (ValueError, LookupError, TypeError):
        return answer.body[:200].decode("utf-8", "replace")
    return message
