"""The first page: its numbers, its warnings, and where they lead."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messaging.states import Status
from sellers.models import Connection, Role, SellerAccount
from solicit_dashboard.overview import account_lines, list_warnings
from tests.factories import (
    DoorFactory,
    MembershipFactory,
    OrderFactory,
    OrderSyncFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> SellerAccount:
    account: SellerAccount = SellerAccountFactory(name="Nordwind")
    OrderSyncFactory(account=account)
    DoorFactory(account=account, last_worked_at=timezone.now())
    return account


@pytest.fixture
def client(account: SellerAccount) -> Client:
    client = Client()
    client.force_login(MembershipFactory(account=account, role=Role.VIEWER).user)
    return client


def fill(account: SellerAccount, number: int) -> None:
    for _ in range(number):
        OrderFactory(account=account)
        OrderFactory(account=account, closing_soon=True)
        OrderFactory(account=account, too_early=True)
        for status in (Status.SENT, Status.QUEUED, Status.UNCONFIRMED, Status.REFUSED):
            OutgoingActionFactory(order__account=account, status=status)


def test_more_rows_take_no_more_queries(client: Client, account: SellerAccount) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/").status_code == 200
        return len(captured)

    fill(account, 1)
    queries()
    before = queries()
    fill(account, 2)
    assert queries() == before == 15


def test_tiles_count_what_their_lists_show(client: Client, account: SellerAccount) -> None:
    fill(account, 2)
    fill(SellerAccountFactory(), 1)
    tiles = {tile.label: tile for tile in client.get("/").context["tiles"]}
    assert {label: tile.value for label, tile in tiles.items()} == {
        "Eligible now": "4",
        "Closing within 48 h": "2",
        "Waiting": "2",
        "Sent, 30 days": "2",
        "Needs a look": "2",
    }
    for tile in tiles.values():
        rows = client.get(tile.address).context["rows"]
        assert len(rows) == int(tile.value), tile.label


def test_a_message_of_which_the_outcome_is_not_known_needs_a_look(
    client: Client, account: SellerAccount
) -> None:
    kind: dict[str, str] = {"kind": "confirmOrderDetails", "api": "messaging"}
    for status in (Status.UNCONFIRMED, Status.UNRESOLVED, Status.SENT):
        OutgoingActionFactory(order__account=account, status=status, **kind)
    OutgoingActionFactory(status=Status.UNCONFIRMED, **kind)  # somebody else's
    answer = client.get("/")
    tile = answer.context["tiles"][-1]
    (warning,) = answer.context["warnings"]
    assert (tile.label, tile.value) == ("Needs a look", "2")
    assert tile.address == warning.address == "/outbox/?state=look"
    assert warning.text == "2 review requests or messages: the outcome is not known."
    assert len(client.get(tile.address).context["rows"]) == 2


def test_one_that_needs_a_look_is_told_as_one() -> None:
    (warning,) = list_warnings([], 1)
    assert warning.text == "1 review request or message: the outcome is not known."


def test_a_person_without_accounts_is_told_what_to_do() -> None:
    client = Client()
    client.force_login(UserFactory())
    page = client.get("/").content.decode()
    assert "No seller account yet" in page
    assert "Eligible now" not in page
    assert Client().get("/")["Location"].startswith("/login/")


def test_charts_are_drawn_with_titles_and_as_tables(client: Client, account: SellerAccount) -> None:
    OutgoingActionFactory(order__account=account, status=Status.SENT)
    page = client.get("/").content.decode()
    assert page.count('role="img"') == 3
    assert ": 1 sent</title>" in page
    assert page.count("The same as a table") == 3
    today = timezone.now().astimezone(UTC).date()
    assert f"/outbox/?from={today}&amp;to={today}" in page


def test_all_well_warns_of_nothing(account: SellerAccount) -> None:
    lines = account_lines([account], timezone.now())
    assert list_warnings(lines, 0) == []
    assert (lines[0].words, lines[0].queue) == ("Connected", None)


def test_what_stops_sending_is_said_once_by_the_banner(
    client: Client, account: SellerAccount
) -> None:
    paused = SellerAccountFactory(name="Ahead", paused_at=timezone.now())
    DoorFactory(account=paused, last_worked_at=timezone.now())
    account.connection = Connection.RECONNECT
    account.save()
    warnings = list_warnings(account_lines([paused, account], timezone.now()), 2)
    assert [warning.text[:17] for warning in warnings] == ["2 review requests"]
    page = client.get("/").content.decode()
    assert page.count("Amazon no longer accepts its token.") == 1


def test_a_late_sync_is_a_warning_with_its_cause(account: SellerAccount) -> None:
    account.doors.update(
        last_worked_at=timezone.now() - timedelta(hours=2), error="Amazon answered 503."
    )
    (warning,) = list_warnings(account_lines([account], timezone.now()), 0)
    assert warning.text == "Nordwind: orders were not read for over an hour. Amazon answered 503."


def test_an_account_of_an_hour_ago_that_was_never_read_is_late() -> None:
    account = SellerAccountFactory()
    now = timezone.now()
    assert not account_lines([account], now)[0].is_sync_late
    assert account_lines([account], now + timedelta(hours=2))[0].is_sync_late


def test_lanes_say_how_long_they_are(client: Client, account: SellerAccount) -> None:
    for _ in range(3):
        OutgoingActionFactory(order__account=account)
    (line,) = client.get("/").context["lines"]
    assert line.queue.waiting == 3
    assert line.queue.finish_at > timezone.now()


def test_hostile_names_are_shown_as_text(client: Client, account: SellerAccount) -> None:
    account.name, account.connection = "<img src=x onerror=alert(1)>{{7*7}}", Connection.RECONNECT
    account.save()
    page = client.get("/").content.decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;{{7*7}}" in page


def test_a_long_first_reading_is_not_told_as_none(account: SellerAccount) -> None:
    now = timezone.now()
    SellerAccount.objects.filter(pk=account.pk).update(created_at=now - timedelta(hours=5))
    account.refresh_from_db()
    account.doors.update(last_worked_at=None)
    account.order_sync.page_at, account.order_sync.pages = now - timedelta(minutes=3), 90
    account.order_sync.save()
    [line] = account_lines([account], now)
    assert not line.is_sync_late
    [warning] = list_warnings([line], 0)
    assert "its orders are being read for the first time" in warning.text
    [later] = account_lines([account], now + timedelta(hours=1))
    assert later.is_sync_late
