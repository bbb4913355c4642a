"""Tokens of Login with Amazon: signed, so that nothing has to be remembered to check them.

The codes of the consent page are remembered instead, because each is good once.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import Enum, auto

from sandbox.randomness import draw
from sandbox.world import Seller, World

LIFETIME = 3600  # seconds, as `expires_in` says
CODE_LIFETIME = 300  # seconds
ACCESS, RESTRICTED, GRANTLESS = "Atza", "Atz.sprdt", "Atc"
_SIGNATURE = 16


class TokenFault(Enum):
    """Why a token does not open the door."""

    MALFORMED = auto()
    EXPIRED = auto()


class Tokens:
    """Issues and reads the access tokens of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._key = draw(world.plan.seed, "token key").randbytes(32)
        self._issued = 0
        self._known: dict[str, tuple[Seller, float]] = {}

    def issue(self, seller: Seller, now: float, kind: str = ACCESS) -> str:
        """A new token for the seller, good for an hour from `now` (seconds since 1970)."""
        self._issued += 1
        text = f"{seller.number}/{now + LIFETIME:.3f}/{self._issued}".encode()
        return f"{kind}|" + urlsafe_b64encode(self._sign(text) + text).decode()

    def issue_grantless(self) -> str:
        """A new token of the application itself; it speaks for no seller."""
        self._issued += 1
        text = f"application/{self._issued}".encode()
        return f"{GRANTLESS}|" + urlsafe_b64encode(self._sign(text) + text).decode()

    def is_grantless(self, token: str) -> bool:
        """Whether the token is one of the application itself."""
        kind, _, coded = token.partition("|")
        raw = _decoded(coded)
        signature, text = raw[:_SIGNATURE], raw[_SIGNATURE:]
        known = hmac.compare_digest(signature, self._sign(text))
        return kind == GRANTLESS and known and text.startswith(b"application/")

    def read(self, token: str, now: float) -> Seller | TokenFault:
        """The seller whom the token speaks for at `now`, or why it speaks for nobody."""
        known = self._known.get(token)
        if known is None:
            known = self._parse(token)
            if known is None:
                return TokenFault.MALFORMED
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[token] = known
        seller, expires = known
        return seller if now < expires else TokenFault.EXPIRED

    def _parse(self, token: str) -> tuple[Seller, float] | None:
        prefix, _, coded = token.partition("|")
        raw = _decoded(coded)
        signature, text = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if prefix not in (ACCESS, RESTRICTED) or not hmac.compare_digest(
            signature, self._sign(text)
        ):
            return None
        number, expires, _ = text.decode().split("/")
        return self._world.sellers[int(number)], float(expires)

    def _sign(self, text: bytes) -> bytes:
        return hmac.digest(self._key, text, "sha256")[:_SIGNATURE]


def _decoded(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text.encode("ascii"))
    except ValueError:
        return b""


class Codes:
    """The codes that the consent page has given out: five minutes, one exchange each."""

    def __init__(self, world: World) -> None:
        self._draw = draw(world.plan.seed, "oauth codes")
        self._given: dict[str, tuple[Seller, str, float]] = {}

    def issue(self, seller: Seller, redirect_uri: str, now: float) -> str:
        """A new code for the seller, to be exchanged with the same redirect URI."""
        code = f"RH{self._draw.getrandbits(80):020x}"
        self._given[code] = (seller, redirect_uri, now + CODE_LIFETIME)
        return code

    def take(self, code: str, redirect_uri: str, now: float) -> Seller | None:
        """The seller of the code, which is spent now; None when it is good for nothing."""
        seller, uri, until = self._given.pop(code, (None, "", 0.0))
        return seller if redirect_uri == uri and now < until else None
