"""Somebody is invited, joins with a new name, gets another role and loses it, in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.axe import findings
from tests.e2e.browser import Visitors, log_in
from tests.e2e.stack import Stack
from tests.e2e.steps import accounts

pytestmark = [pytest.mark.e2e, pytest.mark.any_database]

HARBOR = "Harbor & Pine"
NAME, PASSWORD = "newcomer", "A horse that 7 people ride"


def test_somebody_is_invited_joins_and_leaves(stack: Stack, people: Visitors) -> None:
    manager = people.visit("manager")
    manager.goto(f"/accounts/{accounts(stack)[HARBOR][1]}/")
    manager.get_by_role("link", name="People", exact=True).click()
    manager.get_by_role("link", name="Invite somebody…").click()
    manager.get_by_label("Role").select_option("Viewer")
    manager.get_by_label("For whom").fill("Somebody new")
    manager.get_by_role("button", name="Make the link").click()
    link = manager.get_by_role("textbox", name="Link").input_value()
    assert not findings(manager)

    # a program that opens links in advance uses nothing up, and the token leaves the address
    newcomer = people.visit(None, script=False)
    for _ in range(2):
        newcomer.goto(link)
        expect(newcomer).to_have_url(f"{stack.url}/accounts/join/")
    newcomer.get_by_role("textbox", name="User name").fill(NAME)
    newcomer.get_by_label("Password", exact=True).fill(PASSWORD)
    newcomer.get_by_label("Password confirmation").fill(PASSWORD)
    newcomer.get_by_role("button", name="Make my user and join").click()
    expect(newcomer.get_by_text(f"You are viewer of {HARBOR}. Now log in.")).to_be_visible()
    log_in(newcomer, NAME, PASSWORD)
    newcomer.goto("/accounts/")
    row = newcomer.get_by_role("row").filter(has_text=HARBOR)
    expect(row).to_contain_text("Viewer")
    expect(newcomer.get_by_role("row")).to_have_count(2)

    manager.get_by_role("link", name="People", exact=True).click()
    assert not findings(manager)
    manager.get_by_label(f"Role of {NAME}", exact=True).select_option("Operator")
    manager.get_by_role("button", name=f"Change the role of {NAME}").click()
    expect(manager.get_by_text(f"{NAME} is now operator of {HARBOR}.")).to_be_visible()
    newcomer.reload()
    expect(row).to_contain_text("Operator")
    manager.get_by_role("button", name="I have looked: these roles are right").click()
    expect(manager.get_by_text(re.compile("^Look through.* by manager"))).to_be_visible()
    manager.get_by_role("button", name=f"Remove {NAME}").click()
    expect(manager.get_by_text(f"{NAME} has no role on {HARBOR} any more.")).to_be_visible()
    newcomer.reload()
    expect(newcomer.get_by_text("No seller account yet")).to_be_visible()
