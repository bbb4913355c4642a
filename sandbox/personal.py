"""Personal data as Amazon could send it: all invented, and each value says so.

A test that finds `MARK` in the product's database or logs has found that we asked for it.
"""

from typing import Any

from sandbox.life import Life

MARK = "Invented"


def buyer(life: Life) -> dict[str, Any]:
    """`Order.buyer` of the model."""
    domain = life.marketplace.domain.removeprefix("www.")
    document = {
        "buyerName": f"{MARK} Buyer {life.number}",
        "buyerEmail": f"{MARK.lower()}-buyer-{life.number}@marketplace.{domain}.example",
    }
    if "AMAZON_BUSINESS" in life.programs:
        document["buyerCompanyName"] = f"{MARK} Company {life.number}"
        document["buyerPurchaseOrderNumber"] = f"{MARK.upper()}-PO-{life.number}"
    return document


def recipient(life: Life) -> dict[str, Any]:
    """`Order.recipient` of the model."""
    return {
        "deliveryAddress": {
            "name": f"{MARK} Recipient {life.number}",
            "addressLine1": f"{MARK} Street {life.number % 200 + 1}",
            "city": f"{MARK} Town",
            "postalCode": f"{MARK.upper()}-{life.number % 10_000:04}",
            "countryCode": life.marketplace.country,
            "phone": f"{MARK} phone {life.number}",
            "addressType": "RESIDENTIAL",
        }
    }


def tax(life: Life) -> dict[str, Any]:
    """`Order.tax` of the model."""
    registration = {
        "entityType": "BUYER",
        "legalName": f"{MARK} Legal Name {life.number}",
        "taxRegistrationType": "VAT",
        "taxRegistrationNumber": f"{MARK.upper()}-VAT-{life.number}",
    }
    return {"taxRegistrations": [registration], "taxInvoicing": {"invoiceStatus": "PROCESSING"}}


def payment(life: Life) -> dict[str, Any]:
    """`Order.payment` of the model."""
    return {"paymentExecutions": [{"paymentMethod": "CreditCard", "cardBrand": f"{MARK} Card"}]}
