"""manage.py setup_notifications"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from orders.notifications.queues import queue_policy, reader_policy
from orders.notifications.subscribing import SetUpError, look_up, subscribe, unsubscribe
from sellers.clients import client_for, limiter_for
from sellers.encryption import SecretUnreadableError
from sellers.models import SellerAccount


class Command(BaseCommand):
    help = "Have Amazon send an account's order changes to the queue of SQS_QUEUE_ARN, or end that."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", type=int, metavar="ID", help="which account")
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--policy",
            action="store_true",
            help="show the policies to paste at AWS, and do nothing",
        )
        what.add_argument("--list", action="store_true", help="show what Amazon has set up")
        what.add_argument("--remove", action="store_true", help="end the account's notifications")
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, **options: Any) -> None:
        arn = settings.SQS_QUEUE_ARN
        if not arn:
            raise CommandError(
                "SQS_QUEUE_ARN is not set. Make a standard queue at AWS and set it to its ARN.",
                returncode=2,
            )
        if options["policy"]:
            self._tell(
                options,
                {"queue": json.loads(queue_policy(arn)), "reader": json.loads(reader_policy(arn))},
                "Access policy of the queue:",
                queue_policy(arn),
                "Policy of the AWS user or role that reads it:",
                reader_policy(arn),
            )
            return
        account = _account(options["account"])
        try:
            client = client_for(account, limiter=limiter_for(account))
        except SecretUnreadableError as error:
            raise CommandError(str(error)) from None
        try:
            if options["list"]:
                self._list(options, account, client)
            elif options["remove"]:
                self._remove(options, account, client)
            else:
                row = subscribe(account, client=client, queue_arn=arn, user=None, at=timezone.now())
                document = {
                    "account": account.pk,
                    "destination": row.destination_id,
                    "subscription": row.subscription_id,
                }
                self._tell(
                    options,
                    document,
                    f"Amazon sends the order changes of {account.name} to {arn}.",
                )
        except SetUpError as error:
            self.stderr.write(str(error))
            raise SystemExit(1) from None

    def _list(self, options: dict[str, Any], account: SellerAccount, client: Any) -> None:
        found = look_up(client)
        destinations = [
            {"id": one.destination_id, "name": one.name, "queue": one.arn}
            for one in found.destinations
        ]
        subscriptions = [
            {
                "id": one.subscription_id,
                "destination": one.destination_id,
                "marketplaces": list(one.event_filter.marketplace_ids) if one.event_filter else [],
            }
            for one in found.subscriptions
        ]
        self._tell(
            options,
            {
                "account": account.pk,
                "destinations": destinations,
                "subscriptions": subscriptions,
            },
            *(f"Destination {one['id']}: {one['queue'] or one['name']}" for one in destinations),
            *(f"Subscription {one['id']} to {one['destination']}" for one in subscriptions),
            *([] if subscriptions else [f"{account.name} has no subscription to order changes."]),
        )

    def _remove(self, options: dict[str, Any], account: SellerAccount, client: Any) -> None:
        removed = unsubscribe(account, client=client, user=None, at=timezone.now())
        words = "sends nothing any more" if removed else "did not send anything"
        self._tell(
            options,
            {"account": account.pk, "removed": removed},
            f"Amazon {words} for {account.name}.",
        )

    def _tell(self, options: dict[str, Any], document: dict[str, Any], *lines: str) -> None:
        self.stdout.write(json.dumps(document) if options["json"] else "\n".join(lines))


def _account(account_id: int | None) -> SellerAccount:
    if account_id is None:
        raise CommandError("Name the account: --account ID.", returncode=2)
    account = SellerAccount.objects.select_related("application").filter(pk=account_id).first()
    if account is None:
        raise CommandError(f"There is no account {account_id}.", returncode=2)
    if not account.refresh_token_encrypted:
        raise CommandError(f"Account {account_id} is disconnected.")
    return account
