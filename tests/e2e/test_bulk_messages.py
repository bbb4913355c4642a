"""A template for five buyers and an invoice for each of three, from the list to Amazon's record."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.e2e.browser import WIDE, Visitors
from tests.e2e.stack import Stack
from tests.e2e.steps import accounts, open_eligible, rows, select
from tests.e2e.test_pages import flaws_of

pytestmark = [pytest.mark.e2e, pytest.mark.any_database]

HARBOR = "Harbor & Pine"
TEXT = "Order {order_number} of {purchase_date} is delayed by the carrier. We look into it."
_MAKE_TEMPLATE = """
from django.contrib.auth.models import User
from django.utils import timezone
from messaging.models import MessageTemplate
MessageTemplate.objects.create(
    account_id={account}, kind="unexpectedProblem", name="Carrier is late", text={text!r},
    changed_by=User.objects.get(username="manager"), changed_at=timezone.now())
result = None
"""


def test_a_template_goes_to_five_buyers_and_an_invoice_to_three(
    stack: Stack, people: Visitors
) -> None:
    partner, account = accounts(stack)[HARBOR]
    stack.database(_MAKE_TEMPLATE.format(account=account, text=TEXT))
    offers = stack.amazon.message_offers()[partner]
    page = people.visit("operator")

    late = offered(page, offers["unexpectedProblem"], 5)
    select(page, late)
    page.get_by_role("button", name="Message…").click()
    expect(page.get_by_role("heading", name="Message for 5 orders")).to_be_visible()
    assert not flaws_of(page)
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    write(page, "Unexpected problem", 5)
    page.get_by_label("Template").select_option("Carrier is late")
    page.get_by_role("button", name="Write this").click()
    expect(page.get_by_label("Message", exact=True)).to_have_value(TEXT)
    assert not flaws_of(page)
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    page.get_by_role("button", name="Check before sending").click()
    expect(page.get_by_role("button", name="Send 5 messages")).to_be_visible()
    assert not flaws_of(page)
    page.get_by_role("button", name="Send 5 messages").dblclick()
    finished(page, 5, "Unexpected problem")
    sent = messages(stack, "createUnexpectedProblem", late)
    assert {one["order_id"]: one["times"] for one in sent} == dict.fromkeys(late, 1)
    hashes = {one["text_sha256"] for one in sent}
    assert len(hashes) == 5, "each buyer got the text with the own order's facts"
    assert page.locator("#selection-count").count() == 0

    paid = offered(page, set(offers["sendInvoice"]) - set(late), 3)
    select(page, paid)
    page.get_by_role("button", name="Message…").click()
    held: list[Route] = []
    page.route("**/js/files*.js", lambda route: held.append(route))
    write(page, "Invoice", 3)
    names = [f"{paid[0]}.txt", f"invoice_{paid[1]}.txt", f"Invoice {paid[2]}.txt", "terms.txt"]
    files = [
        FilePayload(name=name, mimeType="text/plain", buffer=f"The invoice {name}\n".encode())
        for name in names
    ]
    page.get_by_label("Add files").set_input_files(files)
    while not held:
        page.wait_for_timeout(10)
    held.pop().continue_()  # what was picked before the script came is taken too
    expect(page.locator(".file-list").get_by_role("checkbox")).to_have_count(4)
    page.get_by_role("button", name="Check before sending").click()
    expect(page.get_by_text("1 file goes to nobody")).to_be_visible()
    page.get_by_role("button", name="Send 3 messages").click()
    finished(page, 3, "Invoice")
    sent = messages(stack, "sendInvoice", paid)
    assert {one["order_id"]: one["times"] for one in sent} == dict.fromkeys(paid, 1)
    for one in sent:
        (file,) = one["attachments"]
        assert one["order_id"] in str(file["file_name"])
        content = f"The invoice {names[paid.index(one['order_id'])]}\n".encode()
        assert hashlib.sha256(content).hexdigest() == file["sha256"]


def offered(page: Page, numbers: Sequence[str] | set[str], count: int) -> list[str]:
    """So many orders on the list's first page for which Amazon offers the message."""
    open_eligible(page, HARBOR)
    shown = rows(page).locator("a[data-open]").all_inner_texts()
    found = [number for number in shown if number in numbers][:count]
    assert len(found) == count
    return found


def write(page: Page, kind: str, number: int) -> None:
    """The form of that message is open."""
    page.get_by_role("button", name=f"Write: {kind}").click()
    expect(page.get_by_role("heading", name=f"{kind} for {number} orders")).to_be_visible()


def finished(page: Page, number: int, kind: str) -> None:
    """The page of the batch says what it was, and that all of it was sent."""
    expect(page).to_have_url(re.compile(r"/batches/\d+/$"))
    expect(page.get_by_text(f"{number} messages: {kind}")).to_be_visible()
    heading = f"Finished: {number} of {number} sent"
    expect(page.get_by_role("heading", name=heading)).to_be_visible(timeout=40_000)


def messages(stack: Stack, operation: str, numbers: list[str]) -> list[dict[str, object]]:
    """What the buyers of these orders got by that operation."""
    return [
        one
        for one in stack.amazon.ledger()["messages"]
        if one["operation"] == operation and one["order_id"] in numbers
    ]
