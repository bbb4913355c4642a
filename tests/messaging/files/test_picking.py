from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone

from messaging.action_types import MESSAGES, WARRANTY
from messaging.files.picking import MOST_FILES, Picker, read_files
from messaging.files.storing import GONE, store_file
from messaging.models import StoredFile
from sellers.models import SellerAccount
from spapi import MOST_UPLOAD_BYTES
from tests.factories import SellerAccountFactory, UserFactory
from tests.messaging.files.contents import TEXT

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> SellerAccount:
    return SellerAccountFactory()  # type: ignore[no-any-return]


@pytest.fixture
def user() -> User:
    return UserFactory()  # type: ignore[no-any-return]


def fresh(name: str, content: bytes = TEXT) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def form(user: User, *uploads: SimpleUploadedFile, file: object = ()) -> HttpRequest:
    request = RequestFactory().post("/", {"upload": uploads, "file": file})
    request.user = user
    return request


def read(account: SellerAccount, request: HttpRequest) -> tuple[list[str], list[str]]:
    files, faults = read_files(request, account, at=timezone.now())
    request.close()
    return [file.name for file in files], faults


def test_kept_files_and_fresh_ones_come_together(account: SellerAccount, user: User) -> None:
    kept = store_file(account, fresh("kept.txt"), user=user, at=timezone.now())
    request = form(user, fresh("b.txt"), fresh("a.txt"), file=kept.pk)
    assert read(account, request) == (["kept.txt", "b.txt", "a.txt"], [])
    assert StoredFile.objects.count() == 3


def test_each_fault_is_a_sentence_and_the_others_are_taken(
    account: SellerAccount, user: User
) -> None:
    request = form(user, fresh("a.exe", b"MZ\x90\x00"), fresh("b.txt"), fresh("c.pdf", b""))
    names, faults = read(account, request)
    assert names == ["b.txt"]
    assert [fault.split(".")[0] for fault in faults] == ["“a", "“c"]
    assert "is a Windows program" in faults[0]
    assert "is empty" in faults[1]


def test_too_many_are_named_and_none_is_stored(account: SellerAccount, user: User) -> None:
    uploads = [fresh(f"{n}.txt") for n in range(MOST_FILES + 1)]
    assert read(account, form(user, *uploads)) == (
        [],
        ["These are 6 files; at most 5 go together."],
    )
    assert not StoredFile.objects.exists()


def test_too_much_together_is_named_and_none_is_stored(account: SellerAccount, user: User) -> None:
    half = b"x" * (MOST_UPLOAD_BYTES // 2)
    names, faults = read(account, form(user, fresh("a.txt", half), fresh("b.txt", half + b"x")))
    assert (names, len(faults)) == ([], 1)
    assert "more than 10 MB together" in faults[0]
    assert not StoredFile.objects.exists()
    kept = store_file(account, fresh("a.txt", half), user=user, at=timezone.now())
    names, faults = read(account, form(user, fresh("b.txt", half + b"x"), file=kept.pk))
    assert (names, len(faults)) == (["a.txt"], 1)


@pytest.mark.parametrize("given", ["x", "-1", "", "1" * 19, "²", "1.0"])
def test_what_is_no_id_is_no_file(account: SellerAccount, user: User, given: str) -> None:
    names, faults = read(account, form(user, file=given))
    assert names == []
    assert "no longer kept here" in faults[0]


def test_a_file_of_another_account_is_no_file(account: SellerAccount, user: User) -> None:
    foreign = store_file(SellerAccountFactory(), fresh("a.txt"), user=user, at=timezone.now())
    names, faults = read(account, form(user, file=foreign.pk))
    assert names == []
    assert "no longer kept here" in faults[0]


def test_what_is_gone_takes_nothing_else_with_it(account: SellerAccount, user: User) -> None:
    ids = [
        store_file(account, fresh(f"{n}.txt"), user=user, at=timezone.now()).pk for n in range(3)
    ]
    StoredFile.objects.filter(pk=ids[1]).update(emptied_at=timezone.now())
    names, faults = read(account, form(user, fresh("b.txt"), file=[ids[2], ids[1], ids[2], ids[0]]))
    assert names == ["2.txt", "0.txt", "b.txt"]
    assert faults == [GONE]


def test_the_picker_knows_what_the_message_takes(account: SellerAccount) -> None:
    assert WARRANTY.files is not None
    picker = Picker(account, WARRANTY.files)
    assert (picker.limits.least, picker.limits.most, picker.most_megabytes) == (1, 5, 10)
    assert not picker.has_scanner
    assert all(kind.files is None or kind.files.most <= MOST_FILES for kind in MESSAGES.values())
