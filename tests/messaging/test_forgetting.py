"""What was written to buyers goes after 30 days: the words, and not the record."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.forms.models import model_to_dict
from pytest_django import Settings

from messaging import forgetting, tasks
from messaging.decisions import Choice, choices_for
from messaging.files.deletion import empty_unneeded
from messaging.forgetting import forget_old_texts, forgotten_payload
from messaging.ledger.check import find_breaches
from messaging.models import ActionFile, OutgoingAction, StoredFile
from messaging.services import NotAllowedError, retry_action
from messaging.states import OPEN, Status
from orders.models import Order
from sellers.models import SellerAccount
from solicit_dashboard.celery import app
from spapi import Accepted
from tests.factories import DAY, UserFactory
from tests.files import keep_file
from tests.messaging.sending import NOW, due_action, due_message, lose, send, status_of

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
AFTER = NOW + 30 * DAY + SECOND
TEXT = "Shall we engrave “Léa”? 🙂"


def file_of(account: SellerAccount, name: str, **more: Any) -> StoredFile:
    """A file that was brought at NOW and whose content is gone."""
    facts = {
        "account": account,
        "name": name,
        "content_type": "application/pdf",
        "size": 1_000,
        "sha256": "0" * 64,
        "uploaded_by": UserFactory(),
        "uploaded_at": NOW,
        "emptied_at": NOW + DAY,
    }
    return StoredFile.objects.create(**facts | more)


def attach(action: OutgoingAction, *files: StoredFile) -> None:
    """These files go with the message."""
    for place, file in enumerate(files):
        ActionFile.objects.create(action=action, file=file, place=place, name=file.name)
    named = [{"name": one.name, "size": one.size, "sha256": one.sha256} for one in files]
    OutgoingAction.objects.filter(pk=action.pk).update(payload=action.payload | {"files": named})


def test_of_a_closed_message_stay_kind_hash_length_and_record() -> None:
    action = due_message(TEXT, created_at=NOW)
    send(action, Accepted(201))
    action.refresh_from_db()
    before = model_to_dict(action)
    assert forget_old_texts(AFTER - SECOND) == 0
    assert forget_old_texts(AFTER) == 1
    action.refresh_from_db()
    assert action.payload == {"text_length": 26}
    assert action.text_forgotten_at == AFTER
    rest = model_to_dict(action, exclude=["payload", "text_forgotten_at"])
    assert rest == {name: before[name] for name in rest}
    assert [*find_breaches(at=AFTER)] == []
    assert forget_old_texts(AFTER + DAY) == 0


def test_of_a_warranty_stay_its_days_and_the_size_of_its_files() -> None:
    days = {
        "coverage_start": "2026-03-01T00:00:00+01:00",
        "coverage_end": "2028-03-01T00:00:00+01:00",
    }
    files = [{"name": f"{n}.pdf", "size": 500 * n, "sha256": "0" * 64} for n in (1, 2)]
    assert forgotten_payload(days | {"files": files}) == days | {
        "file_count": 2,
        "file_bytes": 1_500,
    }
    assert forgotten_payload({}) == {}


@pytest.mark.parametrize("status", [one for one in Status if one != Status.PROBABLY_SENT])
def test_what_may_still_be_sent_keeps_its_text(status: Status) -> None:
    action = due_message(TEXT, status=status)
    forget_old_texts(AFTER)
    action.refresh_from_db()
    assert (action.payload == {"text": TEXT}) is (status in OPEN)
    assert (action.text_forgotten_at is None) is (status in OPEN)


def test_an_unclear_message_keeps_its_text_until_nobody_can_send_it_again() -> None:
    action = due_message(TEXT)
    lose(action)
    assert forget_old_texts(action.not_after) == 0
    assert forget_old_texts(action.not_after + SECOND) == 1
    action.refresh_from_db()
    assert choices_for(action) == (Choice.SEEN, Choice.LEAVE)


def test_files_of_an_unclear_message_go_with_its_text() -> None:
    """Else they would stay for ever where nobody decides: nothing can send them any more."""
    action = due_message(TEXT)
    drawing = keep_file(action.account, b"A drawing", name="Ann's drawing.pdf")
    StoredFile.objects.update(uploaded_at=NOW)
    attach(action, drawing)
    action.refresh_from_db()
    lose(action)
    assert empty_unneeded(action.not_after + SECOND) == 0
    assert forget_old_texts(action.not_after + SECOND) == 1
    assert empty_unneeded(action.not_after + SECOND) == 1
    forget_old_texts(action.not_after + SECOND)
    drawing.refresh_from_db()
    assert (drawing.name, drawing.pieces.count()) == ("", 0)
    action.refresh_from_db()
    assert choices_for(action) == (Choice.SEEN, Choice.LEAVE)


def test_a_review_request_has_no_text_and_is_left_alone() -> None:
    action = due_action(status=Status.CANCELLED)
    assert forget_old_texts(AFTER) == 0
    action.refresh_from_db()
    assert action.text_forgotten_at is None


def test_the_days_are_a_setting(settings: Settings) -> None:
    settings.MESSAGE_TEXT_DAYS = 7
    send(due_message(created_at=NOW), Accepted(201))
    assert forget_old_texts(NOW + 7 * DAY) == 0
    assert forget_old_texts(NOW + 7 * DAY + SECOND) == 1


def test_a_message_without_its_text_is_not_tried_again() -> None:
    action = due_message(TEXT, status=Status.REFUSED)
    stale = OutgoingAction.objects.get(pk=action.pk)
    forget_old_texts(AFTER)
    for known in (stale, OutgoingAction.objects.get(pk=action.pk)):
        with pytest.raises(NotAllowedError, match="text was deleted"):
            retry_action(known, user=UserFactory(), at=AFTER)
    assert status_of(action) == Status.REFUSED


def test_a_message_without_its_files_is_not_tried_again() -> None:
    action = due_message(TEXT, status=Status.REFUSED)
    attach(action, file_of(action.account, "proof.pdf"))
    with pytest.raises(NotAllowedError, match="no longer kept"):
        retry_action(action, user=UserFactory(), at=NOW + DAY)
    assert status_of(action) == Status.REFUSED


def test_a_message_that_is_tried_again_in_time_keeps_its_text() -> None:
    action = due_message(TEXT, status=Status.REFUSED)
    retry_action(action, user=UserFactory(), at=NOW + 29 * DAY)
    assert forget_old_texts(AFTER) == 0


def test_files_lose_their_names_with_the_last_message_that_names_them() -> None:
    first, second = due_message("1"), due_message("2", created_at=NOW + 5 * DAY)
    shared = file_of(first.account, "Ann's drawing.pdf")
    own = file_of(first.account, "Bob's drawing.pdf")
    unused = file_of(first.account, "Carl's drawing.pdf")
    kept = file_of(first.account, "needed.pdf", emptied_at=None)
    young = file_of(first.account, "young.pdf", uploaded_at=NOW + 5 * DAY)
    attach(first, shared, own)
    attach(second, shared)
    for action in (first, second):
        send(action, Accepted(201), now=NOW + 5 * DAY)

    def names() -> list[str]:
        files = (shared, own, unused, kept, young)
        return [StoredFile.objects.get(pk=one.pk).name for one in files]

    forget_old_texts(AFTER)
    assert names() == ["Ann's drawing.pdf", "", "", "needed.pdf", "young.pdf"]
    assert set(first.files.values_list("name", flat=True)) == {""}
    assert list(second.files.values_list("name", flat=True)) == ["Ann's drawing.pdf"]
    forget_old_texts(AFTER + 5 * DAY)
    assert names() == ["", "", "", "needed.pdf", ""]
    first.refresh_from_db()
    assert first.payload == {"text_length": 1, "file_count": 2, "file_bytes": 2_000}


def test_it_goes_on_where_it_was_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "CHUNK", 2)
    for _ in range(5):
        due_message(TEXT, status=Status.CANCELLED)
    steps = iter([False, True, True])
    assert forget_old_texts(AFTER, lambda: next(steps)) == 2
    assert forget_old_texts(AFTER) == 3
    assert not OutgoingAction.objects.filter(payload__has_key="text").exists()


def test_one_that_is_tried_again_meanwhile_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    action = due_message(TEXT, status=Status.REFUSED)
    forget = forgetting._forget

    def after_a_click(ids: list[int], before: datetime, at: datetime) -> int:
        retry_action(action, user=UserFactory(), at=AFTER)
        return forget(ids, before, at)

    monkeypatch.setattr(forgetting, "_forget", after_a_click)
    assert forget_old_texts(AFTER) == 0
    action.refresh_from_db()
    assert (action.status, action.payload) == (Status.QUEUED, {"text": TEXT})


def test_the_clockwork_does_it_every_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = app.conf.beat_schedule["forget-texts"]
    assert entry["task"] == tasks.forget_texts.name
    assert len(entry["schedule"].minute) == 1
    assert len(entry["schedule"].hour) == 24
    action = due_message(TEXT, status=Status.CANCELLED)
    monkeypatch.setattr(tasks, "read_database_clock", lambda: AFTER)
    tasks.forget_texts()
    action.refresh_from_db()
    assert action.text_forgotten_at == AFTER


def test_the_command_says_how_many() -> None:
    """By the database's clock, which is long after NOW."""
    due_message(TEXT, status=Status.CANCELLED)
    out = StringIO()
    call_command("forget_texts", stdout=out)
    assert out.getvalue() == "1 message older than 30 days: words deleted.\n"
    assert Order.objects.count() == 1
