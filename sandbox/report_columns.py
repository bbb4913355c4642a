"""The reports that the sandbox makes, and their columns, in Amazon's order and spelling.

Orders: https://developer-docs.amazon.com/sp-api/docs/order-tracking-reports-attributes
Shipments: https://developer-docs.amazon.com/sp-api/docs/fba-sales-reports-attributes
Returns: https://developer-docs.amazon.com/sp-api/docs/report-type-values-returns
"""

BY_UPDATE = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
BY_ORDER = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
SHIPMENTS = "GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL"
FBA_RETURNS = "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"
MFN_RETURNS = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ORDERS = _names(
    "amazon-order-id merchant-order-id purchase-date last-updated-date order-status"
    " fulfillment-channel sales-channel order-channel ship-service-level product-name sku asin"
    " item-status quantity currency item-price item-tax shipping-price shipping-tax"
    " gift-wrap-price gift-wrap-tax item-promotion-discount ship-promotion-discount ship-city"
    " ship-state ship-postal-code ship-country promotion-ids is-business-order"
    " purchase-order-number price-designation"
)
COLUMNS: dict[str, tuple[str, ...]] = {
    BY_UPDATE: _ORDERS,
    BY_ORDER: (*_ORDERS, "cpf"),
    SHIPMENTS: _names(
        "amazon-order-id merchant-order-id shipment-id shipment-item-id amazon-order-item-id"
        " merchant-order-item-id purchase-date payments-date shipment-date reporting-date"
        " buyer-email buyer-name buyer-phone-number sku product-name quantity-shipped currency"
        " item-price item-tax shipping-price shipping-tax gift-wrap-price gift-wrap-tax"
        " ship-service-level recipient-name ship-address-1 ship-address-2 ship-address-3 ship-city"
        " ship-state ship-postal-code ship-country ship-phone-number bill-address-1 bill-address-2"
        " bill-address-3 bill-city bill-state bill-postal-code bill-country"
        " item-promotion-discount ship-promotion-discount carrier tracking-number"
        " estimated-arrival-date fulfillment-center-id fulfillment-channel sales-channel"
    ),
    FBA_RETURNS: _names(
        "return-date order-id sku asin fnsku product-name quantity fulfillment-center-id"
        " detailed-disposition reason status license-plate-number customer-comments"
    ),
    MFN_RETURNS: (
        "Order ID",
        "Order date",
        "Return request date",
        "Return request status",
        "Amazon RMA ID",
        "Currency code",
        "A-to-Z Claim",
        "Is prime",
        "ASIN",
        "Merchant SKU",
        "Item Name",
        "Return quantity",
        "Return Reason",
        "Resolution",
        "Order Amount",
        "Order quantity",
        "Refunded Amount",
    ),
}
