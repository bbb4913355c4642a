"""The reports that are due, step by step, for as long as a turn lasts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from orders.models import OrderReport
from orders.reports.claims import claim
from orders.reports.copies import delete_left_copies
from orders.reports.plan import plan_daily
from orders.reports.steps import Step
from sellers.clients import client_for, limiter_for
from sellers.encryption import SecretUnreadableError
from sellers.models import SellerAccount
from spapi import Limiter

logger = logging.getLogger(__name__)

# A worker has two processes, and the clockwork of sending needs one now and then.
TURN = timedelta(seconds=20)
UNEXPECTED = "The report could not be read; the log of the worker says why."


def read_due_reports(
    clock: Callable[[], datetime],
    is_stopping: Callable[[], bool],
    *,
    limiter_of: Callable[[SellerAccount], Limiter] = limiter_for,
) -> int:
    """The steps of the reports that are due have been done, for 20 s or a step more; how many.

    The daily ones are planned first. One report's failure does not stop the others.
    """
    began_at = clock()
    plan_daily(began_at)
    delete_left_copies()

    def is_over() -> bool:
        return clock() - began_at >= TURN or is_stopping()

    done = 0
    while not is_over():
        report = _next(clock())
        if report is None:
            break
        if not claim(report, clock()):
            continue
        done += 1
        _do_step(report, clock(), is_over, limiter_of(report.account))
    return done


def _next(now: datetime) -> OrderReport | None:
    reachable = SellerAccount.objects.reachable()
    due = OrderReport.objects.due(now).filter(account__in=reachable)
    return due.select_related("account__application").first()


def _do_step(
    report: OrderReport, now: datetime, is_stopping: Callable[[], bool], limiter: Limiter
) -> None:
    try:
        client = client_for(report.account, limiter=limiter)
    except (SecretUnreadableError, ValueError) as error:
        # it is due again when the claim has run out
        logger.warning("Report %s cannot be read: %s", report.pk, error)
        return
    step = Step(report, client, now, is_stopping)
    try:
        step.do()
    except Exception:
        logger.exception("A step of report %s could not be done.", report.pk)
        step.put_off(UNEXPECTED)
