"""Records cannot be changed or deleted, not even by raw SQL."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Model

from audit.guards import GUARDS, install, remove, standing
from audit.models import AuditEvent, AuditKind
from audit.services import record_event
from messaging.models import ActionAttempt, ActionEvent, OutgoingAction
from messaging.states import Status
from sellers.models import SellerAccount
from tests.factories import OutgoingActionFactory, SellerAccountFactory, UserFactory

pytestmark = pytest.mark.django_db


def an_audit_event() -> AuditEvent:
    return record_event(AuditKind.PAUSED, user=UserFactory(), subject="Seller 1")


def an_action_event() -> ActionEvent:
    event = OutgoingActionFactory(status=Status.SENT).events.first()
    assert event is not None
    return event


def an_action() -> OutgoingAction:
    action: OutgoingAction = OutgoingActionFactory()
    return action


def a_finished_attempt() -> ActionAttempt:
    attempt = OutgoingActionFactory(status=Status.SENT).sent_attempt
    assert isinstance(attempt, ActionAttempt)
    return attempt


def an_account() -> SellerAccount:
    account: SellerAccount = SellerAccountFactory()
    return account


KEPT = [an_audit_event, an_action_event, an_action, a_finished_attempt, an_account]
FINAL = [
    (an_audit_event, "subject = 'something else'"),
    (an_action_event, "after = 'sent'"),
    (a_finished_attempt, "body = 'something else'"),
    (a_finished_attempt, "abandoned_at = '2026-01-01 00:00:00'"),
]


def execute(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize("make", KEPT)
def test_a_record_is_not_deleted_by_the_orm(make: Callable[[], Model]) -> None:
    row = make()
    with pytest.raises(DatabaseError), transaction.atomic():
        # _raw_delete leaves out the checks that Django itself would make before it asks
        type(row)._default_manager.filter(pk=row.pk)._raw_delete(connection.alias)
    assert type(row)._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("make", KEPT)
def test_a_record_is_not_deleted_by_raw_sql(make: Callable[[], Model]) -> None:
    row = make()
    with pytest.raises(IntegrityError, match="never deleted"):
        execute(f"DELETE FROM {row._meta.db_table} WHERE id = {row.pk}")


@pytest.mark.parametrize(("make", "change"), FINAL)
def test_a_final_record_is_not_changed_by_raw_sql(make: Callable[[], Model], change: str) -> None:
    row = make()
    with pytest.raises(IntegrityError, match="never changed"):
        execute(f"UPDATE {row._meta.db_table} SET {change} WHERE id = {row.pk}")


@pytest.mark.parametrize("make", KEPT)
def test_a_record_is_not_swept_away_with_its_whole_table(make: Callable[[], Model]) -> None:
    table = make()._meta.db_table
    sql = f"DELETE FROM {table}"
    if connection.vendor == "postgresql":
        # the rows that were just made would wait with their foreign keys until the commit
        sql = f"SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {table} CASCADE"
    with pytest.raises(IntegrityError, match="never deleted"):
        execute(sql)


@pytest.mark.parametrize("make", KEPT)
def test_a_record_is_not_replaced(make: Callable[[], Model]) -> None:
    """REPLACE and its like delete a row without saying so; PostgreSQL has no such statement."""
    row = make()
    table, columns = row._meta.db_table, [field.column for field in row._meta.concrete_fields]
    names = ", ".join(f'"{column}"' for column in columns)
    sql = f"INTO {table} ({names}) SELECT {names} FROM {table} WHERE id = {row.pk}"
    if connection.vendor == "postgresql":
        with pytest.raises(IntegrityError):
            execute(f"INSERT {sql}")
        return
    with pytest.raises(IntegrityError, match="never deleted"):
        execute(f"REPLACE {sql}")


@pytest.mark.parametrize("status", [state for state in Status if state != Status.SENT])
def test_what_was_sent_stays_sent(status: Status) -> None:
    action = OutgoingActionFactory(status=Status.SENT)
    with pytest.raises(IntegrityError, match="stays sent"):
        execute(
            f"UPDATE messaging_outgoingaction SET status = '{status}', "
            f"lease_until = '2026-01-01 00:00:00' WHERE id = {action.pk}"
        )


def test_what_was_sent_can_still_be_seen_by_a_person() -> None:
    action = OutgoingActionFactory(status=Status.SENT)
    seen = OutgoingAction.objects.filter(pk=action.pk).update(seen_by=UserFactory())
    assert seen == 1


def test_an_open_attempt_can_be_finished() -> None:
    attempt = OutgoingActionFactory(status=Status.SENDING).attempts.get()
    assert ActionAttempt.objects.filter(pk=attempt.pk).update(
        finished_at=attempt.claimed_at, outcome="unknown"
    )


def test_an_audit_event_cannot_be_saved_again() -> None:
    event = an_audit_event()
    event.subject = "something else"
    with pytest.raises(IntegrityError), transaction.atomic():
        event.save()


def test_guards_can_be_taken_down_and_put_up_again() -> None:
    names = {guard.name for guard in GUARDS}
    assert standing(connection) == names
    remove(connection, GUARDS)
    assert standing(connection) == set()
    install(connection, GUARDS)
    install(connection, GUARDS)
    assert standing(connection) == names
