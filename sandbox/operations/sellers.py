"""Sellers v1: where the seller sells (`models/sellers.json`)."""

from sandbox.messages import Answer, json_answer
from sandbox.operations.parameters import refuse_unknown
from sandbox.operations.routing import Call, State


def get_marketplace_participations(state: State, call: Call) -> Answer:
    """200 with all marketplaces of the seller, under `payload` as v1 has it."""
    refuse_unknown(call.request, ())
    payload = [
        {
            "marketplace": {
                "id": market.id,
                "countryCode": market.country,
                "name": market.name,
                "defaultCurrencyCode": market.currency,
                "defaultLanguageCode": market.language,
                "domainName": market.domain,
            },
            "storeName": call.partner.name,
            "participation": {"isParticipating": True, "hasSuspendedListings": False},
        }
        for market in call.partner.marketplaces
    ]
    return json_answer(200, {"payload": payload})
