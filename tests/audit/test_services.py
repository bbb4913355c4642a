"""The audit trail says who did what to what."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from audit.models import AuditEvent, AuditKind
from audit.services import record_event
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_an_event_names_the_person_the_account_and_the_subject() -> None:
    ann, before = UserFactory(username="ann"), timezone.now()
    record_event(AuditKind.CANCELLED, user=ann, account_id=7, subject="Batch 3", stopped=12)
    event = AuditEvent.objects.get()
    assert (event.kind, event.user, event.account_id) == ("cancelled", ann, 7)
    assert (event.subject, event.detail) == ("Batch 3", {"stopped": 12})
    assert before <= event.at <= timezone.now()
    assert str(event) == "Sending cancelled Batch 3"


@pytest.mark.parametrize("nobody", [None, AnonymousUser()])
def test_a_stranger_leaves_an_event_without_a_person(nobody: AnonymousUser | None) -> None:
    assert record_event(AuditKind.LOGIN_FAILED, user=nobody, subject="x" * 300).user is None
    assert AuditEvent.objects.get().subject == "x" * 200
