"""What is always true of time: no lease stays after its end, and nothing waits but for its lane.

An action has been *due* since the latest of: its state began, its next look, the end of its hold. It
waits for its lane (an account's at one API) as long as the lane works and takes those that go before it. So it
is late when it has been due for GRACE or longer and

- in the last GRACE seconds nothing happened in its lane: no claim, no look, no step; or
- it has been due for three times as long, and in the last GRACE seconds the lane claimed one of the
  same kind that goes after it.

What has files may take UPLOAD_SECONDS longer: they go up before its look. Others may pass it
meanwhile, whose files are smaller.
A lane that Amazon makes slow (a lower rate, 429, answers that hang) is not late for that: what waits
there waits for its lane, however long. A backlog of N needs N seconds at Amazon's rate of one a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Greatest

from messaging.action_types import Api
from messaging.ledger.scope import Found, Scope, stream
from messaging.looks import LOOK_FAILED_AGAIN, UPLOAD_FAILED
from messaging.models import ActionFile, OutgoingActionQuerySet
from messaging.states import STOPPABLE, WATCHED, Status
from messaging.uploading import UPLOAD_SECONDS

LEASE_GRACE = timedelta(seconds=30)
GRACE_SECONDS = 60
# A look that fails leaves no moment behind but that of the next one, so much later, and this reason.
UNREADABLE = "Amazon's list could not be read"
# A message that Amazon did not offer leaves not even that: the next look is some time of the next day.
NOT_OFFERED = "Amazon does not offer it yet"

Turn = tuple[int, datetime, int]


def grace() -> timedelta:
    """How long something may be due before anybody asks why; a call under way may take its deadline."""
    return timedelta(seconds=max(GRACE_SECONDS, settings.CALL_DEADLINE_SECONDS + 15))


def leases_overstayed(scope: Scope) -> Iterator[Found]:
    """Sending, and the lease ended more than LEASE_GRACE ago, or there is none."""
    rows = scope.actions().filter(
        Q(lease_until=None) | Q(lease_until__lt=scope.at - LEASE_GRACE), status=Status.SENDING
    )
    for pk, lease_until in stream(rows.values_list("pk", "lease_until")):
        if lease_until is None:
            yield Found(f"action {pk}", "is sending without a lease")
        else:
            seconds = (scope.at - lease_until).total_seconds()
            yield Found(f"action {pk}", f"is sending {seconds:.0f} s after the end of its lease")


def queued_too_long(scope: Scope) -> Iterator[Found]:
    """Queued and due, and neither on hold nor waiting for its lane."""
    since = scope.at - grace()
    passed = scope.at - 3 * grace()
    upload = timedelta(seconds=UPLOAD_SECONDS)
    alive = _lanes_alive(scope, since)
    alive_with_files: set[tuple[int, str]] | None = None  # most often there is none to ask for
    farthest = _farthest_claims(scope, since)
    rows = (
        scope.actions()
        .filter(
            status=Status.QUEUED, look_at__lte=since, not_before__lte=since, status_at__lte=since
        )
        .annotate(
            due_since=Greatest("look_at", "not_before", "status_at"),
            has_files=Exists(ActionFile.objects.filter(action=OuterRef("pk"))),
        )
        .values_list(
            *("pk", "account_id", "api", "kind", "priority", "not_after", "due_since", "has_files")
        )
    )
    for pk, account_id, api, kind, priority, not_after, due_since, has_files in stream(rows):
        seconds = (scope.at - due_since).total_seconds()
        if has_files and due_since > since - upload:
            continue
        if has_files and alive_with_files is None:
            alive_with_files = _lanes_alive(scope, since - upload)
        if (account_id, api) not in ((alive_with_files or set()) if has_files else alive):
            text = f"has been due for {seconds:.0f} s, and its lane stands still"
        elif (
            not has_files
            and due_since <= passed
            and (priority, not_after, pk) < farthest.get((account_id, kind), (-1, not_after, 0))
        ):
            text = f"has been due for {seconds:.0f} s, and others go before it that should not"
        else:
            continue
        yield Found(f"action {pk}", text)


def _lanes_alive(scope: Scope, since: datetime) -> set[tuple[int, str]]:
    """The lanes in which anything has happened since then, or may have (see NOT_OFFERED)."""
    claimed = scope.attempts().filter(claimed_at__gt=since)
    stepped = scope.actions().filter(status_at__gt=since).exclude(status__in=STOPPABLE)
    return {
        *claimed.values_list("action__account_id", "action__api").distinct(),
        *_lanes(stepped),
        *_lanes(
            scope.actions().filter(
                Q(api=Api.SOLICITATIONS, order__offer_checked_at__gt=since)
                | Q(api=Api.MESSAGING, look_at__gt=scope.at, reason__startswith=NOT_OFFERED)
                | Q(api=Api.MESSAGING, look_at__gt=scope.at, reason__startswith=UPLOAD_FAILED)
                | Q(
                    look_at__gt=scope.at,
                    look_at__lte=scope.at + LOOK_FAILED_AGAIN,
                    reason__startswith=UNREADABLE,
                ),
                status__in=[Status.QUEUED, *WATCHED],
            )
        ),
    }


def _lanes(actions: OutgoingActionQuerySet) -> Iterator[tuple[int, str]]:
    yield from actions.values_list("account_id", "api").distinct()


def _farthest_claims(scope: Scope, since: datetime) -> dict[tuple[int, str], Turn]:
    """By account and kind, the last place in the line from which one was claimed since then."""
    farthest: dict[tuple[int, str], Turn] = {}
    claims = (
        scope.attempts()
        .filter(claimed_at__gt=since)
        .values_list(
            "action__account_id",
            "action__kind",
            "action__priority",
            "action__not_after",
            "action_id",
        )
    )
    for account_id, kind, *turn in stream(claims):
        place = (turn[0], turn[1], turn[2])
        farthest[account_id, kind] = max(farthest.get((account_id, kind), place), place)
    return farthest
