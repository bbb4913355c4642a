"""manage.py load_demo"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from messaging.models import OutgoingAction
from orders.ingest.due import sync_account
from orders.ingest.poll import SyncResult
from orders.models import Order, OrderSync
from orders.states import Refusal
from sellers.connection import ConnectError
from sellers.models import Application, SellerAccount
from sellers.services import connect_account, pause_account
from solicit_dashboard.demo.history import write_past
from solicit_dashboard.demo.past import plan_past
from solicit_dashboard.demo.people import (
    MANAGER,
    OPERATOR,
    NoPasswordsError,
    give_roles,
    make_people,
    read_passwords,
)
from solicit_dashboard.demo.record import (
    PastRequest,
    SandboxUnreadableError,
    read_history,
    read_sellers,
)
from solicit_dashboard.terminal import ProgressBar
from spapi import Unlimited

APPLICATION = "Demonstration application"
# From this many accounts on, the third one shows what a paused account looks like.
ACCOUNTS_WITH_A_PAUSED_ONE = 3
PAUSED_SINCE = timedelta(hours=6)
# Of the orders whose window closed unasked, enough to choose from.
SOME_CLOSED = 100


class Command(BaseCommand):
    help = (
        "Load the demonstration from a sandbox that runs: its sellers as accounts, their orders, "
        "people with roles (passwords from demo.json), and what was asked before. Again: what is "
        "there stays, and what is new is read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sandbox", required=True, metavar="URL", help="its address")
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        url = options["sandbox"].rstrip("/")
        if url not in {settings.SPAPI_ENDPOINT} & {settings.LWA_ENDPOINT}:
            raise CommandError(
                "SPAPI_ENDPOINT and LWA_ENDPOINT must be the sandbox's address, or its keys "
                "would be shown to another Amazon.",
                returncode=2,
            )
        try:
            people = make_people(read_passwords(settings.DATA_DIR / "demo.json"))
            accounts = _connect(url)
            give_roles(people, accounts)
            self._read_orders(accounts)
            actions = _write_history(accounts, read_history(url), people)
        except (SandboxUnreadableError, NoPasswordsError, ConnectError) as error:
            raise CommandError(str(error)) from error
        orders = Order.objects.filter(account__in=accounts).count()
        if options["json"]:
            document = {
                "accounts": [account.pk for account in accounts],
                "people": sorted(people),
                "orders": orders,
                "new_actions": actions,
            }
            self.stdout.write(json.dumps(document))
        else:
            self.stdout.write(
                f"{len(accounts)} accounts, {orders:,} orders, {actions:,} requests of the past."
            )

    def _read_orders(self, accounts: list[SellerAccount]) -> None:
        with ProgressBar(sys.stderr) as bar:
            for done, account in enumerate(accounts):
                is_first = not OrderSync.objects.filter(
                    account=account, updated_after__isnull=False
                ).exists()
                result = sync_account(
                    account,
                    now=timezone.now(),
                    full=is_first,
                    limiter=Unlimited(),
                    on_page=partial(_show_page, bar, done, len(accounts), account.name),
                )
                if not result.finished:
                    raise CommandError(
                        f"{account.name}: {result.error or 'the sandbox is too busy, try again'}"
                    )


def _show_page(bar: ProgressBar, done: int, total: int, name: str, result: SyncResult) -> None:
    bar.show(done, total, f"accounts. Orders of {name}: page {result.pages}")


def _connect(url: str) -> list[SellerAccount]:
    """The sandbox's sellers as accounts; those that are connected with these keys are left alone."""
    accounts = []
    for seller in read_sellers(url):
        account = (
            SellerAccount.objects.select_related("application")
            .filter(selling_partner_id=seller.selling_partner_id, region=seller.region)
            .first()
        )
        if account is None or not (
            account.refresh_token == seller.refresh_token
            and account.application.client_id == seller.client_id
            and account.application.client_secret == seller.client_secret
        ):
            account = connect_account(
                name=seller.name,
                region=seller.region,
                selling_partner_id=seller.selling_partner_id,
                client_id=seller.client_id,
                client_secret=seller.client_secret,
                refresh_token=seller.refresh_token,
            )
            # connecting calls a new one after the account; here several accounts share it
            Application.objects.filter(pk=account.application_id).update(name=APPLICATION)
        accounts.append(account)
    return accounts


def _write_history(
    accounts: list[SellerAccount], history: list[PastRequest], people: dict[str, User]
) -> int:
    """The past of every account that has none yet; returns how many actions were written."""
    now = timezone.now()
    written = 0
    for number, account in enumerate(accounts, start=1):
        if OutgoingAction.objects.filter(account=account).exists():
            continue
        is_paused = number == ACCOUNTS_WITH_A_PAUSED_ONE
        orders = Order.objects.filter(account=account)
        by_number = {order.amazon_order_id: order for order in orders}
        asked = {
            request.order_id
            for request in history
            if request.selling_partner_id == account.selling_partner_id
        }
        plans = plan_past(
            [request for request in history if request.order_id in asked],
            by_number,
            eligible=orders.eligible(now).exclude(amazon_order_id__in=asked),
            closed=orders.refused(Refusal.WINDOW_CLOSED, now)
            .exclude(amazon_order_id__in=asked)
            .order_by("-latest_delivery_at")[:SOME_CLOSED],
            now=now,
            is_paused=is_paused,
        )
        written += write_past(account, plans, [people[OPERATOR], people[MANAGER]])
        if is_paused:
            pause_account(account, people[MANAGER], now - PAUSED_SINCE)
    return written
