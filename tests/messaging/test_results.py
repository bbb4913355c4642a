"""Writing down what came of a send: once, late, twice, and in company."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError

import spapi
from messaging import results
from messaging.delivery import sweep
from messaging.models import ActionEvent, OutgoingAction
from messaging.results import SendResult, record
from messaging.services import cancel_action, request_review, retry_action
from messaging.states import TAKEN, Status
from orders.models import Order
from sellers.models import Connection, SellerAccount
from spapi import Accepted, Effect, SpApiError
from tests.factories import SellerAccountFactory, UserFactory
from tests.messaging.sending import (
    ACCEPTED,
    NOW,
    answer,
    check_records,
    claim_one,
    due_action,
    due_order,
    send,
    status_of,
    steps_of,
)

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
LATER = NOW + 10 * MINUTE
DENIALS: list[SpApiError] = [
    spapi.AlreadyRequested("already", status=403),
    spapi.Throttled("429", status=429),
    spapi.ServerError("503", status=503),
    spapi.BadRequest("400", status=400),
]


def test_an_accepted_send_is_sent_with_its_evidence() -> None:
    action = due_action()
    claimed = send(action, ACCEPTED)
    check_records([action])
    assert (action.status, action.sent_attempt_id) == (Status.SENT, claimed.attempt_id)
    attempt = action.attempts.get()
    assert (attempt.status_code, attempt.request_id, attempt.body) == (201, "request-201", "{}")
    assert (attempt.outcome, attempt.finished_at, attempt.duration_ms) == ("accepted", NOW, 12)
    assert action.order.solicitation == "sent"
    assert steps_of(action) == ["queued", "sending", "sent"]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (spapi.Throttled("429", status=429), Status.QUEUED),
        (spapi.AlreadyRequested("already", status=403), Status.REFUSED),
        (spapi.ServerError("503", status=503), Status.UNCONFIRMED),
        (spapi.AccessDenied("denied", status=403), Status.HELD),
    ],
    ids=lambda one: getattr(one, "value", type(one).__name__),
)
def test_another_answer_moves_the_action_to_its_state(said: SpApiError, status: Status) -> None:
    action = due_action()
    send(action, said)
    check_records([action])
    assert (action.status, action.lease_until) == (status, None)
    attempt = action.attempts.get()
    assert (attempt.status_code, attempt.code) == (said.status, type(said).__name__)
    assert attempt.message == said.message
    assert attempt.outcome == said.effect.value


def test_what_waits_again_is_not_sent_before_its_time() -> None:
    action = due_action()
    send(action, spapi.Throttled("429", retry_after=20.0))
    action.refresh_from_db()
    assert action.not_before == action.look_at == NOW + timedelta(seconds=20)


def test_amazons_words_are_kept_as_far_as_they_fit_and_a_database_takes_them() -> None:
    action = due_action()
    said = spapi.UnknownForbidden(
        "w\x00" * 3000, status=403, code="c" * 300, body="b\x00" * 9000, request_id="r" * 300
    )
    send(action, said)
    attempt = action.attempts.get()
    assert (len(attempt.code), len(attempt.message), len(attempt.request_id)) == (100, 250, 100)
    assert attempt.body == "b" * 2048


@pytest.mark.parametrize("said", [ACCEPTED, *DENIALS], ids=lambda one: type(one).__name__)
def test_a_result_written_twice_is_written_once(said: Accepted | SpApiError) -> None:
    action = due_action()
    claimed = send(action, said)
    action.refresh_from_db()
    state, events = action.status, ActionEvent.objects.count()
    answer(claimed, said, NOW + MINUTE)
    action.refresh_from_db()
    assert (action.status, action.status_at) == (state, NOW)
    assert ActionEvent.objects.count() == events
    assert action.attempts.get().finished_at == NOW


def swept(action: OutgoingAction) -> None:
    sweep(NOW + 4 * MINUTE)


def swept_and_queued_again(action: OutgoingAction) -> None:
    swept(action)
    OutgoingAction.objects.filter(pk=action.pk).transition(
        Status.UNCONFIRMED, Status.QUEUED, at=NOW + 5 * MINUTE, not_before=NOW, look_at=NOW
    )


def swept_queued_and_cancelled(action: OutgoingAction) -> None:
    swept_and_queued_again(action)
    cancel_action(action, user=UserFactory(), at=NOW + 6 * MINUTE)


def swept_queued_and_expired(action: OutgoingAction) -> None:
    swept_and_queued_again(action)
    OutgoingAction.objects.filter(pk=action.pk).update(not_after=NOW + 6 * MINUTE)
    sweep(NOW + 7 * MINUTE)


def swept_queued_and_held(action: OutgoingAction) -> None:
    swept_and_queued_again(action)
    SellerAccount.objects.update(paused_at=NOW)
    sweep(NOW + 7 * MINUTE)


def swept_queued_and_sent_again(action: OutgoingAction) -> None:
    swept_and_queued_again(action)
    claim_one(action, NOW + 6 * MINUTE)


def swept_queued_and_refused(action: OutgoingAction) -> None:
    swept_and_queued_again(action)
    send(action, spapi.AlreadyRequested("already", status=403), NOW + 6 * MINUTE)


def swept_queued_and_probably_sent(action: OutgoingAction) -> None:
    swept_and_queued_again(action)
    send(action, spapi.NotAvailable("not available", status=403), NOW + 6 * MINUTE)


def test_a_late_answer_that_nothing_was_sent_is_believed() -> None:
    """Else the next refusal would be taken for the earlier request's doing."""
    action = due_action()
    claimed = claim_one(action)
    swept_and_queued_again(action)
    answer(claimed, spapi.Throttled("429", status=429), NOW + 5 * MINUTE)
    send(action, spapi.NotAvailable("not available", status=403), NOW + 6 * MINUTE)
    assert status_of(action) == Status.REFUSED


def swept_and_unresolved(action: OutgoingAction) -> None:
    OutgoingAction.objects.filter(pk=action.pk).update(not_after=NOW + MINUTE)
    swept(action)


MEANWHILE: dict[Status, Callable[[OutgoingAction], None]] = {
    Status.UNCONFIRMED: swept,
    Status.QUEUED: swept_and_queued_again,
    Status.CANCELLED: swept_queued_and_cancelled,
    Status.EXPIRED: swept_queued_and_expired,
    Status.HELD: swept_queued_and_held,
    Status.SENDING: swept_queued_and_sent_again,
    Status.REFUSED: swept_queued_and_refused,
    Status.PROBABLY_SENT: swept_queued_and_probably_sent,
    Status.UNRESOLVED: swept_and_unresolved,
}


@pytest.mark.parametrize("status", MEANWHILE)
def test_a_late_201_is_a_fact_whatever_has_happened_meanwhile(status: Status) -> None:
    action = due_action()
    claimed = claim_one(action)
    MEANWHILE[status](action)
    assert status_of(action) == status
    answer(claimed, ACCEPTED, LATER)
    action.refresh_from_db()
    assert (action.status, action.sent_attempt_id) == (Status.SENT, claimed.attempt_id)
    assert action.reason == ("" if status == Status.SENDING else "Amazon's answer came late")
    assert steps_of(action)[-2:] == [status, "sent"]
    assert Order.objects.get().solicitation == "sent"


@pytest.mark.parametrize("said", DENIALS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("status", MEANWHILE)
def test_a_late_no_changes_nothing_but_is_kept_on_its_attempt(
    status: Status, said: SpApiError
) -> None:
    action = due_action()
    claimed = claim_one(action)
    MEANWHILE[status](action)
    steps = steps_of(action)
    answer(claimed, said, LATER)
    assert steps_of(action) == steps
    attempt = action.attempts.get(pk=claimed.attempt_id)
    assert (attempt.finished_at, attempt.status_code) == (LATER, said.status)
    assert attempt.abandoned_at is not None


def test_a_second_attempt_under_way_ends_by_itself_after_a_late_201_of_the_first() -> None:
    action = due_action()
    first = claim_one(action)
    swept_and_queued_again(action)
    second = claim_one(action, NOW + 6 * MINUTE)
    answer(first, ACCEPTED, NOW + 7 * MINUTE)
    answer(second, spapi.AlreadyRequested("already", status=403), NOW + 8 * MINUTE)
    check_records([action])
    assert action.sent_attempt_id == first.attempt_id
    assert action.attempts.get(pk=second.attempt_id).outcome == "rejected"


def test_a_second_attempt_whose_worker_died_is_closed_after_a_late_201_of_the_first() -> None:
    action = due_action()
    first = claim_one(action)
    swept_and_queued_again(action)
    claim_one(action, NOW + 6 * MINUTE)
    answer(first, ACCEPTED, NOW + 7 * MINUTE)
    sweep(NOW + 60 * MINUTE)
    check_records([action])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["201 first", "201 last"])
def test_a_late_201_wins_over_the_second_attempts_answer_in_the_same_breath(
    order: tuple[int, int],
) -> None:
    action = due_action()
    first = claim_one(action)
    swept_and_queued_again(action)
    second = claim_one(action, NOW + 6 * MINUTE)
    refused = spapi.AlreadyRequested("already", status=403)
    said = [SendResult(first, ACCEPTED, 12), SendResult(second, refused, 12)]
    record([said[index] for index in order], now=LATER)
    check_records([action])
    assert (action.status, action.sent_attempt_id) == (Status.SENT, first.attempt_id)


# What has become of the newer action of the same order when the older one's 201 comes late.
@pytest.mark.parametrize("newer_status", sorted(TAKEN - {Status.SENDING}))
def test_a_late_201_beside_a_newer_action_leaves_one_that_is_sent(newer_status: Status) -> None:
    old = due_action()
    claimed = claim_one(old)
    swept_queued_and_cancelled(old)
    newer = due_action(order=old.order, status=newer_status)
    answer(claimed, ACCEPTED, LATER)
    newer.refresh_from_db()
    old.refresh_from_db()
    sent = [one for one in (old, newer) if one.status == Status.SENT]
    assert len(sent) == 1
    assert Order.objects.get().solicitation == "sent"
    if newer_status in {Status.QUEUED, Status.HELD}:
        assert (old.status, newer.status) == (Status.SENT, Status.CANCELLED)
        assert "the buyer is asked" in newer.reason
    elif newer_status != Status.SENT:
        assert (old.status, newer.status) == (Status.CANCELLED, Status.SENT)
        assert newer.sent_attempt_id == claimed.attempt_id
    check_records([old, newer])


def test_a_late_201_beside_a_newer_action_under_way_does_not_disturb_its_answer() -> None:
    old = due_action()
    claimed = claim_one(old)
    swept_queued_and_cancelled(old)
    newer = due_action(order=old.order)
    second = claim_one(newer, NOW + 7 * MINUTE)
    answer(claimed, ACCEPTED, NOW + 8 * MINUTE)
    answer(second, spapi.AlreadyRequested("already", status=403), NOW + 9 * MINUTE)
    check_records([old, newer])
    assert (status_of(old), status_of(newer)) == (Status.CANCELLED, Status.SENT)


def test_after_a_late_201_nobody_is_asked_again() -> None:
    old = due_action()
    claimed = claim_one(old)
    swept_queued_and_cancelled(old)
    answer(claimed, ACCEPTED, LATER)
    with pytest.raises(Exception, match="queued this"):
        request_review(old.order, user=UserFactory(), at=LATER)


def test_the_results_of_many_lanes_share_one_transaction() -> None:
    actions = [due_action() for _ in range(3)]
    claims = [claim_one(action) for action in actions]
    said = [ACCEPTED, spapi.ServerError("503", status=503), spapi.BadRequest("no", status=400)]
    pairs = zip(claims, said, strict=True)
    record([SendResult(claimed, one, None) for claimed, one in pairs], now=NOW)
    assert [status_of(action) for action in actions] == ["sent", "unconfirmed", "refused"]


def test_a_result_that_the_database_will_not_have_costs_no_other_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good, poison = due_action(), due_action()
    claims = [claim_one(good), claim_one(poison)]
    said = [ACCEPTED, Accepted(201, request_id="poison", body="{}")]
    kept_words = results._kept_words

    def kept_or_fail(answer: Accepted | SpApiError) -> tuple[str, str]:
        if answer is said[1]:
            raise IntegrityError("a row that nobody foresaw")
        return kept_words(answer)

    monkeypatch.setattr(results, "_kept_words", kept_or_fail)
    record([SendResult(*pair, None) for pair in zip(claims, said, strict=True)], now=NOW)
    assert [status_of(one) for one in (good, poison)] == ["sent", "sending"]
    sweep(LATER)
    assert status_of(poison) == Status.UNCONFIRMED


@pytest.mark.parametrize("error", [OperationalError("away"), InterfaceError("closed")])
def test_a_database_that_is_away_is_told_to_the_caller_and_nothing_is_written(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = [due_action(), due_action()]
    claims = [claim_one(action) for action in actions]
    finish, tries = results._finish_attempt, []

    def finish_or_fail(result: SendResult, *rest: Any) -> bool:
        tries.append(result)
        if len(tries) == 1:
            raise error
        return finish(result, *rest)

    monkeypatch.setattr(results, "_finish_attempt", finish_or_fail)
    refusal = spapi.BadRequest("no", status=400)
    said = [SendResult(claims[0], ACCEPTED, None), SendResult(claims[1], refusal, None)]
    with pytest.raises(type(error)):
        record(said, now=NOW)
    assert [status_of(action) for action in actions] == ["sending", "sending"]
    record(said, now=NOW)
    check_records(actions)
    assert [action.status for action in actions] == ["sent", "refused"]


def test_the_accounts_trouble_marks_it_and_holds_all_that_waits_for_it() -> None:
    account = SellerAccountFactory()
    sending, waiting = (due_action(order=due_order(account=account)) for _ in range(2))
    foreign = due_action()
    send(sending, spapi.InvalidGrant("gone", lwa_error="invalid_grant", needs_reconnect=True))
    account.refresh_from_db()
    assert (account.connection, account.trouble) == (Connection.RECONNECT, "gone")
    assert [status_of(one) for one in (sending, waiting)] == ["held", "held"]
    assert status_of(foreign) == Status.QUEUED


def test_what_was_held_for_the_account_leaves_again_when_it_is_connected() -> None:
    action = due_action()
    send(action, spapi.AccessDenied("denied", status=403))
    SellerAccount.objects.update(connection=Connection.CONNECTED)
    sweep(NOW + MINUTE)
    assert status_of(action) == Status.QUEUED
    assert claim_one(action, NOW + 2 * MINUTE)


def test_trouble_with_a_token_that_was_renewed_meanwhile_holds_nothing() -> None:
    action = due_action()
    claimed = claim_one(action)
    account = SellerAccount.objects.get()
    account.refresh_token = "Atzr|a-new-one"
    account.save()
    answer(claimed, spapi.InvalidGrant("gone", needs_reconnect=True), NOW)
    account.refresh_from_db()
    assert (account.connection, status_of(action)) == (Connection.CONNECTED, Status.QUEUED)


def test_a_refused_action_tried_again_is_the_same_row_with_a_second_attempt() -> None:
    action = due_action()
    send(action, spapi.AlreadyRequested("already", status=403))
    retry_action(action, user=UserFactory(), at=NOW + MINUTE)
    claimed = send(action, ACCEPTED, NOW + 2 * MINUTE)
    check_records([action])
    assert (action.sent_attempt_id, action.attempts.count()) == (claimed.attempt_id, 2)


def test_every_known_effect_has_its_outcome() -> None:
    """The attempt's words for what is known are Amazon's client's."""
    for effect in Effect:
        kind = {
            Effect.NOT_SENT: spapi.ConnectFailed,
            Effect.REJECTED: spapi.NotFound,
            Effect.UNKNOWN: spapi.NoAnswer,
        }[effect]
        action = due_action()
        send(action, kind("no"))
        assert action.attempts.get().outcome == effect.value
