"""Outgoing actions: the queue, and the one place where a status is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef, Q

from messaging.action_types import ACTION_TYPES, REVIEW_REQUEST, ActionType, Api
from messaging.models.attempts import ActionEvent
from messaging.models.kill_switches import KillSwitch
from messaging.models.kinds import unknown_type
from messaging.states import OPEN, TAKEN, TONES, WATCHED, Status, may_follow
from orders.models import Order
from orders.states import Tone
from sellers.models import Role, SellerAccount
from solicit_dashboard.conflicts import repeated_on_conflict

# How many actions one statement moves; a database takes only so many parameters.
TRANSITION_CHUNK = 5_000


class Priority(models.IntegerChoices):
    """Who goes first in a lane."""

    CLICK = 0, "A person's click"
    BATCH = 1, "A batch"
    RULE = 2, "A rule"


class OutgoingActionQuerySet(models.QuerySet["OutgoingAction"]):
    def for_user(
        self, user: AbstractBaseUser | AnonymousUser, at_least: Role = Role.VIEWER
    ) -> Self:
        """The actions of the accounts on which this person has that role or a higher one."""
        accounts = SellerAccount.objects.for_user(user, at_least)
        return self.filter(account_id__in=list(accounts.values_list("pk", flat=True)))

    def open(self) -> Self:
        """Those still moving."""
        return self.filter(status__in=OPEN)

    def of_every_account(self) -> Self:
        """All; on SQLite by their accounts, because its indexes of states begin with one.

        PostgreSQL has better ones for what is over, and would leave them aside.
        """
        if connection.vendor != "sqlite":
            return self.all()
        return self.filter(account__in=SellerAccount.objects.order_by())

    def for_lists(self, *, with_order: bool = True) -> Self:
        """With what lists tell of an action, its order and people, and without the other columns.

        That is felt in the time of a page. The account is not among them: whoever lists has it.
        """
        related = ["requested_by", "seen_by"]
        columns = [
            *("account_id", "order_id", "kind", "status", "status_at", "reason", "priority"),
            *("look_at", "not_before", "created_at"),
            *("requested_by__username", "seen_by__username"),
        ]
        if with_order:
            related.append("order")
            columns += ["order__account_id", "order__amazon_order_id", "order__marketplace_id"]
        return self.select_related(*related).only(*columns)

    def due(self, now: datetime) -> Self:
        """Those that a lane should take up: time for a look, and nobody has claimed them.

        An unconfirmed message is not among them: Amazon offers no way to ask what became of it. Nor
        is what a newer release has queued that knows more kinds.
        """
        return self.filter(
            Q(status=Status.QUEUED) | Q(api=Api.SOLICITATIONS),
            status__in=[Status.QUEUED, *WATCHED],
            look_at__lte=now,
            kind__in=list(ACTION_TYPES),
        )

    def unstopped(self) -> Self:
        """Those that no kill switch covers and whose account may send."""
        return self.filter(
            ~Exists(
                KillSwitch.objects.standing().covering(OuterRef("account_id"), OuterRef("kind"))
            ),
            Exists(SellerAccount.objects.sending().filter(pk=OuterRef("account_id"))),
        )

    def claimable(self, now: datetime) -> Self:
        """Those that may be claimed for sending at this moment (UTC, of the database's clock)."""
        return self.unstopped().filter(
            status=Status.QUEUED,
            stop_asked_by=None,
            not_before__lte=now,
            not_after__gte=now,
        )

    def transition(
        self,
        before: Status,
        after: Status,
        *,
        at: datetime,
        user: User | None = None,
        reason: str = "",
        **fields: Any,
    ) -> list[int]:
        """Those of this set that were in `before` are in `after`; returns their ids.

        The only writer of a status. In one transaction it changes the actions, writes an event for
        each, and tells the order what has become of its solicitation. An action that somebody else
        has moved in the meantime is left alone and is not among the ids.
        Raises ValueError for a step that the state machine does not allow.
        """
        if not may_follow(before, after):
            raise ValueError(f"An outgoing action does not go from {before} to {after}.")
        return repeated_on_conflict(
            lambda: self._move(before, after, at=at, user=user, reason=reason, fields=fields)
        )

    def _move(
        self,
        before: Status,
        after: Status,
        *,
        at: datetime,
        user: User | None,
        reason: str,
        fields: Mapping[str, Any],
    ) -> list[int]:
        with transaction.atomic():
            rows = self.filter(status=before).order_by()
            if connection.features.has_select_for_update:
                # everybody takes the rows in one order, and nobody waits for somebody who waits
                rows = rows.order_by("pk").select_for_update(of=("self",))
            # SQLite, which takes the whole file, would look at every row to have them in order
            ids = sorted(rows.values_list("pk", flat=True))
            for start in range(0, len(ids), TRANSITION_CHUNK):
                chunk = ids[start : start + TRANSITION_CHUNK]
                OutgoingAction.objects.filter(pk__in=chunk, status=before).update(
                    status=after, status_at=at, reason=reason, **fields
                )
                ActionEvent.objects.bulk_create(
                    [
                        ActionEvent(
                            action_id=pk,
                            at=at,
                            before=before,
                            after=after,
                            user=user,
                            reason=reason,
                        )
                        for pk in chunk
                    ]
                )
                mark_orders(chunk, after, at)
        return ids


def mark_orders(action_ids: Collection[int], status: Status, at: datetime) -> None:
    """The orders of these solicitations carry their state; other kinds leave no mark."""
    Order.objects.filter(
        pk__in=OutgoingAction.objects.filter(pk__in=action_ids, kind=REVIEW_REQUEST.name).values(
            "order_id"
        )
    ).mark_solicitation(status if status in TAKEN else "", at)


class OutgoingAction(models.Model):
    """One thing that we ask Amazon to do for one order. A row of the queue, and its record."""

    # No index of their own (db_index=False) have references by which nothing is looked up, and
    # those with which an index below begins: each costs every action that is queued or moved.
    account = models.ForeignKey(SellerAccount, on_delete=models.PROTECT, db_index=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="outgoing_actions")
    kind = models.CharField(
        max_length=48, default=REVIEW_REQUEST.name, help_text="Name in Amazon's list of actions."
    )
    api = models.CharField(max_length=16, choices=Api, default=Api.SOLICITATIONS)
    payload = models.JSONField(default=dict, blank=True)
    payload_hash = models.CharField(max_length=64, blank=True)
    text_forgotten_at = models.DateTimeField(
        null=True, blank=True, help_text="When what was written was deleted; its length stays."
    )

    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    status_at = models.DateTimeField(help_text="When this state began.")
    reason = models.CharField(
        max_length=300, blank=True, help_text="Why it is in this state, in words."
    )
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.CLICK)
    look_at = models.DateTimeField(help_text="When a lane should next ask Amazon's list.")
    not_before = models.DateTimeField(help_text="Not sent before; end of the hold.")
    not_after = models.DateTimeField(help_text="Not sent after; end of the window.")
    lease_until = models.DateTimeField(
        null=True, blank=True, help_text="While sending: the sweeper takes over after this."
    )

    # What the looks at Amazon's list showed while the outcome was not known.
    offered_looks = models.PositiveSmallIntegerField(default=0)
    absent_looks = models.PositiveSmallIntegerField(default=0)
    looks = models.PositiveSmallIntegerField(default=0, help_text="Looks since it was unconfirmed.")
    first_offered_at = models.DateTimeField(null=True, blank=True)
    first_absent_at = models.DateTimeField(null=True, blank=True)

    batch = models.ForeignKey(
        "Batch",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="actions",
        db_index=False,
    )
    client_key = models.UUIDField(null=True, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    created_at = models.DateTimeField()
    stop_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Who stopped it: it is not claimed any more, and cancelled unless it has left.",
    )

    # Evidence: `sent` needs one of the two.
    sent_attempt = models.ForeignKey(
        "ActionAttempt",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Who saw in Seller Central that it was sent.",
    )

    objects = OutgoingActionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(kind=REVIEW_REQUEST.name, status__in=sorted(TAKEN)),
                name="one_solicitation_per_order",
            ),
            # of the other kinds: for solicitations the constraint above says more
            models.UniqueConstraint(
                fields=["order", "kind", "payload_hash"],
                condition=Q(status__in=sorted(OPEN)) & ~Q(kind=REVIEW_REQUEST.name),
                name="no_identical_open_action",
            ),
            models.UniqueConstraint(
                fields=["client_key"],
                condition=Q(client_key__isnull=False),
                name="one_action_per_form",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.SENT)
                | Q(sent_attempt__isnull=False)
                | Q(seen_by__isnull=False),
                name="sent_needs_evidence",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.SENDING) | Q(lease_until__isnull=False),
                name="sending_needs_a_lease",
            ),
            models.CheckConstraint(
                condition=Q(status__in=list(Status.values)), name="status_is_known"
            ),
        ]
        indexes = [
            # lanes: what is due, in the order in which it is sent
            models.Index(
                fields=["account", "api", "priority", "not_after", "id"],
                condition=Q(status__in=["queued", "unconfirmed", "probably_sent"]),
                name="action_in_lane",
            ),
            # lanes: whether anything is due at all
            models.Index(
                fields=["account", "api", "look_at"],
                condition=Q(status__in=["queued", "unconfirmed", "probably_sent"]),
                name="action_due",
            ),
            # the sweeper: leases that ran out, windows that closed
            models.Index(
                fields=["lease_until"], condition=Q(status="sending"), name="action_lease"
            ),
            models.Index(
                fields=["not_after"],
                condition=Q(status__in=["queued", "held", "unconfirmed", "probably_sent"]),
                name="action_window_end",
            ),
            # the sweeper: what was stopped and is not cancelled yet
            models.Index(
                fields=["stop_asked_by"],
                condition=Q(stop_asked_by__isnull=False),
                name="action_stop_asked",
            ),
            # the outbox by state, newest first; the chart of a day's ends
            models.Index(
                fields=["account", "status", "-status_at", "-id"], name="action_by_status"
            ),
            models.Index(fields=["account", "-status_at", "-id"], name="action_by_change"),
            # a batch's progress and its actions by state; its actions in their order
            models.Index(fields=["batch", "account", "status", "id"], name="action_by_batch"),
            models.Index(fields=["batch", "id"], name="action_of_batch"),
            # the clean-up: messages whose texts are kept still, oldest first
            models.Index(
                fields=["created_at"],
                condition=~Q(kind=REVIEW_REQUEST.name) & Q(text_forgotten_at=None),
                name="action_with_text",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type.label} for {self.order_id}"

    @property
    def type(self) -> ActionType:
        """What it asks for."""
        # lists do not read the column of the API
        return ACTION_TYPES.get(self.kind) or unknown_type(self.kind, self.api)

    @property
    def tone(self) -> Tone:
        """How its state is coloured."""
        return TONES[Status(self.status)]
