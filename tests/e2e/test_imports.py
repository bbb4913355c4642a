"""A file is brought, looked at and imported; a SKU is excluded and let go again, in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FilePayload, expect

from tests.e2e.browser import Visitors
from tests.e2e.stack import Stack
from tests.e2e.steps import accounts
from tests.e2e.test_pages import flaws_of

pytestmark = [pytest.mark.e2e, pytest.mark.any_database]


def test_a_file_is_imported_and_a_sku_excluded_and_let_go(stack: Stack, people: Visitors) -> None:
    name, (_partner, account) = next(iter(sorted(accounts(stack).items())))
    numbers = stack.database(
        "from orders.models import Order\n"
        f"result = list(Order.objects.filter(account_id={account})"
        ".values_list('amazon_order_id', flat=True)[:3])"
    )
    rows = "".join(f"{number};Müller\n" for number in [*numbers, "1.11E+16", numbers[0]])
    file = FilePayload(
        name="../<b>orders.csv",
        mimeType="text/csv",
        buffer=f"order;buyer-name\n{rows}".encode("cp1252"),
    )

    # all of it works without JavaScript
    plain = people.visit("operator", script=False)
    plain.goto("/orders/")
    plain.get_by_role("link", name="Import…").click()
    plain.get_by_label("Account").select_option(name)
    plain.get_by_label("Or a file").set_input_files(file)
    plain.get_by_role("button", name="Look what it would do").click()
    expect(plain.get_by_role("heading", level=1)).to_have_text(f"Import 3 orders into {name}")
    expect(plain.get_by_text("<b>orders.csv: 5 rows, Windows-1252")).to_be_visible()
    expect(plain.get_by_role("row").filter(has_text="1.11E+16")).to_contain_text("Excel changed")
    plain.get_by_role("button", name="Skip 1 bad row and import 3 orders").click()
    expect(plain.get_by_text("that were here: 3. Bad rows that were left out: 1.")).to_be_visible()
    expect(plain.get_by_role("listitem").filter(has_text="<b>orders.csv")).to_be_visible()

    # the page in between, of the same file once more, in each size and scheme
    page = people.visit("operator")
    page.goto("/orders/import/")
    page.get_by_label("Account").select_option(name)
    page.get_by_label("Or a file").set_input_files(file)
    page.get_by_role("button", name="Look what it would do").click()
    expect(
        page.get_by_text(re.compile(r"Imported on .* by operator; import again\?"))
    ).to_be_visible()
    assert not flaws_of(page, closely=True)

    page.goto("/exclusions/")
    page.locator(".page-header").get_by_role("link", name="Exclude…").click()
    page.get_by_label("Account").select_option(name)
    page.get_by_label("What").select_option("SKU")
    page.get_by_label("Paste one a line").fill("=RECALLED-1")
    page.get_by_label("Reason").fill("Recalled by the maker")
    page.get_by_role("button", name="Look what it would do").click()
    page.get_by_role("button", name="Exclude 1 SKU").click()
    expect(page.get_by_text(f"{name}: 1 excluded from now on")).to_be_visible()
    assert not flaws_of(page)
    page.get_by_role("button", name="Undo the exclusion of =RECALLED-1").click()
    expect(page.get_by_text("SKU =RECALLED-1 is not excluded any more.")).to_be_visible()
