"""The rig's hands in the product: a process with Django that does what it is told, line by line.

Each line of its input is JSON, `{"run": source, "with": {name: value}}`; the source puts what it found
into `result`. The answer is one line, `{"result": …}` or `{"error": traceback}`. The functions below
are at hand for the source.
"""
# Django has to be set up before the product's modules can be imported.
# ruff: noqa: E402

from __future__ import annotations

import json
import sys
import traceback
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from itertools import count
from typing import Any
from uuid import uuid4

import django

django.setup()

from django.contrib.auth.models import User
from django.db import connections
from django.test import Client, override_settings
from django.utils import timezone

from messaging import tasks
from messaging.action_types import REVIEW_REQUEST
from messaging.ledger.check import find_breaches
from messaging.models import OutgoingAction
from messaging.services import request_message
from messaging.states import Status
from orders.models import Order
from sandbox.testing import Running
from sellers.models import Membership, Role, SellerAccount
from tests.asking import A_MOMENT_AGO, ask_for_reviews, connect_sellers
from tests.faults.haste import make_haste
from tests.faults.kinds import INVOICE
from tests.files import keep_file

# Orders of each account and marketplace that are never asked: the controls.
CONTROLS = 3


def connect(url: str) -> dict[str, int]:
    """Every seller of that sandbox is connected and its orders are here; the accounts' ids."""
    accounts = connect_sellers(Running(url, lambda: None))
    User.objects.get_or_create(username="rig")
    return {account.selling_partner_id: account.pk for account in accounts}


def choose(number: int, accounts: Sequence[int], offered: Sequence[str]) -> list[int]:
    """So many orders that both Amazon and we would ask, the accounts in turn; fewer if there are
    not so many. The controls are left alone."""
    eligible = Order.objects.eligible(timezone.now()).filter(account_id__in=accounts)
    rows = (
        eligible.unasked()
        .filter(amazon_order_id__in=offered)
        .order_by("latest_delivery_at", "pk")
        .values_list("pk", "account_id", "marketplace_id")
    )
    places: dict[tuple[int, str], list[int]] = defaultdict(list)
    for pk, account, marketplace in rows:
        places[account, marketplace].append(pk)
    per_account: dict[int, list[int]] = defaultdict(list)
    for (account, _), ids in places.items():
        per_account[account] += ids[:-CONTROLS]
    chosen: list[int] = []
    while len(chosen) < number and any(per_account.values()):
        for ids in per_account.values():
            if ids and len(chosen) < number:
                chosen.append(ids.pop(0))
    return chosen


def queue(
    number: int,
    kind: str,
    accounts: Sequence[int],
    offered: Sequence[str],
    *,
    newest: bool = False,
) -> list[int]:
    """So many actions of that kind are due now; their ids. Reviews for the orders whose windows close
    first, or with `newest` last."""
    if kind == REVIEW_REQUEST.name:
        return _queue_reviews(_take(number, kind, accounts, offered, newest=newest))
    return _queue_messages(number, kind, accounts, offered)


def _take(
    number: int, kind: str, accounts: Sequence[int], offered: Sequence[str], *, newest: bool
) -> list[int]:
    """The next orders (the last, if the newest are wanted) of the list that was made when this kind
    was first asked for."""
    key = (kind, tuple(accounts))
    if key not in _stock:
        _stock[key] = choose(100_000, accounts, offered)
    if newest:
        taken, _stock[key] = _stock[key][-number:], _stock[key][:-number]
    else:
        taken, _stock[key] = _stock[key][:number], _stock[key][number:]
    return taken


_stock: dict[tuple[str, tuple[int, ...]], list[int]] = {}


def _queue_reviews(order_ids: Sequence[int]) -> list[int]:
    batch = ask_for_reviews(order_ids, User.objects.get(username="rig"))
    return list(OutgoingAction.objects.filter(batch=batch).values_list("pk", flat=True))


def _queue_messages(
    number: int, kind: str, accounts: Sequence[int], offered: Sequence[str]
) -> list[int]:
    """Messages to buyers to whom Amazon lets us write, the accounts that have such in turn, each with a
    text or a file that no other one has."""
    at = timezone.now() - A_MOMENT_AGO
    orders: dict[int, list[Order]] = defaultdict(list)
    # The newest: those that are about to be shipped would soon no longer be open to a question.
    newest = Order.objects.filter(account_id__in=accounts, amazon_order_id__in=offered)
    for order in newest.order_by("-purchased_at"):
        if len(orders[order.account_id]) < 2:
            orders[order.account_id].append(order)
    accounts = [account for account in accounts if account in orders]
    user = User.objects.get(username="rig")
    ids = []
    for _ in range(number):
        turn = next(_turns)
        theirs = orders[accounts[turn % len(accounts)]]
        order = theirs[turn // len(accounts) % len(theirs)]
        if kind == INVOICE:
            text = {}
            content = f"%PDF-1.4 Invoice {next(_texts)}".encode() * 1_000
            files = [keep_file(order.account, content, user=user, piece=4_000)]
        else:
            text = {"text": f"Which colour would you like? Question {next(_texts)}."}
            files = []
        key = uuid4()
        action = request_message(order, kind, text, user=user, at=at, files=files, client_key=key)
        ids.append(action.pk)
    return ids


_texts, _turns = count(1), count()


def cancel(ids: Sequence[int]) -> None:
    """Those of the actions that still wait are cancelled."""
    OutgoingAction.objects.filter(pk__in=ids).transition(
        Status.QUEUED, Status.CANCELLED, at=timezone.now(), reason="Amazon offers it no more"
    )


def visit() -> tuple[int, str]:
    """Overview's status code and page, for a manager of all accounts whose session goes on."""
    visitor = _visitor()
    with override_settings(DEBUG=False):  # which would show a traceback for a page
        response = visitor.get("/", headers={"host": "localhost"})
    return response.status_code, response.content.decode()


@cache
def _visitor() -> Client:
    user = User.objects.get(username="rig")
    for account in SellerAccount.objects.all():
        Membership.objects.get_or_create(user=user, account=account, role=Role.MANAGER)
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def ledger_breaches() -> list[str]:
    """What the product's own check of its records finds."""
    return [str(breach) for breach in find_breaches()]


def main() -> None:
    """Answers until its input ends."""
    make_haste()
    for line in sys.stdin:
        told = json.loads(line)
        names: dict[str, Any] = {**globals(), **told.get("with", {})}
        try:
            exec(compile(told["run"], "<rig>", "exec"), names)
            answer = {"result": names.get("result")}
        except Exception:
            answer = {"error": traceback.format_exc()}
            connections.close_all()
        print(json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    main()

__all__ = [
    "SellerAccount",
    "cancel",
    "choose",
    "connect",
    "ledger_breaches",
    "main",
    "queue",
    "tasks",
    "visit",
]
