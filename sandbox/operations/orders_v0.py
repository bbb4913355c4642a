"""Orders v0: the same world as 2026-01-01, in the older shape (`models/ordersV0.json`).

Amazon's v0 gives buyers' names and addresses only for a restricted data token and the right roles;
the sandbox sends the invented ones always, so that a caller who reads too much is found out.
"""

from typing import Any

from sandbox.basket import Item, basket
from sandbox.life import Life, Status
from sandbox.marketplaces import Marketplace
from sandbox.messages import Answer, Request, error_answer, json_answer
from sandbox.moments import to_text
from sandbox.operations.orders import LAG
from sandbox.operations.paging import read_token, write_token
from sandbox.operations.parameters import invalid, marketplaces, moment, one, refuse_unknown, words
from sandbox.operations.routing import Call, RequestError, State
from sandbox.personal import address_v0, buyer, buyer_info_v0
from sandbox.words_v0 import STATUSES, channel, sales_channel, service_level
from sandbox.world import Seller, World

_UNPAID = (Status.PENDING, Status.PENDING_AVAILABILITY)
_KNOWN = (
    "CreatedAfter",
    "CreatedBefore",
    "LastUpdatedAfter",
    "LastUpdatedBefore",
    "OrderStatuses",
    "MarketplaceIds",
    "FulfillmentChannels",
    "MaxResultsPerPage",
    "NextToken",
    "AmazonOrderIds",
)
_FLAGS = {
    "IsBusinessOrder": "AMAZON_BUSINESS",
    "IsIBA": "INVOICE_BY_AMAZON",
    "IsISPU": "IN_STORE_PICK_UP",
    "IsPremiumOrder": "PREMIUM",
    "IsPrime": "PRIME",
}

Document = dict[str, Any]


def get_orders(state: State, call: Call) -> Answer:
    """200 with one page of orders, without items, and a token when there are more."""
    request, seller = call.request, call.partner
    refuse_unknown(request, _KNOWN)
    size = _page_size(request)
    at, offset = _place(state, call)
    name, before, found = _search(state.world, seller, request, at)
    payload: Document = {
        "Orders": [_order(state.world, seller, life, at) for life in found[offset : offset + size]],
        name: to_text(int(before)),
    }
    if offset + size < len(found):
        payload["NextToken"] = write_token(state, seller.number, at, offset + size)
    return json_answer(200, {"payload": payload})


def get_order(state: State, call: Call) -> Answer:
    """200 with the order as it is now, without items; 404 for one that the seller does not have."""
    refuse_unknown(call.request, ())
    life = _the_order(state, call)
    return json_answer(200, {"payload": _order(state.world, call.partner, life, call.now)})


def get_order_items(state: State, call: Call) -> Answer:
    """200 with all items of the order on one page."""
    refuse_unknown(call.request, ("NextToken",))
    life = _the_order(state, call)
    status = life.status_at(call.now)
    items = [
        _item(life, item, place, call.now, status)
        for place, item in enumerate(basket(state.world, call.partner, life))
    ]
    payload = {"AmazonOrderId": call.order_id, "OrderItems": items}
    return json_answer(200, {"payload": payload})


def _the_order(state: State, call: Call) -> Life:
    life = state.world.find(call.partner, call.order_id, call.now)
    if life is None:
        message = "The requested resource was not found."
        raise RequestError(error_answer(404, "NotFound", message))
    return life


def _search(
    world: World, seller: Seller, request: Request, at: float
) -> tuple[str, float, list[Life]]:
    """The name and moment of the search's end, and what was found, oldest first."""
    created, updated = moment(request, "CreatedAfter"), moment(request, "LastUpdatedAfter")
    ids = request.values("AmazonOrderIds")
    if (created is None) == (updated is None) and not ids:
        raise invalid("Exactly one of CreatedAfter and LastUpdatedAfter must be given.")
    if len(ids) > 50:
        raise invalid("AmazonOrderIds: At most 50 values may be given.")
    wanted = marketplaces(request, "MarketplaceIds")
    if not wanted:
        raise invalid("MarketplaceIds: Missing or invalid request parameter.")
    by_update = updated is not None
    name = "LastUpdatedBefore" if by_update else "CreatedBefore"
    after = updated if updated is not None else created or 0.0
    latest = float(int(at) - LAG)
    before = moment(request, name)
    before = latest if before is None else before
    if max(after, before) > latest:
        raise invalid("Times must be at least two minutes before the time of the request.")
    statuses = words(request, "OrderStatuses", tuple(STATUSES.values()))
    channels = words(request, "FulfillmentChannels", ("AFN", "MFN"))

    def moment_of(life: Life) -> int:
        return life.updated_at(at) if by_update else life.purchased

    found = [
        life
        for life in world.orders_at(seller, at)
        if after <= moment_of(life) <= before
        and life.marketplace.id in wanted
        and (not statuses or STATUSES[life.status_at(at)] in statuses)
        and (not channels or channel(life) in channels)
        and (not ids or world.order_id(seller, life) in ids)
    ]
    return name, before, sorted(found, key=moment_of)


def _place(state: State, call: Call) -> tuple[float, int]:
    """When the search began and how far it came: at the start, or where the token says."""
    token = one(call.request, "NextToken")
    if token is None:
        return call.now, 0
    place = read_token(state, token)
    if place is None or place[0] != call.partner.number:
        raise invalid("NextToken: Invalid value.")
    return place[1], place[2]


def _page_size(request: Request) -> int:
    text = one(request, "MaxResultsPerPage") or "100"
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 100):
        raise invalid("MaxResultsPerPage: Must be between 1 and 100.", text)
    return int(text)


def _order(world: World, seller: Seller, life: Life, at: float) -> Document:
    status = life.status_at(at)
    items = basket(world, seller, life)
    pieces = sum(item.quantity for item in items)
    sent = sum(_sent(status, place) * item.quantity for place, item in enumerate(items))
    over = status in (Status.CANCELLED, Status.UNFULFILLABLE)
    document: Document = {
        "AmazonOrderId": world.order_id(seller, life),
        "PurchaseDate": to_text(life.purchased),
        "LastUpdateDate": to_text(life.updated_at(at)),
        "OrderStatus": STATUSES[status],
        "FulfillmentChannel": channel(life),
        "SalesChannel": sales_channel(life),
        "ShipServiceLevel": service_level(life),
        "NumberOfItemsShipped": sent,
        "NumberOfItemsUnshipped": 0 if over else pieces - sent,
        "PaymentMethod": "Other",
        "PaymentMethodDetails": ["Standard"],
        "MarketplaceId": life.marketplace.id,
        "ShipmentServiceLevelCategory": service_level(life),
        "OrderType": "StandardOrder",
        "IsReplacementOrder": life.replaces is not None,
        "IsGlobalExpressEnabled": False,
        "IsSoldByAB": False,
        "IsAccessPointOrder": False,
        **{flag: program in life.programs for flag, program in _FLAGS.items()},
        "BuyerInfo": buyer_info_v0(life),
        "ShippingAddress": address_v0(life),
    }
    if life.replaces is not None:
        document["ReplacedOrderId"] = world.order_id(seller, seller.orders[life.replaces])
    if status not in _UNPAID:
        total = sum(item.price * item.quantity for item in items)
        document["OrderTotal"] = _money(total, life.marketplace)
        document["EarliestShipDate"], document["LatestShipDate"] = map(to_text, life.ship_by)
        if not life.by_amazon:
            earliest, latest = map(to_text, life.promise)
            document |= {"EarliestDeliveryDate": earliest, "LatestDeliveryDate": latest}
    return document


def _item(life: Life, item: Item, place: int, at: float, status: Status) -> Document:
    market = life.marketplace
    programs = ["SUBSCRIBE_AND_SAVE"] if life.subscribed else []
    if "FBM_SHIP_PLUS" in life.programs:
        programs.append("FBM_SHIP_PLUS")
    document: Document = {
        "ASIN": item.listing.asin,
        "SellerSKU": item.listing.sku,
        "OrderItemId": item.item_id,
        "Title": item.listing.title(market),
        "QuantityOrdered": item.quantity,
        "QuantityShipped": _sent(status, place) * item.quantity,
        "IsGift": "false",
        "ConditionId": "New",
        "ConditionSubtypeId": "New",
        "IsTransparency": False,
        "BuyerInfo": {"GiftMessageText": f"For {buyer(life)['buyerName']}"},
    }
    if programs:
        document["AmazonPrograms"] = {"Programs": programs}
    if status not in _UNPAID:
        document["ItemPrice"] = _money(item.price * item.quantity, market)
    if life.cancel_asked is not None and life.cancel_asked <= at:
        document["BuyerRequestedCancel"] = {
            "IsBuyerRequestedCancel": "true",
            "BuyerCancelReason": "No longer needed",
        }
    return document


def _sent(status: Status, place: int) -> bool:
    """Whether the item at this place has left: of a parted order only the first has."""
    return status is Status.SHIPPED or (status is Status.PARTIALLY_SHIPPED and place == 0)


def _money(amount: float, market: Marketplace) -> Document:
    text = f"{amount:.0f}" if market.currency == "JPY" else f"{amount:.2f}"
    return {"CurrencyCode": market.currency, "Amount": text}
