"""Many messages of one kind by one click: at most one for each order, each checked like a single one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from audit.models import AuditKind
from audit.services import record_event
from messaging.action_types import MESSAGES, REVIEW_REQUEST
from messaging.hints import wake_lanes_on_commit
from messaging.left_out import LeftOut
from messaging.models import ActionFile, Batch, OutgoingAction, Priority, StoredFile
from messaging.order_rules import message_refusals
from messaging.payloads import PayloadError, clean_payload, hash_payload
from messaging.queueing import LOOK_LEAD, hold_one_per_order
from messaging.services.holding import apply_holds, hold
from messaging.services.refusing import ONE_PER_ORDER, NotAllowedError
from messaging.services.repeating import batch_of_form
from messaging.services.requesting import MESSAGE_LASTS
from messaging.states import WRITTEN, Status
from orders.models import Order
from orders.refusals import explain_refusal
from sellers.models import Role, SellerAccount
from solicit_dashboard.conflicts import repeats_on_conflict

MOST_DRAFTS = 500


@dataclass(frozen=True)
class Draft:
    """What is to be sent for one order; `fault`: why it cannot be sent, found while it was written."""

    order: Order
    payload: Mapping[str, object]
    files: Sequence[StoredFile] = ()
    fault: str = ""


@dataclass(frozen=True)
class CheckedDraft:
    """A draft beside what is known of its order and account.

    `left_out` is the reason for which it is not sent (a Refusal or LeftOut), "" when it is; `why`
    says it in a sentence. `second`: a review was asked for the order, and Amazon may take only one
    of the two. `payload` and `payload_hash` are as they are stored.
    """

    draft: Draft
    left_out: str
    why: str
    second: bool
    payload: dict[str, Any]
    payload_hash: str
    not_after: datetime


@dataclass(frozen=True)
class _Facts:
    """What the database knows of the orders of some drafts."""

    one_message: Mapping[int, bool]
    refusals: Mapping[int, Any]
    asked: frozenset[int]
    under_way: frozenset[tuple[int, str]]


def check_drafts(
    drafts: Sequence[Draft], *, user: User, at: datetime, kind: str
) -> list[CheckedDraft]:
    """Which of these may be sent at that moment (UTC), and why not the others; four queries.

    A user without a role on an account that lets them send may not send there.
    """
    facts = _read_facts([draft.order.pk for draft in drafts], user, kind)
    return [_check(draft, facts, at, kind) for draft in drafts]


def request_messages(
    drafts: Sequence[Draft],
    *,
    user: User,
    at: datetime,
    client_key: UUID,
    kind: str,
    description: str = "",
) -> Batch:
    """A batch holds a queued message of this kind for each draft that may be sent.

    The others are left out and counted by account and reason in `Batch.skipped`. It can be undone
    while it is held, like a batch of review requests. The same `client_key` returns the batch that
    it made before, so that a double click makes one; somebody else's raises NotAllowedError, and so
    do an unknown kind and more than MOST_DRAFTS drafts.
    """
    if kind not in MESSAGES:
        raise NotAllowedError("There is no such message.")
    if len(drafts) > MOST_DRAFTS:
        raise NotAllowedError(f"A message goes to at most {MOST_DRAFTS} orders at once.")
    return batch_of_form(
        client_key,
        user,
        lambda: _make_batch(
            drafts,
            user=user,
            at=at,
            client_key=client_key,
            kind=kind,
            description=description,
        ),
    )


@repeats_on_conflict
def _make_batch(
    drafts: Sequence[Draft],
    *,
    user: User,
    at: datetime,
    client_key: UUID,
    kind: str,
    description: str,
) -> Batch:
    with transaction.atomic():
        batch = Batch.objects.create(
            client_key=client_key,
            kind=kind,
            created_at=at,
            created_by=user,
            description=description[:300],
            release_at=at + hold(),
        )
        hold_one_per_order({draft.order.account_id for draft in drafts})
        checked = check_drafts(_with_locked_files(drafts), user=user, at=at, kind=kind)
        made = _queue(batch, [one for one in checked if not one.left_out])
        skipped: dict[int, Counter[str]] = {}
        for one in checked:
            key = (one.draft.order.pk, one.payload_hash)
            reason = one.left_out or ("" if made.pop(key, None) else LeftOut.SAME.value)
            if reason:
                skipped.setdefault(one.draft.order.account_id, Counter())[reason] += 1
        batch.selected = len(drafts)
        batch.queued = batch.selected - sum(counts.total() for counts in skipped.values())
        batch.skipped = {str(pk): dict(counts) for pk, counts in skipped.items()}
        batch.save(update_fields=["queued", "skipped", "selected"])
        account_ids = sorted(
            {one.draft.order.account_id for one in checked if one.left_out != LeftOut.NO_ROLE}
        )
        for account_id in account_ids:
            record_event(
                AuditKind.MESSAGED,
                user=user,
                account_id=account_id,
                subject=f"Batch {batch.pk}",
                message=kind,
                queued=batch.queued,
                selected=batch.selected,
                description=batch.description,
            )
        apply_holds(at=at, account_ids=account_ids)
        wake_lanes_on_commit(account_ids)
    return batch


def _queue(batch: Batch, wanted: Iterable[CheckedDraft]) -> dict[tuple[int, str], int]:
    """These are queued with their files; returns the ids of those that the database let in.

    What somebody else queues at this moment is left to them. Rows are written in the order of their
    orders' ids, so that two people who do it at once wait for each other in turn.
    """
    wanted = sorted(wanted, key=lambda one: one.draft.order.pk)
    action_type = MESSAGES[batch.kind]
    OutgoingAction.objects.bulk_create(
        [
            OutgoingAction(
                account_id=one.draft.order.account_id,
                order=one.draft.order,
                kind=batch.kind,
                api=action_type.api,
                payload=one.payload,
                payload_hash=one.payload_hash,
                status=Status.QUEUED,
                status_at=batch.created_at,
                priority=Priority.BATCH,
                look_at=max(batch.created_at, batch.release_at - LOOK_LEAD),
                not_before=batch.release_at,
                not_after=one.not_after,
                batch=batch,
                requested_by=batch.created_by,
                created_at=batch.created_at,
            )
            for one in wanted
        ],
        ignore_conflicts=True,
    )
    rows = OutgoingAction.objects.filter(batch=batch).order_by()
    made = {(row[0], row[1]): row[2] for row in rows.values_list("order", "payload_hash", "pk")}
    by_key = {(one.draft.order.pk, one.payload_hash): one for one in wanted}
    ActionFile.objects.bulk_create(
        ActionFile(action_id=made[key], file=file, place=place, name=kept["name"])
        for key, one in by_key.items()
        if key in made and one.draft.files
        for place, (file, kept) in enumerate(
            zip(one.draft.files, one.payload["files"], strict=True)
        )
    )
    return made


def _with_locked_files(drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts with their files as they are now, which nobody empties before this commits."""
    ids = {file.pk for draft in drafts for file in draft.files}
    if not ids:
        return list(drafts)
    locked = StoredFile.objects.filter(pk__in=ids).order_by("pk").select_for_update()
    now = {file.pk: file for file in locked}
    return [replace(draft, files=[now[file.pk] for file in draft.files]) for draft in drafts]


def _read_facts(order_ids: Sequence[int], user: User, kind: str) -> _Facts:
    accounts = SellerAccount.objects.for_user(user, Role.OPERATOR)
    actions = OutgoingAction.objects.filter(order_id__in=order_ids).order_by()
    asked = actions.filter(kind=REVIEW_REQUEST.name, status__in=sorted(WRITTEN))
    under_way = actions.open().filter(kind=kind)
    return _Facts(
        one_message=dict(accounts.values_list("pk", "one_message_per_order")),
        refusals=message_refusals(order_ids),
        asked=frozenset(asked.values_list("order", flat=True)),
        under_way=frozenset(under_way.values_list("order", "payload_hash")),
    )


def _check(draft: Draft, facts: _Facts, at: datetime, kind: str) -> CheckedDraft:
    order = draft.order
    payload, fault = _clean(draft, kind)
    payload_hash = hash_payload(payload) if payload else ""
    not_after = (order.latest_delivery_at or at) + MESSAGE_LASTS
    refusal = facts.refusals.get(order.pk)
    second = order.pk in facts.asked
    if order.account_id not in facts.one_message:
        reason, why = LeftOut.NO_ROLE.value, "Your role does not let you send for its account."
    elif refusal is not None:
        reason, why = refusal.value, explain_refusal(order, refusal)
    elif not_after <= at + hold():
        reason = LeftOut.TOO_LATE.value
        why = f"It was delivered too long ago: messages are sent for {MESSAGE_LASTS.days} days."
    elif fault:
        reason, why = LeftOut.UNFIT.value, fault
    elif second and facts.one_message[order.account_id]:
        reason, why = LeftOut.ASKED.value, f"A review was asked for this order. {ONE_PER_ORDER}"
    elif (order.pk, payload_hash) in facts.under_way:
        reason, why = LeftOut.SAME.value, "The same message is on its way already."
    else:
        reason, why = "", ""
    return CheckedDraft(
        draft=draft,
        left_out=reason,
        why=why,
        second=second,
        payload=payload,
        payload_hash=payload_hash,
        not_after=not_after,
    )


def _clean(draft: Draft, kind: str) -> tuple[dict[str, Any], str]:
    """What is stored of the draft, or {} and what is wrong with it."""
    if draft.fault:
        return {}, draft.fault
    if any(file.account_id != draft.order.account_id for file in draft.files):
        return {}, "A file was brought for another account."
    try:
        return clean_payload(MESSAGES[kind], draft.payload, draft.files), ""
    except PayloadError as error:
        return {}, str(error)
