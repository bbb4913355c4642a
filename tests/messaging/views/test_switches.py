"""The page of the kill switch: what stands, setting one, lifting it, and who may."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent, AuditKind
from messaging.models import KillSwitch
from messaging.states import Status
from sellers.models import Role, SellerAccount
from tests.factories import (
    KillSwitchFactory,
    MembershipFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
HTMX = {"HX-Request": "true"}
REVIEW = "productReviewAndSellerFeedback"


@pytest.fixture
def account() -> SellerAccount:
    found: SellerAccount = SellerAccountFactory(name="Nordwind")
    return found


def log_in(account: SellerAccount | None, role: Role = Role.MANAGER, **fields: object) -> Client:
    user: User = UserFactory(**({"username": "ann"} | fields))
    if account is not None:
        MembershipFactory(user=user, account=account, role=role)
    client = Client()
    client.force_login(user)
    return client


def test_an_account_is_stopped_and_let_go(account: SellerAccount) -> None:
    action, other = OutgoingActionFactory(order__account=account), OutgoingActionFactory()
    client = log_in(account)
    form = {"account": account.pk, "kind": "", "reason": "Wrong item"}
    response = client.post("/stop/", form, follow=True)
    assert response.redirect_chain == [("/stop/", 302)]
    page = response.content.decode()
    assert "Stopped: Nordwind. Nothing more leaves." in page
    assert "1 on hold in your accounts" in page
    assert "Wrong item" in page
    for one, status in ((action, Status.HELD), (other, Status.QUEUED)):
        one.refresh_from_db()
        assert one.status == status
    switch = KillSwitch.objects.get()
    assert (switch.account, switch.kind, switch.set_by.username) == (account, "", "ann")
    response = client.post(f"/stop/{switch.pk}/lift/", follow=True)
    page = response.content.decode()
    assert response.redirect_chain == [("/stop/", 302)]
    assert "Lifted: Nordwind." in page
    assert "Lifted by ann" in page
    action.refresh_from_db()
    assert action.status == Status.QUEUED


@pytest.mark.parametrize("is_superuser", [True, False])
def test_everything_is_stopped_by_a_superuser_or_the_manager_of_all(
    account: SellerAccount, is_superuser: bool
) -> None:
    client = log_in(None if is_superuser else account, is_superuser=is_superuser)
    assert "Every account" in client.get("/stop/").content.decode()
    client.post("/stop/", {"account": "", "kind": REVIEW, "reason": "Too many"})
    switch = KillSwitch.objects.get()
    assert (switch.account, switch.kind) == (None, REVIEW)
    assert switch.scope == "Review request of every account"
    client.post(f"/stop/{switch.pk}/lift/")
    assert not KillSwitch.objects.standing().exists()


def test_who_does_not_manage_every_account_cannot_stop_them_all(account: SellerAccount) -> None:
    SellerAccountFactory()
    everything = KillSwitchFactory()
    client = log_in(account)
    page = client.get("/stop/").content.decode()
    assert "Every account" not in page
    assert "Nordwind</option>" in page
    # told of it, without the button
    assert "Everything" in page
    assert "/lift/" not in page
    for path, form in (
        ("/stop/", {"account": "", "reason": "x"}),
        (f"/stop/{everything.pk}/lift/", {}),
    ):
        response = client.post(path, form)
        assert response.status_code == 403
        words = "Only a superuser or a manager of every account can do that."
        assert words in response.content.decode()
    assert KillSwitch.objects.standing().get() == everything
    assert AuditEvent.objects.filter(kind=AuditKind.DENIED).count() == 2


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_who_is_no_manager_sees_what_stands_and_no_more(account: SellerAccount, role: Role) -> None:
    switch = KillSwitchFactory(account=account, reason="Wrong item")
    client = log_in(account, role)
    fragment = client.get("/stop/", headers=HTMX).content.decode()
    assert "Wrong item" in fragment
    assert "<form" not in fragment
    assert client.post("/stop/", {"account": account.pk, "reason": "x"}).status_code == 403
    assert client.post(f"/stop/{switch.pk}/lift/").status_code == 403
    assert KillSwitch.objects.standing().get() == switch


def test_somebody_elses_switches_do_not_exist(account: SellerAccount) -> None:
    theirs = KillSwitchFactory(account=SellerAccountFactory(name="Foreign"), reason="Secret")
    client = log_in(account)
    page = client.get("/stop/").content.decode()
    assert "Foreign" not in page
    assert "Secret" not in page
    foreign = client.post("/stop/", {"account": theirs.account_id, "reason": "x"})
    assert foreign.status_code == 404
    assert client.post(f"/stop/{theirs.pk}/lift/").status_code == 404
    assert client.post(f"/stop/{2**63}/lift/").status_code == 404
    # who has no account at all is not told of what stops everything either
    KillSwitchFactory(reason="Global")
    stranger = log_in(None, username="stranger")
    assert "Global" not in stranger.get("/stop/").content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"reason": ""}, "Say why: it stands on the record."),
        ({"reason": "   "}, "Say why: it stands on the record."),
        ({"reason": "x" * 301}, "This has more than 300 characters. Shorten it."),
        ({"reason": "a\x00b"}, "Null characters are not allowed."),
        ({"reason": "x", "kind": "everything"}, "Choose a kind from the list."),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_form_that_is_wrong_says_so_and_stops_nothing(
    account: SellerAccount, fields: dict[str, str], words: str, headers: dict[str, str]
) -> None:
    form = {"account": account.pk, "kind": ""} | fields
    response = log_in(account).post("/stop/", form, headers=headers)
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert ("<!doctype html>" in page) == (not headers)
    # what was chosen is still chosen
    assert f'<option value="{account.pk}" selected>' in page
    assert not KillSwitch.objects.exists()


@pytest.mark.parametrize("given", ["x", "-1", "1.5", "9" * 30, "٣"])
def test_what_is_no_account_is_refused(account: SellerAccount, given: str) -> None:
    response = log_in(account).post("/stop/", {"account": given, "reason": "x"})
    assert response.status_code == 400
    assert not KillSwitch.objects.exists()


def test_a_field_given_twice_is_refused(account: SellerAccount) -> None:
    response = log_in(account).post("/stop/", {"account": account.pk, "reason": ["a", "b"]})
    assert response.status_code == 400
    assert not KillSwitch.objects.exists()


def test_a_double_click_sets_one_and_lifts_once(account: SellerAccount) -> None:
    client = log_in(account)
    form = {"account": account.pk, "kind": "", "reason": "Stop"}
    client.post("/stop/", form)
    page = client.post("/stop/", form, follow=True).content.decode()
    assert "It is stopped already, by ann: Nordwind." in page
    switch = KillSwitch.objects.get()
    client.post(f"/stop/{switch.pk}/lift/")
    page = client.post(f"/stop/{switch.pk}/lift/", follow=True).content.decode()
    assert "This stop was lifted already, by ann." in page
    done = AuditEvent.objects.exclude(kind=AuditKind.LOGGED_IN).order_by("pk")
    kinds = list(done.values_list("kind", flat=True))
    assert kinds == ["stopped", "lifted"]


def test_htmx_gets_the_fragment_and_is_sent_on_after_a_change(account: SellerAccount) -> None:
    client = log_in(account)
    fragment = client.get("/stop/", headers=HTMX).content.decode()
    assert fragment.strip().startswith('<div id="switches"')
    form = {"account": account.pk, "reason": "Stop"}
    response = client.post("/stop/", form, headers=HTMX)
    assert (response.status_code, response.headers["HX-Redirect"]) == (204, "/stop/")
    switch = KillSwitch.objects.get()
    response = client.post(f"/stop/{switch.pk}/lift/", {"next": "/orders/"}, headers=HTMX)
    assert (response.status_code, response.headers["HX-Redirect"]) == (204, "/orders/")


def test_more_switches_take_no_more_queries(account: SellerAccount) -> None:
    client = log_in(account)

    def add(kind: str) -> None:
        KillSwitchFactory(account=account, kind=kind, set_by=UserFactory())
        KillSwitchFactory(kind=kind, lifted_at=timezone.now(), lifted_by=UserFactory())

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/stop/").status_code == 200
        return len(captured)

    add("a")
    before = queries()
    add("b")
    add("c")
    assert queries() == before == 11
