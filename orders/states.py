"""The words of an order: Amazon's fulfilment statuses, our refusals, and their tones."""

from __future__ import annotations

from django.db import models


class Tone(models.TextChoices):
    """How a status is coloured and whether its mark is filled; never the only carrier of meaning."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    BUSY = "busy"
    QUIET = "quiet"


class FulfillmentStatus(models.TextChoices):
    """Amazon's words (Orders API 2026-01-01, `fulfillment.fulfillmentStatus`); others are kept as they come."""

    PENDING_AVAILABILITY = "PENDING_AVAILABILITY", "Pre-order, not yet available"
    PENDING = "PENDING", "Payment pending"
    UNSHIPPED = "UNSHIPPED", "Not shipped"
    PARTIALLY_SHIPPED = "PARTIALLY_SHIPPED", "Partly shipped"
    SHIPPED = "SHIPPED", "Shipped"
    CANCELLED = "CANCELLED", "Cancelled"
    UNFULFILLABLE = "UNFULFILLABLE", "Cannot be fulfilled"


class FulfilledBy(models.TextChoices):
    """Amazon's `fulfillment.fulfilledBy`; shown as sellers call it."""

    AMAZON = "AMAZON", "FBA"
    MERCHANT = "MERCHANT", "FBM"


class WindowSource(models.TextChoices):
    """Where the delivery dates come from; shown beside them, because an estimate is not a promise."""

    AMAZON = "amazon", "Amazon"
    FBA_REPORT = "fba_report", "FBA report"
    ESTIMATE = "estimate", "Estimate"


class DoorName(models.TextChoices):
    """By which ways an account's orders come in."""

    POLLING = "polling", "Polling"
    NOTIFICATIONS = "notifications", "Notifications"
    REPORTS = "reports", "Reports"
    CSV = "csv", "CSV"


class Refusal(models.TextChoices):
    """Why our rules do not let a review be asked for; the label is what a person reads."""

    NOT_AMAZON = "not_amazon", "Not sold on Amazon"
    CANCELLED = "cancelled", "Cancelled"
    REPLACEMENT = "replacement", "Replacement or exchange"
    RETURNED = "returned", "Returned"
    REFUNDED = "refunded", "Refunded"
    EXCLUDED = "excluded", "Excluded"
    PARTIAL = "partial", "Details not read yet"
    NOT_SHIPPED = "not_shipped", "Not shipped yet"
    NO_DATES = "no_dates", "Delivery dates missing"
    WINDOW_CLOSED = "window_closed", "Window closed"
    TOO_EARLY = "too_early", "Too early"


# Refusals that time alone may lift; the others need a change of the order, or never go away.
WAITING_REFUSALS = frozenset(
    {Refusal.PARTIAL, Refusal.NOT_SHIPPED, Refusal.NO_DATES, Refusal.TOO_EARLY}
)
