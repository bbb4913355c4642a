"""The banner: one for all that stops a person's accounts, with what ends it, at no more than two queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.template import engines
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messaging.states import Status
from orders.states import Tone
from sellers.models import Connection, Role, SellerAccount
from solicit_dashboard import held
from solicit_dashboard.held import SHOWN_CAUSES, held_banner, standings
from tests.factories import (
    KillSwitchFactory,
    MembershipFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    person: User = UserFactory(username="ann")
    return person


def join(user: User, role: Role = Role.MANAGER, **fields: object) -> SellerAccount:
    """An account on which this person has that role."""
    account: SellerAccount = SellerAccountFactory(**fields)
    MembershipFactory(user=user, account=account, role=role)
    return account


def hold(account: SellerAccount, number: int = 1) -> None:
    for _ in range(number):
        OutgoingActionFactory(order__account=account, status=Status.HELD)


def queries_of(user: User) -> int:
    with CaptureQueriesContext(connection) as captured:
        held_banner(user)
    return len(captured)


def test_there_is_none_while_all_accounts_may_send(ann: User) -> None:
    join(ann)
    SellerAccountFactory(paused=True)  # somebody else's
    KillSwitchFactory(account=SellerAccountFactory())
    KillSwitchFactory(lifted_at=timezone.now())
    assert held_banner(ann) is None
    assert queries_of(ann) == 1


def test_a_pause_says_who_and_when_and_why(ann: User) -> None:
    at = timezone.now() - timedelta(hours=1)
    account = join(ann, name="Nordwind", paused_at=at, paused_by=ann, pause_reason="Stock")
    hold(account, 2)
    hold(join(ann, name="Other"))
    banner = held_banner(ann)
    assert banner is not None
    assert (banner.title, banner.held, banner.tone) == (
        "Sending is stopped for Nordwind.",
        "2",
        Tone.WARN,
    )
    (cause,) = banner.shown
    assert (cause.subject, cause.words, cause.at, cause.reason) == (
        "Nordwind",
        "paused by ann",
        at,
        "Stock",
    )
    assert (cause.button, cause.address) == ("Resume", f"/accounts/{account.pk}/resume/")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (Connection.RECONNECT, "Reconnect the account"),
        (Connection.ROLE_MISSING, "Amazon refuses the application"),
    ],
)
def test_amazons_refusal_is_told_with_its_words(ann: User, state: Connection, words: str) -> None:
    account = join(ann, connection=state, trouble="invalid_grant")
    banner = held_banner(ann)
    assert banner is not None
    (cause,) = banner.shown
    assert cause.words.startswith(words)
    assert (cause.reason, cause.tone) == ("invalid_grant", Tone.BAD)
    assert cause.address == f"/accounts/{account.pk}/try-again/"


def test_a_disconnected_account_is_told_of_only_while_it_holds_something(ann: User) -> None:
    account = join(ann, name="Gone", disconnected=True)
    assert held_banner(ann) is None
    hold(account)
    banner = held_banner(ann)
    assert banner is not None
    assert (banner.held, banner.shown[0].words) == ("1", "The account is disconnected.")
    assert banner.shown[0].address == ""


def test_a_switch_is_told_once_for_all_that_it_stops(ann: User) -> None:
    first, second = join(ann, name="A"), join(ann, name="B")
    hold(first)
    hold(second, 2)
    switch = KillSwitchFactory(reason="Wrong item", set_by=UserFactory(username="bob"))
    banner = held_banner(ann)
    assert banner is not None
    assert (banner.title, banner.held) == ("Sending is stopped for A and B.", "3")
    (cause,) = banner.shown
    assert (cause.subject, cause.words, cause.reason) == (
        "Everything",
        "stopped by bob",
        "Wrong item",
    )
    assert cause.address == f"/stop/{switch.pk}/lift/"


def test_a_switch_of_one_kind_stops_a_part(ann: User) -> None:
    account = join(ann, name="A")
    join(ann, name="B")
    KillSwitchFactory(account=account, kind="productReviewAndSellerFeedback")
    banner = held_banner(ann)
    assert banner is not None
    assert banner.title == "Sending is partly stopped for A."
    assert banner.shown[0].subject == "Review request of A"


def test_what_stops_everything_is_lifted_by_those_who_may(ann: User) -> None:
    account = join(ann)
    operator, superuser = UserFactory(), UserFactory(is_superuser=True)
    MembershipFactory(user=operator, account=account, role=Role.OPERATOR)
    MembershipFactory(user=superuser, account=account, role=Role.VIEWER)
    KillSwitchFactory()

    def address(user: User) -> str:
        banner = held_banner(user)
        assert banner is not None
        return banner.shown[0].address

    assert address(ann) == address(superuser) != ""
    assert address(operator) == ""
    SellerAccountFactory()  # one of which ann is no manager
    assert address(ann) == ""
    assert address(superuser) != ""


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_who_is_no_manager_gets_no_button(ann: User, role: Role) -> None:
    account = join(ann, role, paused=True, needs_reconnect=True)
    KillSwitchFactory(account=account)
    banner = held_banner(ann)
    assert banner is not None
    assert len(banner.shown) == 3
    assert {cause.button + cause.address for cause in banner.shown} == {""}


def test_many_causes_are_one_banner_worst_first_and_folded(ann: User) -> None:
    for number in range(4):
        join(ann, name=f"Paused {number}", paused=True)
    join(ann, name="Zuletzt", needs_reconnect=True)
    banner = held_banner(ann)
    assert banner is not None
    assert banner.title == "Sending is stopped for 5 accounts."
    assert banner.tone == Tone.BAD
    assert banner.shown[0].subject == "Zuletzt"
    assert (len(banner.shown), len(banner.folded)) == (SHOWN_CAUSES, 2)


def test_what_is_held_is_counted_to_a_limit(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "MOST_COUNTED", 2)
    first, second = join(ann, name="A", paused=True), join(ann, name="B", paused=True)

    def words() -> tuple[str, list[str]]:
        banner = held_banner(ann)
        assert banner is not None
        return banner.held, [one.held_words for one in standings(ann)]

    assert words() == ("", ["0", "0"])
    hold(first, 2)
    hold(second, 1)
    assert words() == ("3", ["2", "1"])
    hold(second, 3)
    assert words() == ("4+", ["2", "2+"])


def test_more_accounts_and_causes_take_no_more_queries(ann: User) -> None:
    def add() -> None:
        account = join(ann, paused=True, needs_reconnect=True)
        hold(account)
        KillSwitchFactory(account=account, set_by=UserFactory())

    add()
    KillSwitchFactory()
    with_one = queries_of(ann)
    add()
    add()
    assert (with_one, queries_of(ann)) == (3, 3)


def test_standings_tell_of_every_account(ann: User) -> None:
    join(ann, Role.VIEWER, name="B")
    paused = join(ann, name="A", paused=True)
    hold(paused)
    KillSwitchFactory(account=paused)
    SellerAccountFactory()
    first, second = standings(ann)
    assert (first.account, first.held, len(first.causes), first.may_manage) == (paused, 1, 2, True)
    assert [cause.button for cause in first.ends] == ["Resume", "Lift the stop"]
    assert (second.account.name, second.causes, second.may_manage) == ("B", (), False)


# --- in the page


def log_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    "path", ["/", "/orders/", "/outbox/?state=held", "/accounts/", "/nowhere/"]
)
def test_it_stands_on_every_page_once(ann: User, path: str) -> None:
    account = join(ann, name="Nordwind", paused=True, needs_reconnect=True)
    hold(account)
    page = log_in(ann).get(path).content.decode()
    assert page.count('id="held"') == 1
    assert ">1 on hold</a>" in page
    assert page.count(f'name="next" value="{path}"') >= 2


def test_fragments_do_not_bring_it(ann: User) -> None:
    join(ann, paused=True)
    for path in ("/outbox/", "/accounts/"):
        fragment = log_in(ann).get(path, headers={"HX-Request": "true"}).content.decode()
        assert 'id="held"' not in fragment


def test_the_answer_to_a_form_is_no_page_to_come_back_to(ann: User) -> None:
    join(ann, name="Nordwind", paused=True)
    page = log_in(ann).post("/stop/", {"account": "", "reason": ""}).content.decode()
    assert 'id="held"' in page
    assert 'name="next" value=""' in page


def test_its_buttons_come_back_to_the_page(ann: User) -> None:
    account = join(ann, name="Nordwind", paused=True)
    response = log_in(ann).post(
        f"/accounts/{account.pk}/resume/", {"next": "/outbox/?state=held"}, follow=True
    )
    assert response.redirect_chain == [("/outbox/?state=held", 302)]
    page = response.content.decode()
    assert "Nordwind is no longer paused." in page
    assert 'id="held"' not in page


def test_what_people_wrote_is_shown_as_text(ann: User) -> None:
    attack = "<img src=x onerror=alert(1)>"
    join(ann, name=attack, paused=True, pause_reason=attack, needs_reconnect=True)
    KillSwitchFactory(reason=attack, kind=attack)
    page = log_in(ann).get("/accounts/").content.decode()
    assert "<img" not in page
    assert page.count("&lt;img src=x") >= 5


@pytest.mark.parametrize("has_user", [True, False])
def test_a_page_without_a_person_has_none(has_user: bool) -> None:
    request = RequestFactory().get("/")
    if has_user:
        request.user = AnonymousUser()
    template = engines["django"].from_string("{% load held %}{% held %}")
    assert template.render({}, request).strip() == ""
