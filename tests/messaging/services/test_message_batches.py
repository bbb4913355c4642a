"""Many messages at once: what is queued, what is left out and why, once however often it is asked."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from audit.models import AuditEvent
from messaging.ledger.check import find_breaches
from messaging.left_out import LeftOut
from messaging.models import ActionFile, Batch, OutgoingAction, Priority, StoredFile
from messaging.payloads import hash_payload
from messaging.services import NotAllowedError, stop_batch
from messaging.services.message_batches import (
    MOST_DRAFTS,
    Draft,
    check_drafts,
    request_messages,
)
from messaging.states import Status
from orders.models import Order
from sellers.models import Role, SellerAccount
from tests.factories import DAY, MembershipFactory, OrderFactory, SellerAccountFactory, UserFactory
from tests.messaging.sending import NOW, due_action, due_message, due_order, steps_of

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
KIND = "unexpectedProblem"


@pytest.fixture
def account() -> SellerAccount:
    return SellerAccountFactory(name="Nordwind")


@pytest.fixture
def ann(account: SellerAccount) -> User:
    user: User = UserFactory(username="ann")
    MembershipFactory(user=user, account=account, role=Role.OPERATOR)
    return user


def draft(order: Order, text: str = "It is late.", **more: Any) -> Draft:
    return Draft(order, {"text": text}, **more)


def write(user: User, drafts: Sequence[Draft], **more: Any) -> Batch:
    """The batch of these drafts, as it is stored; made with a new form."""
    facts: dict[str, Any] = {"at": NOW, "client_key": uuid.uuid4(), "kind": KIND}
    batch = request_messages(drafts, user=user, **(facts | more))
    batch.refresh_from_db()
    return batch


def left_out(batch: Batch) -> dict[str, int]:
    return batch.left_out(SellerAccount.objects.values_list("pk", flat=True))


def stored_file(account: SellerAccount, name: str = "invoice.pdf", **more: Any) -> StoredFile:
    facts = {"content_type": "application/pdf", "size": 9, "sha256": "0" * 64, "uploaded_at": NOW}
    return StoredFile.objects.create(
        account=account, name=name, uploaded_by=UserFactory(), **(facts | more)
    )


def test_each_order_has_a_queued_message_of_the_batch(
    account: SellerAccount, ann: User, settings: Settings
) -> None:
    settings.SEND_HOLD_SECONDS = 10
    orders = [due_order(account=account) for _ in range(3)]
    batch = write(ann, [draft(one, f" No. {one.pk}\r\n") for one in orders], description="Late")
    assert (batch.kind, batch.selected, batch.queued, batch.skipped) == (KIND, 3, 3, {})
    assert (batch.created_by, batch.description) == (ann, "Late")
    assert batch.release_at == NOW + 10 * SECOND
    actions = {action.order_id: action for action in batch.actions.all()}
    for order in orders:
        action = actions[order.pk]
        assert (action.account, action.kind, action.api) == (account, KIND, "messaging")
        assert action.payload == {"text": f"No. {order.pk}"}
        assert action.payload_hash == hash_payload(action.payload)
        assert (action.status, action.priority) == (Status.QUEUED, Priority.BATCH)
        assert (action.not_before, action.look_at) == (NOW + 10 * SECOND, NOW + 9 * SECOND)
        assert action.not_after == order.latest_delivery_at + 30 * DAY
        assert action.requested_by == ann
        assert steps_of(action) == ["queued"]
        order.refresh_from_db()
        assert order.solicitation == "", "the mark is the review request's"


def test_the_audit_trail_tells_of_the_batch_and_not_of_its_texts(
    account: SellerAccount, ann: User
) -> None:
    batch = write(ann, [draft(due_order(account=account), "A private word")])
    event = AuditEvent.objects.get()
    assert (event.kind, event.user, event.account_id) == ("messaged", ann, account.pk)
    assert event.subject == f"Batch {batch.pk}"
    assert (event.detail["message"], event.detail["queued"]) == (KIND, 1)
    assert "private" not in str(event.detail)


def test_what_may_not_be_written_is_left_out_with_its_reason(
    account: SellerAccount, ann: User
) -> None:
    late = {"earliest_delivery_at": NOW - 40 * DAY, "latest_delivery_at": NOW - 30 * DAY}
    under_way = due_order(account=account)
    due_message("It is late.", order=under_way, kind=KIND)
    fine = due_order(account=account)
    drafts = {
        "cancelled": draft(due_order(account=account, is_cancelled=True)),
        "excluded": draft(due_order(account=account, is_excluded=True)),
        LeftOut.TOO_LATE: draft(due_order(account=account, **late)),
        LeftOut.SAME: draft(under_way),
        LeftOut.UNFIT: draft(due_order(account=account), "x" * 2_001),
        "": draft(fine),
    }
    faulty = draft(due_order(account=account), fault="It has no items.")
    expected = {reason: 1 for reason in drafts if reason} | {LeftOut.UNFIT: 2}
    checked = check_drafts([*drafts.values(), faulty], user=ann, at=NOW, kind=KIND)
    assert [one.left_out for one in checked] == [*drafts, LeftOut.UNFIT]
    assert checked[-1].why == "It has no items."
    assert all(bool(one.why) == bool(one.left_out) for one in checked)
    batch = write(ann, [*drafts.values(), faulty])
    assert left_out(batch) == expected
    assert (batch.selected, batch.queued) == (7, 1)
    assert batch.actions.get().order == fine


def test_a_review_request_warns_and_where_the_account_says_so_forbids(
    account: SellerAccount, ann: User
) -> None:
    order = due_order(account=account)
    due_action(order=order, status=Status.SENT)
    (checked,) = check_drafts([draft(order)], user=ann, at=NOW, kind=KIND)
    assert (checked.left_out, checked.second) == ("", True)
    SellerAccount.objects.update(one_message_per_order=True)
    (checked,) = check_drafts([draft(order)], user=ann, at=NOW, kind=KIND)
    assert checked.left_out == LeftOut.ASKED
    assert checked.why.startswith("A review was asked for this order.")
    assert left_out(write(ann, [draft(order)])) == {LeftOut.ASKED: 1}
    assert write(ann, [draft(due_order(account=account))]).queued == 1


@pytest.mark.parametrize("role", [None, Role.VIEWER])
def test_an_account_where_one_may_not_send_is_left_out(
    account: SellerAccount, ann: User, role: Role | None
) -> None:
    foreign = SellerAccountFactory()
    if role:
        MembershipFactory(user=ann, account=foreign, role=role)
    mine, theirs = due_order(account=account), due_order(account=foreign)
    batch = write(ann, [draft(theirs), draft(mine)])
    assert batch.actions.get().order == mine
    assert batch.left_out([foreign.pk]) == {LeftOut.NO_ROLE: 1}
    assert [event.account_id for event in AuditEvent.objects.all()] == [account.pk]


def test_files_go_along_in_their_order_under_unlike_names(
    account: SellerAccount, ann: User
) -> None:
    files = [stored_file(account), stored_file(account), stored_file(account, "terms.pdf")]
    orders = [due_order(account=account) for _ in range(2)]
    drafts = [Draft(orders[0], {}, files), Draft(orders[1], {}, files[2:])]
    batch = write(ann, drafts, kind="legalDisclosure")
    assert batch.queued == 2
    uses = ActionFile.objects.order_by("action__order_id", "place")
    assert [(use.action.order_id, use.file, use.place, use.name) for use in uses] == [
        (orders[0].pk, files[0], 0, "invoice.pdf"),
        (orders[0].pk, files[1], 1, "invoice (2).pdf"),
        (orders[0].pk, files[2], 2, "terms.pdf"),
        (orders[1].pk, files[2], 0, "terms.pdf"),
    ]


def test_a_file_that_went_meanwhile_or_is_anothers_leaves_its_order_out(
    account: SellerAccount, ann: User
) -> None:
    gone, foreign = stored_file(account), stored_file(SellerAccountFactory())
    drafts = [Draft(due_order(account=account), {}, [file]) for file in (gone, foreign)]
    StoredFile.objects.filter(pk=gone.pk).update(emptied_at=NOW)
    batch = write(ann, drafts, kind="sendInvoice")
    assert (batch.queued, left_out(batch)) == (0, {LeftOut.UNFIT: 2})
    assert not ActionFile.objects.exists()


def test_a_form_sent_twice_makes_one_batch(account: SellerAccount, ann: User) -> None:
    key, order = uuid.uuid4(), due_order(account=account)
    first = write(ann, [draft(order)], client_key=key)
    assert write(ann, [draft(order, "Other words")], client_key=key) == first
    assert OutgoingAction.objects.count() == 1
    with pytest.raises(NotAllowedError, match="made for somebody else"):
        write(UserFactory(), [draft(order)], client_key=key)


def test_the_same_message_twice_in_one_batch_goes_once(account: SellerAccount, ann: User) -> None:
    order = due_order(account=account)
    batch = write(ann, [draft(order), draft(order)])
    assert (batch.queued, left_out(batch)) == (1, {LeftOut.SAME: 1})


def test_what_somebody_else_queues_in_between_is_left_to_them(
    account: SellerAccount, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look at what is under way comes first; the database's own rule decides."""
    order = due_order(account=account)

    def look_and_lose(order_ids: Any) -> dict[int, Any]:
        due_message("It is late.", order=order, kind=KIND)
        return {}

    other = due_order(account=account)
    monkeypatch.setattr("messaging.services.message_batches.message_refusals", look_and_lose)
    monkeypatch.setattr(
        "messaging.models.OutgoingActionQuerySet.open",
        lambda self: OutgoingAction.objects.none(),
    )
    batch = write(ann, [draft(order), draft(other)])
    assert (batch.queued, left_out(batch)) == (1, {LeftOut.SAME: 1})
    assert batch.actions.get().order == other


@pytest.mark.parametrize(
    ("number", "kind", "sentence"),
    [
        (MOST_DRAFTS + 1, KIND, "at most 500 orders"),
        (1, "productReviewAndSellerFeedback", "no such message"),
        (1, "updateFeedback", "no such message"),
    ],
)
def test_too_many_or_an_unknown_kind_is_refused(
    account: SellerAccount, ann: User, number: int, kind: str, sentence: str
) -> None:
    with pytest.raises(NotAllowedError, match=sentence):
        write(ann, [draft(due_order(account=account))] * number, kind=kind)
    assert not Batch.objects.exists()


def test_500_take_as_many_statements_as_ten_but_for_the_rows(
    account: SellerAccount, ann: User
) -> None:
    def statements(number: int) -> tuple[int, int]:
        orders = Order.objects.bulk_create(
            OrderFactory.build_batch(
                number,
                account=account,
                earliest_delivery_at=NOW - 12 * DAY,
                latest_delivery_at=NOW - 10 * DAY,
            )
        )
        with CaptureQueriesContext(connection) as queries:
            assert write(ann, [draft(order) for order in orders]).queued == number
        rows = [one for one in queries if '"messaging_outgoingaction" (' in one["sql"]]
        return len(queries) - len(rows), len(rows)

    few, many = statements(10), statements(MOST_DRAFTS)
    assert few[0] == many[0] < 20
    assert few[1] == 1
    assert many[1] <= (1 if connection.vendor == "postgresql" else 20)  # so many values at once


def test_a_paused_account_holds_them_at_once(ann: User) -> None:
    paused = SellerAccountFactory(paused=True)
    MembershipFactory(user=ann, account=paused)
    batch = write(ann, [draft(due_order(account=paused))])
    assert batch.actions.get().status == Status.HELD


def test_the_records_of_a_batch_do_not_contradict_each_other(
    account: SellerAccount, ann: User
) -> None:
    file, now = stored_file(account), timezone.now()
    drafts = [Draft(OrderFactory(account=account), {}, [file]) for _ in range(2)]
    batch = write(ann, [*drafts, drafts[0]], kind="sendInvoice", at=now)
    assert (batch.selected, batch.queued) == (3, 2)
    assert list(find_breaches(at=now)) == []


def test_undo_takes_them_all_back(account: SellerAccount, ann: User) -> None:
    batch = write(ann, [draft(due_order(account=account)) for _ in range(3)])
    assert stop_batch(batch, user=ann, at=NOW, account_ids=[account.pk]) == 3
    assert set(batch.actions.values_list("status", flat=True)) == {Status.CANCELLED}


def test_a_batch_is_made_whole_or_not_at_all(
    account: SellerAccount, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_details: Any) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr("messaging.services.message_batches.apply_holds", fail)
    with pytest.raises(RuntimeError):
        write(
            ann, [Draft(due_order(account=account), {}, [stored_file(account)])], kind="sendInvoice"
        )
    monkeypatch.undo()
    assert not Batch.objects.exists()
    assert not OutgoingAction.objects.exists()
    assert not AuditEvent.objects.exists()
