"""Personal data as Amazon could send it: all invented, and each value says so.

A test that finds `MARK` in the product's database or logs has found that we asked for it.
"""

from typing import Any

from sandbox.life import Life

MARK = "Invented"


# A buyer whom nobody asked for: put into whatever Amazon says when the fault `buyer` is set.
STRANGER: dict[str, Any] = {
    "buyer": {
        "buyerName": f"{MARK} Buyer 0",
        "buyerEmail": f"{MARK.lower()}-buyer-0@marketplace.example",
        "taxRegistrationNumber": f"{MARK.upper()}-VAT-0",
    },
    "ShippingAddress": {
        "Name": f"{MARK} Recipient 0",
        "AddressLine1": f"{MARK} Street 1",
        "PostalCode": f"{MARK.upper()}-0000",
    },
}


def with_stranger(document: Any) -> Any:
    """The JSON document with a buyer in each of its objects, beside what it says itself."""
    if isinstance(document, list):
        return [with_stranger(entry) for entry in document]
    if isinstance(document, dict):
        return STRANGER | {name: with_stranger(value) for name, value in document.items()}
    return document


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
        "taxRegistrationNumber": tax_id(life),
    }
    return {"taxRegistrations": [registration], "taxInvoicing": {"invoiceStatus": "PROCESSING"}}


def payment(life: Life) -> dict[str, Any]:
    """`Order.payment` of the model."""
    return {"paymentExecutions": [{"paymentMethod": "CreditCard", "cardBrand": f"{MARK} Card"}]}


def buyer_info_v0(life: Life) -> dict[str, Any]:
    """`BuyerInfo` of an order in model ordersV0.json."""
    names = buyer(life)
    document = {
        "BuyerEmail": names["buyerEmail"],
        "BuyerName": names["buyerName"],
        "BuyerTaxInfo": {
            "CompanyLegalName": f"{MARK} Legal Name {life.number}",
            "TaxingRegion": life.marketplace.country,
            "TaxClassifications": [{"Name": "VATNumber", "Value": tax_id(life)}],
        },
    }
    if "buyerPurchaseOrderNumber" in names:
        document["PurchaseOrderNumber"] = names["buyerPurchaseOrderNumber"]
    return document


def address_v0(life: Life) -> dict[str, Any]:
    """`ShippingAddress` of an order in model ordersV0.json."""
    address = recipient(life)["deliveryAddress"]
    return {
        "Name": address["name"],
        "AddressLine1": address["addressLine1"],
        "City": address["city"],
        "StateOrRegion": f"{MARK} Region",
        "PostalCode": address["postalCode"],
        "CountryCode": address["countryCode"],
        "Phone": address["phone"],
        "AddressType": "Residential",
    }


def postal_code(life: Life) -> str:
    """`DestinationPostalCode` of a notification."""
    return str(recipient(life)["deliveryAddress"]["postalCode"])


def tax_id(life: Life) -> str:
    """The buyer's tax number, in Brazil the CPF."""
    return f"{MARK.upper()}-VAT-{life.number}"


def report_columns(life: Life) -> dict[str, str]:
    """The personal columns of all reports by their names there."""
    address = recipient(life)["deliveryAddress"]
    place = {
        "city": address["city"],
        "state": f"{MARK} Region",
        "postal-code": address["postalCode"],
        "country": address["countryCode"],
    }
    lines = {"address-1": address["addressLine1"], "address-2": "", "address-3": ""}
    names = buyer(life)
    return {
        "buyer-email": names["buyerEmail"],
        "buyer-name": names["buyerName"],
        "buyer-phone-number": address["phone"],
        "recipient-name": address["name"],
        "ship-phone-number": address["phone"],
        **{f"ship-{name}": text for name, text in (lines | place).items()},
        **{f"bill-{name}": text for name, text in (lines | place).items()},
        "cpf": tax_id(life),
        "purchase-order-number": names.get("buyerPurchaseOrderNumber", ""),
        "customer-comments": f"{MARK} comment {life.number}",
    }
