"""The measurements find what they measure; nothing is timed here."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Count, F, Q
from django.test import override_settings
from django.utils import timezone

from benchmarks import measure
from benchmarks.data import Filled, fill
from benchmarks.pages import LEAST_ORDERS
from messaging.models import ActionAttempt, ActionEvent, OutgoingAction
from messaging.states import TAKEN, Status
from orders.models import Order

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
NUMBER = 1_000


def _indexes() -> set[str]:
    with connection.cursor() as cursor:
        return {
            name
            for model in (Order, OutgoingAction, ActionAttempt, ActionEvent)
            for name in connection.introspection.get_constraints(cursor, model._meta.db_table)
        }


@pytest.fixture
def filled() -> Filled:
    return fill(NUMBER, now=timezone.now())


def test_the_filled_rows_agree_with_one_another(filled: Filled) -> None:
    orders, actions = Order.objects.order_by(), OutgoingAction.objects.order_by()
    assert orders.count() == NUMBER
    shares = dict(orders.values_list("account_id").annotate(Count("pk")))
    assert [
        shares.get(pk, 0) > NUMBER * part
        for pk, part in zip(filled.account_ids, (0.85, 0.05, 0.001), strict=True)
    ] == [True] * 3
    asked = orders.exclude(solicitation="").count()
    assert 0.30 < asked / NUMBER < 0.40
    taken = actions.filter(status__in=TAKEN)
    assert taken.count() == asked
    assert not taken.exclude(order__solicitation=F("status")).exists()
    assert not actions.exclude(status__in=TAKEN).exclude(order__solicitation="").exists()
    left = Q(status__in=[Status.SENT, Status.REFUSED, Status.UNRESOLVED])
    assert ActionAttempt.objects.count() >= actions.filter(left).count() > 0
    assert actions.filter(status=Status.QUEUED).exists()
    last = dict.fromkeys(actions.values_list("pk", flat=True), "queued")
    last |= dict(ActionEvent.objects.order_by("pk").values_list("action_id", "after"))
    assert last == dict(actions.values_list("pk", "status"))


def test_the_indexes_are_all_there_again() -> None:
    before = _indexes()
    fill(50, now=timezone.now())
    assert _indexes() == before


def test_every_measured_page_answers(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "PAGES_DEEP", 3)  # the third is as good as the twentieth
    with override_settings(STORAGES=measure.PLAIN_STORAGES, ALLOWED_HOSTS=["127.0.0.1"]):
        pages = list(measure._pages(filled))
        for page in pages:
            measure._ask(page)()  # raises for what is not answered with 200
    assert len({page.name for page in pages}) == len(pages) > 60
    assert {f"{name}, page 3" for name in ("Outbox", "Orders, all", "Orders, sent")} <= {
        page.name for page in pages
    }


def test_pages_are_measured_in_turn_and_queueing_is_undone(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [measure.Page("Overview", "/"), measure.Page("Orders", "/orders/")]
    monkeypatch.setattr(measure, "_pages", lambda _filled: iter(pages))
    before = OutgoingAction.objects.count()
    with override_settings(STORAGES=measure.PLAIN_STORAGES, ALLOWED_HOSTS=["127.0.0.1"]):
        *shown, queueing, _checking = measure._measure(filled, 2)
    assert OutgoingAction.objects.count() == before
    assert [figure.page for figure in shown] == ["Overview", "Orders"]
    for figure in shown:
        assert figure.queries
        assert 0 < figure.median_ms <= figure.p95_ms
    assert not queueing.page.startswith("Queueing 0 ")


def test_of_few_orders_the_pages_are_those_that_there_are() -> None:
    few = fill(LEAST_ORDERS, now=timezone.now())
    with override_settings(STORAGES=measure.PLAIN_STORAGES, ALLOWED_HOSTS=["127.0.0.1"]):
        pages = {page.name: page for page in measure._pages(few)}
    assert "Orders, all, page 2" in pages
    number = OutgoingAction.objects.filter(batch=few.big_batch_id).count()
    assert pages[f"Batch of {number}"].address == f"/batches/{few.big_batch_id}/"
