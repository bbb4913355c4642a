"""An account is disconnected and connected again, by a pasted token and by consent, in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import findings
from tests.e2e.browser import Visitors
from tests.e2e.stack import Stack
from tests.e2e.steps import accounts

pytestmark = [pytest.mark.e2e, pytest.mark.any_database]

HARBOR = "Harbor & Pine"


def test_an_account_goes_and_comes_back_both_ways(stack: Stack, people: Visitors) -> None:
    seller = next(one for one in stack.amazon.sellers if one.name == HARBOR)
    path = f"/accounts/{accounts(stack)[HARBOR][1]}/"
    application = stack.database(
        "from sellers.models import SellerAccount\n"
        f"result = SellerAccount.objects.get(name={HARBOR!r}).application.name"
    )
    page = people.visit("manager")

    # the application may send sellers to Amazon from now on
    page.goto("/accounts/")
    page.get_by_role("link", name="Applications").click()
    page.get_by_role("link", name=f"Change {application}").click()
    page.get_by_label("Public application").check()
    page.get_by_label("Application id").fill(seller.application_id)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="is changed.")).to_be_visible()

    # the token is destroyed, and a pasted one brings the account back, paused
    page.goto(path)
    page.get_by_label("Reason").fill("A test")
    page.get_by_role("button", name="Disconnect and destroy the token").click()
    expect(page.get_by_text("is disconnected and its token destroyed.")).to_be_visible()
    page.get_by_role("link", name="Connect again…").click()
    page.get_by_role("textbox", name="Refresh token").fill("Atza|an-access-token")
    page.get_by_role("button", name="Renew").click()
    expect(page.locator("#id_refresh_token_error")).to_contain_text("That is an access token")
    expect(page.get_by_role("textbox", name="Refresh token")).to_have_value("")
    assert not findings(page)
    page.get_by_role("textbox", name="Refresh token").fill(f'"{seller.refresh_token} "')
    page.get_by_role("button", name="Renew").click()
    expect(page.get_by_text(f"{HARBOR} is renewed.")).to_be_visible()
    expect(page.get_by_text(f"{HARBOR} is paused: Connected again")).to_be_visible()
    page.goto("/accounts/")
    page.locator("#accounts").get_by_role("button", name=f"Resume: {HARBOR}").click()
    expect(page.get_by_text(f"{HARBOR} is no longer paused.")).to_be_visible()

    # once more, by consent at Amazon
    go_to_amazon(page, path)
    page.get_by_role("link", name=f"Confirm as {HARBOR}").click()
    expect(page.get_by_text(f"{HARBOR} is renewed.")).to_be_visible()
    expect(page).to_have_url(f"{stack.url}{path}")
    page.go_back()
    assert "spapi_oauth_code" not in page.url, "the code is not in the history"

    # and refused there
    go_to_amazon(page, path)
    page.get_by_role("link", name="Refuse").click()
    expect(page.get_by_role("alert")).to_have_text("Amazon says access was not granted.")
    assert not findings(page)
    page.get_by_role("link", name="Go to the accounts").click()
    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    people.problems[:] = [text for text in people.problems if not re.search("400|422", text)]


def go_to_amazon(page: Page, path: str) -> None:
    """The consent page, by way of ours, which holds neither script nor form."""
    page.goto(f"{path}renew/")
    page.get_by_role("button", name="Go to Amazon…").click()
    expect(page.locator("script, form")).to_have_count(0)
    assert not findings(page)
    page.get_by_role("link", name="Continue to Amazon").click()
    expect(page.get_by_role("heading", name="Let the application in?")).to_be_visible()
