"""Asking for reviews from the list: one order, a selection, all that match; and taking it back."""

from __future__ import annotations

import logging
import re
import uuid
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent, AuditKind
from messaging.models import Batch, OutgoingAction
from messaging.states import Status
from orders.models import Order
from orders.views import actions
from orders.views.selection import sign_all_matching
from sellers.models import Role
from tests.factories import (
    KillSwitchFactory,
    OrderFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
)
from tests.orders.views.conftest import HTMX, Person, person

pytestmark = pytest.mark.django_db

MANY = "/orders/request-reviews/"


def _path(order: Order, verb: str) -> str:
    return f"/orders/{order.account_id}/{order.amazon_order_id}/{verb}/"


def _post(someone: Person, path: str, *, by_htmx: bool = False, **data: Any) -> HttpResponse:
    response: HttpResponse = someone.client.post(path, data, headers=HTMX if by_htmx else {})
    return response


def _request(someone: Person, order: Order, **data: Any) -> HttpResponse:
    return _post(someone, _path(order, "request-review"), by_htmx=True, **data)


def _words(response: HttpResponse) -> str:
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", unescape(text)).strip()


def _state(order: Order) -> str:
    return Order.objects.get(pk=order.pk).solicitation


# --- one order


def test_a_click_queues_one_request_and_brings_the_row_back(ann: Person) -> None:
    order = ann.order()
    response = _request(ann, order)
    assert response.status_code == 200
    assert response.headers["HX-Trigger"] == "order-changed"
    html = response.content.decode()
    assert html.lstrip().startswith("<tr")
    assert "is queued." in html
    assert _state(order) == Status.QUEUED
    action = OutgoingAction.objects.get()
    assert (action.order, action.requested_by) == (order, ann.user)


def test_without_htmx_one_comes_back_to_the_same_page(ann: Person) -> None:
    order = ann.order()
    here = "/orders/?state=eligible&after=1~2"
    response = _post(ann, _path(order, "request-review"), next=here)
    assert (response.status_code, response.headers["Location"]) == (302, here)
    assert "is queued." in ann.get("/orders/").content.decode()


@pytest.mark.parametrize(
    "target", ["//evil", "https://evil/", "https:evil", "/\\evil", "javascript:alert(1)", "x", ""]
)
def test_one_is_not_sent_to_other_sites(ann: Person, target: str) -> None:
    response = _post(ann, _path(ann.order(), "request-review"), next=target)
    assert response.headers["Location"] == "/orders/"


def test_a_request_that_is_on_hold_is_not_said_to_be_on_its_way(ann: Person) -> None:
    ann.account.paused_at = timezone.now()
    ann.account.save()
    words = _words(_request(ann, ann.order()))
    assert "is on hold. The account is paused." in words
    assert "is queued" not in words


def test_a_double_click_makes_one_request(ann: Person) -> None:
    order, key = ann.order(), str(uuid.uuid4())
    assert _request(ann, order, client_key=key).status_code == 200
    assert _request(ann, order, client_key=key).status_code == 200
    assert OutgoingAction.objects.count() == 1


def test_the_second_person_is_told_who_was_first(ann: Person) -> None:
    order = ann.order()
    bob = person(Role.OPERATOR, ann.account)
    _request(bob, order)
    response = _request(ann, order)
    assert response.status_code == 422
    assert re.search(rf"{bob.user.username} queued this \d s ago\.", _words(response))
    assert "HX-Trigger" not in response.headers
    assert OutgoingAction.objects.count() == 1
    plain = _post(ann, _path(order, "request-review"))
    assert plain.status_code == 302


MARCH = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"too_early": True},
            r"Can be asked from \d+ \w+ \d{4} \d\d:\d\d UTC\.",
        ),
        ({"window_closed": True}, r"The window closed on \d+ \w+ \d{4} \d\d:\d\d UTC\."),
        ({"no_dates": True}, r"has not said when it is delivered"),
        ({"cancelled": True}, r"The order was cancelled\."),
        ({"fulfillment_status": "PENDING"}, r"Not shipped yet: Amazon says “Payment pending”\."),
        ({"is_replacement": True}, r"It replaces or exchanges another order\."),
    ],
)
def test_an_order_that_may_not_be_asked_says_why(
    ann: Person, fields: dict[str, Any], sentence: str
) -> None:
    order = ann.order(**fields)
    response = _request(ann, order)
    assert response.status_code == 422
    assert re.search(sentence, _words(response))
    assert not OutgoingAction.objects.exists()


def test_the_window_is_kept_to_the_second(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    order = ann.order(earliest_delivery_at=MARCH, latest_delivery_at=MARCH)
    second = timedelta(seconds=1)
    for at, sentence in (
        (
            MARCH + timedelta(days=5) - timedelta(minutes=1),
            "Can be asked from 14 Mar 2026 09:00 UTC.",
        ),
        (MARCH + timedelta(days=5) - second, "Can be asked from 14 Mar 2026 09:00 UTC."),
        (MARCH + timedelta(days=30) + second, "The window closed on 8 Apr 2026 09:00 UTC."),
    ):
        monkeypatch.setattr(actions, "read_database_clock", lambda at=at: at)
        assert sentence in _words(_request(ann, order))
    assert not OutgoingAction.objects.exists()
    monkeypatch.setattr(actions, "read_database_clock", lambda: MARCH + timedelta(days=30))
    assert _request(ann, order).status_code == 200


def test_fields_that_the_form_has_not_are_ignored_and_written_down(
    ann: Person, caplog: pytest.LogCaptureFixture
) -> None:
    order = ann.order()
    other = SellerAccountFactory()
    with caplog.at_level(logging.WARNING):
        _request(ann, order, state="sent", decided_by="1", account_id=other.pk, is_staff="1")
    action = OutgoingAction.objects.get()
    assert (action.status, action.account_id) == (Status.QUEUED, ann.account.pk)
    assert not type(ann.user).objects.get(pk=ann.user.pk).is_staff
    assert "ignored the fields account_id, decided_by, is_staff, state" in caplog.text


@pytest.mark.parametrize("verb", ["request-review", "cancel-request"])
def test_who_may_not_send_is_refused(
    ann: Person, viewer: Person, stranger: Person, verb: str
) -> None:
    order = ann.order()
    if verb == "cancel-request":
        OutgoingActionFactory(order=order)
    before = _state(order)
    for by_htmx in (False, True):
        refused = _post(viewer, _path(order, verb), by_htmx=by_htmx)
        assert refused.status_code == 403
        assert "Your role (Viewer) cannot send." in refused.content.decode()
        foreign = _post(stranger, _path(order, verb), by_htmx=by_htmx)
        missing = _post(
            stranger, f"/orders/{ann.account.pk}/123-1234567-1234567/{verb}/", by_htmx=by_htmx
        )
        assert (foreign.status_code, missing.status_code) == (404, 404)
        without = re.compile(rb"(Request [0-9a-f]{32}|csrf\w*|value=\"\w{64}\"|Token[^}]*)")
        assert without.sub(b"", foreign.content) == without.sub(b"", missing.content)
    assert _state(order) == before
    denied = AuditEvent.objects.filter(kind=AuditKind.DENIED, user=viewer.user)
    assert denied.count() == 2
    assert denied[0].subject == _path(order, verb)


@pytest.mark.parametrize("path", [MANY, "/orders/1/123-1234567-1234567/request-review/"])
def test_looking_sends_nothing(ann: Person, path: str) -> None:
    for method in (ann.client.get, ann.client.head):
        assert method(path).status_code == 405


@pytest.mark.parametrize("by_htmx", [False, True])
def test_a_page_that_was_open_too_long_is_told_so(ann: Person, by_htmx: bool) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann.user)
    order = ann.order()
    for token in ("", "x" * 64, "A" * 32):
        headers = {**(HTMX if by_htmx else {}), **({"X-CSRFToken": token} if token else {})}
        response = client.post(_path(order, "request-review"), headers=headers)
        assert response.status_code == 403
        assert "This page was open too long. Reload and try again." in response.content.decode()
    assert not OutgoingAction.objects.exists()


# --- taking it back


@override_settings(SEND_HOLD_SECONDS=10)
def test_a_request_can_be_undone_before_it_leaves(ann: Person) -> None:
    order = ann.order()
    assert "Undo" in _words(_request(ann, order))
    response = _post(ann, _path(order, "cancel-request"), by_htmx=True)
    assert response.status_code == 200
    assert "Nothing is sent for" in _words(response)
    assert "Request review" in _words(response)
    assert _state(order) == ""
    assert OutgoingAction.objects.get().status == Status.CANCELLED


@pytest.mark.parametrize("status", [Status.SENDING, Status.SENT, Status.CANCELLED, None])
def test_what_has_left_cannot_be_undone(ann: Person, status: Status | None) -> None:
    order = ann.order()
    if status is not None:
        OutgoingActionFactory(order=order, status=status)
    response = _post(ann, _path(order, "cancel-request"), by_htmx=True)
    assert response.status_code == 422
    assert "too late" in _words(response)
    assert [a.status for a in OutgoingAction.objects.all()] == ([status] if status else [])


# --- many orders


def _form(response: HttpResponse) -> dict[str, Any]:
    """The fields of the confirm page's form."""
    html = response.content.decode()
    form = re.search(r'action="/orders/request-reviews/".*?</form>', html, re.DOTALL)
    assert form, html
    fields: dict[str, Any] = {}
    for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[0]):
        fields.setdefault(name, []).append(unescape(value))
    return fields


def test_a_selection_is_confirmed_and_then_queued(ann: Person) -> None:
    orders = [ann.order(), ann.order(), ann.order(too_early=True)]
    page = _post(ann, MANY, order=[order.pk for order in orders])
    words = _words(page)
    assert page.status_code == 200
    assert "Request reviews for 2 orders" in words
    assert "Left out: 1 Too early 1" in words
    assert "amazon.de 2" in words
    assert orders[0].amazon_order_id in words
    assert not Batch.objects.exists()
    response = _post(ann, MANY, **_form(page))
    batch = Batch.objects.get()
    assert response.headers["Location"] == f"/batches/{batch.pk}/"
    assert (batch.created_by, batch.queued, batch.selected) == (ann.user, 2, 3)
    assert batch.description == "Selected one by one"
    assert [_state(order) for order in orders] == [Status.QUEUED, Status.QUEUED, ""]


def test_all_that_match_are_confirmed_and_then_queued(ann: Person) -> None:
    for _number in range(3):
        ann.order()
    ann.order(cancelled=True)
    html = ann.get("/orders/", state="eligible").content.decode()
    token = re.search(r'name="all_matching" value="([^"]+)"', html)
    assert token
    assert "All 3 that match" in re.sub(r"\s+", " ", html)
    page = _post(ann, MANY, all_matching=unescape(token[1]))
    assert "Request reviews for 3 orders" in _words(page)
    response = _post(ann, MANY, **_form(page))
    assert response.status_code == 302
    assert Batch.objects.get().description == "Eligible now"
    assert OutgoingAction.objects.filter(status=Status.QUEUED).count() == 3


def test_a_list_that_changed_is_said_and_nothing_is_done(ann: Person) -> None:
    ann.order()
    token = sign_all_matching(ann.user, "state=eligible", 412)
    page = _post(ann, MANY, all_matching=token)
    assert page.status_code == 409
    assert "The list changed from 412 to 1 orders. Look again." in _words(page)
    page = _post(ann, MANY, all_matching=sign_all_matching(ann.user, "state=eligible", 1))
    fields = _form(page)
    ann.order()
    response = _post(ann, MANY, **fields)
    assert response.status_code == 409
    assert "The list changed from 1 to 2 orders. Look again." in _words(response)
    assert not Batch.objects.exists()
    assert not OutgoingAction.objects.exists()


def test_a_double_click_makes_one_batch(ann: Person) -> None:
    ann.order()
    page = _post(ann, MANY, all_matching=sign_all_matching(ann.user, "state=eligible", 1))
    fields = _form(page)
    first, second = _post(ann, MANY, **fields), _post(ann, MANY, **fields)
    # the list is empty by now, but the same form makes no second batch and no error
    assert first.headers["Location"] == second.headers["Location"]
    assert Batch.objects.count() == 1


def test_somebody_elses_form_makes_nothing(ann: Person) -> None:
    order = ann.order()
    bob = person(Role.OPERATOR, ann.account)
    fields = _form(_post(ann, MANY, order=[order.pk]))
    _post(ann, MANY, **fields)
    response = _post(bob, MANY, **fields)
    assert response.status_code == 409
    assert "made for somebody else" in _words(response)
    assert Batch.objects.count() == 1


def test_repeats_are_ignored_and_said(ann: Person) -> None:
    order = ann.order()
    page = _post(ann, MANY, order=[order.pk] * 50)
    assert "49 repeats ignored" in _words(page)
    _post(ann, MANY, order=[order.pk] * 50, confirmed="1", client_key=str(uuid.uuid4()))
    assert OutgoingAction.objects.count() == 1
    assert "49 repeats ignored." in ann.get("/orders/").content.decode()


def test_a_list_with_one_foreign_order_does_nothing(ann: Person, stranger: Person) -> None:
    mine, theirs = ann.order(), stranger.order()
    for confirmed in ({}, {"confirmed": "1", "client_key": str(uuid.uuid4())}):
        response = _post(ann, MANY, order=[mine.pk, theirs.pk], **confirmed)
        assert response.status_code == 404
    assert not OutgoingAction.objects.exists()
    assert not Batch.objects.exists()
    events = AuditEvent.objects.filter(kind=AuditKind.DENIED)
    assert [event.detail["rows"] for event in events] == [1, 1]


def test_a_viewer_cannot_request_any(viewer: Person) -> None:
    order = viewer.order()
    for fields in ({"order": [order.pk]}, {}, {"all_matching": "x"}):
        response = _post(viewer, MANY, **fields)
        assert response.status_code == 403
        assert "Your role (Viewer) cannot send." in _words(response)
    assert AuditEvent.objects.filter(kind=AuditKind.DENIED).count() == 3


def test_too_many_orders_are_refused_by_number(ann: Person) -> None:
    for number in (5_001, 100_001):
        response = _post(ann, MANY, order=list(range(1, number + 1)))
        assert response.status_code == 413, number
        assert "At most 5,000 orders at a time." in _words(response)


def test_a_form_of_ten_megabytes_is_refused(ann: Person) -> None:
    response = _post(ann, MANY, order="1", junk="x" * 10 * 1024 * 1024)
    assert response.status_code == 413
    assert "At most 5,000 orders at a time." in _words(response)
    other = _post(ann, _path(ann.order(), "request-review"), junk="x" * 10 * 1024 * 1024)
    assert other.status_code == 413
    assert "larger than 5 MB" in _words(other)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "No orders were selected."),
        ({"order": ["x"]}, "order: “x” is not the id of an order."),
        ({"order": ["1\x00"]}, "is not the id of an order."),
        ({"all_matching": "x"}, "This selection is from an old page."),
        ({"order": [1], "confirmed": "1"}, "client_key: it is missing."),
        ({"order": [1], "client_key": "x"}, "client_key: this is not a key of ours."),
        ({"order": [1], "confirmed": ["1", "1"]}, "“confirmed” was given 2 times."),
    ],
)
def test_what_cannot_be_read_is_named(ann: Person, fields: dict[str, Any], sentence: str) -> None:
    response = _post(ann, MANY, **fields)
    assert response.status_code == 400
    assert sentence in _words(response)


def test_nothing_to_request_has_no_button(ann: Person) -> None:
    page = _post(ann, MANY, order=[ann.order(too_early=True).pk])
    assert "None of these orders can be asked now" in _words(page)
    assert '<button class="button primary"' not in page.content.decode()


def test_an_account_that_may_not_send_is_said_before(ann: Person) -> None:
    ann.account.paused_at = timezone.now()
    ann.account.save()
    words = _words(_post(ann, MANY, order=[ann.order().pk]))
    assert f"{ann.account.name}: The account is paused." in words


def test_a_stop_is_said_before_and_no_time_is_promised(ann: Person) -> None:
    pk = ann.order().pk
    assert "all will be done by" in _words(_post(ann, MANY, order=[pk]))
    KillSwitchFactory(account=ann.account)
    words = _words(_post(ann, MANY, order=[pk]))
    assert f"{ann.account.name}: Sending is stopped. Its requests will be on hold" in words
    assert "all will be done by" not in words


def test_the_confirm_page_takes_the_same_queries_for_one_and_three(ann: Person) -> None:
    def queries(number: int) -> int:
        orders = [ann.order().pk for _number in range(number)]
        with CaptureQueriesContext(connection) as captured:
            _post(ann, MANY, order=orders)
        return len(captured)

    # session, user, accounts, ids, whose account forbids a second, skipped, eligible, waiting,
    # accounts, those written to, first orders, switches, banner
    expected = 13
    if connection.vendor == "postgresql":
        expected += 1  # its clock
    assert (queries(1), queries(3)) == (expected, expected)


def test_a_large_selection_is_queued_in_few_statements(ann: Person) -> None:
    orders = [OrderFactory(account=ann.account).pk for _number in range(30)]
    with CaptureQueriesContext(connection) as captured:
        _post(ann, MANY, order=orders, confirmed="1", client_key=str(uuid.uuid4()))
    assert OutgoingAction.objects.count() == 30
    assert len(captured) < 40
