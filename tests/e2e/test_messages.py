"""Each of Amazon's messages from its list to the buyer, in a real browser.

What is true is what the sandbox recorded. An operation of which no order of the moment has the state
is offered by a rule of faults.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import Visitors
from tests.e2e.stack import Stack
from tests.e2e.steps import reload_until

pytestmark = [pytest.mark.e2e, pytest.mark.any_database]

TEXT = "About your order: the colour that you chose is not in stock. Which one may we send?"
TERMS = "Two years on material and workmanship.\n"
# The name in Amazon's list: its operation, and what it is called here.
MESSAGES = {
    "confirmOrderDetails": ("createConfirmOrderDetails", "Question before shipping"),
    "confirmCustomizationDetails": (
        "confirmCustomizationDetails",
        "Question about customization",
    ),
    "confirmDeliveryDetails": ("createConfirmDeliveryDetails", "Delivery arrangement"),
    "confirmServiceDetails": ("createConfirmServiceDetails", "Home Services arrangement"),
    "unexpectedProblem": ("createUnexpectedProblem", "Unexpected problem"),
    "digitalAccessKey": ("createDigitalAccessKey", "Digital access key"),
    "legalDisclosure": ("createLegalDisclosure", "Legal disclosure"),
    "sendInvoice": ("sendInvoice", "Invoice"),
    "warranty": ("CreateWarranty", "Warranty"),
    "amazonMotors": ("CreateAmazonMotors", "Amazon Motors documents"),
    "negativeFeedbackRemoval": (
        "createNegativeFeedbackRemoval",
        "Removal of negative feedback",
    ),
}
_WRITABLE = """
from django.utils import timezone
from messaging.order_rules import open_to_messages
now = timezone.now()
result = {
    number: f"/orders/{account}/{number}/"
    for number, account, ends in open_to_messages().values_list(
        "amazon_order_id", "account_id", "latest_delivery_at"
    )
    if ends is None or (now - ends).days < 25
}
"""


@pytest.fixture(autouse=True)
def _amazon_saw_nothing_wrong(stack: Stack) -> Iterator[None]:
    """No message twice, and never too fast."""
    yield
    stack.amazon.set_faults([])
    stats = stack.amazon.stats()
    assert stats["throttled"] == 0
    assert stats["messages"]["duplicates"]["total"] == 0


def test_each_message_goes_from_the_list_to_the_buyer(stack: Stack, people: Visitors) -> None:
    before, asked = len(stack.amazon.ledger()["messages"]), operations(stack)
    addresses = addresses_by_kind(stack)
    page = people.visit("operator")
    for kind, address in addresses.items():
        write(page, kind, address)
    delivered = {}
    for kind, address in addresses.items():
        page.goto(address)
        label = MESSAGES[kind][1]
        action = page.locator("#order-actions .action").filter(has_text=label)
        # the card asks for itself until then
        expect(action.locator(".mark")).to_have_text("Sent")
        delivered[kind] = record_of(stack, kind, address)
    assert len(stack.amazon.ledger()["messages"]) - before == len(MESSAGES) == 11
    for kind, record in delivered.items():
        assert record["times"] == 1
        if record["text_length"]:
            assert record["text_sha256"] == sha256(TEXT.encode()).hexdigest(), kind
        for one in record["attachments"]:
            assert one["sha256"] == sha256(TERMS.encode()).hexdigest(), kind
    texts = {kind for kind, record in delivered.items() if record["text_length"]}
    files = {kind for kind, record in delivered.items() if record["attachments"]}
    assert texts == set(list(MESSAGES)[:6])
    assert files == {
        *("confirmCustomizationDetails", "digitalAccessKey", "legalDisclosure", "sendInvoice"),
        *("warranty", "amazonMotors"),
    }
    assert [one[:10] for one in delivered["warranty"]["coverage"]] == ["2026-01-01", "2027-12-31"]
    now_asked = operations(stack)
    for operation in ("getMessagingActionsForOrder", "GetAttributes"):
        assert now_asked[operation] > asked.get(operation, 0)


def test_what_is_not_offered_is_not_shown_and_not_taken(stack: Stack, people: Visitors) -> None:
    before = len(stack.amazon.ledger()["messages"])
    offers = stack.amazon.message_offers()
    # of those that were written to, a rule of faults may have offered what they are asked for here
    written = {one["order_id"] for one in stack.amazon.ledger()["messages"]}
    writable: dict[str, str] = stack.database(_WRITABLE)
    page = people.visit("operator", script=False)
    for kind, (_operation, label) in MESSAGES.items():
        offered = {number for kinds in offers.values() for number in kinds.get(kind, ())}
        address = next(one for number, one in writable.items() if number not in offered | written)
        page.goto(f"{address}messages/")
        expect(page.get_by_role("heading", name="What Amazon offers now")).to_be_visible()
        expect(page.get_by_role("link", name=f"Write: {label}")).to_have_count(0)
        cookies = {one["name"]: one["value"] for one in page.context.cookies()}
        answer = page.request.post(
            f"{address}messages/{kind}/",
            form={"csrfmiddlewaretoken": cookies["csrftoken"], "text": TEXT, "step": "send"},
        )
        assert answer.status == 409, kind
        assert "Amazon does not offer this for the order now." in answer.text(), kind
    assert len(stack.amazon.ledger()["messages"]) == before


def test_a_message_is_written_without_javascript(stack: Stack, people: Visitors) -> None:
    kind = "unexpectedProblem"
    address = addresses_by_kind(stack, skip=1)[kind]
    page = people.visit("operator", script=False)
    page.goto(address)
    page.get_by_role("link", name="Write to the buyer").click()
    page.get_by_role("link", name=f"Write: {MESSAGES[kind][1]}").click()
    page.get_by_label("Message").fill("Mail us at ann@example.com")
    page.get_by_role("button", name="Check before sending").click()
    expect(page.locator("#id_text_error")).to_contain_text("ann@example.com")
    people.problems.clear()  # the browser tells of the 422
    page.get_by_label("Message").fill(TEXT)
    page.get_by_role("button", name="Check before sending").click()
    expect(page.locator(".letter")).to_have_text(TEXT)
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_label("Message")).to_have_value(TEXT)
    page.get_by_role("button", name="Check before sending").click()
    page.get_by_role("button", name="Send message").click()
    reload_until(page, page.locator("#order-actions .mark").get_by_text("Sent", exact=True))
    assert record_of(stack, kind, address)["times"] == 1


def addresses_by_kind(stack: Stack, *, skip: int = 0) -> dict[str, str]:
    """For each message the page of an order that Amazon offers it for, each another order."""
    writable: dict[str, str] = stack.database(_WRITABLE)
    written = {one["order_id"] for one in stack.amazon.ledger()["messages"]}
    offers: dict[str, list[str]] = {}
    for kinds in stack.amazon.message_offers().values():
        for kind, numbers in kinds.items():
            offers.setdefault(kind, []).extend(numbers)
    chosen: dict[str, str] = {}
    rules = []
    for kind in sorted(MESSAGES, key=lambda one: len(offers.get(one, ()))):
        free = [number for number in writable if number not in written | set(chosen.values())]
        able = set(offers.get(kind, ()))
        fitting = [number for number in free if number in able][skip:]
        if not fitting:
            fitting = free
            do = {"kind": "offer", "name": kind}
            rules.append({"operation": "*", "order": fitting[0], "do": do})
        chosen[kind] = fitting[0]
    stack.amazon.set_faults(rules)
    return {kind: writable[chosen[kind]] for kind in MESSAGES}


def write(page: Page, kind: str, address: str) -> None:
    """The message is written and sent, by way of Amazon's list and the check."""
    label = MESSAGES[kind][1]
    page.goto(f"{address}messages/")
    page.get_by_role("link", name=f"Write: {label}", exact=True).click()
    expect(page.get_by_role("heading", name=label, level=1)).to_be_visible()
    text = page.get_by_label("Message", exact=True)
    if text.count():
        text.fill(TEXT)
        expect(page.get_by_text(f"{len(TEXT)} of ")).to_be_visible()
    for name, day in (("First day", "2026-01-01"), ("Last day", "2027-12-31")):
        if page.get_by_label(name).count():
            page.get_by_label(name).fill(day)
    picker = page.locator("input[type=file]")
    if picker.count():
        file = {"name": f"{kind}.txt", "mimeType": "text/plain", "buffer": TERMS.encode()}
        picker.set_input_files(file)
        expect(page.get_by_role("link", name=f"{kind}.txt")).to_be_visible()
    condition = page.get_by_label("The buyer's problem is solved.")
    if condition.count():
        condition.check()
    page.get_by_role("button", name="Check before sending").click()
    expect(page.get_by_role("heading", name="What the buyer gets")).to_be_visible()
    page.get_by_role("button", name="Send message").click()
    expect(page).to_have_url(re.compile(f"{re.escape(address)}$"))


def record_of(stack: Stack, kind: str, address: str) -> dict[str, Any]:
    """What the sandbox has of this message."""
    number = address.split("/")[3]
    [record] = [
        one
        for one in stack.amazon.ledger()["messages"]
        if (one["order_id"], one["operation"]) == (number, MESSAGES[kind][0])
    ]
    found: dict[str, Any] = record
    return found


def operations(stack: Stack) -> dict[str, int]:
    """How often each operation was asked for."""
    counts: dict[str, int] = {}
    for one in stack.amazon.stats()["operations"]:
        counts[one["operation"]] = counts.get(one["operation"], 0) + one["requests"]
    return counts
