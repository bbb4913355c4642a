"""The outbox, and what is done to one action of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent, AuditKind
from messaging.models import OutgoingAction
from messaging.states import Status
from orders.models import Order
from sellers.models import Role, SellerAccount
from tests.factories import (
    MembershipFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
    UserFactory,
)
from tests.messaging.sending import NOW, due_message, lose

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def account() -> SellerAccount:
    return SellerAccountFactory(name="Nordwind")


def log_in(account: SellerAccount | None, role: Role = Role.OPERATOR) -> Client:
    user: User = UserFactory()
    if account is not None:
        MembershipFactory(user=user, account=account, role=role)
    client = Client()
    client.force_login(user)
    return client


def add(account: SellerAccount, status: Status = Status.QUEUED, **fields: object) -> OutgoingAction:
    action: OutgoingAction = OutgoingActionFactory(order__account=account, status=status, **fields)
    return action


def number(action: OutgoingAction) -> str:
    return action.order.amazon_order_id


def queries(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@pytest.mark.parametrize("state", ["", "?state=waiting", "?state=sent"])
def test_one_row_and_three_take_the_same_queries(account: SellerAccount, state: str) -> None:
    client = log_in(account)
    add(account)
    add(account, Status.SENT)
    before = queries(client, f"/outbox/{state}")
    for _ in range(2):
        add(account)
        add(account, Status.SENT)
    assert queries(client, f"/outbox/{state}") == before == 7


def test_only_ones_own_actions_are_shown(account: SellerAccount) -> None:
    mine, foreign = add(account), add(SellerAccountFactory())
    page = log_in(account).get("/outbox/").content.decode()
    assert number(mine) in page
    assert number(foreign) not in page
    assert number(mine) not in log_in(None).get("/outbox/").content.decode()


def test_htmx_gets_the_fragment_alone(account: SellerAccount) -> None:
    action = add(account)
    client = log_in(account)
    page = client.get("/outbox/").content.decode()
    fragment = client.get("/outbox/", headers=HTMX).content.decode()
    assert "<!doctype html>" in page
    assert fragment.strip().startswith('<div id="outbox"')
    assert number(action) in page
    assert number(action) in fragment


def test_states_are_told_with_their_reason_and_next_look(account: SellerAccount) -> None:
    add(account, Status.REFUSED, reason="Refused: already requested")
    add(account, Status.UNCONFIRMED, look_at=timezone.now() + timedelta(days=400))
    account.paused_at = timezone.now()
    account.save()
    add(account, Status.HELD)
    page = log_in(account).get("/outbox/").content.decode()
    assert "Refused: already requested" in page
    assert "Needs a look: Amazon is asked again" in page
    assert "On hold: The account is paused" in page


def test_pills_count_and_choose(account: SellerAccount) -> None:
    sent, refused = add(account, Status.SENT), add(account, Status.REFUSED)
    client = log_in(account)
    page = client.get("/outbox/?state=sent").content.decode()
    assert number(sent) in page
    assert number(refused) not in page
    assert "All <b>2</b>" in page
    assert "Sent <b>1</b>" in page
    assert "Waiting <b>0</b>" in page


def test_pages_lead_to_each_other(account: SellerAccount) -> None:
    for _ in range(51):
        add(account)
    client = log_in(account)
    first = client.get("/outbox/")
    pager = first.context["pager"]
    assert len(first.context["rows"]) == 50
    assert (pager.first, pager.previous, pager.summary) == ("", "", "50 of 51")
    second = client.get(f"/outbox/{pager.next}")
    assert len(second.context["rows"]) == 1
    assert second.context["pager"].next == ""
    back = client.get(f"/outbox/{second.context['pager'].previous}")
    shown = [row.action.pk for row in back.context["rows"]]
    assert shown == [row.action.pk for row in first.context["rows"]]
    last = client.get(f"/outbox/{pager.last}")
    assert last.context["rows"][-1].action == second.context["rows"][0].action


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("state=password", "There is no state “password”"),
        ("account=999999", "There is no account “999999”"),
        ("from=2026-13-01", "“from” is “2026-13-01”"),
        ("q=abc", "123-1234567-1234567"),
        ("after=x", "This page does not exist"),
        ("state=sent&state=held", "“state” was given 2 times"),
        ("sort=password", "It can be: changed."),
        ("sort=changed&sort=changed", "“sort” was given 2 times"),
        ("page=1&page=2", "“page” was given 2 times"),
        ("q=%00", "NUL"),
    ],
)
def test_a_bad_address_is_refused_by_name(account: SellerAccount, query: str, words: str) -> None:
    client = log_in(account)
    for headers in ({}, HTMX):
        response = client.get(f"/outbox/?{query}", headers=headers)
        assert response.status_code == 400
        assert words in response.content.decode()


@pytest.mark.parametrize(
    ("page", "which"),
    [
        ("1", ""),
        ("0", "first"),
        ("-1", "first"),
        ("9e9", "first"),
        ("abc", "first"),
        ("7", "last"),
        ("last", "last"),
        ("9" * 400, "last"),
    ],
)
def test_a_page_by_number_is_the_first_or_the_last_with_a_note(
    account: SellerAccount, page: str, which: str
) -> None:
    oldest, *_others = [add(account) for _ in range(51)]
    client = log_in(account)
    for headers in ({}, HTMX):
        response = client.get(f"/outbox/?sort=changed&page={page}", headers=headers)
        note = f"Pages have no numbers here. This is the {which} one."
        assert (note in response.content.decode()) == bool(which)
        shown = [row.action for row in response.context["rows"]]
        assert (oldest in shown) == (which == "last")


def test_buttons_fit_the_state_and_the_role(account: SellerAccount) -> None:
    waiting, refused, sent = (
        add(account, status) for status in (Status.QUEUED, Status.REFUSED, Status.SENT)
    )
    page = log_in(account).get("/outbox/").content.decode()
    assert f"/outbox/{waiting.pk}/cancel/" in page
    assert f"/outbox/{refused.pk}/retry/" in page
    assert f"/outbox/{sent.pk}/" not in page
    for_viewer = log_in(account, Role.VIEWER).get("/outbox/").content.decode()
    assert number(waiting) in for_viewer
    assert "/cancel/" not in for_viewer
    assert "/retry/" not in for_viewer


def test_the_table_draws_itself_again_only_while_something_moves(account: SellerAccount) -> None:
    add(account, Status.SENT)
    client = log_in(account)
    assert "every 5s" not in client.get("/outbox/").content.decode()
    add(account, Status.SENDING)
    page = client.get("/outbox/").content.decode()
    assert "every 5s" in page
    # what is typed into the fields stays: only the rows are drawn again, and buttons select nothing
    assert page.index("</form>", page.index('class="toolbar"')) < page.index('id="outbox-rows"')
    assert 'hx-disinherit="*"' in page


def test_an_action_leads_to_its_order(account: SellerAccount) -> None:
    action = add(account)
    response = log_in(account).get(f"/outbox/{action.pk}/")
    assert response.status_code == 302
    assert response["Location"] == f"/orders/{account.pk}/{number(action)}/"


def test_cancelling_by_a_plain_form_goes_back(account: SellerAccount) -> None:
    action = add(account)
    response = log_in(account).post(
        f"/outbox/{action.pk}/cancel/", {"next": "/outbox/?state=waiting"}, follow=True
    )
    assert response.redirect_chain == [("/outbox/?state=waiting", 302)]
    assert "It does not leave." in response.content.decode()
    action.refresh_from_db()
    assert action.status == Status.CANCELLED


@pytest.mark.parametrize("target", ["//evil.example/", "https:evil.example", "/\\evil", "outbox"])
def test_a_form_never_leads_elsewhere(account: SellerAccount, target: str) -> None:
    action = add(account)
    response = log_in(account).post(f"/outbox/{action.pk}/cancel/", {"next": target})
    assert response["Location"] == "/outbox/"


def test_cancelling_by_htmx_brings_the_row(account: SellerAccount) -> None:
    action = add(account)
    response = log_in(account).post(f"/outbox/{action.pk}/cancel/", headers=HTMX)
    row = response.content.decode()
    assert response.status_code == 200
    assert response["HX-Trigger"] == "actions-changed"
    assert row.strip().startswith(f'<tr id="action-{action.pk}"')
    assert "Cancelled by" in row
    assert "<!doctype html>" not in row


def test_what_has_left_cannot_be_cancelled(account: SellerAccount) -> None:
    action = add(account, Status.SENT)
    client = log_in(account)
    by_htmx = client.post(f"/outbox/{action.pk}/cancel/", headers=HTMX)
    assert by_htmx.status_code == 409
    assert "Too late to cancel: it is “Sent” now." in by_htmx.content.decode()
    plain = client.post(f"/outbox/{action.pk}/cancel/", follow=True)
    assert "Too late to cancel: it is “Sent” now." in plain.content.decode()
    action.refresh_from_db()
    assert action.status == Status.SENT


def test_a_refused_request_can_be_tried_again(account: SellerAccount) -> None:
    action = add(account, Status.REFUSED)
    response = log_in(account).post(f"/outbox/{action.pk}/retry/", headers=HTMX)
    assert response.status_code == 200
    action.refresh_from_db()
    assert action.status == Status.QUEUED
    again = log_in(account).post(f"/outbox/{action.pk}/retry/", headers=HTMX)
    assert again.status_code == 409
    assert "Only a refused request can be tried again" in again.content.decode()


@pytest.mark.parametrize("verb", ["cancel", "retry"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_changes_check_access(account: SellerAccount, verb: str, headers: dict[str, str]) -> None:
    action = add(account, Status.QUEUED if verb == "cancel" else Status.REFUSED)
    before = action.status
    address = f"/outbox/{action.pk}/{verb}/"
    stranger = log_in(SellerAccountFactory())
    assert stranger.post(address, headers=headers).status_code == 404
    viewer = log_in(account, Role.VIEWER).post(address, headers=headers)
    assert viewer.status_code == 403
    assert "Your role (Viewer) cannot send." in viewer.content.decode()
    assert AuditEvent.objects.filter(kind=AuditKind.DENIED).count() == 2
    assert log_in(account).get(address, headers=headers).status_code == 405
    assert Client().post(address, headers=headers).status_code in {302, 204}
    action.refresh_from_db()
    assert action.status == before


def test_a_foreign_action_looks_like_a_missing_one(account: SellerAccount) -> None:
    action = add(account)
    stranger = log_in(SellerAccountFactory())
    foreign, missing = stranger.get(f"/outbox/{action.pk}/"), stranger.get("/outbox/999999/")
    assert foreign.status_code == missing.status_code == 404


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)>", "{{7*7}}", '"><script>x</script>']
)
def test_hostile_text_is_shown_as_text(account: SellerAccount, text: str) -> None:
    add(account, Status.REFUSED, reason=text)
    account.name = text
    account.save()
    page = log_in(account).get("/outbox/").content.decode()
    assert "<img src=x" not in page
    assert "<script>x" not in page
    assert ">49<" not in page
    assert "{{7*7}}" in page or "&lt;" in page


def test_a_refused_request_can_be_tried_again_while_its_order_may_be_asked(
    account: SellerAccount,
) -> None:
    again, over = (add(account, Status.REFUSED) for _ in range(2))
    Order.objects.filter(pk=over.order_id).update(
        earliest_delivery_at=timezone.now() - timedelta(days=60),
        latest_delivery_at=timezone.now() - timedelta(days=50),
    )
    page = log_in(account).get("/outbox/").content.decode()
    assert f"/outbox/{again.pk}/retry/" in page
    assert f"/outbox/{over.pk}/retry/" not in page


def test_a_refused_message_can_be_tried_again_while_its_buyer_may_be_written_to(
    account: SellerAccount,
) -> None:
    again, over = (
        due_message(order__account=account, text=text, status=Status.REFUSED)
        for text in ("Which engraving?", "Which colour?")
    )
    Order.objects.filter(pk=over.order_id).update(is_cancelled=True)
    page = log_in(account).get("/outbox/").content.decode()
    assert f"/outbox/{again.pk}/retry/" in page
    assert f"/outbox/{over.pk}/retry/" not in page


def test_cancelling_what_may_have_left_before_does_not_say_that_nothing_was_sent(
    account: SellerAccount,
) -> None:
    action = due_message(order__account=account)
    lose(action)
    OutgoingAction.objects.transition(Status.UNCONFIRMED, Status.QUEUED, at=NOW)
    response = log_in(account).post(f"/outbox/{action.pk}/cancel/", headers=HTMX)
    assert "Cancelled" in response.content.decode()
    assert "Nothing was sent" not in response.content.decode()


def test_a_message_is_not_shown_as_a_review_request(account: SellerAccount) -> None:
    due_message(order__account=account, status=Status.REFUSED)
    page = log_in(account).get("/outbox/").content.decode()
    assert "Question before shipping" in page
    assert "Review request" not in page
