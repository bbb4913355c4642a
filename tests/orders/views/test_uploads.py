"""What comes in by a form: neither too much of it, nor half of it."""

from __future__ import annotations

import io

import pytest
from django.test import Client, RequestFactory
from django.test.client import BOUNDARY, MULTIPART_CONTENT, ClientHandler, encode_multipart

from orders.csv_import.text import LARGEST_FILE
from orders.models import OrderHint, OrderImport
from orders.views.uploads import LARGEST_BODY
from sellers.models import Membership, Role
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db

PAGE = "/orders/import/"


class Unread(io.BytesIO):
    """A body that nobody may read."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError("the body was read")


@pytest.fixture
def member() -> Membership:
    return MembershipFactory(role=Role.OPERATOR)  # type: ignore[no-any-return]


@pytest.fixture
def operator(member: Membership) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def ask(client: Client, body: io.BytesIO, length: str) -> tuple[int, str]:
    """The status and the page, for a body that comes as a server hands it on."""
    environ = RequestFactory().post(PAGE, content_type=MULTIPART_CONTENT).environ | {
        "wsgi.input": body,
        "CONTENT_LENGTH": length,
        "HTTP_COOKIE": "; ".join(f"{name}={one.value}" for name, one in client.cookies.items()),
    }
    response = ClientHandler()(environ)
    return response.status_code, response.content.decode()


def body(member: Membership, client: Client) -> bytes:
    """The form as a browser sends it, the file before the last field."""
    page = client.get(PAGE).content.decode()
    secret = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    file = io.BytesIO("\n".join(f"302-{n:07d}-1234567" for n in range(200)).encode())
    file.name = "orders.csv"
    fields = {"csrfmiddlewaretoken": secret, "account": member.account_id, "text": ""}
    return encode_multipart(BOUNDARY, fields | {"file": file, "end": "1"})


def test_a_body_that_is_too_large_is_refused_unread(operator: Client) -> None:
    for length in (str(LARGEST_BODY + 1), str(200 * 1024**2), "many"):
        status, page = ask(operator, Unread(), length)
        assert status == 413
        assert "larger than 5 MB" in page


def test_a_file_as_large_as_it_may_be_is_read(member: Membership, operator: Client) -> None:
    file = io.BytesIO(b"order,x\n" + (b"302-1234567-1234567," + b"x" * 500 + b"\n") * 11_000)
    file.truncate(LARGEST_FILE)
    file.seek(0)
    file.name = "orders.csv"
    form = {"account": member.account_id, "file": file, "end": "1"}
    assert operator.post(PAGE, form).status_code == 200


@pytest.mark.parametrize("is_length_known", [True, False])
@pytest.mark.parametrize("share", [0.6, 0.97])
def test_an_upload_that_was_cut_off_is_a_400_and_nothing_is_done(
    member: Membership, operator: Client, share: float, is_length_known: bool
) -> None:
    whole = body(member, operator)
    status, page = ask(operator, io.BytesIO(whole), str(len(whole)))
    assert status == 200, page
    cut = whole[: int(len(whole) * share)]
    assert b"302-0000100" in cut
    length = len(whole) if is_length_known else len(cut)
    status, page = ask(operator, io.BytesIO(cut), str(length))
    assert status == 400
    assert "The upload was cut off before its end. Nothing was imported." in page
    assert not OrderImport.objects.exists()
    assert not OrderHint.objects.exists()
