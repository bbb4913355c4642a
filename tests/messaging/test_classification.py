"""Every row of the table: what an answer means, by what is known of its effect."""

import re
from datetime import UTC, datetime, timedelta

import pytest

import spapi
from messaging import classification
from messaging.action_types import CONFIRM_ORDER_DETAILS, REVIEW_REQUEST
from messaging.classification import Sendable, Verdict, classify, describe, wait_after
from messaging.models import AttemptOutcome
from messaging.states import Status
from sellers.models import Connection
from spapi import Accepted, Effect, SpApiError

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)

NOT_SENT, REJECTED, UNKNOWN = Effect.NOT_SENT, Effect.REJECTED, Effect.UNKNOWN
QUEUED, HELD, REFUSED = Status.QUEUED, Status.HELD, Status.REFUSED
UNCONFIRMED, PROBABLY_SENT = Status.UNCONFIRMED, Status.PROBABLY_SENT


def an_action(
    *,
    kind: str = REVIEW_REQUEST.name,
    opened: timedelta = 10 * DAY,
    closes: timedelta = 15 * DAY,
    had_unconfirmed: bool = False,
) -> Sendable:
    return Sendable(
        kind=kind,
        opens_at=NOW - opened,
        closes_at=NOW + closes,
        had_unconfirmed=had_unconfirmed,
    )


# The class of the error: what is known of its effect, the state of a solicitation.
TABLE: dict[type[SpApiError], tuple[Effect, Status]] = {
    spapi.ConnectFailed: (NOT_SENT, QUEUED),
    spapi.UntrustedAddress: (NOT_SENT, QUEUED),
    spapi.UploadFailed: (NOT_SENT, QUEUED),
    spapi.FileChanged: (NOT_SENT, QUEUED),
    spapi.UploadRefused: (NOT_SENT, QUEUED),
    spapi.UploadExpired: (NOT_SENT, QUEUED),
    spapi.LimitReached: (NOT_SENT, QUEUED),
    spapi.Throttled: (NOT_SENT, QUEUED),
    spapi.TokenExpired: (NOT_SENT, QUEUED),
    spapi.AccessDenied: (NOT_SENT, HELD),
    spapi.Aborted: (NOT_SENT, QUEUED),
    spapi.AuthorizationFailed: (NOT_SENT, QUEUED),
    spapi.InvalidGrant: (NOT_SENT, HELD),
    spapi.InvalidClient: (NOT_SENT, HELD),
    spapi.TokenServiceUnavailable: (NOT_SENT, QUEUED),
    spapi.BadRequest: (REJECTED, REFUSED),
    spapi.AttachmentMissing: (REJECTED, REFUSED),
    spapi.NotFound: (REJECTED, REFUSED),
    spapi.Conflict: (REJECTED, REFUSED),
    spapi.DocumentGone: (REJECTED, REFUSED),
    spapi.StillInUse: (REJECTED, REFUSED),
    spapi.PayloadTooLarge: (REJECTED, REFUSED),
    spapi.UnsupportedMediaType: (REJECTED, REFUSED),
    spapi.NotAvailable: (REJECTED, REFUSED),
    spapi.AlreadyRequested: (REJECTED, REFUSED),
    spapi.OutsideWindow: (REJECTED, QUEUED),
    spapi.InvalidCombination: (REJECTED, REFUSED),
    spapi.NoAnswer: (UNKNOWN, UNCONFIRMED),
    spapi.ServerError: (UNKNOWN, UNCONFIRMED),
    spapi.MalformedAnswer: (UNKNOWN, UNCONFIRMED),
    spapi.UnexpectedStatus: (UNKNOWN, UNCONFIRMED),
    spapi.UnknownForbidden: (UNKNOWN, UNCONFIRMED),
}
NEED_RECONNECT = (spapi.InvalidGrant, spapi.InvalidClient)
GROUPS = {SpApiError, spapi.NotSent, spapi.Rejected, spapi.Unknown}


def error_classes() -> set[type[SpApiError]]:
    found: set[type[SpApiError]] = set()
    edge: list[type[SpApiError]] = [SpApiError]
    while edge:
        one = edge.pop()
        if one.__module__.startswith("spapi"):
            found.add(one)
        edge += one.__subclasses__()
    return found


def make(kind: type[SpApiError]) -> SpApiError:
    if kind in NEED_RECONNECT:
        return kind("no", needs_reconnect=True)  # type: ignore[call-arg]
    return kind(message="no")


def test_every_kind_of_error_has_its_row() -> None:
    """A new class in spapi fails here until somebody decides what it means."""
    assert error_classes() - GROUPS == set(TABLE)


@pytest.mark.parametrize("kind", list(TABLE), ids=lambda kind: kind.__name__)
def test_an_error_leads_to_the_state_of_its_row(kind: type[SpApiError]) -> None:
    effect, status = TABLE[kind]
    error = make(kind)
    assert error.effect == effect
    verdict = classify(error, an_action(opened=DAY), NOW)
    assert verdict.status == status
    assert verdict.outcome == AttemptOutcome(effect.value)
    assert verdict.reason
    assert (verdict.connection is not None) == (status == HELD)


@pytest.mark.parametrize("had_unconfirmed", [False, True])
@pytest.mark.parametrize("kind", list(TABLE), ids=lambda kind: kind.__name__)
def test_an_error_of_a_message_leads_to_the_state_of_its_effect(
    kind: type[SpApiError], had_unconfirmed: bool
) -> None:
    """No look can tell afterwards: it is never probably sent, and what Amazon refused is refused."""
    effect, status = TABLE[kind]
    action = an_action(kind=CONFIRM_ORDER_DETAILS.name, opened=DAY, had_unconfirmed=had_unconfirmed)
    verdict = classify(make(kind), action, NOW)
    assert verdict.status == (REFUSED if effect == REJECTED else status)
    assert verdict.outcome == AttemptOutcome(effect.value)
    assert verdict.reason


def test_a_message_for_which_the_order_is_in_the_wrong_state_is_refused_in_words() -> None:
    action = an_action(kind=CONFIRM_ORDER_DETAILS.name)
    verdict = classify(spapi.InvalidCombination("Invalid amazonOrderId and …"), action, NOW)
    assert verdict.reason == "Refused: not available in this state of the order"


@pytest.mark.parametrize("kind", list(TABLE), ids=lambda kind: kind.__name__)
def test_only_what_is_known_not_to_have_happened_waits_again(kind: type[SpApiError]) -> None:
    """The naive rule, to try again whatever failed, must not pass."""
    for had_unconfirmed in (False, True):
        action = an_action(opened=DAY, had_unconfirmed=had_unconfirmed)
        verdict = classify(make(kind), action, NOW)
        if make(kind).effect == UNKNOWN:
            assert verdict.status == UNCONFIRMED
        if verdict.status == QUEUED:
            assert make(kind).effect in {NOT_SENT, REJECTED}
            assert verdict.look_at is not None
            assert verdict.look_at > NOW


def test_an_acceptance_is_sent() -> None:
    verdict = classify(Accepted(201), an_action(), NOW)
    assert verdict == Verdict(Status.SENT, AttemptOutcome.ACCEPTED)


def test_an_unknown_outcome_is_looked_at_after_two_minutes() -> None:
    verdict = classify(spapi.NoAnswer(reason="reset"), an_action(), NOW)
    assert verdict.look_at == NOW + timedelta(minutes=2)


def test_the_group_of_an_error_decides_when_its_class_is_new() -> None:
    """Amazon invents an error: doubt is unknown, never queued and never refused."""

    class NewTrouble(spapi.Unknown):
        pass

    assert classify(NewTrouble("new"), an_action(), NOW).status == UNCONFIRMED


@pytest.mark.parametrize("had_unconfirmed", [False, True])
def test_not_available_is_doubtful_only_after_an_attempt_whose_answer_was_lost(
    had_unconfirmed: bool,
) -> None:
    verdict = classify(
        spapi.NotAvailable("not available"), an_action(had_unconfirmed=had_unconfirmed), NOW
    )
    assert verdict.outcome == AttemptOutcome.REJECTED
    if had_unconfirmed:
        assert verdict.status == PROBABLY_SENT
        assert verdict.look_at == NOW + DAY
    else:
        assert verdict.status == REFUSED
        assert "not available" in verdict.reason


@pytest.mark.parametrize("had_unconfirmed", [False, True])
def test_already_requested_is_refused_whatever_was_before(had_unconfirmed: bool) -> None:
    action = an_action(had_unconfirmed=had_unconfirmed)
    verdict = classify(spapi.AlreadyRequested("already"), action, NOW)
    assert (verdict.status, verdict.reason) == (REFUSED, "Refused: already requested")


def test_outside_the_window_is_early_near_its_beginning_and_late_near_its_end() -> None:
    early = classify(spapi.OutsideWindow("outside"), an_action(opened=DAY, closes=9 * DAY), NOW)
    assert (early.status, early.look_at) == (QUEUED, NOW + DAY)
    assert early.outcome == AttemptOutcome.REJECTED
    late = classify(spapi.OutsideWindow("outside"), an_action(opened=9 * DAY, closes=DAY), NOW)
    assert (late.status, late.reason) == (REFUSED, "Refused: too late")


@pytest.mark.parametrize(
    ("error", "connection"),
    [
        (spapi.AccessDenied("Access to requested resource is denied."), Connection.ROLE_MISSING),
        (
            spapi.AccessDenied(
                "Access to requested resource is denied.",
                details="The access token you provided is revoked, malformed or invalid.",
            ),
            Connection.RECONNECT,
        ),
        (spapi.InvalidGrant("gone", needs_reconnect=True), Connection.RECONNECT),
        (spapi.InvalidClient("wrong", needs_reconnect=True), Connection.RECONNECT),
        (spapi.AuthorizationFailed("no", needs_reconnect=True), Connection.RECONNECT),
    ],
    ids=["role", "token", "grant", "client", "other"],
)
def test_the_accounts_own_trouble_holds_and_names_what_is_wrong(
    error: SpApiError, connection: Connection
) -> None:
    verdict = classify(error, an_action(), NOW)
    assert (verdict.status, verdict.connection) == (HELD, connection)
    assert verdict.outcome == AttemptOutcome.NOT_SENT


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (spapi.Throttled("429"), SECOND),
        (spapi.Throttled("429", retry_after=7.0), 7 * SECOND),
        (spapi.LimitReached(retry_after=3.0), 3 * SECOND),
        (spapi.TokenExpired("401"), 2 * SECOND),
        (spapi.ConnectFailed("refused"), 30 * SECOND),
        (spapi.TokenServiceUnavailable("500"), 30 * SECOND),
    ],
)
def test_what_was_not_sent_waits_as_long_as_its_cause_lasts(
    error: SpApiError, wait: timedelta
) -> None:
    assert wait_after(error) == wait
    assert classify(error, an_action(), NOW).look_at == NOW + wait


def test_a_reason_fits_its_column_however_long_amazons_words_are() -> None:
    for kind in TABLE:
        error = make(kind)
        error.message, error.status = "x" * 2000, 503
        assert len(classify(error, an_action(), NOW).reason) <= 300


def test_a_description_is_amazons_words_or_what_became_of_the_call() -> None:
    assert describe(spapi.ServerError("Oops", status=503)) == "Oops (HTTP 503)"
    assert describe(spapi.NoAnswer(reason="quantum")) == "quantum"
    assert describe(spapi.NoAnswer()) == "NoAnswer"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (spapi.NoAnswer("no answer: reset", reason="reset"), "the connection was reset"),
        (spapi.NoAnswer(reason="deadline", status=200), "Amazon did not answer in time (HTTP 200)"),
        (spapi.ConnectFailed(reason="deadline"), "no connection came about in time"),
    ],
)
def test_a_call_without_an_answer_is_told_in_words(error: SpApiError, words: str) -> None:
    assert describe(error) == words


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (spapi.ConnectFailed, classification._NOT_CONNECTED),
        (spapi.NoAnswer, classification._NOT_ANSWERED),
    ],
)
def test_the_reasons_in_words_are_those_that_the_client_gives(
    kind: type[SpApiError], words: dict[str, str]
) -> None:
    listed = set(re.findall("`([a-z_]+)`", str(kind.__doc__))) - {"reason"}
    assert set(words) == listed


def test_a_call_held_back_at_the_last_moment_is_told_in_words() -> None:
    error = spapi.Aborted("refused: LookTooOldError")
    assert describe(error) == "it waited too long for its turn"
