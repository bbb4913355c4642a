"""Notifications of one account: set up, ended, what could not be read; for its managers."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from orders.models import NotificationQueue, NotificationSubscription, ParkedNotification
from orders.notifications.alarms import has_strangers
from orders.notifications.parking import CannotReplayError, replay
from orders.notifications.queues import queue_policy, reader_policy
from orders.notifications.subscribing import (
    Listed,
    SetUpError,
    look_up,
    subscribe,
    unsubscribe,
)
from sellers.clients import client_for, limiter_for
from sellers.encryption import SecretUnreadableError
from sellers.models import Role, SellerAccount
from solicit_dashboard.access import get_account, get_user, log_ignored_fields
from spapi import Client

PAGE = "sellers:notifications"
LATE_AFTER = timedelta(minutes=10)
MOST_PARKED = 50


@require_safe
def notifications(request: HttpRequest, account_id: int) -> HttpResponse:
    """How the account's notifications stand; with `?now=1` Amazon is asked what it has set up."""
    account = get_account(request, account_id, Role.MANAGER)
    listed: Listed | None = None
    if request.GET.get("now") == "1":
        try:
            listed = look_up(_client(account))
        except SetUpError as error:
            messages.error(request, str(error))
    arn = settings.SQS_QUEUE_ARN
    now = timezone.now()
    queue = NotificationQueue.objects.filter(arn=arn).first() if arn else None
    parked = ParkedNotification.objects.filter(account=account).waiting()[: MOST_PARKED + 1]
    context = {
        "account": account,
        "arn": arn,
        "subscription": NotificationSubscription.objects.filter(
            account=account, removed_at=None
        ).first(),
        "queue": queue,
        "is_read": _is_read(queue, now),
        "has_strangers": has_strangers(queue, now),
        "queue_policy": queue_policy(arn) if arn else "",
        "reader_policy": reader_policy(arn) if arn else "",
        "listed": listed,
        "parked": parked[:MOST_PARKED],
        "is_more_parked": len(parked) > MOST_PARKED,
    }
    return render(request, "orders/notifications.html", context)


@require_POST
def start(request: HttpRequest, account_id: int) -> HttpResponse:
    """Amazon sends the account's order changes to the queue."""
    account = get_account(request, account_id, Role.MANAGER)
    log_ignored_fields(request, ())
    arn = settings.SQS_QUEUE_ARN
    try:
        if not arn:
            raise SetUpError("There is no queue: whoever runs this dashboard sets SQS_QUEUE_ARN.")
        subscribe(
            account,
            client=_client(account),
            queue_arn=arn,
            user=get_user(request),
            at=timezone.now(),
        )
    except SetUpError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Amazon sends the order changes of {account.name} to the queue.")
    return redirect(PAGE, account.pk)


@require_POST
def end(request: HttpRequest, account_id: int) -> HttpResponse:
    """Amazon sends nothing for the account any more; its orders come by polling."""
    account = get_account(request, account_id, Role.MANAGER)
    log_ignored_fields(request, ())
    try:
        was_there = unsubscribe(
            account, client=_client(account), user=get_user(request), at=timezone.now()
        )
    except SetUpError as error:
        messages.error(request, str(error))
    else:
        if was_there:
            messages.success(request, f"Notifications of {account.name} have ended.")
        else:
            messages.info(request, f"There were no notifications of {account.name}.")
    return redirect(PAGE, account.pk)


@require_POST
def replay_one(request: HttpRequest, account_id: int, parked_id: int) -> HttpResponse:
    """A parked message becomes a hint: Amazon will be asked for its order."""
    account = get_account(request, account_id, Role.MANAGER)
    log_ignored_fields(request, ())
    found = None
    if parked_id < 2**63:
        found = ParkedNotification.objects.filter(account=account, pk=parked_id).first()
    if found is None:
        raise Http404
    try:
        number = replay(found, user=get_user(request), at=timezone.now())
    except CannotReplayError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Amazon will be asked for order {number}.")
    return redirect(PAGE, account.pk)


def _client(account: SellerAccount) -> Client:
    try:
        return client_for(account, limiter=limiter_for(account))
    except (ValueError, SecretUnreadableError) as error:
        raise SetUpError(str(error)) from error


def _is_read(queue: NotificationQueue | None, now: datetime) -> bool:
    """Whether a process reads the queue, as far as it has shown itself lately."""
    return bool(queue and not queue.error and queue.read_at and now - queue.read_at < LATE_AFTER)
