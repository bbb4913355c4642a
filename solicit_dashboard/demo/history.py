"""Writing the planned past into the tables: batches, actions, attempts, events, marks on orders.

Everything in bulk, in one transaction for an account. It ends as if the product had done it: the
states agree with their events, attempts and orders (`check_ledger` finds no breach).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Case, CharField, Exists, F, OuterRef, Subquery, Value, When

from audit.models import AuditEvent, AuditKind
from messaging.models import (
    ActionAttempt,
    ActionEvent,
    Batch,
    OutgoingAction,
    Priority,
)
from messaging.states import TAKEN, Status
from orders.models import Order
from sellers.models import SellerAccount
from solicit_dashboard.demo.past import Plan

HOLD = timedelta(seconds=10)
SLOT_HOURS = 6
WORKER = "demonstration"


@dataclass
class _Entry:
    """A plan with who asked for it, and the batch that it was asked in."""

    plan: Plan
    person: User
    created_at: datetime
    batch: Batch | None = None


def write_past(account: SellerAccount, plans: Sequence[Plan], askers: Sequence[User]) -> int:
    """The plans are outgoing actions of the account, asked for by these people; returns how many."""
    chance = Random(account.selling_partner_id)  # noqa: S311 - the same at every first start
    entries = _shared_out(plans, askers, chance)
    with transaction.atomic():
        _write_batches(account, entries)
        actions = OutgoingAction.objects.bulk_create([_action(account, entry) for entry in entries])
        pairs = list(zip(entries, actions, strict=True))
        ActionAttempt.objects.bulk_create(
            [_attempt(entry.plan, action) for entry, action in pairs if entry.plan.attempt]
        )
        ActionEvent.objects.bulk_create(
            [event for entry, action in pairs for event in _events(entry, action)]
        )
        _give_evidence(account)
        _mark_orders(account)
        _mark_offers([entry.plan for entry in entries])
    return len(actions)


def _shared_out(plans: Sequence[Plan], askers: Sequence[User], chance: Random) -> list[_Entry]:
    """Who asked for what: in batches of some hours where the order could be asked by then."""
    slots: dict[datetime, list[Plan]] = {}
    for plan in sorted(plans, key=lambda plan: plan.created_at):
        at = plan.created_at
        hour = at.hour // SLOT_HOURS * SLOT_HOURS
        slots.setdefault(at.replace(hour=hour, minute=0, second=0, microsecond=0), []).append(plan)
    entries = []
    for slot in slots.values():
        person = askers[0] if chance.random() < 0.7 else chance.choice(askers)
        begun_at = slot[0].created_at
        together = [plan for plan in slot if _may_join(plan, begun_at)]
        batch = None
        if len(together) > 2:
            batch = Batch(
                created_at=begun_at,
                created_by=person,
                description="Eligible now",
                release_at=begun_at + HOLD,
                selected=len(together),
                queued=len(together),
            )
        for plan in slot:
            if batch is not None and _may_join(plan, begun_at):
                entries.append(_Entry(plan, person, begun_at, batch))
            else:
                entries.append(_Entry(plan, person, plan.created_at))
    return entries


def _may_join(plan: Plan, at: datetime) -> bool:
    opens_at = plan.order.opens_at()
    return opens_at is not None and opens_at <= at


def _write_batches(account: SellerAccount, entries: list[_Entry]) -> None:
    batches = list({id(entry.batch): entry.batch for entry in entries if entry.batch}.values())
    Batch.objects.bulk_create(batches)
    AuditEvent.objects.bulk_create(
        [
            AuditEvent(
                at=batch.created_at,
                kind=AuditKind.REQUESTED,
                user=batch.created_by,
                account_id=account.pk,
                subject=f"Batch {batch.pk}",
                detail={
                    "queued": batch.queued,
                    "selected": batch.selected,
                    "description": batch.description,
                },
            )
            for batch in batches
        ]
        + [
            AuditEvent(
                at=entry.created_at,
                kind=AuditKind.REQUESTED,
                user=entry.person,
                account_id=account.pk,
                subject=entry.plan.order.amazon_order_id,
            )
            for entry in entries
            if entry.batch is None
        ]
    )


def _action(account: SellerAccount, entry: _Entry) -> OutgoingAction:
    plan = entry.plan
    not_before = entry.created_at + HOLD
    if plan.status == Status.QUEUED and plan.look_at is not None:
        not_before = plan.look_at
    # `sent` needs its attempt, which needs its action: it is made so by _give_evidence
    status = Status.SENDING if plan.status == Status.SENT else plan.status
    return OutgoingAction(
        account=account,
        order=plan.order,
        status=status,
        status_at=plan.status_at if plan.steps else entry.created_at,
        reason=_said(plan.reason, entry.person),
        priority=Priority.CLICK if entry.batch is None else Priority.BATCH,
        look_at=plan.look_at or entry.created_at,
        not_before=not_before,
        not_after=plan.order.closes_at() or plan.status_at,
        lease_until=plan.status_at if status == Status.SENDING else None,
        looks=plan.looks,
        batch=entry.batch,
        requested_by=entry.person,
        created_at=entry.created_at,
    )


def _attempt(plan: Plan, action: OutgoingAction) -> ActionAttempt:
    tried = plan.attempt
    if tried is None:
        raise ValueError("This plan has no attempt.")
    return ActionAttempt(
        action=action,
        number=1,
        claimed_at=tried.at,
        worker=WORKER,
        finished_at=tried.at + tried.took,
        outcome=tried.outcome,
        status_code=tried.status_code,
        code=tried.code,
        message=tried.message,
        request_id=tried.request_id,
        body=tried.body,
        duration_ms=tried.took // timedelta(milliseconds=1),
    )


def _events(entry: _Entry, action: OutgoingAction) -> list[ActionEvent]:
    return [
        ActionEvent(
            action=action,
            at=step.at,
            before=step.before,
            after=step.after,
            user=entry.person if step.by_person else None,
            reason=_said(step.reason, entry.person),
        )
        for step in entry.plan.steps
    ]


def _give_evidence(account: SellerAccount) -> None:
    OutgoingAction.objects.filter(account=account, status=Status.SENDING).update(
        status=Status.SENT,
        lease_until=None,
        sent_attempt=Subquery(ActionAttempt.objects.filter(action=OuterRef("pk")).values("pk")[:1]),
    )


def _mark_orders(account: SellerAccount) -> None:
    action = OutgoingAction.objects.filter(order=OuterRef("pk"))
    state = Case(
        When(status__in=sorted(TAKEN), then=F("status")),
        default=Value(""),
        output_field=CharField(),
    )
    Order.objects.filter(Exists(action), account=account).update(
        solicitation=Subquery(action.annotate(state=state).values("state")[:1]),
        solicitation_at=Subquery(action.values("status_at")[:1]),
    )


def _mark_offers(plans: Sequence[Plan]) -> None:
    looked_at = []
    for plan in plans:
        if plan.offer_checked_at is not None:
            plan.order.offer_checked_at = plan.offer_checked_at
            plan.order.is_offered = plan.is_offered
            looked_at.append(plan.order)
    Order.objects.bulk_update(looked_at, ["offer_checked_at", "is_offered"], batch_size=200)


def _said(reason: str, person: User) -> str:
    return reason.replace("{person}", person.get_username())
