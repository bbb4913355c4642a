"""The admin reads everything and changes nothing, whoever asks, and stays quick."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from audit.models import AuditEvent, AuditKind
from audit.services import record_event
from messaging.models import (
    ActionAttempt,
    ActionEvent,
    Batch,
    KillSwitch,
    MessageTemplate,
    OutgoingAction,
    StoredFile,
)
from messaging.states import Status
from orders.models import (
    Door,
    Exclusion,
    HeardNotification,
    NotificationQueue,
    NotificationSubscription,
    Order,
    OrderHint,
    OrderImport,
    OrderReport,
    OrderSync,
    ParkedNotification,
)
from sellers.invitations import invite
from sellers.models import (
    Application,
    ConsentState,
    Invitation,
    Membership,
    PeopleReview,
    Role,
    SellerAccount,
)
from solicit_dashboard import admin_base
from solicit_dashboard.admin_base import ReadOnlyAdmin
from tests.factories import (
    BatchFactory,
    DoorFactory,
    ExclusionFactory,
    HeardNotificationFactory,
    KillSwitchFactory,
    MembershipFactory,
    MessageTemplateFactory,
    NotificationQueueFactory,
    NotificationSubscriptionFactory,
    OrderFactory,
    OrderHintFactory,
    OrderImportFactory,
    OrderItemFactory,
    OrderReportFactory,
    OrderSyncFactory,
    OutgoingActionFactory,
    ParkedNotificationFactory,
    SellerAccountFactory,
    StoredFileFactory,
    UserFactory,
)
from tests.made_once import rows_made_once

pytestmark = pytest.mark.django_db

RECORDS: list[type[Model]] = [
    Order,
    OutgoingAction,
    ActionAttempt,
    ActionEvent,
    Batch,
    AuditEvent,
    SellerAccount,
    Application,
    Exclusion,
    OrderSync,
    Door,
    OrderHint,
    OrderImport,
    OrderReport,
    KillSwitch,
    Invitation,
    PeopleReview,
    ConsentState,
    NotificationSubscription,
    NotificationQueue,
    HeardNotification,
    ParkedNotification,
    StoredFile,
    MessageTemplate,
]
# The statements that a list takes, whatever its rows.
QUERIES = {
    Order: 6,
    OutgoingAction: 9,
    ActionAttempt: 6,
    ActionEvent: 7,
    Batch: 6,
    AuditEvent: 5,
    SellerAccount: 4,
    Application: 4,
    Exclusion: 7,
    OrderSync: 5,
    Door: 5,
    OrderHint: 6,
    OrderImport: 7,
    OrderReport: 7,
    KillSwitch: 6,
    Invitation: 6,
    PeopleReview: 6,
    ConsentState: 6,
    NotificationSubscription: 6,
    NotificationQueue: 4,
    HeardNotification: 6,
    ParkedNotification: 6,
    StoredFile: 6,
    MessageTemplate: 6,
}


@pytest.fixture
def superuser() -> Client:
    return log_in(UserFactory(is_staff=True, is_superuser=True))


@pytest.fixture
def auditor() -> Client:
    user: User = UserFactory(is_staff=True)
    apps = ("orders", "messaging", "sellers", "audit")
    user.user_permissions.set(
        Permission.objects.filter(codename__startswith="view_", content_type__app_label__in=apps)
    )
    return log_in(user)


def log_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(model: type[Model], what: str, *arguments: object) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}"
    return reverse(name, args=arguments)


def fill(number: int) -> None:
    """So many rows of every record, each with all that belongs to it."""
    for _ in range(number):
        order = OrderFactory()
        OrderItemFactory(order=order)
        user = UserFactory()
        action = OutgoingActionFactory(
            order=order, status=Status.REFUSED, batch=BatchFactory(created_by=user)
        )
        OutgoingAction.objects.filter(pk=action.pk).transition(
            Status.REFUSED, Status.QUEUED, at=timezone.now(), user=user
        )
        OrderSyncFactory(account=order.account)
        DoorFactory(account=order.account)
        OrderHintFactory(account=order.account)
        NotificationSubscriptionFactory(account=order.account)
        NotificationQueueFactory()
        HeardNotificationFactory(account=order.account)
        ParkedNotificationFactory(account=order.account)
        OrderReportFactory(account=order.account, approved_by=user)
        ExclusionFactory(account=order.account)
        StoredFileFactory(account=order.account)
        MessageTemplateFactory(account=order.account)
        OrderImportFactory(account=order.account)
        KillSwitchFactory(account=order.account)
        invite(order.account, Role.VIEWER, user, timezone.now())
        PeopleReview.objects.create(account=order.account, by=user, at=timezone.now())
        ConsentState.objects.create(
            account=order.account,
            application=order.account.application,
            started_at=timezone.now(),
            state_digest=secrets.token_hex(32),
            user=user,
        )
        AuditEvent.objects.create(kind=AuditKind.REQUESTED, user=user, account_id=order.account_id)


def test_every_model_of_ours_is_read_only_but_memberships() -> None:
    ours = {
        model
        for model in admin.site._registry
        if model._meta.app_label in {"orders", "messaging", "sellers", "audit"}
    }
    assert ours == {*RECORDS, Membership}
    for model in RECORDS:
        assert isinstance(admin.site._registry[model], ReadOnlyAdmin)


@pytest.fixture(scope="class")
def filled(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A row of every record."""
    with rows_made_once(django_db_blocker):
        fill(1)
        yield


@pytest.mark.usefixtures("filled")
class TestOneRowOfEveryRecord:
    @pytest.mark.parametrize("model", RECORDS)
    def test_nobody_adds_changes_or_deletes_a_record(
        self, superuser: Client, model: type[Model]
    ) -> None:
        row = model._default_manager.first()
        assert row is not None
        before = list(model._default_manager.values())
        addresses = (
            url(model, "add"),
            url(model, "change", row.pk),
            url(model, "delete", row.pk),
        )
        for address in addresses:
            assert superuser.post(address, {"post": "yes"}).status_code == 403
        assert superuser.get(url(model, "add")).status_code == 403
        assert superuser.get(url(model, "delete", row.pk)).status_code == 403
        bulk = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        superuser.post(url(model, "changelist"), bulk)
        assert list(model._default_manager.values()) == before

    @pytest.mark.parametrize("model", RECORDS)
    def test_the_auditor_sees_every_list_and_page(
        self, auditor: Client, model: type[Model]
    ) -> None:
        row = model._default_manager.first()
        assert row is not None
        page = auditor.get(url(model, "changelist"))
        assert page.status_code == 200
        assert 'name="action"' not in page.content.decode()
        detail = auditor.get(url(model, "change", row.pk)).content.decode()
        assert 'name="_save"' not in detail
        assert "deletelink" not in detail

    def test_a_list_takes_the_same_queries_for_one_row_and_three(self, superuser: Client) -> None:
        def queries(model: type[Model]) -> int:
            with CaptureQueriesContext(connection) as captured:
                assert superuser.get(url(model, "changelist")).status_code == 200, model
            return len(captured)

        before = {model: queries(model) for model in RECORDS}
        fill(2)
        assert {model: queries(model) for model in RECORDS} == before == QUERIES

    @pytest.mark.parametrize(
        ("model", "lookup"),
        [
            (SellerAccount, "refresh_token_encrypted__startswith"),
            (SellerAccount, "application__client_secret_encrypted__gt"),
            (Order, "account__application__client_id__startswith"),
            (OutgoingAction, "reason__contains"),
            (OutgoingAction, "requested_by__password__startswith"),
        ],
    )
    def test_no_other_lookup_may_stand_in_the_address(
        self, superuser: Client, model: type[Model], lookup: str
    ) -> None:
        assert superuser.get(url(model, "changelist"), {lookup: "a"}).status_code == 400


def test_an_operator_has_no_admin() -> None:
    client = log_in(MembershipFactory().user)
    for model in RECORDS:
        assert client.get(url(model, "changelist")).status_code == 302


def test_counting_ends_at_the_cap(superuser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_base, "MOST_COUNTED", 2)
    fill(3)
    with CaptureQueriesContext(connection) as captured:
        page = superuser.get(url(Order, "changelist")).content.decode()
    assert "2+ orders. Narrow them by a filter" in page
    counts = [query["sql"] for query in captured if "COUNT(" in query["sql"]]
    assert len(counts) == 1
    assert "LIMIT 3" in counts[0]


def test_orders_are_found_by_their_number(superuser: Client) -> None:
    wanted = OrderFactory(amazon_order_id="303-1234567-7654321")
    other = OrderFactory(amazon_order_id="302-1234567-7654321")
    for order in (wanted, other):
        OutgoingActionFactory(order=order, status=Status.REFUSED)
    for model in (Order, OutgoingAction, ActionAttempt, ActionEvent):
        for text in ("303-1234567-7654321", "303 \u2013 1234567-7654321", "303-12"):
            page = superuser.get(url(model, "changelist"), {"q": text}).content.decode()
            assert wanted.amazon_order_id in page, (model, text)
            assert other.amazon_order_id not in page, (model, text)


def test_a_search_without_sense_is_answered_with_what_can_be_searched(superuser: Client) -> None:
    order = OrderFactory()
    page = superuser.get(url(Order, "changelist"), {"q": "<b>mug"}).content.decode()
    assert "was not understood" in page
    assert "An order number or its beginning, or a day such as 2026-03-14." in page
    assert "<b>mug" not in page
    assert order.amazon_order_id not in page


def test_days_are_found_by_search_and_by_fixed_spans(superuser: Client) -> None:
    today = OrderFactory(purchased_at=timezone.now())
    before = OrderFactory(purchased_at=timezone.now() - timedelta(days=20))
    changelist = url(Order, "changelist")

    def found(**query: str) -> set[str]:
        page = superuser.get(changelist, query).content.decode()
        numbers = (today.amazon_order_id, before.amazon_order_id)
        return {number for number in numbers if number in page}

    assert found(q=f"{timezone.now():%Y-%m-%d}") == {today.amazon_order_id}
    assert found(when="today") == {today.amazon_order_id}
    assert found(when="7") == {today.amazon_order_id}
    assert found(when="30") == {today.amazon_order_id, before.amazon_order_id}
    assert found(when=f"{before.purchased_at:%Y-%m}") >= {before.amazon_order_id}


def test_audit_events_are_found_by_person_and_by_day_and_name_their_account(
    superuser: Client,
) -> None:
    ann, bob = UserFactory(username="ann"), UserFactory(username="bob")
    record_event(AuditKind.LOGGED_IN, user=ann, subject="by-ann")
    account = SellerAccountFactory(name="Bob's mugs")
    record_event(AuditKind.LOGGED_IN, user=bob, account_id=account.pk, subject="by-bob")

    def found(text: str) -> set[str]:
        page = superuser.get(url(AuditEvent, "changelist"), {"q": text}).content.decode()
        return {name for name in ("by-ann", "by-bob", "was not understood") if name in page}

    assert found("ann") == {"by-ann"}
    assert found(f"{timezone.now():%Y-%m-%d}") == {"by-ann", "by-bob"}
    assert found("2001-01-01") == set()
    assert found("nobody") == {"was not understood"}
    page = superuser.get(url(AuditEvent, "changelist"), {"q": "bob"}).content.decode()
    assert "Bob&#x27;s mugs" in page


@pytest.mark.parametrize("most_sorted", [0, 5_000])
def test_states_are_filtered_few_and_many(
    superuser: Client, monkeypatch: pytest.MonkeyPatch, most_sorted: int
) -> None:
    monkeypatch.setattr(admin_base, "MOST_SORTED", most_sorted)
    sent = OutgoingActionFactory(status=Status.SENT)
    refused = OutgoingActionFactory(status=Status.REFUSED)
    for model, field in ((OutgoingAction, "status"), (Order, "solicitation")):
        page = superuser.get(url(model, "changelist"), {field: "sent"}).content.decode()
        assert sent.order.amazon_order_id in page
        assert refused.order.amazon_order_id not in page
        assert "1 " in page


def test_a_batch_leads_to_its_actions(superuser: Client) -> None:
    mine, other = OutgoingActionFactory(batch=BatchFactory()), OutgoingActionFactory()
    page = superuser.get(url(Batch, "changelist")).content.decode()
    address = f"{url(OutgoingAction, 'changelist')}?batch__id__exact={mine.batch_id}"
    assert address in page
    actions = superuser.get(address).content.decode()
    assert mine.order.amazon_order_id in actions
    assert other.order.amazon_order_id not in actions


def test_an_action_shows_its_attempts_and_its_events(auditor: Client) -> None:
    action = OutgoingActionFactory(status=Status.REFUSED, reason="Refused: already requested")
    page = auditor.get(url(OutgoingAction, "change", action.pk)).content.decode()
    assert action.attempts.get().request_id in page
    assert "You have already requested a review" in page
    for event in action.events.all():
        assert event.get_after_display() in page


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", '"><script>x</script>'])
def test_hostile_text_is_shown_as_text(auditor: Client, text: str) -> None:
    order = OrderFactory(fulfillment_status=text[:32])
    order.account.name = text
    order.account.save()
    OrderItemFactory(order=order, title=text)
    action = OutgoingActionFactory(order=order, status=Status.REFUSED, reason=text)
    AuditEvent.objects.create(kind=AuditKind.DENIED, subject=text, detail={"path": text})
    for model, pk in ((Order, order.pk), (OutgoingAction, action.pk)):
        for address in (url(model, "changelist"), url(model, "change", pk)):
            page = auditor.get(address).content.decode()
            assert text not in page
    page = auditor.get(url(AuditEvent, "changelist")).content.decode()
    assert text not in page
