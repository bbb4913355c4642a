from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import (
    SimpleUploadedFile,
    TemporaryUploadedFile,
    UploadedFile,
)
from django.utils import timezone

from messaging.files import storing
from messaging.files.refusal import FileRefusedError
from messaging.files.storing import PIECE, get_files, store_file
from messaging.models import FilePiece, FileType, StoredFile
from messaging.uploading import PieceReader
from sellers.models import SellerAccount
from spapi import MOST_UPLOAD_BYTES
from tests.factories import SellerAccountFactory, UserFactory
from tests.messaging.files.contents import TEXT, pdf, pdf_of_size

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def account() -> SellerAccount:
    return SellerAccountFactory()  # type: ignore[no-any-return]


@pytest.fixture
def user() -> User:
    return UserFactory()  # type: ignore[no-any-return]


def keep(account: SellerAccount, user: User, at: datetime | None = None) -> StoredFile:
    upload = SimpleUploadedFile("key.txt", TEXT)
    return store_file(account, upload, user=user, at=at or timezone.now())


def on_disk(name: str, content: bytes) -> UploadedFile:
    upload = TemporaryUploadedFile(name, "text/html", len(content), None)
    upload.file.write(content)
    return upload


def test_a_file_is_kept_as_it_was_checked(account: SellerAccount, user: User) -> None:
    content = pdf_of_size(2 * PIECE + 5)
    file = store_file(account, on_disk("../A.txt", content), user=user, at=NOW)
    file.refresh_from_db()
    assert (file.account, file.uploaded_by, file.uploaded_at) == (account, user, NOW)
    assert (file.name, file.content_type, file.size) == ("A.pdf", FileType.PDF, len(content))
    assert file.sha256 == sha256(content).hexdigest()
    assert not file.is_scanned
    assert file.emptied_at is None
    assert [len(piece.data) for piece in file.pieces.all()] == [PIECE, PIECE, 5]
    assert PieceReader(file).read() == content


def test_what_the_scanner_saw_is_on_record(
    account: SellerAccount, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "scan_file", lambda _file, _name: True)
    assert keep(account, user).is_scanned


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pdf", b"", "“a.pdf” is empty."),
        ("a.pdf", b"MZ\x90\x00", "“a.pdf” is a Windows program."),
        ("a\u202efdp.exe", TEXT, "turn the direction"),
    ],
)
def test_of_a_file_that_is_refused_nothing_is_kept(
    account: SellerAccount, user: User, name: str, content: bytes, words: str
) -> None:
    with pytest.raises(FileRefusedError, match=words):
        store_file(account, SimpleUploadedFile(name, content), user=user, at=NOW)
    assert not StoredFile.objects.exists()


def test_a_file_that_changes_under_the_eyes_is_refused(account: SellerAccount, user: User) -> None:
    upload = SimpleUploadedFile("a.txt", TEXT)
    upload.size += 1
    with pytest.raises(FileRefusedError, match="changed while it was read"):
        store_file(account, upload, user=user, at=NOW)
    assert not StoredFile.objects.exists()
    assert not FilePiece.objects.exists()


def test_the_largest_file_needs_little_memory(account: SellerAccount, user: User) -> None:
    # A text, so that nothing is read by another process, of which this would say nothing.
    upload = TemporaryUploadedFile("a.txt", "text/plain", MOST_UPLOAD_BYTES, None)
    for _line in range(MOST_UPLOAD_BYTES // 1024):
        upload.file.write(b"x" * 1023 + b"\n")
    tracemalloc.start()
    try:
        file = store_file(account, upload, user=user, at=NOW)
        assert tracemalloc.get_traced_memory()[1] < 3 * 1024**2
    finally:
        tracemalloc.stop()
    assert file.size == MOST_UPLOAD_BYTES
    assert file.pieces.count() == MOST_UPLOAD_BYTES // PIECE


def test_the_largest_pdf_is_read(account: SellerAccount, user: User) -> None:
    content = pdf_of_size(MOST_UPLOAD_BYTES)
    assert store_file(account, on_disk("a.pdf", content), user=user, at=NOW).size == len(content)
    with pytest.raises(FileRefusedError, match="larger than 10 MB"):
        store_file(account, on_disk("a.pdf", content + b"\n"), user=user, at=NOW)


@pytest.mark.parametrize(("limit", "most"), [("MOST_KEPT", 3 * len(TEXT)), ("MOST_FILES_KEPT", 3)])
def test_nobody_fills_the_database(
    account: SellerAccount, user: User, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(storing, limit, most)
    for _file in range(3):
        kept = keep(account, user)
    with pytest.raises(FileRefusedError, match="As many files are kept for this account"):
        keep(account, user)
    keep(SellerAccountFactory(), user)
    StoredFile.objects.filter(pk=kept.pk).update(emptied_at=NOW)
    keep(account, user)


def test_files_come_in_the_order_in_which_they_were_asked_for(
    account: SellerAccount, user: User
) -> None:
    first, second = keep(account, user), keep(account, user)
    assert get_files(account, [second.pk, first.pk, second.pk]) == [second, first]
    assert get_files(account, []) == []


def test_a_file_that_is_not_here_is_refused(account: SellerAccount, user: User) -> None:
    mine = keep(account, user)
    foreign = keep(SellerAccountFactory(), user)
    emptied = keep(account, user)
    StoredFile.objects.filter(pk=emptied.pk).update(emptied_at=NOW)
    old = keep(account, user, timezone.now() - timedelta(days=1, seconds=1))
    for other in (foreign.pk, emptied.pk, old.pk, 10**9):
        with pytest.raises(FileRefusedError, match="no longer kept here"):
            get_files(account, [mine.pk, other])


def test_a_pdf_is_stored_for_what_it_is_whatever_the_browser_said(
    account: SellerAccount, user: User
) -> None:
    upload = SimpleUploadedFile("a.exe", pdf(), content_type="text/html")
    assert store_file(account, upload, user=user, at=NOW).name == "a.exe.pdf"
