"""A batch: what was asked for with one click, how far it has come, and how to stop it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from messaging.clock import read_database_clock
from messaging.left_out import skipped_in_words
from messaging.models import Batch
from messaging.outbox import PILLS
from messaging.progress import (
    BatchProgress,
    Failure,
    batch_failures,
    batch_progress,
    count_states,
    in_sentence,
    requests_in_words,
)
from messaging.services import stop_batch
from messaging.states import TONES, Status
from messaging.views.batch_actions import actions_of, read_state
from messaging.views.outbox import PillLink, action_rows, is_any_moving, read_place
from orders.states import Tone
from sellers.models import Role
from solicit_dashboard.access import (
    Reach,
    get_batch,
    get_reach,
    get_user,
    log_ignored_fields,
)
from solicit_dashboard.keyset import keyset_page, pager
from solicit_dashboard.middleware import is_htmx

# Batches older than this are not looked at for the small status in the header.
RECENT = timedelta(days=1)
# The order of the states in the bar: what is done first, what waits last.
BAR_ORDER = (
    Status.SENT,
    Status.PROBABLY_SENT,
    Status.REFUSED,
    Status.UNCONFIRMED,
    Status.UNRESOLVED,
    Status.EXPIRED,
    Status.CANCELLED,
    Status.SENDING,
)


@dataclass(frozen=True)
class Segment:
    """One piece of the bar, in hundredths of its length."""

    tone: Tone
    x: float
    width: float
    title: str


@dataclass(frozen=True)
class ProgressView:
    """What the fragment that polls itself shows."""

    batch: Batch
    progress: BatchProgress
    segments: list[Segment]
    outcomes: list[tuple[str, Tone, int]]
    failures: list[Failure]
    hold_seconds: int
    hold_left: int
    may_stop: bool
    is_polling: bool


@require_safe
def batch(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The page of a batch; htmx gets the table of its actions."""
    found = get_batch(request, batch_id)
    reach = get_reach(request)
    if is_htmx(request):
        counts = count_states(found, reach.ids())
        return render(
            request, "messaging/_batch_actions.html", _table(request, found, reach, counts)
        )
    view = _progress_view(found, reach, timezone.now())
    context = _table(request, found, reach, view.progress.counts)
    context |= {
        "view": view,
        "skipped": skipped_in_words(found.left_out(reach.ids())),
        "title": _title(found, view),
    }
    return render(request, "messaging/batch.html", context)


@require_safe
def progress(request: HttpRequest, batch_id: int) -> HttpResponse:
    """How far the batch has come; the fragment asks for itself again until it is finished."""
    found = get_batch(request, batch_id)
    view = _progress_view(found, get_reach(request), timezone.now())
    if not is_htmx(request):
        return redirect("messaging:batch", found.pk)
    context = {"view": view, "announcement": "" if view.is_polling else _outcome_in_words(view)}
    response = render(request, "messaging/_progress.html", context)
    if not view.is_polling:
        response.headers["HX-Trigger"] = "batch-finished"
    return response


@require_POST
def stop(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Nothing more of the batch leaves. During the hold this is Undo."""
    found = get_batch(request, batch_id, Role.OPERATOR)
    log_ignored_fields(request, [])
    reach = get_reach(request)
    now = read_database_clock()
    stopped = stop_batch(
        found, user=get_user(request), at=now, account_ids=reach.ids(Role.OPERATOR)
    )
    sentence = (
        f"Stopped. {requests_in_words(stopped, found.type)} will not be sent."
        if stopped
        else "There was nothing left to stop."
    )
    if not is_htmx(request):
        messages.success(request, sentence)
        return redirect("messaging:batch", found.pk)
    found.refresh_from_db()
    context = {"view": _progress_view(found, reach, now), "toast": sentence}
    response = render(request, "messaging/_progress.html", context)
    response.headers["HX-Trigger"] = "batch-finished"
    return response


@require_safe
def batch_status(request: HttpRequest) -> HttpResponse:
    """The newest batch of this person that is under way, small, for the header of every page."""
    now = timezone.now()
    user = get_user(request)
    recent = Batch.objects.filter(created_by=user, created_at__gte=now - RECENT).order_by("-pk")
    account_ids = get_reach(request).ids()
    for candidate in recent[:3]:
        state = batch_progress(candidate, account_ids, now)
        if not state.is_finished:
            context = {"batch": candidate, "progress": state}
            return render(request, "messaging/_batch_status.html", context)
    return render(request, "messaging/_batch_status.html", {"batch": None})


def _progress_view(found: Batch, reach: Reach, now: datetime) -> ProgressView:
    state = batch_progress(found, reach.ids(), now)
    segments, x = [], 0.0
    for status in BAR_ORDER:
        number = state.counts.get(status, 0)
        if number:
            width = number / state.total * 100
            tone = TONES[status]
            segments.append(
                Segment(tone, round(x, 3), round(width, 3), f"{number:,} {in_sentence(status)}")
            )
            x += width
    hold = (found.release_at - found.created_at).total_seconds()
    left = (found.release_at - now).total_seconds()
    return ProgressView(
        batch=found,
        progress=state,
        segments=segments,
        outcomes=[
            (in_sentence(status), TONES[status], state.counts[status])
            for status in Status
            if state.counts.get(status)
        ],
        failures=batch_failures(found, reach.ids()) if state.failed or state.held else [],
        hold_seconds=max(1, round(hold)),
        hold_left=max(0, round(left + 0.499)) if state.stoppable else 0,
        may_stop=bool(state.stoppable and reach.ids(Role.OPERATOR)),
        is_polling=not state.is_finished,
    )


def _title(found: Batch, view: ProgressView) -> str:
    """How many of what: "46 messages: Invoice"."""
    number = requests_in_words(view.progress.total, found.type)
    return number if found.type.is_solicitation else f"{number}: {found.type.label}"


def _outcome_in_words(view: ProgressView) -> str:
    counts = ", ".join(f"{number:,} {words}" for words, _tone, number in view.outcomes)
    return f"Batch {view.batch.pk} is finished: {counts}."


def _table(
    request: HttpRequest, found: Batch, reach: Reach, counts: Mapping[Status, int]
) -> dict[str, object]:
    account_ids = reach.ids()
    chosen = read_state(request, account_ids)
    cursor, page_note = read_place(request, sort="asked")
    page = keyset_page([actions_of(found, chosen, account_ids)], "", cursor=cursor)
    rows = action_rows(page.ids, reach)
    numbers = {pill: sum(counts.get(state, 0) for state in pill.states) for pill in PILLS}
    return {
        "batch": found,
        "pills": [
            PillLink(pill.label, f"{number:,}", chosen.address(state=pill.key), pill == chosen.pill)
            for pill, number in numbers.items()
            if number or pill == chosen.pill
        ],
        "notes": [page_note] if page_note else [],
        "rows": rows,
        "pager": pager(
            page, shown=len(rows), total=f"{numbers[chosen.pill]:,}", address=chosen.address
        ),
        "here": request.get_full_path(),
        "is_moving": is_any_moving(rows),
        "export_address": reverse("messaging:export", args=[found.pk]) + chosen.address(),
    }
