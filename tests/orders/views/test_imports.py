"""The page of imports: what a file would do, then doing it, and nothing in between."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from orders.models import OrderHint, OrderImport
from orders.views import uploads
from sellers.models import Membership, Role
from tests.factories import MembershipFactory, OrderFactory, OrderImportFactory, UserFactory

pytestmark = pytest.mark.django_db

PAGE = "/orders/import/"
NUMBER = "302-1234567-1234567"


@pytest.fixture
def member() -> Membership:
    return MembershipFactory(role=Role.OPERATOR)  # type: ignore[no-any-return]


@pytest.fixture
def client(member: Membership) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def bring(client: Client, member: Membership, content: str | bytes, **form: Any) -> HttpResponse:
    """The answer to a file of that content."""
    raw = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile(form.pop("name", "orders.csv"), raw)
    fields = {"account": member.account_id, "text": "", "file": file, "end": "1"}
    return client.post(PAGE, fields | form)  # type: ignore[return-value]


def page_of(response: HttpResponse) -> str:
    """Its words, with spaces as a reader sees them."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def fields_of(response: HttpResponse) -> dict[str, str]:
    """The hidden fields of the form that confirms."""
    form = response.content.decode().split('name="plan"')[1]
    fields = re.findall(r'name="(\w+)" value="([^"]*)">', f'name="plan"{form}')
    return {name: unescape(value) for name, value in fields}


def confirm(client: Client, response: HttpResponse, **changes: str) -> HttpResponse:
    return client.post(PAGE, fields_of(response) | changes)  # type: ignore[return-value]


def test_a_file_is_shown_first_and_imported_when_that_is_confirmed(
    client: Client, member: Membership
) -> None:
    known = OrderFactory(account=member.account)
    elsewhere = OrderFactory(account=MembershipFactory(user=member.user).account)
    numbers = [NUMBER, NUMBER, known.amazon_order_id, elsewhere.amazon_order_id]
    shown = bring(client, member, "order,ship-city\n" + "".join(f"{one},x\n" for one in numbers))
    page = page_of(shown)
    assert shown.status_code == 200
    assert "Import 2 orders into" in page
    assert "orders.csv: 4 rows, UTF-8, separated by comma. Nothing was changed yet." in page
    assert "Unknown orders, which Amazon is asked for 1" in page
    assert "Duplicate rows, counted once 1" in page
    assert "Orders of another account, left out 1" in page
    assert "Not looked at: ship-city." in page
    assert not OrderImport.objects.exists()
    assert not OrderHint.objects.exists()

    done = confirm(client, shown)
    assert (done.status_code, done.headers["Location"]) == (302, PAGE)
    assert {hint.amazon_order_id for hint in OrderHint.objects.all()} == set(numbers[1:3])
    page = page_of(client.get(PAGE))
    assert "orders.csv: orders that are new: 1, that were here: 1. Amazon is being asked" in page
    assert f"{member.user.username}: 4 rows , 1 new, 1 known" in page.replace("rows,", "rows ,")

    # the button twice, or the page sent once more
    assert confirm(client, shown).status_code == 302
    assert OrderImport.objects.count() == 1


def test_numbers_can_be_pasted(client: Client, member: Membership) -> None:
    form = {"account": member.account_id, "text": f"{NUMBER}\r\n302-1234567-1234568", "end": "1"}
    shown = client.post(PAGE, form)
    assert "Import 2 orders into" in page_of(shown)  # type: ignore[arg-type]
    confirm(client, shown)  # type: ignore[arg-type]
    assert OrderImport.objects.get().file_name == "pasted text"


def test_bad_rows_are_listed_and_nothing_is_imported_unless_they_are_skipped(
    client: Client, member: Membership
) -> None:
    rows = [f"302-{n:07d}-1234567" for n in range(200)] + ["1.11E+16"] * 120
    shown = bring(client, member, "order\n" + "\n".join(rows))
    page = page_of(shown)
    assert "Skip 120 bad rows and import 200 orders" in page
    assert "202 amazon-order-id 1.11E+16 Excel changed this number; format" in page
    assert "and 20 more bad rows." in page
    refused = confirm(client, shown, skip_bad_rows="")
    assert refused.status_code == 409
    assert "120 rows are bad." in page_of(refused)
    assert not OrderImport.objects.exists()
    assert confirm(client, shown).status_code == 302
    made = OrderImport.objects.get()
    assert (made.new, made.bad_rows, OrderHint.objects.count()) == (200, 120, 200)


def test_the_same_file_is_known_again(client: Client, member: Membership) -> None:
    confirm(client, bring(client, member, NUMBER))
    again = bring(client, member, NUMBER, name="other.csv")
    page = page_of(again)
    assert re.search(rf"Imported on \S+ \S+ \S+ by {member.user.username}; import again\?", page)
    assert "Import 1 order again" in page
    assert confirm(client, again).status_code == 302
    assert OrderImport.objects.count() == 2


def test_windows_1252_is_offered_with_the_lines_that_hang_on_it(
    client: Client, member: Membership
) -> None:
    shown = bring(client, member, f"order;title\n{NUMBER};Müsli\n".encode("cp1252"))
    page = page_of(shown)
    assert "Windows-1252, separated by semicolon" in page
    assert f"go on only if these lines are right. Line 2 {NUMBER};Müsli" in page
    assert "is not in UTF-8" not in page_of(bring(client, member, NUMBER))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file has no rows."),
        (b"amazon-order-id\n", "The file has no rows."),
        (b"PK\x03\x04 xl/workbook.xml", "This is an Excel file. Save as CSV."),
        (b"sku,date\na,b\n", "The column “amazon-order-id” is missing."),
        (b'order\n"302', "Line 2: quote never closed."),
        (b"order\n302\0\n", "Line 2 has a NUL character"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(
    client: Client, member: Membership, content: bytes, sentence: str
) -> None:
    response = bring(client, member, content)
    assert response.status_code == 422
    assert sentence in page_of(response)


def test_a_name_is_shown_cleaned(client: Client, member: Membership) -> None:
    shown = bring(client, member, NUMBER, name="<b>\u202egnp.csv")
    assert "&lt;b&gt;gnp.csv" in shown.content.decode()
    confirm(client, shown)
    assert OrderImport.objects.get().file_name == "<b>gnp.csv"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"text": "", "file": ""}, "Paste something, or choose a file."),
        ({"text": NUMBER}, "Give one of the two: a text or a file."),
    ],
)
def test_one_of_text_and_file_is_wanted(
    client: Client, member: Membership, form: dict[str, str], sentence: str
) -> None:
    response = bring(client, member, NUMBER, **form)
    assert response.status_code == 422
    assert sentence in page_of(response)


def test_the_plan_is_good_for_the_person_and_the_hour(
    client: Client, member: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = bring(client, member, NUMBER)
    other = Client()
    other.force_login(MembershipFactory(account=member.account).user)
    assert confirm(other, shown).status_code == 400
    assert confirm(client, shown, plan=fields_of(shown)["plan"][:-2]).status_code == 400
    assert client.post("/exclusions/add/", fields_of(shown)).status_code == 400
    Membership.objects.update(role=Role.VIEWER)
    assert confirm(client, shown).status_code == 403
    Membership.objects.update(role=Role.OPERATOR)
    monkeypatch.setattr(uploads, "GOOD_FOR_SECONDS", -1)
    late = confirm(client, shown)
    assert late.status_code == 400
    assert "This page is too old. Bring the file once more." in page_of(late)
    assert not OrderImport.objects.exists()


def test_only_accounts_for_which_one_may_send_can_be_chosen(
    client: Client, member: Membership
) -> None:
    seen = MembershipFactory(user=member.user, role=Role.VIEWER).account
    foreign = MembershipFactory(user=UserFactory()).account
    page = client.get(PAGE).content.decode()
    assert member.account.name in page
    assert f'value="{seen.pk}"' not in page
    assert bring(client, member, NUMBER, account=seen.pk).status_code == 403
    assert bring(client, member, NUMBER, account=foreign.pk).status_code == 404
    assert bring(client, member, NUMBER, account="x").status_code == 400


def test_an_order_of_an_account_that_one_cannot_see_looks_unknown(
    client: Client, member: Membership
) -> None:
    hidden = OrderFactory()
    page = page_of(bring(client, member, hidden.amazon_order_id))
    assert "Orders of another account, left out 0" in page
    assert "Unknown orders, which Amazon is asked for 1" in page


def test_an_import_that_was_cut_off_says_so(client: Client, member: Membership) -> None:
    OrderImportFactory(account=member.account, finished_at=None)
    assert "Not finished: import it again" in page_of(client.get(PAGE))  # type: ignore[arg-type]


def test_ones_way_here_begins_at_the_orders(client: Client, member: Membership) -> None:
    assert f'href="{PAGE}"' in client.get("/orders/").content.decode()
    Membership.objects.update(role=Role.VIEWER)
    assert f'href="{PAGE}"' not in client.get("/orders/").content.decode()


def test_how_long_amazon_takes_counts_what_waits_already(
    client: Client, member: Membership
) -> None:
    now = timezone.now()
    OrderHint.objects.bulk_create(
        OrderHint(
            account=member.account,
            amazon_order_id=f"303-{n:07d}-1234567",
            heard_at=now,
            due_at=now + timedelta(days=1),
        )
        for n in range(299)
    )
    page = page_of(bring(client, member, NUMBER))
    assert "one order every 2 seconds: the last is read within 10 min, at most." in page
