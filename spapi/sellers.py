"""Sellers v1: where the seller sells."""

from spapi.api import Api
from spapi.operations import GET_MARKETPLACE_PARTICIPATIONS
from spapi.reading import read_participations
from spapi.types import MarketplaceParticipation


class SellersApi(Api):
    """https://developer-docs.amazon.com/sp-api/docs/sellers-api-v1-reference"""

    def get_marketplace_participations(self) -> tuple[MarketplaceParticipation, ...]:
        """The marketplaces in which the seller has a store, in this region."""
        return self._ask(GET_MARKETPLACE_PARTICIPATIONS, read_participations)
