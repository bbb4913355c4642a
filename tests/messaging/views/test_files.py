"""Files come in one by one, and go out as attachments."""

from __future__ import annotations

import io
import socket
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.http import HttpResponse, QueryDict
from django.middleware.csrf import _get_new_csrf_string
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.test.client import MULTIPART_CONTENT
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from pytest_django import Settings

from messaging.action_types import SEND_INVOICE
from messaging.files import announced
from messaging.files.picking import Picker
from messaging.files.slots import AT_ONCE, upload_place
from messaging.files.storing import store_file
from messaging.models import ActionFile, StoredFile
from messaging.uploading import PieceReader
from messaging.views import files as views
from messaging.views.files import LARGEST_BODY, takes_files
from sellers.models import Role, SellerAccount
from spapi import MOST_UPLOAD_BYTES
from tests.factories import OrderFactory, SellerAccountFactory
from tests.messaging.files.contents import TEXT, pdf
from tests.messaging.files.scanner import VIRUS, judge, serving
from tests.messaging.offering import offer
from tests.messaging.views.batches import HTMX, browser_of_role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_empty")]


def address(account: SellerAccount) -> str:
    return f"/accounts/{account.pk}/files/"


def send(client: Client, account: SellerAccount, *files: SimpleUploadedFile) -> HttpResponse:
    return client.post(address(account), {"upload": files}, headers=HTMX)  # type: ignore[no-any-return]


def kept(account: SellerAccount, user: User, name: str = "a.txt") -> StoredFile:
    return store_file(account, SimpleUploadedFile(name, TEXT), user=user, at=timezone.now())


def test_a_file_is_kept_and_its_line_comes_back(
    client: Client, account: SellerAccount, operator: User
) -> None:
    response = send(client, account, SimpleUploadedFile("Beleg <1>.exe", pdf()))
    assert response.status_code == 200
    file = StoredFile.objects.get()
    assert (file.account, file.uploaded_by, file.name) == (account, operator, "Beleg _1_.exe.pdf")
    line = response.content.decode()
    assert f'name="file" value="{file.pk}"' in line
    assert "Beleg _1_.exe.pdf" in line
    assert "PDF," in line
    assert "<html" not in line


def test_a_file_that_is_refused_is_a_line_that_says_why(
    client: Client, account: SellerAccount
) -> None:
    response = send(client, account, SimpleUploadedFile("a.pdf", b"MZ\x90\x00"))
    assert response.status_code == 422
    line = response.content.decode()
    assert "“a.pdf” is a Windows program. Only PDF, PNG, JPEG and text files go to buyers." in line
    assert 'name="file"' not in line
    assert not StoredFile.objects.exists()


def test_one_file_at_a_time(client: Client, account: SellerAccount) -> None:
    response = send(client, account)
    assert (response.status_code, "No file came" in response.content.decode()) == (422, True)
    response = send(client, account, *(SimpleUploadedFile(f"{n}.txt", TEXT) for n in range(2)))
    assert (response.status_code, "One file at a time" in response.content.decode()) == (422, True)
    assert not StoredFile.objects.exists()


class Unread(io.BytesIO):
    """A body that nobody may read."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError("the body was read")


def send_unread(
    client: Client, account: SellerAccount, length: int, headers: dict[str, str] = HTMX
) -> HttpResponse:
    """The answer to a body of so many bytes, of which none may be read."""
    meta = {"CONTENT_TYPE": MULTIPART_CONTENT, "CONTENT_LENGTH": str(length)}
    path = address(account)
    return client.generic("POST", path, headers=headers, **meta, **{"wsgi.input": Unread()})  # type: ignore[return-value]


def test_what_is_larger_is_refused_before_it_is_read(
    client: Client, account: SellerAccount
) -> None:
    response = send_unread(client, account, LARGEST_BODY + 1, {})
    assert response.status_code == 413
    assert "more than 10 MB together" in response.content.decode()
    response = send_unread(client, account, LARGEST_BODY + 1)
    assert response.status_code == 422, "a line that the picker shows"
    assert response.content.strip().startswith(b'<li class="file"><span class="error"')
    assert "The file is larger than 10 MB." in response.content.decode()


class HeadOnly(io.BytesIO):
    """A body that comes as far as its first 16 KiB."""

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert 0 <= self.tell() + size <= 16 * 1024, "more of the body was read"
        return super().read(size)


def send_announced(
    client: Client,
    account: SellerAccount,
    size: int,
    *,
    behind: bytes = b"",
    secret: str = "x",
    body: type[io.BytesIO] = HeadOnly,
) -> HttpResponse:
    """The answer to a form with one file of so many bytes, of which only its beginning comes."""
    form = b'--b\r\nContent-Disposition: form-data; name="upload"; filename="a <1>.pdf"\r\n'
    form += b"Content-Type: application/pdf\r\n\r\n"
    length = len(form) + size + len(b"\r\n--b--\r\n") + len(behind)
    meta = {"CONTENT_TYPE": "multipart/form-data; boundary=b", "CONTENT_LENGTH": str(length)}
    headers = HTMX | ({"X-CSRFToken": secret} if secret else {})
    source = {"wsgi.input": body(form + b"%PDF-1.4" * 4096)}
    return client.generic("POST", address(account), headers=headers, **meta, **source)  # type: ignore[return-value]


def test_a_file_of_one_byte_too_many_is_refused_before_it_is_read(
    client: Client, account: SellerAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = "“a _1_.pdf” is larger than 10 MB."
    response = send_announced(client, account, MOST_UPLOAD_BYTES + 1)
    assert (response.status_code, refused in response.content.decode()) == (422, True)
    # The form's secret, and nothing else, may still come behind it.
    response = send_announced(client, account, MOST_UPLOAD_BYTES + 1025, secret="")
    assert (response.status_code, refused in response.content.decode()) == (422, True)
    let_in: list[object] = []

    class Parser:
        def __init__(self, *parts: object) -> None:
            let_in.append(parts)

        def parse(self) -> tuple[QueryDict, MultiValueDict[str, object]]:
            return QueryDict(), MultiValueDict()

    monkeypatch.setattr(announced, "MultiPartParser", Parser)
    send_announced(client, account, MOST_UPLOAD_BYTES)
    send_announced(client, account, MOST_UPLOAD_BYTES, behind=b"x" * 200, secret="")
    assert len(let_in) == 2


def strict_browser(operator: User) -> tuple[Client, str]:
    """A browser that is asked for the secret of its forms, and that secret."""
    client, secret = Client(enforce_csrf_checks=True), _get_new_csrf_string()
    client.force_login(operator)
    client.cookies[settings.CSRF_COOKIE_NAME] = secret
    return client, secret


def test_half_a_file_does_not_stay_on_disk(
    account: SellerAccount, operator: User, tmp_path: Path, settings: Settings
) -> None:
    client, secret = strict_browser(operator)
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    seen = []

    class CutOff(io.BytesIO):
        """A body whose sender goes after 200 kB."""

        def __init__(self, beginning: bytes) -> None:
            super().__init__(beginning + bytes(200_000 - len(beginning)))

        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size)
            if len(found) != size:
                seen.extend(tmp_path.iterdir())
                raise OSError("cut off")
            return found

    response = send_announced(client, account, 1_000_000, body=CutOff, secret=secret)
    assert response.status_code == 422
    assert "No file came." in response.content.decode()
    assert len(seen) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_behind", [False, True])
def test_the_largest_file_comes_in_with_its_secret_before_or_behind_it(
    account: SellerAccount, operator: User, *, is_behind: bool
) -> None:
    client, token = strict_browser(operator)
    secret = {"csrfmiddlewaretoken": token}
    file = {"upload": SimpleUploadedFile("a.txt", b"x" * MOST_UPLOAD_BYTES)}
    form = file | secret if is_behind else secret | file
    assert client.post(address(account), form, headers=HTMX).status_code == 200
    assert StoredFile.objects.get().size == MOST_UPLOAD_BYTES
    assert PieceReader(StoredFile.objects.get()).read(5) == b"xxxxx"


def test_the_fourth_at_once_is_refused_before_it_is_read(
    client: Client, account: SellerAccount, operator: User
) -> None:
    with ExitStack() as stack:
        for _place in range(AT_ONCE):
            stack.enter_context(upload_place(operator.pk))
        response = send_unread(client, account, 1000)
    assert response.status_code == 429
    assert "3 files of yours are on their way." in response.content.decode()
    assert send(client, account, SimpleUploadedFile("a.txt", TEXT)).status_code == 200


def test_a_form_without_the_secret_is_refused(account: SellerAccount, operator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    assert send(client, account, SimpleUploadedFile("a.txt", TEXT)).status_code == 403
    assert not StoredFile.objects.exists()


def test_files_are_on_disk_as_soon_as_they_come(operator: User) -> None:
    seen: list[object] = []

    @takes_files
    def view(request: object) -> HttpResponse:
        seen.extend(request.FILES.getlist("upload"))  # type: ignore[attr-defined]
        return HttpResponse()

    request = RequestFactory().post("/", {"upload": SimpleUploadedFile("a.txt", TEXT)})
    request.user = operator
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    assert view(request).status_code == 200
    request.close()
    assert [type(one) for one in seen] == [TemporaryUploadedFile]


def test_a_file_goes_out_as_an_attachment_only(
    client: Client, account: SellerAccount, operator: User
) -> None:
    file = kept(account, operator, "Größe; 1.txt")
    response = client.get(f"{address(account)}{file.pk}/")
    assert response.status_code == 200
    assert b"".join(response.streaming_content) == TEXT  # type: ignore[attr-defined]
    assert response["Content-Disposition"] == (
        "attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe_%201.txt"
    )
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Type"] == "text/plain"
    assert response["Content-Length"] == str(len(TEXT))
    assert "default-src 'none'" in response["Content-Security-Policy"]


def test_a_file_whose_content_is_gone_says_so(
    client: Client, account: SellerAccount, operator: User
) -> None:
    file = kept(account, operator)
    StoredFile.objects.update(emptied_at=timezone.now())
    response = client.get(f"{address(account)}{file.pk}/")
    assert response.status_code == 410
    assert views.GONE in response.content.decode()


def test_a_file_belongs_to_its_account(
    client: Client, account: SellerAccount, operator: User
) -> None:
    foreign = kept(SellerAccountFactory(), operator)
    for number in (foreign.pk, 10**9, 2**63):
        assert client.get(f"{address(account)}{number}/").status_code == 404
    viewer = browser_of_role(account, Role.VIEWER)
    assert viewer.get(f"{address(account)}{kept(account, operator).pk}/").status_code == 403
    assert send(viewer, account, SimpleUploadedFile("a.txt", TEXT)).status_code == 403


def test_the_picker_says_what_it_takes_and_what_is_missing(
    account: SellerAccount, operator: User, settings: Settings
) -> None:
    file = kept(account, operator)
    assert SEND_INVOICE.files is not None
    picker = Picker(account, SEND_INVOICE.files, [file], ["“b.exe” is a program."])
    html = render_to_string("messaging/_files.html", {"picker": picker})
    assert f'data-files="{address(account)}"' in html
    assert f'name="file" value="{file.pk}" checked' in html
    assert html.count("“b.exe” is a program.") == 1
    assert "At least 1, at most 5 files, 10 MB together." in html
    warning = "No scanner is set up: files are not checked for viruses."
    assert warning in html
    settings.FILE_SCANNER = "tcp://localhost:3310"
    assert warning not in render_to_string("messaging/_files.html", {"picker": picker})


def test_a_virus_is_refused_where_a_scanner_is_and_else_the_check_page_warns(
    client: Client, account: SellerAccount, settings: Settings
) -> None:
    order = OrderFactory(account=account)
    offer(order, SEND_INVOICE.name)
    page = f"/orders/{account.pk}/{order.amazon_order_id}/messages/{SEND_INVOICE.name}/"

    def check(content: bytes) -> str:
        form = {"step": "check", "upload": SimpleUploadedFile("a.txt", content)}
        return client.post(page, form).content.decode()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(20)
        settings.FILE_SCANNER = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        with serving(listener, judge):
            assert "The scanner for viruses says that “a.txt” is not safe." in check(VIRUS)
        assert not StoredFile.objects.exists()
        with serving(listener, judge):
            html = check(TEXT)
        assert ("Send message" in html, "not checked for viruses" in html) == (True, False)
    settings.FILE_SCANNER = None
    html = check(VIRUS)
    assert ("Send message" in html, "not checked for viruses" in html) == (True, True)


@pytest.mark.parametrize("number", [5, 6, 11])
def test_five_files_of_one_name_are_numbered_and_more_are_refused(
    client: Client, account: SellerAccount, number: int
) -> None:
    order = OrderFactory(account=account)
    offer(order, SEND_INVOICE.name)
    page = f"/orders/{account.pk}/{order.amazon_order_id}/messages/{SEND_INVOICE.name}/"
    uploads = [SimpleUploadedFile("a.txt", TEXT + bytes([65 + place])) for place in range(number)]
    response = client.post(page, {"step": "send", "upload": uploads})
    names = list(ActionFile.objects.order_by("place").values_list("name", flat=True))
    if number == 5:
        assert response.status_code == 302
        assert names == ["a.txt", *(f"a ({place}).txt" for place in range(2, 6))]
    else:
        assert response.status_code == (422 if number == 6 else 413)
        assert names == []
        if number == 6:
            assert "These are 6 files; at most 5 go together." in response.content.decode()
