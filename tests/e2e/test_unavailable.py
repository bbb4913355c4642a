"""What a reader sees when the server answers that it cannot just now."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from solicit_dashboard.outages import UNREACHABLE
from tests.e2e.browser import Visitors

pytestmark = [pytest.mark.e2e, pytest.mark.any_database]


def test_the_reason_is_shown_once_and_the_page_stays(people: Visitors) -> None:
    page = people.visit("operator")
    page.goto("/orders/")
    rows = page.locator("#orders").inner_text()
    toast = f'<div class="toast notice bad" role="alert"><span>{UNREACHABLE}</span></div>'
    answers: list[Route] = []

    def answer(route: Route) -> None:
        answers.append(route)
        headers = {"HX-Retarget": "#toasts", "HX-Reswap": "beforeend", "Retry-After": "10"}
        route.fulfill(status=503, headers=headers, content_type="text/html", body=toast)

    page.route("**/orders/?*", answer)
    pills = page.locator("#order-pills a")
    for number in (1, 2):
        pills.nth(number).click()
        expect(page.locator("#toasts .toast span")).to_have_text([UNREACHABLE])
        _wait_for(page, answers, number)
    expect(page.locator("#toasts .toast")).to_have_count(1)
    assert page.locator("#orders").inner_text() == rows
    _take_note_of_503(people)


def test_a_page_of_a_proxy_is_not_shown(people: Visitors) -> None:
    page = people.visit("operator")
    page.goto("/orders/")
    page.route("**/orders/?*", lambda route: route.fulfill(status=503, body="<h1>nginx</h1>"))
    page.locator("#order-pills a").nth(1).click()
    expect(page.locator("#toasts")).to_contain_text("The server could not answer.")
    expect(page.locator("body")).not_to_contain_text("nginx")
    _take_note_of_503(people)


def _wait_for(page: Page, answers: list[Route], number: int) -> None:
    """So many requests were answered so, and htmx has dealt with the last of them."""
    page.wait_for_function("() => !document.querySelector('.htmx-request')")
    assert len(answers) == number


def _take_note_of_503(people: Visitors) -> None:
    """The answers are the only trouble that there was, and are wanted here."""
    assert all("503" in problem for problem in people.problems)
    people.problems.clear()
