"""The list of orders as pages: what they show to whom, and what they answer to a bad address."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messaging.states import Status
from orders.models import Order
from sellers.models import Role
from tests.factories import (
    GERMANY,
    AccountMarketplaceFactory,
    MembershipFactory,
    OrderFactory,
    OrderItemFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
)
from tests.orders.views.conftest import HTMX, Person, person

pytestmark = pytest.mark.django_db

LIST = "/orders/"
ATTACKS = (
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    'x" hx-get="/x" y="',
    "{{7*7}}",
)


def _text(html: str) -> str:
    """The words of a page, without tags and repeated blanks."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


def _numbers(html: str) -> list[str]:
    return re.findall(r"data-open>([^<]+)<", html)


def test_the_page_shows_orders_newest_first(ann: Person) -> None:
    old = ann.order(purchased_at=timezone.now() - timedelta(days=20))
    new = ann.order(purchased_at=timezone.now() - timedelta(days=10))
    html = ann.get(LIST).content.decode()
    assert _numbers(html) == [new.amazon_order_id, old.amazon_order_id]
    assert "<!doctype html>" in html
    words = _text(html)
    assert "amazon.de" in words
    assert "Eligible: closes" in words
    assert "24.90 EUR" in words
    assert "2 of 2 orders" in words


def test_htmx_gets_the_list_alone_with_its_address_and_what_to_read_out(ann: Person) -> None:
    ann.order()
    response = ann.htmx(LIST, state="eligible", q="", account="", marketplace="")
    html = response.content.decode()
    assert "<html" not in html
    assert html.lstrip().startswith('<div id="orders"')
    assert response.headers["HX-Push-Url"] == "/orders/?state=eligible"
    assert re.search(r'id="live" hx-swap-oob="innerHTML">1 of 1 order<', html)


def test_going_back_in_the_history_gets_the_page(ann: Person) -> None:
    headers = HTMX | {"HX-History-Restore-Request": "true"}
    assert b"<!doctype html>" in ann.client.get(LIST, headers=headers).content


@pytest.mark.parametrize("state", ["all", "eligible", "waiting", "sent", "not_possible"])
def test_one_row_and_three_take_the_same_queries(ann: Person, state: str) -> None:
    def add() -> None:
        OrderItemFactory(order=ann.order())
        ann.order(cancelled=True)
        OutgoingActionFactory(order=ann.order())
        OutgoingActionFactory(order=ann.order(), status=Status.SENT)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            response = ann.get(LIST, state=state)
        assert response.status_code == 200
        return len(captured)

    add()
    with_one = queries()
    add()
    add()
    # session, user, accounts, marketplaces, last synchronisation, all counts, page, rows, actions,
    # banner
    expected = 12 if state == "waiting" else 10
    assert (with_one, queries()) == (expected, expected)


def test_the_fragment_takes_two_queries_less(ann: Person) -> None:
    ann.order()
    with CaptureQueriesContext(connection) as captured:
        ann.htmx(LIST)
    assert len(captured) == 8


def test_orders_of_others_are_not_there(ann: Person, stranger: Person) -> None:
    theirs = stranger.order()
    mine = ann.order()
    html = ann.get(LIST).content.decode()
    assert _numbers(html) == [mine.amazon_order_id]
    assert theirs.account.name not in html
    assert ann.get(LIST, q=theirs.amazon_order_id).content.decode().count("data-open>") == 0


def test_somebody_elses_account_is_missing(ann: Person, stranger: Person) -> None:
    foreign = ann.get(LIST, account=stranger.account.pk)
    missing = ann.get(LIST, account=987_654)
    assert (foreign.status_code, missing.status_code) == (404, 404)


def test_without_an_account_the_page_says_what_to_do(db: None) -> None:
    nobody = person(None)
    html = nobody.get(LIST).content.decode()
    assert "No seller account yet" in html


def test_empty_lists_say_why(ann: Person) -> None:
    assert "No orders yet" in ann.get(LIST).content.decode()
    ann.order()
    assert "No order is in this state" in ann.get(LIST, state="sent").content.decode()
    found = ann.get(LIST, q="999-9").content.decode()
    assert "Order numbers look like 123-1234567-1234567." in found


def test_a_viewer_sees_the_orders_and_no_buttons(ann: Person, viewer: Person) -> None:
    order = ann.order()
    html = viewer.get(LIST).content.decode()
    assert order.amazon_order_id in html
    for sign in ("Request review", 'name="order"', "all_matching", 'method="post" action="/orders'):
        assert sign not in html


def test_with_two_accounts_each_row_names_its_own_and_offers_what_one_may(ann: Person) -> None:
    only_seen = SellerAccountFactory(name="Only seen")
    only_seen.membership_set.create(user=ann.user, role=Role.VIEWER)
    OrderFactory(account=only_seen)
    mine = ann.order()
    html = ann.get(LIST).content.decode()
    assert _text(html).count("Only seen") >= 2
    assert html.count(">Request review<") == 1
    assert re.findall(r'name="order" value="(\d+)"', html) == [str(mine.pk)]
    # what can be selected at once is what one may send for
    assert "All 1 that match" in _text(html)


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_words_are_shown_as_text(ann: Person, attack: str) -> None:
    ann.account.name = attack
    ann.account.save()
    SellerAccountFactory(name=attack).membership_set.create(user=ann.user, role=Role.VIEWER)
    AccountMarketplaceFactory(account=ann.account, marketplace_id=attack[:20], name=attack)
    order = ann.order(
        marketplace_id=attack[:20], total_currency=attack[:3], fulfilled_by=attack[:16]
    )
    OutgoingActionFactory(order=order, status=Status.REFUSED, reason=attack)
    OutgoingActionFactory(order=ann.order(), status=Status.SENT, requested_by__username=attack[:20])
    for response in (ann.get(LIST), ann.get(LIST, q=attack), ann.get(LIST, sort=attack)):
        html = response.content.decode()
        assert "onerror=alert" not in html.replace("onerror=alert(1)&gt;", "")
        assert "<script>alert" not in html
        assert 'hx-get="/x"' not in html
        assert "49" not in _text(html).split()
    assert attack in _text(ann.get(LIST).content.decode())


def test_the_address_keeps_every_filter_in_the_links(ann: Person) -> None:
    AccountMarketplaceFactory(account=ann.account)
    ann.order()
    html = unescape(
        ann.get(LIST, state="eligible", marketplace=GERMANY, channel="fbm").content.decode()
    )
    query = f"marketplace={GERMANY}&channel=fbm"
    assert f'href="/orders/?state=sent&{query}"' in html
    assert f'href="/orders/?state=eligible&{query}&sort=closes&dir=desc"' in html


def test_sorting_turns_round_and_is_told_to_screen_readers(ann: Person) -> None:
    first = ann.order(latest_delivery_at=timezone.now() - timedelta(days=11))
    second = ann.order(latest_delivery_at=timezone.now() - timedelta(days=9))
    up = ann.get(LIST, state="eligible").content.decode()
    assert _numbers(up) == [first.amazon_order_id, second.amazon_order_id]
    assert 'aria-sort="ascending"' in up
    down = ann.get(LIST, state="eligible", sort="closes", dir="desc").content.decode()
    assert _numbers(down) == [second.amazon_order_id, first.amazon_order_id]
    assert 'aria-sort="descending"' in down


def test_pages_follow_each_other_by_links(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.views.listing.PAGE_SIZE", 2)
    monkeypatch.setattr("orders.views.listing.read_list.__kwdefaults__", {"size": 2})
    orders = [
        ann.order(purchased_at=timezone.now() - timedelta(days=day)).amazon_order_id
        for day in range(5)
    ]
    path, seen = LIST, []
    while path:
        html = unescape(ann.get(path).content.decode())
        seen.append(_numbers(html))
        found = re.search(r'id="pager-next" href="([^"]+)"', html)
        path = f"{LIST}{found[1]}" if found else ""
    assert seen == [orders[:2], orders[2:4], orders[4:]]
    previous = re.search(r'id="pager-previous" href="([^"]+)"', html)
    assert previous
    assert _numbers(ann.get(f"{LIST}{previous[1]}").content.decode()) == orders[2:4]
    last = re.search(r'id="pager-last" href="([^"]+)"', unescape(ann.get(LIST).content.decode()))
    assert last
    assert _numbers(ann.get(f"{LIST}{unescape(last[1])}").content.decode()) == orders[3:]


@pytest.mark.parametrize(
    ("page", "note"),
    [
        ("1", ""),
        ("0", "This is the first one."),
        ("-1", "This is the first one."),
        ("abc", "This is the first one."),
        ("9e9", "This is the first one."),
        ("٣", "This is the last one."),
        ("7", "This is the last one."),
        ("9" * 400, "This is the last one."),
    ],
)
def test_a_page_by_number_is_the_first_or_the_last_with_a_note(
    ann: Person, page: str, note: str
) -> None:
    ann.order()
    response = ann.get(LIST, page=page)
    assert response.status_code == 200
    assert (note or "<table") in response.content.decode()
    assert ("Pages have no numbers here" in response.content.decode()) == bool(note)


def test_nul_in_the_address_is_refused(ann: Person) -> None:
    for path in ("/orders/?page=%00", "/orders/?q=a%00b", "/orders/?x=\x00", "/orders/%00/"):
        assert ann.client.get(path).status_code == 400, path


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("sort=password", "It can be: purchased, closes, state."),
        ("order_by=account__token", ""),
        ("q=" + "x" * 10_000, "has more than 200 characters."),
        ("from=2026-02-02&to=2026-01-01", "is after"),
        ("from=2025-02-29", "is not a day of the calendar."),
        ("from=1900-01-01", "is before Amazon's first day."),
        ("from=2019-01-01&to=2024-06-23", "At most 400 days at a time."),
        ("account=1&account=2", "“account” stands in the address more than once."),
        ("after=x", "This page does not exist."),
        ("after=1~1&before=1~1", "not both"),
        ("after=1~1&after=2~2", "“after” was given 2 times. Give it once."),
        ("page=1&page=2", "“page” was given 2 times. Give it once."),
        ("state=sent%27--", "is not known here."),
    ],
)
@pytest.mark.parametrize("by_htmx", [False, True])
def test_a_bad_address_is_a_400_that_says_why(
    ann: Person, query: str, sentence: str, by_htmx: bool
) -> None:
    ann.order()
    response = ann.client.get(f"{LIST}?{query}", headers=HTMX if by_htmx else {})
    assert response.status_code == (400 if sentence else 200)
    html = response.content.decode()
    assert sentence in unescape(html)
    assert ("<html" in html) != by_htmx
    if sentence:
        assert not _numbers(html)


@pytest.mark.parametrize("text", ["%_%_%_%_%", "(a+)+$", "\\", "'; DROP TABLE x; --", "a" * 200])
def test_patterns_in_the_search_are_plain_text(ann: Person, text: str) -> None:
    ann.order()
    response = ann.get(LIST, q=text)
    assert response.status_code == 200
    assert not _numbers(response.content.decode())


def test_a_sort_of_other_pills_is_taken_with_a_note(ann: Person) -> None:
    ann.order()
    response = ann.get(LIST, sort="closes")
    assert response.status_code == 200
    assert "“All” can be sorted by purchased, not by closes." in response.content.decode()


def test_counts_come_alone_for_htmx(ann: Person) -> None:
    ann.order()
    html = ann.htmx("/orders/counts/", state="eligible").content.decode()
    assert html.lstrip().startswith("<nav")
    assert "Eligible now <b>1</b>" in html
    assert ann.get("/orders/counts/").headers["Location"] == LIST
    assert ann.htmx("/orders/counts/", sort="x").status_code == 204


def _row_path(order: Order) -> str:
    return f"/orders/{order.account_id}/{order.amazon_order_id}/row/"


def test_a_row_comes_alone_for_htmx_and_leads_to_the_order_without(ann: Person) -> None:
    order = ann.order()
    html = ann.htmx(_row_path(order)).content.decode()
    assert html.lstrip().startswith("<tr")
    assert html.count("<tr") == 1
    response = ann.get(_row_path(order))
    assert response.headers["Location"] == f"/orders/{order.account_id}/{order.amazon_order_id}/"


def test_a_row_that_has_ended_comes_back_without_its_poll(ann: Person) -> None:
    action = OutgoingActionFactory(order=ann.order())
    assert "hx-trigger" in ann.htmx(_row_path(action.order)).content.decode()
    sent = OutgoingActionFactory(order=ann.order(), status=Status.SENT)
    assert "hx-trigger" not in ann.htmx(_row_path(sent.order)).content.decode()


def test_a_row_comes_back_with_the_columns_of_its_list(ann: Person) -> None:
    seen = MembershipFactory(user=ann.user, role=Role.VIEWER).account
    path = _row_path(OrderFactory(account=seen))

    def cells(here: str) -> tuple[bool, bool]:
        headers = {**HTMX, "HX-Current-URL": f"http://testserver{here}"}
        html = ann.client.get(path, headers=headers).content.decode()
        return "cell-check" in html, 'data-label="Account"' in html

    assert cells("/orders/") == (True, True)
    assert cells("/orders/?account=&state=") == (True, True)
    assert cells(f"/orders/?account={seen.pk}") == (False, False)


def test_a_row_of_others_is_the_same_as_a_missing_one(ann: Person, stranger: Person) -> None:
    theirs = stranger.order()
    foreign = ann.htmx(_row_path(theirs))
    elsewhere = ann.htmx(f"/orders/{ann.account.pk}/{theirs.amazon_order_id}/row/")
    missing = ann.htmx(f"/orders/{ann.account.pk}/123-1234567-1234567/row/")
    nowhere = ann.htmx("/orders/99999999/123-1234567-1234567/row/")
    assert {r.status_code for r in (foreign, elsewhere, missing, nowhere)} == {404}
    assert foreign.content == elsewhere.content == missing.content == nowhere.content


@pytest.mark.parametrize(
    "number",
    ["111-1111111-111111", "abc", "111-1111111-1111111a", "1111111111111111", "11\N{EN DASH}1"],
)
def test_what_is_no_order_number_is_told_how_they_look(ann: Person, number: str) -> None:
    response = ann.client.get(f"/orders/{ann.account.pk}/{number}/row/")
    assert response.status_code == 400
    assert "Order numbers look like 123-1234567-1234567." in response.content.decode()


def test_spaces_and_dashes_in_a_number_do_not_matter(ann: Person) -> None:
    order = ann.order(amazon_order_id="302-1234567-7654321")
    path = f"/orders/{ann.account.pk}/ 302\N{EN DASH}1234567 \N{MINUS SIGN} 7654321/row/"
    assert order.amazon_order_id in ann.htmx(path).content.decode()


def test_an_id_beyond_the_database_is_missing(ann: Person) -> None:
    assert ann.get(f"/orders/{2**70}/123-1234567-1234567/row/").status_code == 404
    assert ann.get(LIST, account=2**70).status_code == 404


def test_times_are_those_of_the_reader(ann: Person) -> None:
    ann.order(purchased_at=timezone.now().replace(month=1, day=1, hour=0, minute=30))
    ann.client.cookies["tz"] = "America/New_York"
    assert "31 Dec" in ann.get(LIST).content.decode()
    ann.client.cookies["tz"] = "../../etc/passwd"
    assert "1 Jan" in ann.get(LIST).content.decode()
