"""The page of one order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messaging.states import Status
from orders.models import Order
from orders.states import Refusal
from orders.views.detail import list_checks
from sellers.models import Role, SellerAccount
from tests.factories import (
    ActionAttemptFactory,
    MembershipFactory,
    OrderFactory,
    OrderItemFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def account() -> SellerAccount:
    return SellerAccountFactory(name="Nordwind")


@pytest.fixture
def client(account: SellerAccount) -> Client:
    return log_in(account)


def log_in(account: SellerAccount, role: Role = Role.OPERATOR) -> Client:
    client = Client()
    client.force_login(MembershipFactory(account=account, role=role).user)
    return client


def address(order: Order, path: str = "") -> str:
    return f"/orders/{order.account_id}/{order.amazon_order_id}/{path}"


def text_of(client: Client, order: Order, path: str = "", **headers: str) -> str:
    response = client.get(address(order, path), headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_more_items_and_attempts_take_no_more_queries(
    client: Client, account: SellerAccount
) -> None:
    def queries(order: Order) -> int:
        with CaptureQueriesContext(connection) as captured:
            text_of(client, order)
        return len(captured)

    one, three = OrderFactory(account=account), OrderFactory(account=account)
    for order, number in ((one, 1), (three, 3)):
        for _ in range(number):
            OrderItemFactory(order=order)
            OutgoingActionFactory(order=order, status=Status.CANCELLED)
        action = OutgoingActionFactory(order=order, status=Status.REFUSED)
        for _ in range(number - 1):
            ActionAttemptFactory(action=action, rejected=True)
    queries(one)
    assert queries(one) == queries(three) == 11


def test_an_eligible_order_offers_the_request(client: Client, account: SellerAccount) -> None:
    order = OrderFactory(account=account)
    page = text_of(client, order)
    assert f'action="{address(order, "request-review/")}"' in page
    assert "Request review" in page
    assert 'name="client_key"' in page
    assert "Nothing yet." in page
    for_viewer = text_of(log_in(account, Role.VIEWER), order)
    assert "request-review" not in for_viewer
    assert "Eligible" in for_viewer


@pytest.mark.parametrize(
    ("trait", "sentence"),
    [
        ("too_early", "Can be asked from "),
        ("window_closed", "The window closed on "),
        ("not_shipped", "Not shipped yet: Amazon says “Not shipped”."),
        ("cancelled", "The order was cancelled."),
        ("no_dates", "Amazon has not said when it is delivered"),
    ],
)
def test_a_refusal_is_explained_with_its_fact(
    client: Client, account: SellerAccount, trait: str, sentence: str
) -> None:
    page = text_of(client, OrderFactory(account=account, **{trait: True}))
    # once beside the state, once among the checks
    assert page.count(sentence) == 2
    assert "request-review" not in page


def test_every_rule_is_listed_with_whether_it_holds(account: SellerAccount) -> None:
    now = timezone.now()
    OrderFactory(account=account, not_shipped=True, is_returned=True)
    order = Order.objects.with_checks(now).get()
    checks = list_checks(order)
    assert len(checks) == len(Refusal) + 1
    failed = [check.words for check in checks if not check.holds]
    assert failed == [
        "The order was returned.",
        "Not shipped yet: Amazon says “Not shipped”.",
    ]


def test_missing_dates_are_not_told_as_a_closed_window(account: SellerAccount) -> None:
    OrderFactory(account=account, no_dates=True)
    checks = list_checks(Order.objects.with_checks(timezone.now()).get())
    facts = {check.words: check.fact for check in checks if not check.holds}
    assert facts["The window is not over"] == "not known without delivery dates"
    assert facts["The window has opened"] == "not known without delivery dates"


def test_what_was_asked_before_is_a_check_too(client: Client, account: SellerAccount) -> None:
    order = OutgoingActionFactory(order__account=account, status=Status.SENT).order
    assert "Asked already: sent" in text_of(client, order)


@pytest.mark.parametrize(
    ("status", "button"),
    [(Status.QUEUED, "/cancel/"), (Status.HELD, "/cancel/"), (Status.REFUSED, "/retry/")],
)
def test_the_button_fits_the_state_and_the_role(
    client: Client, account: SellerAccount, status: Status, button: str
) -> None:
    action = OutgoingActionFactory(order__account=account, status=status)
    assert f"/outbox/{action.pk}{button}" in text_of(client, action.order)
    assert button not in text_of(log_in(account, Role.VIEWER), action.order)


def test_attempts_tell_code_text_request_id_and_raw_answer(
    client: Client, account: SellerAccount
) -> None:
    action = OutgoingActionFactory(order__account=account, status=Status.CANCELLED)
    ActionAttemptFactory(
        action=action, rejected=True, request_id="abc-123", body='{"errors": []}', duration_ms=150
    )
    page = text_of(client, action.order)
    assert "403 Unauthorized" in page
    assert "You have already requested a review for this order." in page
    assert "abc-123" in page
    assert "{&quot;errors&quot;: []}" in page
    assert "150 ms" in page


def test_the_timeline_tells_facts_and_steps_newest_first(
    client: Client, account: SellerAccount
) -> None:
    action = OutgoingActionFactory(order__account=account, status=Status.SENT)
    response = client.get(address(action.order))
    entries = response.context["timeline"]
    moments = [entry.at for entry in entries]
    assert moments == sorted(moments, reverse=True)
    words = [entry.words for entry in entries]
    assert words.index("Sent: Amazon accepted it") < words.index("Taken up for sending")
    assert words.index("Taken up for sending") < words.index("Review request queued")
    assert words[-1] == "Purchased"
    assert entries[0].words == "The window for a review request closes"
    assert entries[0].is_future
    queued = entries[words.index("Review request queued")]
    assert queued.who == action.requested_by.username


@pytest.mark.parametrize(
    ("source", "verb"),
    [("amazon", "promised"), ("fba_report", "promised"), ("estimate", "estimated")],
)
def test_an_estimate_is_not_told_as_a_promise(
    client: Client, account: SellerAccount, source: str, verb: str
) -> None:
    order = OrderFactory(account=account, window_source=source)
    told = {entry.words for entry in client.get(address(order)).context["timeline"]}
    assert {f"Delivery {verb} from", f"Delivery {verb} by"} <= told


def test_amazons_last_list_is_told(client: Client, account: SellerAccount) -> None:
    order = OrderFactory(account=account)
    assert "not asked yet" in text_of(client, order)
    order.offer_checked_at, order.is_offered = timezone.now(), False
    order.save()
    assert "did not offer it" in text_of(client, order)


def test_the_state_polls_while_it_moves(client: Client, account: SellerAccount) -> None:
    action = OutgoingActionFactory(order__account=account)
    moving = client.get(address(action.order, "state/"), headers=HTMX)
    assert 'hx-trigger="every 3s"' in moving.content.decode()
    assert "HX-Trigger" not in moving.headers
    action.look_at = timezone.now() + timedelta(hours=20)
    action.save(update_fields=["look_at"])
    postponed = client.get(address(action.order, "state/"), headers=HTMX)
    assert "hx-get" not in postponed.content.decode()
    assert postponed["HX-Trigger"] == "order-changed"
    assert "Waiting: next look" in postponed.content.decode()


def test_htmx_gets_what_stands_below_the_state(client: Client, account: SellerAccount) -> None:
    order = OrderFactory(account=account)
    fragment = text_of(client, order, **HTMX)
    assert fragment.strip().startswith('<div id="order-rest"')


@pytest.mark.parametrize("path", ["", "state/"])
def test_reading_checks_access(account: SellerAccount, path: str) -> None:
    order = OrderFactory(account=account)
    assert log_in(account, Role.VIEWER).get(address(order, path)).status_code == 200
    stranger = log_in(SellerAccountFactory())
    foreign = stranger.get(address(order, path))
    missing = stranger.get(f"/orders/{account.pk}/999-9999999-9999999/{path}")
    assert foreign.status_code == missing.status_code == 404
    assert log_in(account).post(address(order, path)).status_code == 405
    assert Client().get(address(order, path))["Location"].startswith("/login/")


def test_a_number_may_be_typed_with_spaces_and_must_be_one(
    client: Client, account: SellerAccount
) -> None:
    order = OrderFactory(account=account)
    spaced = order.amazon_order_id.replace("-", " \u2013 ")
    assert client.get(f"/orders/{account.pk}/{spaced}/").status_code == 200
    refused = client.get(f"/orders/{account.pk}/111-1111111-111111/")
    assert refused.status_code == 400
    assert "123-1234567-1234567" in refused.content.decode()


def test_an_order_whose_number_has_letters_has_its_page(
    client: Client, account: SellerAccount
) -> None:
    order = OrderFactory(account=account, amazon_order_id="S01-1234567-7654321")
    assert client.get(address(order)).context["order"] == order


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)>", "{{7*7}}", '"><script>x</script>', 'x" hx-get="/x']
)
def test_hostile_titles_are_shown_as_text(
    client: Client, account: SellerAccount, text: str
) -> None:
    order = OrderFactory(account=account, fulfillment_status=text[:32])
    OrderItemFactory(order=order, title=text, sku=text, asin=text[:16])
    action = OutgoingActionFactory(order=order, status=Status.REFUSED, reason=text)
    ActionAttemptFactory(action=action, rejected=True, message=text, body=text, code=text)
    page = text_of(client, order)
    for raw in ("<img src=x", "<script>x", ">49<", 'x" hx-get="/x'):
        assert raw not in page
