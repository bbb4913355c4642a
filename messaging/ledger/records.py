"""What is always true of the records of sending: deliveries, evidence, attempts, events, order marks.

Each check is a constant number of statements, whatever the number of rows, and trusts none of the
database's own constraints: a table that was repaired or restored by hand is looked at like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Subquery, Value, Window
from django.db.models.functions import Coalesce, Concat, Lag, Lead

from audit.models import AuditEvent, AuditKind
from messaging.action_types import ACTION_TYPES, REVIEW_REQUEST
from messaging.ledger.scope import Found, Scope, stream
from messaging.models import ActionAttempt, ActionEvent, AttemptOutcome, OutgoingAction
from messaging.states import TAKEN, Status, may_follow
from orders.models import Order

# A driver's own reading of the database's clock may step back by the time that one reading took.
CLOCK_STEP = timedelta(seconds=5)
# The sweeper comes every 15 s: what it has to put right stays wrong no longer than this.
SWEPT_WITHIN = timedelta(seconds=30)

_OPEN = Q(finished_at=None, abandoned_at=None)
# Nobody knows that it did not arrive.
_MAY_HAVE_ARRIVED = Q(outcome__in=[AttemptOutcome.ACCEPTED, AttemptOutcome.UNKNOWN]) | (
    Q(outcome="") & ~Q(abandoned_at=None)
)
_STEPS = sorted(f"{a} {b}" for a in Status for b in Status if may_follow(a, b))


def solicitations_delivered_twice(scope: Scope) -> Iterator[Found]:
    """Orders of which Amazon accepted more than one solicitation of a kind."""
    rows = (
        scope.attempts()
        .filter(outcome=AttemptOutcome.ACCEPTED, action__kind__in=_solicitations())
        .values_list("action__order_id", "action__kind")
        .annotate(times=Count("pk"), first=Min("action_id"), last=Max("action_id"))
        .filter(times__gt=1)
    )
    for order_id, _kind, times, first, last in stream(rows):
        text = f"order {order_id} was accepted {times} times by Amazon"
        yield Found(f"action {last}", f"{text}, first for action {first}")


def orders_with_two_solicitations(scope: Scope) -> Iterator[Found]:
    """Orders for which two solicitations stand: moving, sent, refused or unresolved."""
    rows = (
        scope.actions()
        .filter(kind__in=_solicitations(), status__in=TAKEN)
        .values_list("order_id", "kind")
        .annotate(times=Count("pk"), first=Min("pk"), last=Max("pk"))
        .filter(times__gt=1)
    )
    for order_id, _kind, times, first, last in stream(rows):
        yield Found(
            f"action {last}", f"is one of {times} that stand for order {order_id}, as is {first}"
        )


def messages_sent_twice(scope: Scope) -> Iterator[Found]:
    """Messages that may have arrived more often than a named person said "send it again", and once."""
    words = (
        ActionEvent.objects.filter(
            action_id=OuterRef("action_id"),
            before=Status.UNCONFIRMED,
            after=Status.QUEUED,
            user__isnull=False,
        )
        .order_by()
        .values("action_id")
        .annotate(number=Count("pk"))
        .values("number")
    )
    rows = (
        scope.attempts()
        .filter(_MAY_HAVE_ARRIVED)
        .exclude(action__kind__in=_solicitations())
        .values_list("action_id")
        .annotate(times=Count("pk"), words=Coalesce(Subquery(words), 0))
        .filter(times__gt=1 + F("words"))
    )
    for action_id, times, words_given in stream(rows):
        yield Found(
            f"action {action_id}",
            f"may have reached the buyer {times} times, with {words_given} of them asked for again",
        )


def sent_without_evidence(scope: Scope) -> Iterator[Found]:
    """Sent, and neither accepted by Amazon for this order (a message: for itself) nor seen by a person."""
    is_message = ~Q(kind__in=_solicitations())
    rows = (
        scope.actions()
        .filter(status=Status.SENT, seen_by=None)
        .filter(
            Q(sent_attempt=None)
            | ~Q(sent_attempt__outcome=AttemptOutcome.ACCEPTED)
            | ~Q(sent_attempt__action__order_id=F("order_id"))
            | ~Q(sent_attempt__action__kind=F("kind"))
            | (is_message & ~Q(sent_attempt__action_id=F("pk")))
        )
        .values_list("pk", "sent_attempt_id")
    )
    for pk, attempt_id in stream(rows):
        named = (
            f"attempt {attempt_id} is not Amazon's acceptance of it" if attempt_id else "no word"
        )
        yield Found(f"action {pk}", f"is sent without evidence: {named}")


def accepted_but_not_sent(scope: Scope) -> Iterator[Found]:
    """Accepted by Amazon, and not sent; for a solicitation also when its order's later one is not."""
    later = OutgoingAction.objects.filter(
        order_id=OuterRef("action__order_id"), kind=OuterRef("action__kind"), status=Status.SENT
    )
    rows = (
        scope.attempts()
        .filter(outcome=AttemptOutcome.ACCEPTED)
        .exclude(action__status=Status.SENT)
        .filter(~Q(action__kind__in=_solicitations()) | ~Exists(later))
        .values_list("action_id", "pk", "action__status")
    )
    for action_id, pk, status in stream(rows):
        yield Found(f"action {action_id}", f"was accepted by Amazon (attempt {pk}) and is {status}")


def attempts_without_claim(scope: Scope) -> Iterator[Found]:
    """Attempts that ended before they were claimed, or whose claim no event tells; claims without one.

    An attempt and the event of its claim are written in one transaction, with one moment.
    """
    early = Q(finished_at__lt=F("claimed_at") - CLOCK_STEP) | Q(
        abandoned_at__lt=F("claimed_at") - CLOCK_STEP
    )
    for pk, action_id in stream(scope.attempts().filter(early).values_list("pk", "action_id")):
        yield Found(f"action {action_id}", f"attempt {pk} ended before it was claimed")
    told = ActionEvent.objects.filter(
        action_id=OuterRef("action_id"), after=Status.SENDING, at=OuterRef("claimed_at")
    )
    unclaimed = scope.attempts().filter(~Exists(told)).values_list("pk", "action_id")
    for pk, action_id in stream(unclaimed):
        yield Found(f"action {action_id}", f"attempt {pk} was made without a claim")
    made = ActionAttempt.objects.filter(action_id=OuterRef("action_id"), claimed_at=OuterRef("at"))
    claims = scope.events().filter(~Exists(made), after=Status.SENDING)
    for pk, action_id in stream(claims.values_list("pk", "action_id")):
        yield Found(f"action {action_id}", f"was claimed (event {pk}) without an attempt")


def open_attempts_astray(scope: Scope) -> Iterator[Found]:
    """Two open attempts of one action; one of an action that is not sending; sending without one.

    A late 201 of an earlier attempt makes an action sent while a later attempt is open: the sweeper
    closes that one.
    """
    open_attempts = scope.attempts().filter(_OPEN)
    double = open_attempts.values_list("action_id").annotate(times=Count("pk")).filter(times__gt=1)
    for action_id, times in stream(double):
        yield Found(f"action {action_id}", f"has {times} open attempts")
    astray = (
        open_attempts.exclude(action__status=Status.SENDING)
        .filter(action__status_at__lte=scope.at - SWEPT_WITHIN)
        .values_list("action_id", "pk", "action__status")
    )
    for action_id, pk, status in stream(astray):
        yield Found(f"action {action_id}", f"is {status} and its attempt {pk} is open")
    theirs = ActionAttempt.objects.filter(_OPEN, action_id=OuterRef("pk"))
    bare = scope.actions().filter(~Exists(theirs), status=Status.SENDING).values_list("pk")
    for (pk,) in stream(bare):
        yield Found(f"action {pk}", "is sending without an open attempt")


def events_that_do_not_lead_here(scope: Scope) -> Iterator[Found]:
    """Replayed from `queued` in their order, the events do not give the state; or a step is forbidden.

    The making of an action writes no event.
    """
    action, turn = F("action_id"), F("pk").asc()
    before_it = Window(Lag("after"), partition_by=action, order_by=turn)
    steps = (
        scope.events()
        .annotate(
            came_from=Coalesce(before_it, Value(Status.QUEUED.value)),
            goes_to=Window(Lead("after"), partition_by=action, order_by=turn),
            step=Concat("before", Value(" "), "after"),
        )
        .filter(
            ~Q(before=F("came_from"))
            | Q(goes_to=None) & ~Q(after=F("action__status"))
            | ~Q(step__in=_STEPS)
        )
        .values_list("action_id", "pk", "before", "after", "came_from", "action__status", "step")
    )
    for action_id, pk, before, after, came_from, status, step in stream(steps):
        if before != came_from:
            text = f"event {pk} begins at {before}, after {came_from}"
        elif step not in _STEPS:
            text = f"event {pk} goes from {before} to {after}, which nothing may"
        else:
            text = f"its events end at {after} (event {pk}), and it is {status}"
        yield Found(f"action {action_id}", text)
    none = ActionEvent.objects.filter(action_id=OuterRef("pk"))
    silent = scope.actions().exclude(status=Status.QUEUED).filter(~Exists(none))
    for pk, status in stream(silent.values_list("pk", "status")):
        yield Found(f"action {pk}", f"is {status} without an event")


def orders_that_say_otherwise(scope: Scope) -> Iterator[Found]:
    """The state of the solicitation that an order carries is not that of its solicitation."""
    standing = OutgoingAction.objects.filter(kind=REVIEW_REQUEST.name, status__in=TAKEN)
    rows = (
        scope.actions()
        .filter(kind=REVIEW_REQUEST.name, status__in=TAKEN)
        .exclude(order__solicitation=F("status"))
        .values_list("pk", "status", "order_id", "order__solicitation")
    )
    for pk, status, order_id, told in stream(rows):
        yield Found(f"action {pk}", f"is {status}, and order {order_id} says {_or_nothing(told)}")
    marked = (
        scope.orders()
        .exclude(solicitation="")
        .filter(~Exists(standing.filter(order_id=OuterRef("pk"))))
        .values_list("pk", "solicitation")
    )
    for pk, told in stream(marked):
        yield Found(f"order {pk}", f"says {told}, and no solicitation stands for it")


def actions_lost(scope: Scope) -> Iterator[Found]:
    """What was made is not there, or is in no state that is counted.

    What was made is told by each batch, and by the audit trail for what was asked for one order.
    """
    made = (
        scope.batches()
        .values_list("pk", "queued")
        .annotate(there=Count("actions"))
        .exclude(there=F("queued"))
    )
    for pk, queued, there in stream(made):
        yield Found(f"batch {pk}", f"made {queued} actions, and {there} are there")
    order = Order.objects.filter(
        account_id=OuterRef("account_id"), amazon_order_id=OuterRef("subject")
    )
    its_action = OutgoingAction.objects.filter(
        order__account_id=OuterRef("account_id"), order__amazon_order_id=OuterRef("subject")
    )
    is_review = Q(kind=REVIEW_REQUEST.name)
    asked = AuditEvent.objects.order_by().exclude(subject__startswith="Batch ")
    if scope.account_id is not None:
        asked = asked.filter(account_id=scope.account_id)
    for kind, made_of_it in ((AuditKind.REQUESTED, is_review), (AuditKind.MESSAGED, ~is_review)):
        gone = asked.filter(Exists(order), ~Exists(its_action.filter(made_of_it)), kind=kind)
        for pk, subject in stream(gone.values_list("pk", "subject")):
            yield Found(f"order {subject}", f"was asked for (audit event {pk}), and has no action")
    stateless = scope.actions().exclude(status__in=Status.values).values_list("pk", "status")
    for pk, status in stream(stateless):
        yield Found(f"action {pk}", f"is in no known state: {status}")


def _solicitations() -> list[str]:
    return sorted(kind.name for kind in ACTION_TYPES.values() if kind.is_solicitation)


def _or_nothing(state: str) -> str:
    return state or "nothing"
