"""Each thing that is audited is written down: once each time that it is done, and not otherwise."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth as totp_auth
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoCaptureOnCommitCallbacks

from audit.models import AuditEvent, AuditKind
from messaging.clock import read_database_clock
from messaging.decisions import Choice, Decision, decide
from messaging.models import KillSwitch, OutgoingAction
from messaging.services import cancel_action, request_message, request_review, retry_action
from messaging.services.templates import (
    TemplateFacts,
    add_template,
    change_template,
    delete_template,
)
from messaging.states import Status
from messaging.stopping import lift_switch, set_switch
from orders.csv_import.carry_out import carry_out
from orders.csv_import.plans import Plan, Source
from orders.models import ImportKind
from orders.services import undo_exclusion
from people.first_run import make_first_person, new_code
from people.recovery_codes import promise_codes
from sellers import applications, consent, services
from sellers.connection import ConnectError
from sellers.invitations import accept_invitation, invite, revoke_invitation
from sellers.memberships import change_role, note_review, remove_member
from sellers.models import Membership, Role, SellerAccount
from tests.factories import (
    PASSWORD,
    AccountMarketplaceFactory,
    ApplicationFactory,
    BatchFactory,
    ExclusionFactory,
    KillSwitchFactory,
    MembershipFactory,
    MessageTemplateFactory,
    OrderFactory,
    OutgoingActionFactory,
    ParkedNotificationFactory,
    UserFactory,
)
from tests.people.confirming import confirm
from tests.people.test_log_in import SECRET, code_for

pytestmark = pytest.mark.django_db


@dataclass
class Desk:
    """A manager of an account, logged in and confirmed, before the thing is done."""

    account: SellerAccount
    user: User
    client: Client
    at: datetime
    patch: pytest.MonkeyPatch

    def post(self, address: str, *arguments: object, **fields: Any) -> None:
        """The form of that address is sent, and taken."""
        response = self.client.post(reverse(address, args=arguments), fields)
        assert response.status_code in {200, 302, 303}, response.content


@pytest.fixture
def desk(redis_empty: None, monkeypatch: pytest.MonkeyPatch) -> Desk:
    member: Membership = MembershipFactory(role=Role.MANAGER)
    client = Client()
    client.force_login(member.user)
    confirm(client, member.user)
    monkeypatch.setattr(applications, "check_application_key", lambda *_arguments: None)
    return Desk(member.account, member.user, client, read_database_clock(), monkeypatch)


Deed = Callable[[Desk], object]
# What a function makes ready is not counted; what it returns is then done.
DEEDS: dict[AuditKind, Callable[[Desk], Deed]] = {}


def deed(kind: AuditKind) -> Callable[[Callable[[Desk], Deed]], Callable[[Desk], Deed]]:
    """The function makes ready, and returns what leaves one event of this kind."""

    def remember(function: Callable[[Desk], Deed]) -> Callable[[Desk], Deed]:
        DEEDS[kind] = function
        return function

    return remember


@deed(AuditKind.LOGGED_IN)
def _log_in(desk: Desk) -> Deed:
    person = UserFactory()
    form = {"username": person.username, "password": PASSWORD}
    return lambda _desk: Client().post("/login/", form)


@deed(AuditKind.LOGIN_FAILED)
def _fail(desk: Desk) -> Deed:
    form = {"username": desk.user.username, "password": "wrong"}
    return lambda _desk: Client().post("/login/", form)


@deed(AuditKind.LOGGED_OUT)
def _log_out(desk: Desk) -> Deed:
    return lambda desk: desk.post("logout")


@deed(AuditKind.DENIED)
def _reach_too_far(desk: Desk) -> Deed:
    Membership.objects.update(role=Role.VIEWER)
    return lambda desk: desk.client.post(reverse("sellers:pause", args=[desk.account.pk]))


@deed(AuditKind.REQUESTED)
def _request(desk: Desk) -> Deed:
    order = OrderFactory(account=desk.account)
    return lambda desk: request_review(order, user=desk.user, at=desk.at)


@deed(AuditKind.MESSAGED)
def _write(desk: Desk) -> Deed:
    order = OrderFactory(account=desk.account)
    payload = {"text": "Is the colour right?"}
    return lambda desk: request_message(
        order, "confirmOrderDetails", payload, user=desk.user, at=desk.at, client_key=uuid.uuid4()
    )


@deed(AuditKind.CANCELLED)
def _cancel(desk: Desk) -> Deed:
    action = OutgoingActionFactory(order__account=desk.account)
    return lambda desk: cancel_action(action, user=desk.user, at=desk.at)


@deed(AuditKind.RETRIED)
def _retry(desk: Desk) -> Deed:
    action = OutgoingActionFactory(order__account=desk.account, status=Status.REFUSED)
    return lambda desk: retry_action(action, user=desk.user, at=desk.at)


@deed(AuditKind.PAUSED)
def _pause(desk: Desk) -> Deed:
    return lambda desk: desk.post("sellers:pause", desk.account.pk, reason="Holidays")


@deed(AuditKind.RESUMED)
def _resume(desk: Desk) -> Deed:
    services.pause_account(desk.account, desk.user, desk.at)
    return lambda desk: desk.post("sellers:resume", desk.account.pk)


@deed(AuditKind.STOPPED)
def _stop(desk: Desk) -> Deed:
    return lambda desk: set_switch(
        account=desk.account, kind="", user=desk.user, at=desk.at, reason="A fire"
    )


@deed(AuditKind.LIFTED)
def _lift(desk: Desk) -> Deed:
    switch: KillSwitch = KillSwitchFactory(account=desk.account)
    return lambda desk: lift_switch(switch, user=desk.user, at=desk.at)


@deed(AuditKind.DECIDED)
def _decide(desk: Desk) -> Deed:
    action: OutgoingAction = OutgoingActionFactory(
        order__account=desk.account, status=Status.UNCONFIRMED
    )
    decision = Decision(Choice.SEEN, "It is in the thread")
    return lambda desk: decide(action, decision, user=desk.user, at=desk.at)


@deed(AuditKind.EXPORTED)
def _export(desk: Desk) -> Deed:
    batch = BatchFactory(created_by=desk.user)
    return lambda desk: b"".join(
        desk.client.get(reverse("messaging:export", args=[batch.pk]))  # type: ignore[arg-type]
    )


@deed(AuditKind.INVITED)
def _invite(desk: Desk) -> Deed:
    return lambda desk: desk.post("sellers:invite", desk.account.pk, role="viewer")


@deed(AuditKind.UNINVITED)
def _uninvite(desk: Desk) -> Deed:
    invitation, _token = invite(desk.account, Role.VIEWER, desk.user, desk.at)
    return lambda desk: revoke_invitation(invitation, desk.user, desk.at)


@deed(AuditKind.ROLE_GIVEN)
def _join(desk: Desk) -> Deed:
    invitation, _token = invite(desk.account, Role.VIEWER, desk.user, desk.at)
    return lambda desk: accept_invitation(invitation, UserFactory(), desk.at)


@deed(AuditKind.ROLE_CHANGED)
def _change_role(desk: Desk) -> Deed:
    member = MembershipFactory(account=desk.account, role=Role.VIEWER)
    return lambda desk: change_role(member, Role.OPERATOR, desk.user)


@deed(AuditKind.ROLE_REMOVED)
def _remove(desk: Desk) -> Deed:
    member = MembershipFactory(account=desk.account)
    return lambda desk: remove_member(member, desk.user)


@deed(AuditKind.PEOPLE_REVIEWED)
def _review(desk: Desk) -> Deed:
    return lambda desk: note_review(desk.account, desk.user, desk.at)


@deed(AuditKind.DISCONNECTED)
def _disconnect(desk: Desk) -> Deed:
    return lambda desk: services.disconnect_account(desk.account, desk.user)


def _facts(name: str) -> applications.ApplicationFacts:
    return applications.ApplicationFacts(
        name=name, client_secret="amzn1.oa2-cs.v1.x", secret_made_on=read_database_clock().date()
    )


@deed(AuditKind.APPLICATION_ADDED)
def _add_application(desk: Desk) -> Deed:
    return lambda desk: applications.add_application(
        f"amzn1.application-oa2-client.{'a' * 32}", _facts("New"), desk.user
    )


@deed(AuditKind.APPLICATION_CHANGED)
def _change_application(desk: Desk) -> Deed:
    application = ApplicationFactory()
    return lambda desk: applications.change_application(application, _facts("Other"), desk.user)


@deed(AuditKind.OAUTH_STATE_MISMATCH)
def _stray(desk: Desk) -> Deed:
    application = ApplicationFactory(
        is_public=True, application_id="amzn1.sp.solution.00000000-0000-0000-0000-000000000000"
    )
    desk.patch.setattr(consent, "new_state", lambda: "a state of somebody else")
    journey = consent.Journey(application, "A1PA6795UKMFR9", "https://localhost/", "Nordlicht")
    consent.begin(journey, user=UserFactory(), session_key="theirs", at=desk.at)

    def come_back(desk: Desk) -> None:
        with suppress(ConnectError):
            consent.take_up(
                "a state of somebody else", user=desk.user, session_key="mine", at=desk.at
            )

    return come_back


@deed(AuditKind.FACTOR_ADDED)
def _add_factor(desk: Desk) -> Deed:
    desk.patch.setattr(totp_auth, "generate_totp_secret", lambda: SECRET)
    desk.client.get(reverse("mfa_activate_totp"))
    return lambda desk: desk.post("mfa_activate_totp", code=code_for())


@deed(AuditKind.FACTOR_REMOVED)
def _remove_factor(desk: Desk) -> Deed:
    TOTP.activate(desk.user, SECRET)
    return lambda desk: desk.post("mfa_deactivate_totp")


@deed(AuditKind.CODES_RENEWED)
def _renew_codes(desk: Desk) -> Deed:
    TOTP.activate(desk.user, SECRET)
    promise_codes(desk.user)
    return lambda desk: desk.post("mfa_generate_recovery_codes")


NEW_PASSWORD = "A horse of another colour, 7"


@deed(AuditKind.PASSWORD_CHANGED)
def _change_password(desk: Desk) -> Deed:
    form = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    return lambda desk: desk.post("account_change_password", **form)


@deed(AuditKind.SESSION_ENDED)
def _end_sessions(desk: Desk) -> Deed:
    other = Client()
    other.post("/login/", {"username": desk.user.username, "password": PASSWORD})
    other.get("/")
    return lambda desk: desk.post("people:end_others")


@deed(AuditKind.FIRST_PERSON)
def _first(desk: Desk) -> Deed:
    # nobody is deleted whom the record names: the others are overlooked
    desk.patch.setattr("people.first_run.is_empty", lambda: True)
    code = new_code() or ""
    form = {"username": "first", "email": "", "password": NEW_PASSWORD}
    return lambda _desk: make_first_person(code, **form)


def _superuser(desk: Desk) -> None:
    desk.user.is_staff = desk.user.is_superuser = True
    desk.user.save()


@deed(AuditKind.PERSON_ADDED)
def _add_person(desk: Desk) -> Deed:
    _superuser(desk)
    form = {
        "username": "ann",
        "usable_password": "true",
        "password1": NEW_PASSWORD,
        "password2": NEW_PASSWORD,
    }
    return lambda desk: desk.post("admin:auth_user_add", **form)


@deed(AuditKind.PERSON_CHANGED)
def _change_person(desk: Desk) -> Deed:
    _superuser(desk)
    person = UserFactory()
    form = {
        "username": person.username,
        "first_name": "Ann",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
    }
    return lambda desk: desk.post("admin:auth_user_change", person.pk, **form)


@deed(AuditKind.GROUP_CHANGED)
def _add_group(desk: Desk) -> Deed:
    _superuser(desk)
    return lambda desk: desk.post("admin:auth_group_add", name="Auditors")


@deed(AuditKind.IMPORTED)
def _import(desk: Desk) -> Deed:
    source = Source(ImportKind.EXCLUDED_SKUS, "skus.csv", "0" * 64, 1, 0, 0)
    plan = Plan(source, values=["MUG-1"], reason="Recalled")
    return lambda desk: carry_out(
        desk.account, plan, user=desk.user, at=desk.at, client_key=uuid.uuid4()
    )


@deed(AuditKind.EXCLUSION_UNDONE)
def _undo_exclusion(desk: Desk) -> Deed:
    exclusion = ExclusionFactory(account=desk.account)
    return lambda desk: undo_exclusion(exclusion, user=desk.user, at=desk.at)


@deed(AuditKind.BACKFILLED)
def _backfill(desk: Desk) -> Deed:
    AccountMarketplaceFactory(account=desk.account)
    return lambda desk: desk.post("orders:read_reports", desk.account.pk)


@deed(AuditKind.NOTIFICATION_REPLAYED)
def _replay(desk: Desk) -> Deed:
    parked = ParkedNotificationFactory(account=desk.account)
    return lambda desk: desk.post("sellers:replay_notification", desk.account.pk, parked.pk)


def _template(text: str = "Is it {order_number}?") -> TemplateFacts:
    return TemplateFacts("confirmOrderDetails", "Number", "", text)


@deed(AuditKind.TEMPLATE_ADDED)
def _add_template(desk: Desk) -> Deed:
    return lambda desk: add_template(desk.account, _template(), user=desk.user, at=desk.at)


@deed(AuditKind.TEMPLATE_CHANGED)
def _change_template(desk: Desk) -> Deed:
    template = MessageTemplateFactory(account=desk.account)
    return lambda desk: change_template(template, _template(), user=desk.user, at=desk.at)


@deed(AuditKind.TEMPLATE_DELETED)
def _delete_template(desk: Desk) -> Deed:
    template = MessageTemplateFactory(account=desk.account)
    return lambda desk: delete_template(template, user=desk.user, at=desk.at)


@deed(AuditKind.ACCOUNT_CHANGED)
def _refuse_the_second(desk: Desk) -> Deed:
    return lambda desk: desk.post(
        "sellers:one_message", desk.account.pk, one_message_per_order="yes"
    )


# Amazon is asked first: tests/sellers/test_services.py and
# tests/orders/notifications/test_subscribing.py count their one event.
ELSEWHERE = {AuditKind.CONNECTED, AuditKind.SUBSCRIBED, AuditKind.UNSUBSCRIBED}


def test_every_kind_is_done_here_or_named() -> None:
    assert set(DEEDS) | ELSEWHERE == set(AuditKind)
    assert not set(DEEDS) & ELSEWHERE


@pytest.mark.parametrize("kind", DEEDS)
def test_each_thing_is_written_down_once(
    desk: Desk,
    kind: AuditKind,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    do = DEEDS[kind](desk)
    before = set(AuditEvent.objects.values_list("pk", flat=True))
    with django_capture_on_commit_callbacks(execute=True):
        do(desk)
    written = AuditEvent.objects.exclude(pk__in=before)
    (event,) = written.filter(kind=kind)
    # a thing may bring others with it, as a new factor ends sessions, but nothing unasked for
    brought = set(written.values_list("kind", flat=True)) - {kind.value}
    assert brought <= ALONG.get(kind, set())
    assert event.subject or kind in {AuditKind.LOGIN_FAILED}
    assert NEW_PASSWORD not in f"{event.subject} {event.detail}"
    assert PASSWORD not in f"{event.subject} {event.detail}"


ALONG = {
    AuditKind.ROLE_GIVEN: {AuditKind.LOGGED_IN.value},
    AuditKind.PASSWORD_CHANGED: {AuditKind.SESSION_ENDED.value},
    AuditKind.DISCONNECTED: {AuditKind.PAUSED.value},
}


def test_the_trail_is_written_out_by_the_command_once_too(capsys: Any) -> None:
    call_command("export_audit")
    assert AuditEvent.objects.filter(kind=AuditKind.EXPORTED).count() == 1
