"""One visit of the doctor to one account."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from django.conf import settings

from orders.models import Order
from orders.states import FulfillmentStatus
from sellers.clients import TOKEN_STORE, limiter_for, shared_transport
from sellers.encryption import SecretUnreadableError
from sellers.models import SellerAccount
from solicit_dashboard.doctor.findings import CONNECT_AGAIN, Finding, bad
from solicit_dashboard.doctor.listening import Listener
from spapi import Client, Credentials

# A person waits for each line; the lanes' own deadline is for calls that must not be given up.
LONGEST_CALL_SECONDS = 15.0


class CannotAskError(Exception):
    """Amazon cannot even be asked; `finding` says why and what to do."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.says)
        self.finding = finding


class Visit:
    """The account, the moment (UTC, the database's clock), a client that is listened to.

    The checks of one visit share what was heard, so that one call may answer several of them.
    """

    def __init__(self, account: SellerAccount, at: datetime) -> None:
        self.account = account
        self.at = at
        self.listener = Listener(shared_transport())

    @cached_property
    def client(self) -> Client:
        """Calls Amazon for the account. Raises CannotAskError when there is nothing to call with."""
        try:
            refresh_token = self.account.refresh_token
            client_secret = self.account.application.client_secret
        except SecretUnreadableError:
            raise CannotAskError(
                bad(
                    "The account's secrets cannot be read: the key that encrypted them is not "
                    "among TOKEN_KEYS.",
                    f"Add the former key to TOKEN_KEYS, behind the present one. {CONNECT_AGAIN}",
                )
            ) from None
        if not refresh_token:
            raise CannotAskError(
                bad("The account is disconnected: it has no token.", CONNECT_AGAIN)
            )
        return Client(
            self.account.region,
            Credentials(
                client_id=self.account.application.client_id,
                client_secret=client_secret,
                refresh_token=refresh_token,
            ),
            limiter=limiter_for(self.account),
            token_store=TOKEN_STORE,
            endpoint=settings.SPAPI_ENDPOINT,
            lwa_endpoint=settings.LWA_ENDPOINT,
            deadline=min(LONGEST_CALL_SECONDS, settings.CALL_DEADLINE_SECONDS),
            transport=self.listener,
        )

    @cached_property
    def known_order(self) -> Order | None:
        """An order of the account that Amazon has a list of actions for; the newest that shipped."""
        orders = Order.objects.filter(account=self.account, is_sold_on_amazon=True)
        shipped = orders.filter(fulfillment_status=FulfillmentStatus.SHIPPED, is_cancelled=False)
        return shipped.first() or orders.first()
