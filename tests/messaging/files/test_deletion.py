from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from messaging.action_types import Api
from messaging.files.deletion import empty_unneeded
from messaging.files.storing import store_file
from messaging.models import ActionFile, FilePiece, StoredFile
from messaging.states import Status
from messaging.tasks import empty_files
from sellers.models import SellerAccount
from tests.factories import OrderFactory, OutgoingActionFactory, SellerAccountFactory, UserFactory
from tests.messaging.files.contents import TEXT

pytestmark = pytest.mark.django_db

OLD, YOUNG = timedelta(days=2), timedelta(hours=24)


@pytest.fixture
def account() -> SellerAccount:
    return SellerAccountFactory()  # type: ignore[no-any-return]


def kept(account: SellerAccount, age: timedelta, *statuses: Status) -> StoredFile:
    """A file of that age that goes with an action in each of these states."""
    upload = SimpleUploadedFile("a.txt", TEXT)
    file = store_file(account, upload, user=UserFactory(), at=timezone.now() - age)
    for status in statuses:
        action = OutgoingActionFactory(
            order=OrderFactory(account=account),
            kind="sendInvoice",
            api=Api.MESSAGING,
            payload={"files": []},
            payload_hash=f"{file.pk:064x}",
            status=status,
        )
        ActionFile.objects.create(action=action, file=file, place=0, name=file.name)
    return file


def has_content(file: StoredFile) -> bool:
    file.refresh_from_db()
    assert (file.emptied_at is None) == file.pieces.exists()
    return file.emptied_at is None


def test_what_nobody_needs_any_more_goes_after_a_day(account: SellerAccount) -> None:
    draft, done = kept(account, OLD), kept(account, OLD, Status.SENT, Status.REFUSED)
    young = kept(account, YOUNG)
    now = timezone.now()
    assert empty_unneeded(now) == 2
    assert not has_content(draft)
    assert not has_content(done)
    assert done.emptied_at == now
    assert has_content(young)
    assert empty_unneeded(now) == 0


@pytest.mark.parametrize("status", [Status.QUEUED, Status.HELD, Status.SENDING, Status.UNCONFIRMED])
def test_what_an_open_message_needs_stays_however_old(
    account: SellerAccount, status: Status
) -> None:
    file = kept(account, OLD, Status.CANCELLED, status)
    assert empty_unneeded(timezone.now()) == 0
    assert has_content(file)


def test_what_is_kept_of_it_is_what_it_was(account: SellerAccount) -> None:
    file = kept(account, OLD, Status.SENT)
    empty_files()
    file.refresh_from_db()
    assert file.emptied_at is not None
    assert not FilePiece.objects.exists()
    assert (file.name, file.size, len(file.sha256)) == ("a.txt", len(TEXT), 64)
    assert ActionFile.objects.get().file == file
