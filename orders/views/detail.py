"""One order: its state and why, what Amazon said, everything that was sent, and when things happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from messaging.decisions import DECIDABLE
from messaging.models import ActionEvent, OutgoingAction
from messaging.progress import advice, in_sentence, next_look
from messaging.services.refusing import SECOND_REVIEW
from messaging.states import STOPPABLE, TAKEN, WRITTEN, Status
from orders.eligibility import ReviewWindow
from orders.models import Order
from orders.refusals import explain_refusal
from orders.states import Refusal, WindowSource
from orders.views.words import StateWords, describe_state
from orders.views.writing import is_moving_message, is_soon, writing_to
from sellers.models import Role
from solicit_dashboard.access import get_order, get_reach
from solicit_dashboard.middleware import is_htmx
from spapi import MARKETPLACES

# What each rule says when it holds.
_HOLDS = {
    Refusal.NOT_AMAZON: "Sold on Amazon",
    Refusal.CANCELLED: "Not cancelled",
    Refusal.REPLACEMENT: "Not a replacement or exchange",
    Refusal.RETURNED: "Not returned",
    Refusal.REFUNDED: "Not refunded",
    Refusal.EXCLUDED: "Not on the list of exclusions",
    Refusal.PARTIAL: "Details read from Amazon",
    Refusal.NOT_SHIPPED: "Shipped",
    Refusal.NO_DATES: "Delivery dates known",
    Refusal.WINDOW_CLOSED: "The window is not over",
    Refusal.TOO_EARLY: "The window has opened",
}
# States whose reason says more than their words.
_TELLS_WHY = frozenset({Status.QUEUED, Status.UNCONFIRMED, Status.PROBABLY_SENT})
# Steps whose reason says it all: "Refused: already requested", "Cancelled by ann".
_SAID_BY_REASON = frozenset({Status.REFUSED, Status.CANCELLED, Status.UNCONFIRMED})
_NEEDS_DATES = frozenset({Refusal.WINDOW_CLOSED, Refusal.TOO_EARLY})
# A step of an action as the timeline tells it.
_STEPS = {
    Status.QUEUED: "Queued again",
    Status.HELD: "Put on hold",
    Status.SENDING: "Taken up for sending",
    Status.UNCONFIRMED: "Left, and no usable answer came",
    Status.PROBABLY_SENT: "Probably sent",
    Status.SENT: "Sent: Amazon accepted it",
    Status.REFUSED: "Refused by Amazon",
    Status.CANCELLED: "Cancelled",
    Status.EXPIRED: "Not sent: the window closed",
    Status.UNRESOLVED: "Given up: the outcome was never known",
}

# The same where a person decided what nobody knew.
_DECISIONS = {
    Status.SENT: "Sent: seen in Seller Central",
    Status.QUEUED: "To be sent again: not seen in Seller Central",
    Status.UNRESOLVED: "Given up: left as not known",
}


@dataclass(frozen=True)
class Check:
    """One rule: whether it holds, and the fact that decides it."""

    holds: bool
    words: str
    fact: str = ""
    fact_at: datetime | None = None


@dataclass(frozen=True)
class Moment:
    """One entry of the timeline; `words` and what stands behind it are plain text."""

    at: datetime
    words: str
    detail: str = ""
    who: str = ""
    is_future: bool = False


@dataclass(frozen=True)
class State:
    """What is true of the order now, and what this person may do about it.

    `warning` is what to think of before a review is asked for, "" for nothing.
    """

    words: StateWords
    explanation: str
    warning: str
    may_request: bool
    action: OutgoingAction | None
    may_cancel: bool
    may_retry: bool
    may_decide: bool
    is_moving: bool
    client_key: UUID


@require_safe
def detail(request: HttpRequest, account_id: int, number: str) -> HttpResponse:
    """The page of one order; htmx gets what stands below the state.

    While a message moves, its card asks for itself (`?part=actions`); when none moves any more, the
    rest of the page is told.
    """
    now = timezone.now()
    order, actions, role = _load(request, account_id, number, now)
    known = MARKETPLACES.get(order.marketplace_id)
    context = {
        "now": now,
        "order": order,
        "actions": actions,
        "may_manage": role.includes(Role.MANAGER),
        "may_send": role.includes(Role.OPERATOR),
        "decidable": DECIDABLE,
        "stoppable": STOPPABLE,
        "writing": writing_to(order),
        "text_days": settings.MESSAGE_TEXT_DAYS,
        "is_moving": any(is_moving_message(action, now) for action in actions),
        "checks": list_checks(order),
        "timeline": build_timeline(order, actions, now),
        "opens_at": order.opens_at(),
        "closes_at": order.closes_at(),
        "marketplace": known.domain if known else order.marketplace_id,
    }
    if is_htmx(request):
        response = render(request, "orders/_detail.html", context)
        if request.GET.get("part") == "actions" and not context["is_moving"]:
            response.headers["HX-Trigger"] = "order-changed"
        return response
    context["state"] = order_state(order, actions, now, role=role)
    return render(request, "orders/detail.html", context)


@require_safe
def state(request: HttpRequest, account_id: int, number: str) -> HttpResponse:
    """The state of one order, for the page that polls it while it moves."""
    now = timezone.now()
    order, actions, role = _load(request, account_id, number, now)
    current = order_state(order, actions, now, role=role)
    response = render(request, "orders/_state.html", {"order": order, "state": current})
    if not current.is_moving:
        response.headers["HX-Trigger"] = "order-changed"
    return response


def _load(
    request: HttpRequest, account_id: int, number: str, now: datetime
) -> tuple[Order, list[OutgoingAction], Role]:
    order = get_order(
        request,
        account_id,
        number,
        among=Order.objects.with_checks(now).with_refusal(now).prefetch_related("items"),
    )
    actions = list(
        OutgoingAction.objects.filter(order=order)
        .select_related("requested_by", "batch")
        .prefetch_related(
            "attempts", Prefetch("events", ActionEvent.objects.select_related("user"))
        )
    )
    for action in actions:
        action.account = order.account
    return order, actions, get_reach(request).roles[account_id]


def order_state(order: Order, actions: list[OutgoingAction], now: datetime, *, role: Role) -> State:
    """The state in words, and the one thing that may be done about it; needs `refusal` annotated."""
    action = next(
        (action for action in actions if action.status in TAKEN and action.type.is_solicitation),
        None,
    )
    refusal: str = getattr(order, "refusal")  # noqa: B009 - annotated
    if action is not None:
        told = action.reason if action.status in _TELLS_WHY else ""
        sentences = [
            f"{told.rstrip('.')}." if told else "",
            advice(Status(action.status), action.reason),
        ]
        explanation = " ".join(filter(None, sentences))
    elif refusal:
        explanation = explain_refusal(order, Refusal(refusal))
    else:
        explanation = "All rules hold: a review may be asked for."
    is_open = action is None and not refusal
    is_second = is_open and any(
        one.status in WRITTEN and not one.type.is_solicitation for one in actions
    )
    is_forbidden = is_second and order.account.one_message_per_order
    if is_forbidden:
        explanation = f"{SECOND_REVIEW} This account refuses the second."
    status = Status(action.status) if action else None
    may_send = role.includes(Role.OPERATOR)
    look_at = next_look(action) if action else None
    return State(
        words=describe_state(order, refusal, action, at=now),
        explanation=explanation,
        warning=SECOND_REVIEW if is_second and not is_forbidden else "",
        may_request=may_send and is_open and not is_forbidden,
        action=action,
        may_cancel=may_send and status in STOPPABLE,
        may_retry=may_send and status == Status.REFUSED and not refusal,
        may_decide=status in DECIDABLE and role.includes(Role.MANAGER),
        is_moving=status == Status.SENDING
        or (status == Status.QUEUED and look_at is not None and is_soon(look_at, now)),
        client_key=uuid4(),
    )


def list_checks(order: Order) -> list[Check]:
    """Every rule with its fact, in the order in which they are read; needs `check_…` annotated."""
    checks = []
    for refusal, words in _HOLDS.items():
        holds = bool(getattr(order, f"check_{refusal}"))
        if refusal in _NEEDS_DATES and not order.latest_delivery_at:
            checks.append(Check(False, words, "not known without delivery dates"))
        elif not holds:
            checks.append(Check(False, explain_refusal(order, refusal)))
        else:
            checks.append(Check(True, words, *_fact(order, refusal)))
    asked = Status(order.solicitation) if order.solicitation else None
    if asked is None:
        checks.append(Check(True, "Not asked before"))
    else:
        checks.append(
            Check(False, f"Asked already: {in_sentence(asked)}", fact_at=order.solicitation_at)
        )
    return checks


def _fact(order: Order, refusal: Refusal) -> tuple[str, datetime | None]:
    if refusal == Refusal.NOT_SHIPPED:
        return f"Amazon says “{order.fulfillment_label}”", None
    if refusal == Refusal.NO_DATES:
        return f"from: {order.get_window_source_display() or 'not said'}", None
    if refusal == Refusal.WINDOW_CLOSED:
        return "closes", order.closes_at()
    if refusal == Refusal.TOO_EARLY:
        return "opened", order.opens_at()
    return "", None


def _request(action: OutgoingAction) -> Moment:
    who = action.requested_by.get_username() if action.requested_by else ""
    return Moment(action.created_at, f"{action.type.label} queued", who=who)


def _step(event: ActionEvent, action: OutgoingAction) -> Moment:
    """A step as it is told; behind that of a message stands of which."""
    label = "" if action.type.is_solicitation else action.type.label
    if event.after in _SAID_BY_REASON and event.reason:
        return Moment(event.at, event.reason, label)
    who = event.user.get_username() if event.user else ""
    words = _STEPS[Status(event.after)]
    if event.user and event.before in DECIDABLE:
        words = _DECISIONS[Status(event.after)]
    return Moment(event.at, words, "; ".join(filter(None, (label, event.reason))), who=who)


def build_timeline(order: Order, actions: list[OutgoingAction], now: datetime) -> list[Moment]:
    """What happened to the order and what was asked for it, newest first; what is to come on top."""
    window = ReviewWindow.from_settings()
    source = order.get_window_source_display()
    verb = "estimated" if order.window_source == WindowSource.ESTIMATE else "promised"
    facts = [
        (order.purchased_at, "Purchased", ""),
        (order.first_seen_at, "First read from Amazon", ""),
        (order.earliest_delivery_at, f"Delivery {verb} from", source),
        (order.latest_delivery_at, f"Delivery {verb} by", source),
        (order.opens_at(window), "The window for a review request opens", source),
        (order.closes_at(window), "The window for a review request closes", source),
        (
            order.offer_checked_at,
            "Amazon offered the review request"
            if order.is_offered
            else "Amazon did not offer the review request",
            "",
        ),
    ]
    moments = [Moment(at, words, detail, is_future=at > now) for at, words, detail in facts if at]
    for action in actions:
        moments.append(_request(action))
        moments += [_step(event, action) for event in action.events.all()]
    # steps of one moment stay in the order in which they were taken
    moments.reverse()
    return sorted(moments, key=lambda moment: moment.at, reverse=True)
