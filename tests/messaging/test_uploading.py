"""The files of messages: read in pieces, uploaded before the look, again where that failed."""

from __future__ import annotations

import io
import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from messaging import driver, tasks, uploading
from messaging.action_types import MESSAGES
from messaging.delivery import Uploads
from messaging.lanes import UPLOADS_AT_ONCE, Lane
from messaging.looks import Look, record_looks
from messaging.models import FilePiece, OutgoingAction, StoredFile
from messaging.states import Status
from messaging.uploading import FileGoneError, PieceReader, needs_uploads, upload_files
from spapi import Attachment, ConnectFailed, LimitReached, SpApiError, UploadFailed
from tests.factories import SellerAccountFactory
from tests.files import keep_file
from tests.messaging.filing import DESTINATION, UPLOAD, make_due, write_with_files
from tests.messaging.sending import NOW, due_message, job_of
from tests.messaging.shard import MESSAGE_LIST, Shard, drive, driving, states, wait_until

MakeShard = Callable[..., Shard]
CLICKS_AT_ONCE = UPLOADS_AT_ONCE + 1
FILES = {"files": [{"name": "a.pdf", "size": 1, "sha256": "0"}]}


def rule(operation: str, do: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"operation": operation, "do": do, **more}


# Reading


@pytest.mark.django_db
@pytest.mark.any_database
@pytest.mark.parametrize("piece", [7, 100, 999, 1000, 5000])
def test_a_file_reads_the_same_whatever_its_pieces(piece: int) -> None:
    content = bytes(number % 251 for number in range(1000))
    file = keep_file(SellerAccountFactory(), content, piece=piece)
    reader = io.BufferedReader(PieceReader(file), buffer_size=64)
    assert reader.seek(0, io.SEEK_END) == 1000
    assert reader.read(1) == b""
    for start, length in ((0, 1000), (998, 10), (3, 500), (0, 1), (700, 300)):
        reader.seek(start)
        assert reader.read(length) == content[start : start + length]
    reader.seek(0)
    assert b"".join(iter(lambda: reader.read(33), b"")) == content


@pytest.mark.django_db
def test_a_file_whose_content_is_gone_is_never_read_as_an_empty_one() -> None:
    file = keep_file(SellerAccountFactory(), b"x" * 1000, piece=400)
    FilePiece.objects.filter(file=file, number=2).delete()
    reader = PieceReader(file)
    reader.seek(800)
    with pytest.raises(FileGoneError, match="is no longer here"):
        reader.readinto(memoryview(bytearray(10)))


@pytest.mark.django_db
def test_uploads_are_used_for_ten_minutes() -> None:
    job = job_of(due_message(), payload=FILES)
    assert needs_uploads(job, NOW)
    job.uploads = Uploads((Attachment("1", "a.pdf"),), NOW)
    assert not needs_uploads(job, NOW + timedelta(minutes=10))
    assert needs_uploads(job, NOW + timedelta(minutes=10, seconds=1))
    assert not needs_uploads(job_of(due_message("No files")), NOW)


# The lane


@pytest.fixture
def lane(db: None) -> Lane:
    account = SellerAccountFactory()
    client: Any = None
    return Lane(account, "messaging", client, now=0.0)


def test_what_is_uploaded_waits_beside_the_lane(lane: Lane) -> None:
    plain = job_of(due_message("plain"))
    with_files = [job_of(due_message(f"files {n}"), payload=FILES, priority=1) for n in range(4)]
    lane.add([*with_files, plain])
    uploading_now = [lane.next_upload() for _ in range(UPLOADS_AT_ONCE)]
    assert lane.next_upload() is None
    assert lane.next_look(100.0, NOW) is plain, "not one that waits for its files"
    assert lane.next_look(100.0, NOW) is None
    first = uploading_now[0]
    assert first is not None
    assert lane.has_uploads
    first.uploads = Uploads((), NOW)
    lane.upload_is_over(first)
    assert lane.next_look(100.0, NOW) is first
    assert lane.next_upload() is not None
    assert set(lane.waiting()) == {with_files[3].action_id}
    lane.keep_only([])
    assert lane.waiting() == []


def test_a_click_goes_up_beside_the_uploads_of_a_batch(lane: Lane) -> None:
    lane.add([job_of(due_message(f"{n}"), payload=FILES, priority=1) for n in range(5)])
    assert len([*iter(lane.next_upload, None)]) == UPLOADS_AT_ONCE
    clicks = [job_of(due_message(f"click {n}"), payload=FILES) for n in range(2)]
    lane.add(clicks)
    assert [*iter(lane.next_upload, None)] == clicks[:1]


def test_uploads_that_grew_old_before_their_look_are_made_anew(lane: Lane) -> None:
    job = job_of(due_message(), payload=FILES)
    lane.add([job])
    assert lane.next_upload() is job
    job.uploads = Uploads((), NOW)
    lane.upload_is_over(job)
    later = NOW + uploading.UPLOAD_GOOD_FOR + timedelta(seconds=1)
    assert lane.has_uploads, "what is uploaded waits for its look"
    assert lane.next_look(100.0, later) is None
    assert job.uploads is None
    assert not lane.has_uploads
    assert lane.next_upload() is job


def test_no_more_is_uploaded_ahead_than_can_leave_in_time(lane: Lane) -> None:
    lane.add([job_of(due_message(f"{n}"), payload=FILES) for n in range(25)])
    done = 0
    while (job := lane.next_upload()) is not None:
        job.uploads = Uploads((), NOW)
        lane.upload_is_over(job)
        done += 1
    assert done == 20


# What a failure leaves


def fail(action: OutgoingAction, error: SpApiError, now: Any = NOW) -> OutgoingAction:
    record_looks([Look(job_of(action), error, now, at_upload=True)], now=now)
    action.refresh_from_db()
    return action


@pytest.mark.django_db
@pytest.mark.any_database
def test_an_upload_that_fails_for_days_is_tried_ever_more_rarely_with_its_reason_shown() -> None:
    action = due_message()
    waits = []
    now = NOW
    for _ in range(9):
        fail(action, ConnectFailed("refused", reason="refused"), now)
        waits.append((action.look_at - now) // timedelta(minutes=1))
        assert action.status == Status.QUEUED
        assert action.reason == "A file could not be uploaded: the connection was refused"
        now = action.look_at
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    fail(action, LimitReached(5.0), now)
    assert action.look_at - now < timedelta(minutes=1), "our own rate is no fault of the storage"


@pytest.mark.django_db
@pytest.mark.any_database
def test_a_file_that_is_gone_ends_the_message_in_words() -> None:
    action = fail(due_message(), FileGoneError("the content of a.pdf is no longer here"))
    assert action.status == Status.CANCELLED
    assert action.reason == "Not sent: the content of a.pdf is no longer here"


# The driver

FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "expired": (rule(UPLOAD, {"kind": "expired"}), "the address of the upload has expired"),
    "refused": (rule(UPLOAD, {"kind": "status", "status": 403}), "does not take the file"),
    "cut": (rule("uploadBody", {"kind": "cut_upload", "share": 0.5}), ""),
    "away": (rule(UPLOAD, {"kind": "reset", "at": "before_read"}), ""),
    "down": (rule(UPLOAD, {"kind": "status", "status": 503}), "no good answer"),
    "elsewhere": (
        rule(
            DESTINATION,
            {
                "kind": "body",
                "status": 201,
                "text": '{"payload": {"uploadDestinationId": "1", "headers": {},'
                ' "url": "http://169.254.169.254/latest"}}',
            },
        ),
        "",
    ),
    "no address": (rule(DESTINATION, {"kind": "hang", "seconds": 5}), ""),
    "moved": (rule(UPLOAD, {"kind": "redirect", "location": "http://127.0.0.1:1/"}), ""),
}


def test_a_message_is_delivered_once_with_all_its_files_in_their_order(
    make_shard: MakeShard,
) -> None:
    shard = make_shard(orders=300)
    contents = [b"%PDF-1.4 first", b"%PDF-1.4 second" * 30_000, b"%PDF-1.4 third"]
    written = write_with_files(shard, 3, contents=contents)
    assert drive() is False
    assert states() == {Status.SENT: 3}
    posts = shard.posts()
    assert len(posts) == 3
    assert {post["order_id"] for post in posts} == {one.order.amazon_order_id for one in written}
    names = ["Invoice.pdf", "Invoice (2).pdf", "Invoice (3).pdf"]
    for post in posts:
        assert [one["file_name"] for one in post["attachments"]] == names
        assert [one["sha256"] for one in post["attachments"]] == [
            sha256(content).hexdigest() for content in contents
        ]


@pytest.mark.any_database
def test_amazon_refuses_nothing_of_what_is_asked_for_messages_of_every_kind(
    make_shard: MakeShard,
) -> None:
    """No wrong MD5, header, path or body, no file that is not there: the sandbox refuses them all."""
    shard = make_shard(orders=1_000)
    for kind, type_ in MESSAGES.items():
        payload = {"text": "Der Schlüssel: 1-2-3."} if type_.text else {}
        if type_.coverage:
            payload |= {"coverage_start": str(NOW), "coverage_end": str(NOW + timedelta(days=730))}
        # two where it takes any, with a name that they share
        contents = [b"%PDF-1.4 a", b"%PDF-1.4 b"] if type_.files else []
        write_with_files(shard, 1, kind, contents, **payload)
    assert drive() is False
    assert states() == {Status.SENT: len(MESSAGES)}
    answers: Counter[str] = Counter()
    for line in shard.amazon.stats()["operations"]:
        answers.update(line["statuses"].keys())
    assert set(answers) <= {"200", "201"}
    posts = shard.posts()
    assert len({post["operation"] for post in posts}) == len(posts) == len(MESSAGES)
    assert sum(len(post["attachments"]) for post in posts) == shard.requests(UPLOAD) > 8


def test_ten_megabytes_go_up_in_constant_memory(make_shard: MakeShard) -> None:
    shard = make_shard(orders=300, process=True)
    (action,) = write_with_files(shard, 1)
    file = StoredFile.objects.get()
    FilePiece.objects.filter(file=file).delete()
    for number in range(40):
        FilePiece.objects.create(file=file, number=number, data=b"x" * 262_144)
    StoredFile.objects.update(size=10 * 1024 * 1024)
    job = job_of(action)
    upload_files(job, timezone.now())  # what is made once, connections and caches
    tracemalloc.start()
    try:
        (attachment,) = upload_files(job, timezone.now()).attachments
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert attachment.file_name == "Invoice.pdf"
    assert shard.requests(UPLOAD) == 2
    assert peak < 2 * 1024 * 1024, f"{peak:,} bytes for a file of {10 * 1024 * 1024:,}"


@pytest.mark.any_database
def test_f61_no_fault_of_an_upload_lets_a_message_leave_and_each_is_mended_by_another(
    make_shard: MakeShard, settings: Any
) -> None:
    settings.CALL_DEADLINE_SECONDS = 1.0
    shard = make_shard(orders=300)
    written = write_with_files(shard, len(FAULTS))
    shard.amazon.set_faults([one | {"when": {"times": 1}} for one, _ in FAULTS.values()])
    assert drive() is False
    assert shard.posts() == []
    assert shard.requests(MESSAGE_LIST) == 0
    assert states() == {Status.QUEUED: len(FAULTS)}
    reasons = [action.reason for action in OutgoingAction.objects.all()]
    assert all(reason.startswith("A file could not be uploaded: ") for reason in reasons)
    for _, words in FAULTS.values():
        assert any(words in reason for reason in reasons)
    before = shard.requests(DESTINATION)
    make_due(written)
    assert drive() is False
    assert states() == {Status.SENT: len(FAULTS)}
    assert shard.requests(DESTINATION) - before == len(FAULTS), "each file has a new address"
    assert [post["accepted"] for post in shard.posts()] == [True] * len(FAULTS)


def test_a_second_look_uses_the_uploads_of_the_first(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = make_shard(orders=300)
    (written,) = write_with_files(shard, 1)
    monkeypatch.setattr("messaging.lanes.LOOK_GOOD_FOR", timedelta(0))
    looks = lambda: shard.requests(MESSAGE_LIST)  # noqa: E731
    with driving():
        wait_until(lambda: looks() >= 3, "looked at again and again")
    assert shard.requests(UPLOAD) == 1
    written.refresh_from_db()
    assert written.status == Status.QUEUED


@pytest.mark.any_database
def test_a_slow_storage_keeps_no_other_message_waiting_and_no_driver_from_ending(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = make_shard(orders=300)
    shard.amazon.set_faults([rule(UPLOAD, {"kind": "hang", "seconds": 60})])
    written = write_with_files(shard, 6)
    shard.write(12)
    with driving():
        wait_until(lambda: states()[Status.SENT] == 12, "the messages without files")
        assert shard.requests(UPLOAD) <= CLICKS_AT_ONCE
    # the driver has ended beside its uploads, and the next one begins them anew
    assert states() == {Status.SENT: 12, Status.QUEUED: 6}
    shard.amazon.set_faults([])
    assert drive() is False
    assert states() == {Status.SENT: 18}
    assert len([post for post in shard.posts() if post["attachments"]]) == len(written)


def test_a_database_that_is_away_while_a_file_is_read_costs_a_try(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = make_shard(orders=300)
    written = write_with_files(shard, 1)
    away = [True]
    read = PieceReader.readinto

    def readinto(self: PieceReader, buffer: memoryview) -> int:
        if away and threading.current_thread().name.startswith("upload"):
            away.clear()
            raise OperationalError("gone")
        return read(self, buffer)

    monkeypatch.setattr(PieceReader, "readinto", readinto)
    assert drive() is False
    action = OutgoingAction.objects.get()
    assert (
        action.reason
        == "A file could not be uploaded: the file could not be read: OperationalError"
    )
    make_due(written)
    assert drive() is False
    assert states() == {Status.SENT: 1}


def test_a_file_that_was_emptied_ends_its_message_and_no_other(make_shard: MakeShard) -> None:
    shard = make_shard(orders=300)
    gone, _there = write_with_files(shard, 2)
    file = StoredFile.objects.get(uses__action=gone)
    FilePiece.objects.filter(file=file).delete()
    StoredFile.objects.filter(pk=file.pk).update(emptied_at=timezone.now())
    assert drive() is False
    assert states() == {Status.SENT: 1, Status.CANCELLED: 1}
    gone.refresh_from_db()
    assert gone.reason == "Not sent: the content of Invoice.pdf is no longer here"


@pytest.mark.django_db(transaction=True)
def test_a_message_never_goes_without_one_of_its_files() -> None:
    action = due_message()
    job = job_of(action, payload=FILES)
    job.account.refresh_token = "Atzr|x"
    with pytest.raises(FileGoneError, match="no longer known"):
        upload_files(job, NOW)


@pytest.mark.any_database
def test_the_time_for_all_files_of_a_message_is_shared(
    make_shard: MakeShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = make_shard(orders=300)
    (action,) = write_with_files(shard, 1, contents=[b"%PDF-1.4 a", b"%PDF-1.4 b"])
    monkeypatch.setattr(uploading, "UPLOAD_SECONDS", 0.5)
    shard.amazon.set_faults([rule(UPLOAD, {"kind": "latency", "ms": 800})])
    with pytest.raises(UploadFailed) as caught:
        upload_files(job_of(action), timezone.now())
    assert caught.value.reason == "deadline"
    assert shard.requests(UPLOAD) == 1


@pytest.mark.any_database
def test_what_takes_longer_to_go_up_than_a_driver_lasts_is_sent_by_that_driver(
    make_shard: MakeShard,
) -> None:
    """Left behind, it would go up anew for each driver, and never leave."""
    shard = make_shard(orders=300)
    shard.amazon.set_faults([rule(UPLOAD, {"kind": "latency", "ms": 1_100})])
    write_with_files(shard, CLICKS_AT_ONCE + 1)
    # those that did not begin in its time are the next driver's, so that the first one ends
    assert drive(seconds=1.0) is True
    assert states() == {Status.SENT: CLICKS_AT_ONCE, Status.QUEUED: 1}
    assert shard.requests(UPLOAD) == CLICKS_AT_ONCE


def test_a_driver_stays_longer_than_an_upload_may_take() -> None:
    assert driver.MOST_OVERTIME * tasks.DRIVE_SECONDS > uploading.UPLOAD_SECONDS + 45
