"""Many who claim the same rows at the same moment, on a database that lets them."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections
from django.db.models import Count

from messaging.delivery import Claimed, claim
from messaging.models import ActionAttempt, OutgoingAction
from messaging.states import Status
from tests.factories import SellerAccountFactory, UserFactory
from tests.messaging.sending import NOW, due_action, due_order, job_of

CLAIMERS, ROWS, AT_ONCE = 32, 200, 10


@pytest.mark.django_db(transaction=True)
def test_thirty_two_who_claim_two_hundred_at_once_win_two_hundred() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer: nobody races")
    account, asker = SellerAccountFactory(), UserFactory()
    jobs = [
        job_of(due_action(order=due_order(account=account), requested_by=asker))
        for _ in range(ROWS)
    ]
    won: list[Claimed] = []
    errors: list[BaseException] = []
    start = threading.Barrier(CLAIMERS)

    def claim_all(worker: int) -> None:
        try:
            connection.ensure_connection()
            start.wait(30)
            # all begin with the same ones; half of them go through the rest the other way round
            turned = jobs[:AT_ONCE] + jobs[AT_ONCE:][:: -1 if worker % 2 else 1]
            for first in range(0, ROWS, AT_ONCE):
                chosen = turned[first : first + AT_ONCE]
                won.extend(claim(chosen, now=NOW, worker=f"test:{worker}"))
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=claim_all, args=(number,)) for number in range(CLAIMERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert sorted(one.job.action_id for one in won) == sorted(job.action_id for job in jobs)
    assert set(OutgoingAction.objects.values_list("status", flat=True)) == {Status.SENDING}
    assert ActionAttempt.objects.filter(finished_at=None, abandoned_at=None).count() == ROWS
    each = OutgoingAction.objects.annotate(number=Count("attempts")).values_list(
        "number", flat=True
    )
    assert set(each) == {1}
    # what was won is what was written: each winner has the attempt that stands
    winners = dict(ActionAttempt.objects.values_list("pk", "action_id"))
    assert winners == {one.attempt_id: one.job.action_id for one in won}
