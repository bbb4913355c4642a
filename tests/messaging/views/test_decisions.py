"""The page on which a manager decides: what it shows, what it takes, and what it refuses."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent, AuditKind
from messaging.models import ActionAttempt, OutgoingAction
from messaging.seller_central import seller_central_address
from messaging.states import Status
from sellers.models import Role, SellerAccount
from spapi import MARKETPLACES
from tests.factories import (
    ActionAttemptFactory,
    MembershipFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
    UserFactory,
)
from tests.people.confirming import confirm

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
HTMX = {"HX-Request": "true"}
AN_HOUR = timedelta(hours=1)


@pytest.fixture
def account() -> SellerAccount:
    found: SellerAccount = SellerAccountFactory(name="Nordwind")
    return found


def log_in(account: SellerAccount, role: Role = Role.MANAGER, name: str = "ann") -> Client:
    user: User = UserFactory(username=name)
    MembershipFactory(user=user, account=account, role=role)
    client = Client()
    client.force_login(user)
    confirm(client, user)
    return client


def solicitation(account: SellerAccount, **fields: object) -> OutgoingAction:
    fields = {"status": Status.UNCONFIRMED, "created_at": timezone.now() - AN_HOUR} | fields
    action: OutgoingAction = OutgoingActionFactory(order__account=account, **fields)
    return action


def message(account: SellerAccount, **fields: object) -> OutgoingAction:
    return solicitation(account, kind="confirmOrderDetails", api="messaging", **fields)


def path(action: OutgoingAction) -> str:
    return f"/outbox/{action.pk}/decide/"


def form_of(client: Client, action: OutgoingAction, **fields: object) -> dict[str, object]:
    """The form of the page as it stands now, filled in."""
    page = client.get(path(action)).content.decode()
    found = re.search(r'name="seen_step" value="(\d+)"', page)
    assert found is not None
    return {"seen_step": found[1], "reason": "Looked at the thread"} | fields


def status_of(action: OutgoingAction) -> str:
    action.refresh_from_db()
    return action.status


def test_all_that_is_known_is_shown(account: SellerAccount) -> None:
    asker = UserFactory(username="bob")
    action = solicitation(account, requested_by=asker, looks=3, absent_looks=2, offered_looks=0)
    ActionAttemptFactory(
        action=action,
        rejected=True,
        code="InternalFailure",
        message="Amazon's own words",
        request_id="amzn-request-7",
        body='{"errors": []}',
    )
    page = log_in(account).get(path(action)).content.decode()
    number = action.order.amazon_order_id
    for words in (
        f"Review request for {number}",
        "Nordwind",
        "by bob",
        "Needs a look",
        "3: offered in 0, not offered in 2 that count",
        "Next look",
        "Attempt 1",
        "The connection was reset.",
        "Attempt 2",
        "InternalFailure",
        "Amazon&#x27;s own words",
        "amzn-request-7",
        "{&quot;errors&quot;: []}",
        f'href="https://sellercentral-europe.amazon.com/orders-v3/order/{number}"',
        'rel="noopener noreferrer"',
    ):
        assert words in page, words


def test_what_was_written_is_shown_to_be_looked_for(account: SellerAccount) -> None:
    written = {"text": "Which <b>colour</b>?", "files": [{"name": "colours.pdf", "size": 2048}]}
    page = log_in(account).get(path(message(account, payload=written))).content.decode()
    assert '<p class="letter" dir="auto">Which &lt;b&gt;colour&lt;/b&gt;?</p>' in page
    assert "colours.pdf" in page


def test_a_review_request_is_not_sent_again_by_hand(account: SellerAccount) -> None:
    client = log_in(account)
    page = client.get(path(solicitation(account))).content.decode()
    assert re.findall(r'name="choice" id="[\w-]+" value="(\w+)"', page) == ["seen", "leave"]
    page = client.get(path(message(account))).content.decode()
    assert re.findall(r'name="choice" id="[\w-]+" value="(\w+)"', page) == [
        "seen",
        "again",
        "leave",
    ]
    assert "does not say what was sent" in page
    for status in (Status.UNRESOLVED, Status.PROBABLY_SENT):
        page = client.get(path(solicitation(account, status=status))).content.decode()
        assert re.findall(r'name="choice" id="[\w-]+" value="(\w+)"', page) == ["seen"]


@pytest.mark.parametrize(
    ("choice", "status", "words"),
    [
        ("seen", Status.SENT, "it stands as sent, seen by you"),
        ("again", Status.QUEUED, "it is queued to be sent again"),
        ("leave", Status.UNRESOLVED, "it stands as not known"),
    ],
)
def test_a_decision_leads_to_the_order(
    account: SellerAccount, redis_empty: None, choice: str, status: Status, words: str
) -> None:
    action = message(account)
    client = log_in(account)
    number = action.order.amazon_order_id
    form = form_of(client, action, choice=choice, order_number=number)
    response = client.post(path(action), form, follow=True)
    assert response.redirect_chain == [(f"/orders/{account.pk}/{number}/", 302)]
    assert f"{number}: {words}." in response.content.decode()
    assert status_of(action) == status
    event = AuditEvent.objects.get(kind=AuditKind.DECIDED)
    assert (event.user.username, event.subject) == ("ann", number)
    assert event.detail["reason"] == "Looked at the thread"
    page = client.get(path(action)).content.decode()
    assert "decided by ann" in page
    assert "Looked at the thread" in page


def test_the_order_page_tells_what_was_decided(account: SellerAccount) -> None:
    action = solicitation(account)
    client = log_in(account)
    client.post(path(action), form_of(client, action, choice="seen"))
    page = client.get(f"/orders/{account.pk}/{action.order.amazon_order_id}/").content.decode()
    assert "Sent: seen in Seller Central by ann" in page
    assert "(Looked at the thread)" in page
    assert "Amazon accepted it" not in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"choice": ""}, "Choose one of them."),
        ({"choice": "sent"}, "Choose one of them."),
        ({"reason": ""}, "Say why: it stands on the record."),
        ({"reason": " \n "}, "Say why: it stands on the record."),
        ({"reason": "x" * 301}, "This has more than 300 characters. Shorten it."),
        ({"reason": "a\x00b"}, "Null characters are not allowed."),
        ({"order_number": ""}, "Type the number of this order"),
        ({"order_number": "302-0000000-0000000"}, "Type the number of this order"),
        ({"order_number": "1" * 41}, "at most 40 characters"),
        ({"seen_step": ""}, "Reload the page and decide again."),
        ({"seen_step": "x"}, "Reload the page and decide again."),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_form_that_is_wrong_says_so_and_decides_nothing(
    account: SellerAccount, fields: dict[str, str], words: str, headers: dict[str, str]
) -> None:
    action = message(account)
    client = log_in(account)
    number = action.order.amazon_order_id
    form = form_of(client, action, choice="again", order_number=number) | fields
    response = client.post(path(action), form, headers=headers)
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert ("<!doctype html>" in page) == (not headers)
    if "choice" not in fields:
        assert re.search(r'value="again"[^>]* checked>', page), "what was chosen is still chosen"
    assert status_of(action) == Status.UNCONFIRMED
    assert not AuditEvent.objects.filter(kind=AuditKind.DECIDED).exists()


def test_too_early_to_send_again_is_said_with_the_time_left(account: SellerAccount) -> None:
    action = message(account, created_at=timezone.now() - timedelta(minutes=5))
    client = log_in(account)
    number = action.order.amazon_order_id
    form = form_of(client, action, choice="again", order_number=number)
    response = client.post(path(action), form)
    assert response.status_code == 422
    assert re.search(r"Too early: .* in (9|10) min\.", response.content.decode())
    assert status_of(action) == Status.UNCONFIRMED


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_second_of_two_managers_sees_what_the_first_decided(
    account: SellerAccount, headers: dict[str, str]
) -> None:
    action = message(account)
    ann, bob = log_in(account), log_in(account, name="bob")
    form = form_of(ann, action, choice="leave")
    bobs = form_of(bob, action, choice="seen")
    ann.post(path(action), form)
    response = bob.post(path(action), bobs, headers=headers)
    page = response.content.decode()
    assert response.status_code == 409
    assert "ann was sooner: it is “Not known” now. Look again." in page
    assert "decided by ann" in page
    # looked again, it may still be seen
    assert 'value="seen"' in page
    assert status_of(action) == Status.UNRESOLVED
    form = form_of(bob, action, choice="seen")
    assert bob.post(path(action), form).status_code == 302
    assert status_of(action) == Status.SENT
    page = ann.get(path(action)).content.decode()
    assert "There is nothing to decide: it is “Sent”, as bob decided" in page


def test_a_double_click_is_one_decision(account: SellerAccount) -> None:
    action = solicitation(account)
    client = log_in(account)
    form = form_of(client, action, choice="seen")
    for _click in range(2):
        assert client.post(path(action), form).status_code == 302
    assert AuditEvent.objects.filter(kind=AuditKind.DECIDED).count() == 1


def test_fields_that_nobody_asked_for_change_nothing(account: SellerAccount) -> None:
    action = solicitation(account)
    client = log_in(account)
    other = UserFactory()
    extra = {"status": "sent", "seen_by": other.pk, "account_id": 1, "decided_by": other.pk}
    client.post(path(action), form_of(client, action, choice="leave", **extra))
    assert status_of(action) == Status.UNRESOLVED
    assert action.seen_by is None


@pytest.mark.parametrize("name", ["choice", "reason", "order_number", "seen_step"])
def test_a_field_given_twice_is_refused(account: SellerAccount, name: str) -> None:
    action = solicitation(account)
    client = log_in(account)
    form = form_of(client, action, choice="seen") | {name: ["1", "2"]}
    assert client.post(path(action), form).status_code == 400
    assert status_of(action) == Status.UNCONFIRMED


def test_what_is_known_for_sure_is_not_decided(account: SellerAccount) -> None:
    client = log_in(account)
    for status in (Status.QUEUED, Status.SENT, Status.REFUSED, Status.CANCELLED):
        action = solicitation(account, status=status)
        page = client.get(path(action)).content.decode()
        assert "There is nothing to decide" in page
        assert 'name="choice"' not in page
        form = {"choice": "seen", "reason": "x", "seen_step": "0"}
        assert client.post(path(action), form).status_code == 409
        assert status_of(action) == status


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_it_takes_a_manager(account: SellerAccount, role: Role, headers: dict[str, str]) -> None:
    action = solicitation(account)
    client = log_in(account, role)
    for ask in (client.get, client.post):
        response = ask(path(action), headers=headers)
        assert response.status_code == 403
        assert f"Your role ({role.label}) cannot manage." in response.content.decode()
    stranger = log_in(SellerAccountFactory(), name="stranger")
    assert stranger.get(path(action), headers=headers).status_code == 404
    for address in ("/outbox/", f"/orders/{account.pk}/{action.order.amazon_order_id}/"):
        assert path(action) not in client.get(address).content.decode()


def test_managers_are_led_there(account: SellerAccount) -> None:
    asked, told = solicitation(account), message(account)
    sent = solicitation(account, status=Status.SENT)
    client = log_in(account)
    page = client.get("/outbox/").content.decode()
    assert path(asked) in page
    assert path(told) in page
    assert path(sent) not in page
    for action in (asked, told):
        address = f"/orders/{account.pk}/{action.order.amazon_order_id}/"
        assert path(action) in client.get(address).content.decode()


def test_a_message_is_not_the_state_of_the_review_request(account: SellerAccount) -> None:
    action = message(account)
    address = f"/orders/{account.pk}/{action.order.amazon_order_id}/"
    page = log_in(account).get(address).content.decode()
    assert "Request review</button>" in page
    assert "Needs a look: a manager decides" in page
    assert f"{action.type.label} queued" in page


def test_more_attempts_take_no_more_queries(account: SellerAccount) -> None:
    client = log_in(account)

    def queries(action: OutgoingAction) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path(action)).status_code == 200
        return len(captured)

    one, three = message(account), message(account)
    for _ in range(2):
        ActionAttemptFactory(action=three, unknown=True)
    queries(one)
    assert ActionAttempt.objects.filter(action=three).count() == 3
    # session, user, action, role, step, last attempt, attempts, banner
    assert queries(one) == queries(three) == 8


def test_seller_central_has_the_host_that_amazon_names() -> None:
    for known in MARKETPLACES.values():
        address = seller_central_address(known.id, "302-1234567-1234567")
        if known.seller_central is None:
            assert address == ""
        else:
            assert address.startswith(f"https://{known.seller_central}/")
    assert seller_central_address("UNKNOWN", "302-1234567-1234567") == ""


def test_without_a_known_host_there_is_no_link(account: SellerAccount) -> None:
    action = solicitation(account, order__marketplace_id="A28R8C7NBKEWEA")
    page = log_in(account).get(path(action)).content.decode()
    assert "in Seller Central." in page
    assert "orders-v3" not in page
