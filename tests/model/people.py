"""What people do in an example: they click, write, stop, resume, and decide."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from messaging import decisions, services, stopping
from messaging.action_types import CONFIRM_ORDER_DETAILS, REVIEW_REQUEST
from messaging.decisions import Choice, Decision, DecisionRefusedError
from messaging.models import Batch, KillSwitch, OutgoingAction
from messaging.services import NotAllowedError
from orders.models import Order
from sellers.models import SellerAccount
from sellers.services import pause_account, resume_account
from tests.model.records import Row
from tests.model.rules import OPEN, TAKEN
from tests.model.stage import Stage


class People:
    """The people on a stage; `count` is told what they do."""

    def __init__(self, stage: Stage, count: Callable[[str], None]) -> None:
        self._stage = stage
        self._clock = stage.clock
        self._standing = stage.standing
        self._user = stage.cast.user
        self._count = count
        self._keys = 0

    def click(
        self, order: Order, is_message: bool, *, repeated: bool = False
    ) -> OutgoingAction | None:
        """What the click made; `repeated`, it is the same form once more. None when it was refused."""
        now, user = self._clock.now(), self._user
        key = UUID(int=self._keys) if repeated else self.new_key()
        try:
            if is_message:
                return services.request_message(
                    order,
                    CONFIRM_ORDER_DETAILS.name,
                    {"text": "Which colour?"},
                    user=user,
                    at=now,
                    client_key=key,
                )
            return services.request_review(order, user=user, at=now, client_key=key)
        except NotAllowedError:
            return None

    def decide(self, number: int, choice: Choice) -> None:
        """A person decides about what is unconfirmed, rightly or wrongly, if they may."""
        waiting = [row for row in self.rows().values() if row.status in decisions.DECIDABLE]
        if not waiting:
            return
        self._count(f"decide: {choice}")
        row, standing = waiting[number % len(waiting)], self._standing
        word = Decision(choice, reason="Looked in Seller Central", order_number=row.order)
        action = OutgoingAction.objects.get(pk=row.pk)
        try:
            decisions.decide(action, word, user=self._user, at=self._clock.now())
        except (DecisionRefusedError, NotAllowedError):
            self._stage.oracle.check()
            return
        if choice == Choice.SEEN:
            standing.seen.add(row.pk)
        elif choice == Choice.LEAVE:
            standing.left_alone.add(row.pk)
        else:
            standing.send_again[row.pk] += 1
            standing.may_return.add(row.pk)
            standing.cancel_asked.discard(row.pk)
        self._stage.oracle.check()

    def stop_batch(self, number: int) -> None:
        """A person stops one of the batches, if there are any."""
        batches = sorted({row.batch_id for row in self.rows().values() if row.batch_id})
        if not batches:
            return
        self._count("stop a batch")
        pk = batches[number % len(batches)]
        self._standing.cancel_asked |= {
            row.pk for row in self.rows().values() if row.batch_id == pk and row.status in OPEN
        }
        services.stop_batch(
            Batch.objects.get(pk=pk),
            user=self._user,
            at=self._clock.now(),
            account_ids=[account.pk for account in self._stage.cast.accounts],
        )
        self._stage.oracle.check()

    def pause(self, account: SellerAccount, halfway: bool) -> None:
        """The account is paused, or goes on when it was; `halfway`: its rows are not seen to."""
        paused, now, user = self._standing.paused, self._clock.now(), self._user
        if account.pk in paused:
            resume = resume_account if halfway else stopping.resume_sending
            resume(account, user=user, at=now)
        elif halfway:
            pause_account(account, user, now)
        else:
            stopping.pause_sending(account, user=user, at=now)
        paused ^= {account.pk}

    def switch(self, account: SellerAccount | None, how: str, halfway: bool) -> None:
        """A kill switch is set (for all accounts without one), or lifted when one stands."""
        switches, now, user = self._standing.switches, self._clock.now(), self._user
        if switches:
            pk = min(switches)
            stopping.lift_switch(KillSwitch.objects.get(pk=pk), user=user, at=now)
            del switches[pk]
            return
        kind = REVIEW_REQUEST.name if how == "switch of a kind" else ""
        if halfway:
            switch = KillSwitch.objects.create(account=account, kind=kind, set_at=now, set_by=user)
        else:
            switch, _ = stopping.set_switch(
                account=account, kind=kind, user=user, at=now, reason="Recall"
            )
        switches[switch.pk] = (account.pk if account else None, kind)

    def on_action(
        self, name: str, number: int, asked: set[int], verb: Callable[..., object]
    ) -> int:
        """A person's verb on one of the actions; it stands in `asked` when it was not refused."""
        if not self.rows():
            return 0
        self._count(name)
        pk = sorted(self.rows())[number % len(self.rows())]
        try:
            verb(OutgoingAction.objects.get(pk=pk), user=self._user, at=self._clock.now())
            asked.add(pk)
        except NotAllowedError:
            pk = 0
        self._stage.oracle.check()
        return pk

    def rows(self) -> dict[int, Row]:
        """The actions as they stand now, by id."""
        self._stage.oracle.read()
        return self._stage.oracle.rows

    def is_taken(self, order_id: int, kind: str) -> bool:
        """Whether another one like it must not be made for this order now."""
        states = TAKEN if kind == REVIEW_REQUEST.name else OPEN
        return any(
            (row.order_id, row.kind) == (order_id, kind) and row.status in states
            for row in self.rows().values()
        )

    def new_key(self) -> UUID:
        """The key of a form that nobody has sent yet."""
        self._keys += 1
        return UUID(int=self._keys)
