"""What a person does in the pages, and what Amazon knows of it."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.e2e.stack import Stack

# What Amazon knows


def asked(stack: Stack) -> set[str]:
    """The orders whose buyers Amazon was made to ask since the start, each asked once only."""
    entries = [entry for entry in stack.amazon.ledger()["accepted"] if not entry["history"]]
    assert all(entry["times_asked"] == 1 for entry in entries)
    assert all(entry["eligible"] for entry in entries)
    numbers = {entry["order_id"] for entry in entries}
    assert len(numbers) == len(entries)
    return numbers


def due(stack: Stack, partner: str = "") -> set[str]:
    """The orders that Amazon would accept now, but for those that wait, or are doubtful, with us."""
    open_with_us = stack.database(
        "from messaging.models import OutgoingAction\n"
        "result = list(OutgoingAction.objects.open().values_list('order__amazon_order_id', flat=True))"
    )
    eligible = stack.amazon.eligible()
    chosen = [eligible[partner]] if partner else list(eligible.values())
    return {number for numbers in chosen for number in numbers} - set(open_with_us)


def closed_meanwhile(stack: Stack, expected: set[str]) -> set[str]:
    """Those of which the window closed while the test ran: neither asked nor eligible any more."""
    return expected - asked(stack) - due(stack)


def accounts(stack: Stack) -> dict[str, tuple[str, int]]:
    """The selling partner id and our id of each account, by its name."""
    rows = stack.database(
        "from sellers.models import SellerAccount\n"
        "result = list(SellerAccount.objects.values_list('name', 'selling_partner_id', 'pk'))"
    )
    return {name: (partner, pk) for name, partner, pk in rows}


def count_batches(stack: Stack) -> int:
    """How many batches there are."""
    number: int = stack.database(
        "from messaging.models import Batch\nresult = Batch.objects.count()"
    )
    return number


# What a person does


def open_eligible(page: Page, account: str = "", *, base: str = "") -> None:
    """The list shows the orders that may be asked now, those of that account only; `base` is the
    address of another web server."""
    page.goto(f"{base}/orders/?state=eligible")
    if account:
        option = page.locator("select[name=account] option", has_text=account)
        page.goto(f"{base}/orders/?state=eligible&account={option.get_attribute('value')}")


def rows(page: Page) -> Locator:
    """The rows of the table."""
    return page.locator("table[data-rows] tbody tr")


def row_of(page: Page, number: str) -> Locator:
    """The row of that order."""
    return rows(page).filter(has=page.get_by_role("link", name=number, exact=True))


def first_orders(page: Page, count: int) -> list[str]:
    """The numbers of the first so many orders that the list shows."""
    numbers = rows(page).locator("a[data-open]").all_inner_texts()[:count]
    assert len(numbers) == count
    return numbers


def first_unwritten(page: Page, stack: Stack, *, but: list[str] | None = None) -> str:
    """The first order that the list shows and one click asks for: nobody wrote to its buyer."""
    written = {one["order_id"] for one in stack.amazon.ledger()["messages"]} | set(but or [])
    numbers: list[str] = rows(page).locator("a[data-open]").all_inner_texts()
    return next(number for number in numbers if number not in written)


def select(page: Page, numbers: list[str]) -> None:
    """These rows are ticked, and the button says how many they are."""
    for number in numbers:
        row_of(page, number).get_by_role("checkbox").check()
    expect(page.locator("#selection-count")).to_contain_text(str(len(numbers)))


def select_all_that_match(page: Page) -> int:
    """All that match are selected, by way of the whole page; returns how many they are."""
    page.get_by_label("Select all orders of this page").check()
    everything = page.locator("label").filter(has_text=re.compile(r"All [\d,]+ that match"))
    everything.get_by_role("checkbox").check()
    return int(re.sub(r"\D", "", everything.inner_text()))


def open_confirmation(page: Page, total: int) -> Locator:
    """The page that says what will happen is open; returns the button that does it."""
    words = f"Request reviews for {total} orders"
    page.get_by_role("button", name=words).click()
    expect(page.get_by_role("heading", name=words, level=1)).to_be_visible()
    return page.get_by_role("button", name=words)


def confirm(page: Page, total: int) -> None:
    """The selected orders are requested, by way of the page that says what will happen."""
    open_confirmation(page, total).click()
    expect(page).to_have_url(re.compile(r"/batches/\d+/$"))


def outcome(page: Page, word: str) -> Locator:
    """The words that say how many orders of the batch are in that state."""
    return page.locator("#batch-progress .outcomes li").filter(has_text=word)


def number_of(page: Page, word: str) -> int:
    """How many orders of the batch are in that state."""
    return int(outcome(page, word).inner_text().split()[0])


def reload_until(page: Page, wanted: Locator) -> None:
    """What a person without scripts does: reloads until it is there."""
    for _attempt in range(60):
        if wanted.is_visible():
            return
        page.wait_for_timeout(500)
        page.reload()
    expect(wanted).to_be_visible()
