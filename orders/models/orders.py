"""Orders as Amazon told them, and what can be asked of them."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import Self

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.db.models import Count, F, Q

from orders.eligibility import (
    ReviewWindow,
    checks,
    every_rule_holds,
    first_fixed_refusal,
    first_refusal,
    refused_for,
)
from orders.states import FulfilledBy, FulfillmentStatus, Refusal, WindowSource
from sellers.models import Role, SellerAccount

# Amazon's order number: 3-7-7 digits.
AMAZON_ORDER_ID = re.compile(r"[0-9]{3}-[0-9]{7}-[0-9]{7}")


class OrderQuerySet(models.QuerySet["Order"]):
    def for_user(
        self, user: AbstractBaseUser | AnonymousUser, at_least: Role = Role.VIEWER
    ) -> Self:
        """The orders of the accounts on which this person has that role or a higher one."""
        accounts = SellerAccount.objects.for_user(user, at_least)
        return self.filter(account_id__in=list(accounts.values_list("pk", flat=True)))

    def with_refusal(self, at: datetime, window: ReviewWindow | None = None) -> Self:
        """Each with `refusal`: the first rule that does not hold at that moment (UTC), or ''."""
        return self.annotate(refusal=first_refusal(at, window or ReviewWindow.from_settings()))

    def refusals(self, at: datetime) -> dict[int, Refusal]:
        """Of these orders, those that our rules refuse at that moment (UTC), each with the reason."""
        rows = self.with_refusal(at).exclude(refusal="").values_list("pk", "refusal")
        return {pk: Refusal(refusal) for pk, refusal in rows}

    def count_by_obstacle(self, at: datetime) -> dict[int, Counter[str]]:
        """By account id: how many of these may not be asked at that moment (UTC), and why.

        The reason is the state of their solicitation, else the refusal. Those that may be asked are
        counted under ''.
        """
        counts: dict[int, Counter[str]] = {}
        rows = self.with_refusal(at).order_by()
        for account_id, solicitation, refusal, number in rows.values_list(
            "account_id", "solicitation", "refusal"
        ).annotate(Count("pk")):
            counts.setdefault(account_id, Counter())[solicitation or refusal] += number
        return counts

    def with_checks(self, at: datetime, window: ReviewWindow | None = None) -> Self:
        """Each with `check_<refusal>`: whether that rule holds at that moment (UTC)."""
        expressions = checks(at, window or ReviewWindow.from_settings())
        return self.annotate(**{f"check_{name}": case for name, case in expressions.items()})

    def eligible(self, at: datetime, window: ReviewWindow | None = None) -> Self:
        """Those for which our rules let a review be asked for at that moment (UTC)."""
        return self.filter(every_rule_holds(at, window or ReviewWindow.from_settings()))

    def refused(self, refusal: Refusal, at: datetime, window: ReviewWindow | None = None) -> Self:
        """Those whose first refusal at that moment (UTC) is this one."""
        return self.filter(refused_for(refusal, at, window or ReviewWindow.from_settings()))

    def unasked(self) -> Self:
        """Those with no solicitation that is moving, sent or refused."""
        return self.filter(solicitation="")

    def mark_solicitation(self, state: str, at: datetime) -> None:
        """These orders carry this state of their solicitation since that moment (UTC)."""
        self.update(
            solicitation=state,
            solicitation_at=at,
            # Written as it is, so that PostgreSQL computes `fixed_refusal`: when it finds that it
            # need not, it parses the column's definition again for every row, at twice the cost.
            is_excluded=F("is_excluded"),
        )

    def closing_before(self, moment: datetime, window: ReviewWindow | None = None) -> Self:
        """Those whose window closes before that moment (UTC)."""
        window = window or ReviewWindow.from_settings()
        return self.filter(latest_delivery_at__lt=moment - window.closes_after)


class Order(models.Model):
    """One order of one account, written by ingest alone (`solicitation` by messaging alone).

    Nothing about the buyer is stored.
    """

    # every index below begins with the account
    account = models.ForeignKey(
        SellerAccount, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    amazon_order_id = models.CharField("order number", max_length=32)
    marketplace_id = models.CharField(max_length=20)
    fulfillment_status = models.CharField(
        max_length=32, help_text="Amazon's word; one that we do not know is kept as it came."
    )
    fulfilled_by = models.CharField(max_length=16, blank=True)
    service_level = models.CharField(max_length=32, blank=True)
    programs = models.JSONField(default=list, blank=True)
    purchased_at = models.DateTimeField()
    amazon_updated_at = models.DateTimeField(help_text="Amazon's time of the last change.")
    earliest_delivery_at = models.DateTimeField(null=True, blank=True)
    latest_delivery_at = models.DateTimeField(null=True, blank=True)
    window_source = models.CharField(max_length=16, choices=WindowSource, blank=True)
    fba_arrival_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Amazon's estimate in its report of FBA shipments; of several, the latest.",
    )
    quantity = models.PositiveIntegerField(default=0)
    total_amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    total_currency = models.CharField(max_length=3, blank=True)
    is_sold_on_amazon = models.BooleanField(default=True)
    is_cancelled = models.BooleanField(default=False)
    is_replacement = models.BooleanField(default=False)
    is_returned = models.BooleanField(default=False)
    returned_looked_at = models.DateTimeField(
        null=True, blank=True, help_text="When we were last told of this order whether it was."
    )
    is_refunded = models.BooleanField(default=False)
    refunded_looked_at = models.DateTimeField(
        null=True, blank=True, help_text="When we were last told of this order whether it was."
    )
    is_business = models.BooleanField(default=False)
    is_excluded = models.BooleanField(
        default=False, help_text="An exclusion of this account covers it; kept by orders.services."
    )
    is_partial = models.BooleanField(
        default=False,
        help_text="The newest that is known of it comes from a report or a file, which tell less "
        "than Amazon's orders API; that is being asked.",
    )
    original_order_id = models.CharField(
        max_length=32, blank=True, help_text="The order that this one replaces or exchanges."
    )
    first_seen_at = models.DateTimeField(auto_now_add=True)
    synced_at = models.DateTimeField(help_text="When we last heard of it, by whichever door.")

    # Kept by messaging.services and messaging.delivery in the transaction that changes the action.
    solicitation = models.CharField(
        max_length=16,
        blank=True,
        default="",
        help_text="State of this order's solicitation, empty while none is moving or decided.",
    )
    solicitation_at = models.DateTimeField(
        null=True, blank=True, help_text="When that state began."
    )
    offer_checked_at = models.DateTimeField(
        null=True, blank=True, help_text="When Amazon was last asked what it offers."
    )
    is_offered = models.BooleanField(
        null=True, blank=True, help_text="Whether Amazon then offered the review request."
    )

    fixed_refusal = models.GeneratedField(
        expression=first_fixed_refusal(),
        output_field=models.CharField(max_length=16),
        db_persist=True,
    )

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-purchased_at", "-pk"]
        constraints = [
            # search by order number too, for which all accounts in question are named
            models.UniqueConstraint(
                fields=["account", "amazon_order_id"], name="order_once_per_account"
            ),
            models.CheckConstraint(
                condition=Q(earliest_delivery_at__isnull=True)
                | Q(latest_delivery_at__isnull=True)
                | Q(earliest_delivery_at__lte=F("latest_delivery_at")),
                name="delivery_window_runs_forward",
            ),
        ]
        indexes = [
            # The first columns of each say where a list begins and how it is sorted; the last ones
            # let a filter be answered from the index, without fetching the rows that it drops.
            # all orders of an account, newest first; those that are not possible
            models.Index(
                fields=[
                    "account",
                    "-purchased_at",
                    "-id",
                    "marketplace_id",
                    "fulfilled_by",
                    "fixed_refusal",
                    "solicitation",
                ],
                name="order_by_purchase",
            ),
            # eligible, closing soon, too early, closed; sorted by the end of the window
            models.Index(
                fields=[
                    "account",
                    "fixed_refusal",
                    "solicitation",
                    "latest_delivery_at",
                    "id",
                    "earliest_delivery_at",
                    "purchased_at",
                    "marketplace_id",
                    "fulfilled_by",
                ],
                name="order_by_refusal",
            ),
            # waiting, sent, refused by Amazon: by the state of the solicitation, newest first
            models.Index(
                fields=[
                    "account",
                    "solicitation",
                    "-solicitation_at",
                    "-id",
                    "purchased_at",
                    "marketplace_id",
                    "fulfilled_by",
                ],
                name="order_by_solicitation",
            ),
        ]

    def __str__(self) -> str:
        return self.amazon_order_id

    def refusal_at(self, at: datetime) -> Refusal | None:
        """Why our rules do not let a review be asked for at that moment (UTC), or None."""
        return Order.objects.filter(pk=self.pk).refusals(at).get(self.pk)

    def opens_at(self, window: ReviewWindow | None = None) -> datetime | None:
        """When our window opens (UTC), or None without dates."""
        if self.earliest_delivery_at is None:
            return None
        return self.earliest_delivery_at + (window or ReviewWindow.from_settings()).opens_after

    def closes_at(self, window: ReviewWindow | None = None) -> datetime | None:
        """The last moment of our window (UTC), or None without dates."""
        if self.latest_delivery_at is None:
            return None
        return self.latest_delivery_at + (window or ReviewWindow.from_settings()).closes_after

    @property
    def channel_label(self) -> str:
        """FBA, FBM, or Amazon's word when it is another."""
        try:
            return FulfilledBy(self.fulfilled_by).label
        except ValueError:
            return f"unknown ({self.fulfilled_by})" if self.fulfilled_by else ""

    @property
    def fulfillment_label(self) -> str:
        """The fulfilment status in words; one that we do not know is shown as such."""
        try:
            return FulfillmentStatus(self.fulfillment_status).label
        except ValueError:
            return f"unknown ({self.fulfillment_status})"


class OrderItem(models.Model):
    """One line of an order."""

    # found through the constraint that names it first
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="items", db_index=False)
    order_item_id = models.CharField(max_length=32)
    asin = models.CharField("ASIN", max_length=16, blank=True)
    sku = models.CharField("SKU", max_length=64, blank=True)
    title = models.CharField(max_length=500, blank=True)
    quantity = models.PositiveIntegerField(default=0)
    quantity_shipped = models.PositiveIntegerField(default=0)
    is_subscribe_and_save = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["order", "order_item_id"], name="item_once_per_order")
        ]
        indexes = [
            # search by the whole or its beginning, for which PostgreSQL needs the class; with the
            # order, so that the items need not be fetched to know it
            models.Index(
                fields=["sku", "order"],
                opclasses=["varchar_pattern_ops", "int8_ops"],
                name="item_by_sku",
            ),
            models.Index(
                fields=["asin", "order"],
                opclasses=["varchar_pattern_ops", "int8_ops"],
                name="item_by_asin",
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.sku or self.order_item_id
