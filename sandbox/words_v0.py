"""The words of Orders v0, of notifications and of reports for what 2026-01-01 calls otherwise."""

from sandbox.life import Life, Status

STATUSES = {
    Status.PENDING_AVAILABILITY: "PendingAvailability",
    Status.PENDING: "Pending",
    Status.UNSHIPPED: "Unshipped",
    Status.PARTIALLY_SHIPPED: "PartiallyShipped",
    Status.SHIPPED: "Shipped",
    Status.CANCELLED: "Canceled",
    Status.UNFULFILLABLE: "Unfulfillable",
}


def channel(life: Life) -> str:
    """`FulfillmentChannel` of Orders v0: `AFN` by Amazon, `MFN` by the seller."""
    return "AFN" if life.by_amazon else "MFN"


def service_level(life: Life) -> str:
    """`ShipmentServiceLevelCategory` of Orders v0: `SecondDay`."""
    return life.service.replace("_", " ").title().replace(" ", "")


def sales_channel(life: Life) -> str:
    """`SalesChannel` of Orders v0 and of the reports: `Amazon.de`, or `Non-Amazon DE`."""
    return life.marketplace.name if life.on_amazon else f"Non-Amazon {life.marketplace.country}"
