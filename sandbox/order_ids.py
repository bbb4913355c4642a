"""Order ids that look like Amazon's and can be read back, so that no index of them is kept."""

from sandbox.marketplaces import Marketplace
from sandbox.randomness import draw

_SPACE = 10**14
_HALF = 10**7
_ORDERS = 10**9  # orders a seller can have; leaves room for 100,000 sellers


class OrderIds:
    """Numbers `(seller, order)` to `306-1234567-1234567` and back, differently for each seed."""

    def __init__(self, seed: int) -> None:
        chance = draw(seed, "order ids")
        # Odd and not a multiple of 5: only such a factor can be undone modulo a power of ten.
        self._factors = [chance.randrange(10**12, 10**13) * 10 + 3 for _ in range(3)]
        self._start = chance.randrange(_SPACE)  # the first order would otherwise be all zeros
        self._inverses = [pow(factor, -1, _SPACE) for factor in reversed(self._factors)]

    def encode(self, seller: int, order: int, marketplace: Marketplace) -> str:
        """The id of a seller's order (both counted from 0) in the marketplace."""
        number = (seller * _ORDERS + order + self._start) % _SPACE
        for factor in self._factors:
            number = _swap(number * factor % _SPACE)
        prefix = marketplace.prefixes[number % len(marketplace.prefixes)]
        return f"{prefix}-{number // _HALF:07}-{number % _HALF:07}"

    def decode(self, order_id: str) -> tuple[int, int] | None:
        """`(seller, order)` of an id, or None when it is not shaped like one.

        Any well-shaped id gives a pair: compare `encode` of it with the id before believing it.
        """
        parts = order_id.split("-")
        if [len(part) for part in parts] != [3, 7, 7]:
            return None
        if not (order_id.isascii() and all(part.isdigit() for part in parts)):
            return None
        number = int(parts[1]) * _HALF + int(parts[2])
        for inverse in self._inverses:
            number = _swap(number) * inverse % _SPACE
        return divmod((number - self._start) % _SPACE, _ORDERS)


def _swap(number: int) -> int:
    """The two halves of 14 digits exchanged; without it the last digits would count visibly."""
    return number % _HALF * _HALF + number // _HALF
