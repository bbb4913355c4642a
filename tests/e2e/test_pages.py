"""Every page of the site in a real browser: wide and narrow, light and dark, with hostile rows.

The list of pages is Django's own: a route without a place in `tests.e2e.site` fails.
"""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import site
from tests.e2e.axe import findings
from tests.e2e.browser import NARROW, WIDE, Visitors
from tests.e2e.hostile import ATTACKS, MARK
from tests.e2e.site import NO_PAGES, PAGES, VISITORS, Samples, route_names
from tests.e2e.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.any_database]

# What the pages may leave in the browser: htmx notes the address of its own tab, while that is open.
MAY_BE_STORED = {"htmx-current-path-for-history"}
# Django's admin: light or dark, and which filters are folded.
MAY_BE_STORED_BY_THE_ADMIN = {"theme", "django.admin.filtersState"}
COOKIES = {"sessionid", "csrftoken", "tz", "browser"}
_STORED = """async () => [
    ...Object.keys(localStorage), ...Object.keys(sessionStorage),
    ...(await indexedDB.databases()).map(database => database.name), ...await caches.keys()]"""


@pytest.fixture(scope="package")
def samples(stack: Stack) -> Samples:
    """What there is to visit; the hostile rows are there from now on."""
    return site.find_samples(stack)


def test_every_route_is_visited_or_no_page() -> None:
    routes = list(route_names())
    assert "" not in routes, "a route without a name"
    assert set(routes) == set(PAGES) | set(NO_PAGES)
    assert not set(PAGES) & set(NO_PAGES)


@pytest.mark.parametrize("route", PAGES)
def test_a_page_is_sound(route: str, samples: Samples, people: Visitors) -> None:
    page = people.visit(VISITORS.get(route, "operator"))
    flaws = []
    for position, path in enumerate(PAGES[route](samples)):
        open_page(page, path)
        flaws += flaws_of(page, closely=position == 0)
    assert not flaws, "\n".join(flaws)
    assert_nothing_is_stored(page)


def test_the_log_in_page_is_sound(people: Visitors) -> None:
    page = people.visit(None)
    open_page(page, "/orders/")
    expect(page).to_have_url(re.compile(r"/login/\?next=/orders/$"))
    flaws = flaws_of(page, closely=True)
    page.get_by_label("User name or e-mail address").fill("operator")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    flaws += flaws_of(page)
    assert not flaws, "\n".join(flaws)


def test_the_page_before_sending_is_sound(people: Visitors) -> None:
    page = people.visit("operator")
    open_page(page, "/orders/")
    for box in page.locator("input[name=order]").all()[:20]:
        box.check()
    page.locator("#selection-submit").click()
    expect(page.get_by_text("Left out:")).to_be_visible()
    flaws = flaws_of(page, closely=True)
    assert not flaws, "\n".join(flaws)


def test_the_check_of_a_message_is_sound(samples: Samples, people: Visitors) -> None:
    page = people.visit("operator")
    open_page(page, samples.messages[0])
    page.get_by_role("button", name="Check before sending").click()
    expect(page.locator("#id_text_error")).to_be_visible()
    people.problems.clear()  # the browser tells of the 422
    flaws = flaws_of(page)
    page.get_by_label("Message", exact=True).fill("The parcel is late: " + "we are sorry. " * 40)
    page.get_by_role("button", name="Check before sending").click()
    expect(page.get_by_role("heading", name="What the buyer gets")).to_be_visible()
    flaws += flaws_of(page, closely=True)
    assert not flaws, "\n".join(flaws)


def test_pages_of_refusal_are_sound(samples: Samples, people: Visitors) -> None:
    page = people.visit("stranger")
    flaws = []
    for path, status in (
        ("/", 200),
        ("/orders/", 200),
        ("/outbox/", 200),
        ("/nowhere/", 404),
        (samples.batches[0], 404),
        (samples.orders["eligible"], 404),
        ("/orders/?sort=%3Cscript%3E", 400),
    ):
        open_page(page, path, status=status)
        flaws += flaws_of(page)
    assert not flaws, "\n".join(flaws)
    people.problems[:] = [text for text in people.problems if not re.search(r"40[04]", text)]


def test_what_came_from_outside_is_shown_as_text(samples: Samples, people: Visitors) -> None:
    page = people.visit("operator")
    flaws = []
    assert len(ATTACKS) >= 40
    for number, (path, attack) in enumerate(zip(samples.hostile["orders"], ATTACKS, strict=False)):
        open_page(page, path)
        expect(page.locator("main")).to_contain_text(attack)
        if number % 8 == 0:
            flaws += flaws_of_structure(page)
    assert not flaws, "\n".join(flaws)


def test_the_admin_is_sound(samples: Samples, people: Visitors) -> None:
    page = people.visit("auditor")
    open_page(page, "/admin/")
    flaws = flaws_of(page, closely=True)
    lists = hrefs(page, r"^/admin/\w+/\w+/$")
    assert len(lists) > 8, "the auditor sees every kind of record"
    for path in lists:
        open_page(page, path)
        flaws += flaws_of(page)
        for detail in hrefs(page, rf"^{path}\d+/change/")[:1]:
            open_page(page, detail)
            flaws += flaws_of_structure(page)
            use(page, NARROW, "light")
            flaws += flaws_of_structure(page)
    assert not flaws, "\n".join(flaws)
    assert_nothing_is_stored(page, MAY_BE_STORED_BY_THE_ADMIN)


def open_page(page: Page, path: str, *, status: int = 200) -> None:
    """The page is there and has drawn what it fetches by itself."""
    use(page, WIDE, "light")
    response = page.goto(path)
    assert response is not None
    assert response.status == status, f"{response.status} for {path}"
    expect(page.locator(".htmx-request")).to_have_count(0)


def flaws_of(page: Page, *, closely: bool = False) -> list[str]:
    """What is wrong with the page, structure and what axe-core finds; `closely`: in each size and
    each scheme. The page is left narrow."""
    flaws = flaws_of_structure(page) + in_words(page, findings(page))
    if closely:
        use(page, WIDE, "dark")
        flaws += in_words(page, findings(page, "color-contrast"))
    use(page, NARROW, "light")
    flaws += flaws_of_structure(page)
    if closely:
        flaws += in_words(page, findings(page))
        use(page, NARROW, "dark")
        flaws += in_words(page, findings(page, "color-contrast"))
    return flaws


def flaws_of_structure(page: Page) -> list[str]:
    """Not one heading, an attack that became an element, inline code, or wider than the window."""
    flaws = []
    if page.locator("h1").count() != 1:
        flaws.append(f"{page.locator('h1').count()} h1")
    if page.locator(f"[{MARK}]").count():
        flaws.append("an attack became an element")
    flaws += [
        f"inline style or script: {element.evaluate('element => element.outerHTML')[:200]}"
        for element in page.locator("[style], style, script:not([src]), [onclick]").all()
    ]
    overhang = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    if overhang > 0:
        flaws.append(f"the page is {overhang} px too wide: {widest(page)}")
    else:
        flaws += [f"cut off at the edge: {element}" for element in cut_off(page)]
    return in_words(page, flaws)


def in_words(page: Page, flaws: list[str]) -> list[str]:
    """These flaws, with where they are."""
    width = (page.viewport_size or {"width": 0})["width"]
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    where = f"{page.url} at {width} px, {'dark' if dark else 'light'}"
    return [f"{where}: {flaw}" for flaw in flaws]


def use(page: Page, size: tuple[int, int], scheme: Literal["light", "dark"]) -> None:
    """The page is shown in that size and colour scheme, and has come to rest."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)
    page.evaluate("Promise.all(document.getAnimations().map(change => change.finished))")


def widest(page: Page) -> str:
    """The elements that reach over the right edge, in a few words each."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter(element => element.getBoundingClientRect().right
                > document.documentElement.clientWidth + 0.5)
            .slice(0, 5).map(element => element.outerHTML.slice(0, 120))"""
    )
    return " | ".join(found)


def cut_off(page: Page) -> list[str]:
    """The beginnings of elements that reach over the right edge and cannot be scrolled to."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('main *')]
            .filter(element => element.getBoundingClientRect().right
                > document.documentElement.clientWidth + 0.5)
            .filter(element => {
                for (let above = element; above; above = above.parentElement)
                    // on a phone rows are cards, which nobody should have to scroll
                    if (/auto|scroll/.test(getComputedStyle(above).overflowX)
                        && !(innerWidth < 640 && above.matches('.table-scroll'))) return false;
                return !element.closest('.visually-hidden, svg');
            })
            .slice(0, 3).map(element => element.outerHTML.slice(0, 120))"""
    )
    return found


def assert_nothing_is_stored(page: Page, but: set[str] = MAY_BE_STORED) -> None:
    """The browser keeps nothing of ours but this, and the cookies that we name."""
    assert set(page.evaluate(_STORED)) <= but
    assert {cookie["name"] for cookie in page.context.cookies()} <= COOKIES


def hrefs(page: Page, pattern: str) -> list[str]:
    """The addresses of the links of this page that look like that, each once."""
    found = page.locator("a[href]").evaluate_all(
        "links => links.map(link => link.getAttribute('href'))"
    )
    return [link for link in dict.fromkeys(found) if re.match(pattern, link)]
