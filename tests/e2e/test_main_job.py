"""What the product is for, from the log-in to Amazon's record, in a real browser.

The tests share one stack and use up its orders: each takes a few, the last takes all that are left
(so that the walk of the pages comes before, see conftest).
What is true is what the sandbox recorded, not what the pages say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.browser import Visitors
from tests.e2e.stack import Stack
from tests.e2e.steps import (
    accounts,
    asked,
    closed_meanwhile,
    confirm,
    count_batches,
    due,
    first_orders,
    first_unwritten,
    number_of,
    open_confirmation,
    open_eligible,
    outcome,
    reload_until,
    row_of,
    rows,
    select,
    select_all_that_match,
)

pytestmark = pytest.mark.e2e

BATCH_MS = 90_000  # how long a batch of all orders may take on a busy machine
NORDLICHT, HARBOR = "Nordlicht Home", "Harbor & Pine"
SLOW_SENDS = {
    "operation": "createProductReviewAndSellerFeedbackSolicitation",
    "do": {"kind": "latency", "ms": 1500},
}


@pytest.fixture(autouse=True)
def _amazon_saw_nothing_wrong(stack: Stack) -> Iterator[None]:
    """Whatever a test does: nobody is asked twice, nobody wrongly, and never too fast."""
    yield
    stats = stack.amazon.stats()
    assert stats["throttled"] == 0
    assert stats["duplicates"]["total"] == 0
    assert stats["accepted_not_eligible"] == 0


def test_one_order_is_asked_without_javascript(stack: Stack, people: Visitors) -> None:
    before = asked(stack)
    page = people.visit("operator", script=False)
    open_eligible(page, HARBOR)
    number = first_unwritten(page, stack)
    row_of(page, number).get_by_role("button", name="Request review").click()
    expect(page.get_by_role("status").filter(has_text=f"{number} is queued")).to_be_visible()
    page.goto(f"/orders/?q={number}")
    reload_until(page, row_of(page, number).get_by_text(re.compile("^Sent .* by operator")))
    assert asked(stack) - before == {number}


@pytest.mark.any_database
def test_a_small_selection_is_asked_without_javascript(stack: Stack, people: Visitors) -> None:
    before = asked(stack)
    page = people.visit("operator", script=False)
    open_eligible(page, HARBOR)
    numbers = first_orders(page, 3)
    for number in numbers:
        row_of(page, number).get_by_role("checkbox").check()
    page.get_by_role("button", name="Request reviews").click()
    page.get_by_role("button", name="Request reviews for 3 orders").click()
    expect(page).to_have_url(re.compile(r"/batches/\d+/$"))
    reload_until(page, page.get_by_role("heading", name="Finished: 3 of 3 sent"))
    assert asked(stack) - before == set(numbers)


def test_undo_within_the_hold_sends_nothing(stack: Stack, people: Visitors) -> None:
    before = asked(stack)
    with stack.another_web(SEND_HOLD_SECONDS="600") as slow:
        page = people.visit("operator")
        open_eligible(page, base=slow.url)
        numbers = first_orders(page, 2)
        select(page, numbers)
        confirm(page, 2)
        page.get_by_role("button", name="Undo: send nothing").click()
        expect(page.get_by_role("heading", name="Stopped")).to_be_visible()
        expect(outcome(page, "cancelled")).to_have_text(re.compile(r"^\s*2\s"))
        page.goto("about:blank")
    # The lanes are at work, and pass these by.
    page = people.visit("operator")
    open_eligible(page)
    another = first_unwritten(page, stack, but=numbers)
    row_of(page, another).get_by_role("button", name="Request review").click()
    expect(row_of(page, another).get_by_text(re.compile("^Sent"))).to_be_visible()
    assert asked(stack) - before == {another}
    open_eligible(page)
    assert set(numbers) <= set(first_orders(page, 3)), "what was undone may be asked again"


@pytest.mark.any_database
def test_a_click_outlives_the_page_drawing_itself_again(stack: Stack, people: Visitors) -> None:
    with stack.another_web(SEND_HOLD_SECONDS="600") as slow:
        page = people.visit("operator")
        open_eligible(page, base=slow.url)
        select(page, first_orders(page, 2))
        confirm(page, 2)
        clicks: list[Route] = []
        page.route("**/stop/", lambda route: clicks.append(route))
        page.get_by_role("button", name="Undo: send nothing").click()
        # While the answer is under way, the progress would be asked for more than once.
        page.wait_for_timeout(2_500)
        clicks[0].continue_()
        sentence = "Stopped. 2 review requests will not be sent."
        expect(page.locator("#toasts")).to_contain_text(sentence)
        expect(page.locator("#live")).to_have_text(sentence)
        expect(page.get_by_role("heading", name="Stopped")).to_be_visible()


def test_a_double_click_going_back_and_a_second_tab_make_one_request(
    stack: Stack, people: Visitors
) -> None:
    before, batches = asked(stack), count_batches(stack)
    page = people.visit("operator")
    tab = page.context.new_page()
    open_eligible(page, HARBOR)
    open_eligible(tab, HARBOR)
    numbers = first_orders(page, 2)
    for each in (page, tab):
        select(each, numbers)
        open_confirmation(each, 2)
    page.get_by_role("button", name="Request reviews for 2 orders").dblclick()
    expect(page.get_by_role("heading", name="Finished: 2 of 2 sent")).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Request reviews for 2 orders").click()
    expect(page.get_by_role("heading", name="Finished: 2 of 2 sent")).to_be_visible()
    assert count_batches(stack) == batches + 1
    tab.get_by_role("button", name="Request reviews for 2 orders").click()
    expect(tab.get_by_role("heading", name="Nothing was queued")).to_be_visible()
    assert asked(stack) - before == set(numbers)


def test_stop_in_the_middle_leaves_the_rest_unsent(stack: Stack, people: Visitors) -> None:
    before = asked(stack)
    stack.amazon.set_faults([SLOW_SENDS])
    try:
        page = people.visit("operator")
        open_eligible(page, HARBOR)
        total = select_all_that_match(page)
        confirm(page, total)
        expect(outcome(page, "sent")).to_be_visible()
        page.get_by_role("button", name=re.compile(r"^Stop \d+ that wait")).click()
        expect(page.get_by_role("heading", name="Stopped")).to_be_visible(timeout=BATCH_MS)
    finally:
        stack.amazon.set_faults([])
    sent = number_of(page, "sent")
    cancelled = number_of(page, "cancelled")
    assert sent + cancelled == total
    assert 0 < sent < total
    assert len(asked(stack) - before) == sent


@pytest.mark.any_database
def test_a_selection_survives_paging_and_names_what_it_does(people: Visitors) -> None:
    page = people.visit("operator")
    open_eligible(page)
    select(page, first_orders(page, 2))
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#selection-count")).to_have_text("2 selected, 2 not on this page")
    row_of(page, first_orders(page, 1)[0]).get_by_role("checkbox").check()
    open_confirmation(page, 3)
    page.get_by_role("link", name="Back to the orders").click()
    expect(page.locator("#selection-count")).to_have_text("3 selected, 2 not on this page")


@pytest.mark.any_database
def test_the_keyboard_selects_and_opens(people: Visitors) -> None:
    page = people.visit("operator")
    open_eligible(page)
    numbers = first_orders(page, 4)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    for key in ("j", "x", "j", "j", "Shift+X"):
        page.keyboard.press(key)
    expect(page.locator("#selection-count")).to_have_text("3 selected")
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(page.locator("#selection-count")).to_have_text("2 selected")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(numbers[3])
    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page.get_by_role("heading", name="Orders", level=1)).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.press("Control+K")
    expect(page.get_by_label("Order number or page")).to_be_focused()
    page.keyboard.type(numbers[0])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(numbers[0])
    page.keyboard.press("Control+K")
    page.get_by_role("button", name="Write to the buyer", exact=True).click()
    expect(page.get_by_role("heading", name="Write to the buyer", level=1)).to_be_visible()


@pytest.mark.any_database
def test_a_viewer_sees_everything_and_sends_nothing(stack: Stack, people: Visitors) -> None:
    before = asked(stack)
    batch = stack.database(
        "from messaging.models import Batch\nresult = Batch.objects.earliest('pk').pk"
    )
    page = people.visit("viewer")
    open_eligible(page)
    order = rows(page).locator("a[data-open]").first.get_attribute("href")
    assert order is not None
    paths = [
        "/orders/?state=eligible",
        "/orders/?state=waiting",
        order,
        "/outbox/",
        f"/batches/{batch}/",
    ]
    for path in paths:
        page.goto(path)
        sending = re.compile("request|undo|cancel|stop|try again", re.IGNORECASE)
        expect(page.locator("main").get_by_role("button", name=sending)).to_have_count(0)
        expect(page.locator("main").get_by_role("checkbox")).to_have_count(0)
    for status, person in ((403, "viewer"), (404, "stranger")):
        assert set(posted(people.visit(person), stack, order, batch).values()) == {status}
    assert asked(stack) == before


def posted(page: Page, stack: Stack, order: str, batch: int) -> dict[str, int]:
    """What this person gets who posts the forms that send, as a script would."""
    page.goto("/orders/")
    token = page.locator("input[name=csrfmiddlewaretoken]").first.get_attribute("value")
    ids = stack.database(
        "from messaging.models import OutgoingAction\n"
        f"number = {order.split('/')[3]!r}\n"
        "from orders.models import Order\n"
        "result = [Order.objects.get(amazon_order_id=number).pk, OutgoingAction.objects.earliest('pk').pk]"
    )
    forms: dict[str, dict[str, str]] = {
        f"{order}request-review/": {},
        f"{order}cancel-request/": {},
        "/orders/request-reviews/": {"order": str(ids[0])},
        f"/batches/{batch}/stop/": {},
        f"/outbox/{ids[1]}/cancel/": {},
        f"/outbox/{ids[1]}/retry/": {},
    }
    return {
        path: page.request.post(
            path, form={"csrfmiddlewaretoken": token or "", **fields}, max_redirects=0
        ).status
        for path, fields in forms.items()
    }


def test_all_of_a_seller_is_asked_from_the_command_line(stack: Stack) -> None:
    partner, account = accounts(stack)[HARBOR]
    expected, before = due(stack, partner), asked(stack)
    command = ["request_reviews", "--account", str(account), "--eligible", "--wait", "--json"]
    first = json.loads(stack.manage(*command, "--user", "operator"))
    assert first["finished"] is True
    assert first["counts"] == {"sent": first["queued"]}
    assert first["failures"] == []
    now_asked = asked(stack) - before
    assert len(now_asked) == first["queued"] > 10
    assert now_asked == expected - closed_meanwhile(stack, expected)
    again = json.loads(stack.manage(*command, "--user", "operator"))
    assert again["queued"] == 0
    assert asked(stack) - before == now_asked


def test_all_that_match_are_asked_once_each(stack: Stack, people: Visitors) -> None:
    expected, before = due(stack), asked(stack)
    page = people.visit(None)
    page.goto("/")
    page.get_by_label("User name or e-mail address").fill("operator")
    page.get_by_label("Password").fill(stack.passwords["operator"])
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Orders").first.click()
    page.get_by_role("link", name=re.compile("^Eligible now")).click()
    expect(page).to_have_url(re.compile("state=eligible"))
    total = select_all_that_match(page)
    assert total > 50, "more than one page, so that the page alone is not enough"
    confirm(page, total)
    page.evaluate("window.sameDocument = true")
    expect(page.get_by_role("heading", name=f"Finished: {total} of {total} sent")).to_be_visible(
        timeout=BATCH_MS
    )
    assert page.evaluate("window.sameDocument"), "the page went on by itself"
    now_asked = asked(stack) - before
    assert len(now_asked) == total
    assert now_asked == expected - closed_meanwhile(stack, expected)
    assert not due(stack) & expected
    page.goto("/orders/?state=eligible")
    expect(page.get_by_text("No order is in this state")).to_be_visible()
