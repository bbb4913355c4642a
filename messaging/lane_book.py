"""The lanes of one shard: which there are, what each takes up next, and the pace that they leave."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Mod

from messaging.action_types import Api
from messaging.buckets import LaneLimiter
from messaging.clock import Clock
from messaging.delivery import take_up
from messaging.lanes import TAKE_AT_ONCE, Lane
from messaging.models import OutgoingAction
from sellers.clients import client_for
from sellers.encryption import SecretUnreadableError
from sellers.models import SellerAccount

logger = logging.getLogger(__name__)

# A refresh token and a client secret, both encrypted.
_Secrets = tuple[bytes, bytes]


class LaneBook:
    """All lanes of one shard. Used by the driver's thread alone."""

    def __init__(self, shard: int, clock: Clock, limiter: LaneLimiter) -> None:
        self._shard = shard
        self._clock = clock
        self._limiter = limiter
        self._lanes: dict[tuple[int, str], Lane] = {}
        self._saved: dict[str, Any] = {}
        self._server_offset = 0.0

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    @property
    def is_idle(self) -> bool:
        """Whether no lane has anything in hand or under way."""
        return all(lane.is_idle for lane in self)

    @property
    def has_calls_out(self) -> bool:
        """Whether some call has not come back."""
        return any(lane.looking or lane.sending for lane in self)

    @property
    def have_uploads(self) -> bool:
        """Whether files go up for some message, or have gone up for one that waits to be sent."""
        return any(lane.has_uploads for lane in self)

    def have_looked(self, wall: datetime) -> bool:
        """Whether looks are made, or under way, for what may leave at that moment (UTC)."""
        return any(lane.looking or lane.may_send(wall) for lane in self)

    def next_moment(self, now: float, wall: datetime) -> float:
        """When the first lane wants to be asked, if nothing happens before (monotonic seconds)."""
        return min((lane.next_moment(now, wall) for lane in self), default=float("inf"))

    def shortest_interval(self) -> float:
        """Seconds from call to call of the fastest bucket; infinite without lanes."""
        return min((lane.shortest_interval for lane in self), default=float("inf"))

    def close(self) -> None:
        """The lanes make no more calls."""
        for lane in self:
            lane.client.close()

    # Pace

    def load_pace(self, saved: dict[str, Any], server_offset: float) -> None:
        """Lanes go on at the pace that was saved; the offset is the server's clock less ours."""
        self._saved = saved
        self._server_offset = server_offset

    def pace(self, *, clean: bool) -> dict[str, Any]:
        """What another driver needs; with `clean`, all is in it but what is under way still."""
        now = self._clock.monotonic()
        for (account_id, api), lane in self._lanes.items():
            self._saved[f"{account_id}:{api}"] = lane.dump(
                now,
                server_time=now + self._server_offset,
                clean=clean and not (lane.looking or lane.sending),
            )
        return self._saved

    # Taking up

    def take_up(self, woken: Collection[int]) -> bool:
        """Each lane has what is due next, if it wants more or its account is among the woken ones.

        Returns whether anything was due, in hand now or refused by our own rules. What was stopped
        or put on hold since it was taken up is forgotten. Raises a database error when the database
        is away; it can be repeated.
        """
        wall = self._clock.now()
        found = False
        self._forget_overtaken(wall)
        for api in Api:
            rows = self._accounts_with_due(api, wall, woken)
            changed = [pk for pk, secrets, _ in rows if not self._is_current(pk, api, secrets)]
            accounts = SellerAccount.objects.select_related("application").in_bulk(changed)
            for account_id, _, has_more in rows:
                lane = self._lane(account_id, api, accounts.get(account_id))
                if lane is not None and has_more and self._may_take(lane, woken):
                    found = True
                    lane.add(
                        take_up(
                            lane.account,
                            api,
                            now=wall,
                            limit=TAKE_AT_ONCE,
                            but_not=lane.in_hand,
                            with_files=lane.wants_files or account_id in woken,
                        )
                    )
        return found

    @staticmethod
    def _may_take(lane: Lane, woken: Collection[int]) -> bool:
        return lane.wants_more or lane.account.pk in woken

    def _forget_overtaken(self, wall: datetime) -> None:
        waiting = [pk for lane in self for pk in lane.waiting()]
        if waiting:
            actions = OutgoingAction.objects.filter(pk__in=waiting)
            due = set(actions.due(wall).values_list("pk", flat=True))
            for lane in self:
                lane.keep_only(due)

    def _accounts_with_due(
        self, api: Api, wall: datetime, woken: Collection[int]
    ) -> list[tuple[int, _Secrets, bool]]:
        """Accounts with anything due: their ids, secrets, and whether it is not all in hand."""
        in_hand = [
            pk
            for lane in self
            if lane.api == api and self._may_take(lane, woken)
            for pk in lane.in_hand
        ]
        due = OutgoingAction.objects.filter(account=OuterRef("pk"), api=api).due(wall)
        return [
            (pk, (bytes(token), bytes(client_secret)), has_more)
            for pk, token, client_secret, has_more in SellerAccount.objects.reachable()
            .annotate(shard=Mod(F("pk"), settings.LANE_SHARDS))
            .filter(Exists(due), shard=self._shard)
            .annotate(has_more=Exists(due.exclude(pk__in=in_hand)))
            .order_by("pk")
            .values_list(
                "pk",
                "refresh_token_encrypted",
                "application__client_secret_encrypted",
                "has_more",
            )
        ]

    def _is_current(self, account_id: int, api: Api, secrets: _Secrets) -> bool:
        lane = self._lanes.get((account_id, api))
        return lane is not None and secrets == (
            bytes(lane.account.refresh_token_encrypted),
            bytes(lane.account.application.client_secret_encrypted),
        )

    def _lane(self, account_id: int, api: Api, changed: SellerAccount | None) -> Lane | None:
        """The account's lane; `changed` is the account when the lane does not know it as it is."""
        lane = self._lanes.get((account_id, api))
        if changed is None:
            return lane
        try:
            client = client_for(changed, limiter=self._limiter)
        except (ValueError, SecretUnreadableError) as error:
            logger.error("Account %s cannot be reached: %s", account_id, error)
            return None
        if lane is not None:
            lane.account, lane.client = changed, client
            return lane
        now = self._clock.monotonic()
        lane = self._lanes[account_id, api] = Lane(changed, api, client, now=now)
        saved = self._saved.get(f"{account_id}:{api}")
        if saved is not None:
            try:
                lane.restore(saved, server_time=now + self._server_offset, now=now)
            except (KeyError, TypeError, ValueError):
                logger.warning("A saved pace could not be read; the lane starts as if emptied.")
        return lane
