"""What the doctor can find, and the words for Amazon's refusals."""

from __future__ import annotations

from dataclasses import dataclass

from orders.states import Tone
from sellers.models import Connection
from sellers.services import connection_after
from spapi import (
    AccessDenied,
    BadRequest,
    ConnectFailed,
    InvalidClient,
    InvalidGrant,
    LimitReached,
    NotFound,
    SpApiError,
    Throttled,
    TokenServiceUnavailable,
)

CONNECT_AGAIN = "Connect the account again on the page Accounts, with a new refresh token."
NETWORK = (
    "See to the machine's network, its name server and a firewall: https to Amazon (port 443) must "
    "be open, and no proxy is used."
)


@dataclass(frozen=True)
class Finding:
    """One line of the doctor: good, warn or bad, a sentence, and what to do unless it is good."""

    tone: Tone
    says: str
    remedy: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether something does not work; a warning is for what still does."""
        return self.tone == Tone.BAD


def good(says: str) -> Finding:
    """All is well."""
    return Finding(Tone.GOOD, says)


def warn(says: str, remedy: str) -> Finding:
    """Sending works, but a person should know this."""
    return Finding(Tone.WARN, says, remedy)


def bad(says: str, remedy: str) -> Finding:
    """Something does not work."""
    return Finding(Tone.BAD, says, remedy)


def refusal(error: SpApiError, role: str = "", *, lack: Tone = Tone.BAD) -> Finding:
    """What Amazon's error means for the account, and what to do.

    `role` is Amazon's name of the role that the call needs; `lack` says how bad it is without it.
    """
    match error:
        case InvalidGrant():
            return bad(
                "Amazon no longer accepts the refresh token: it was revoked, it is older than a "
                "year, or it belongs to another application.",
                CONNECT_AGAIN,
            )
        case InvalidClient():
            return bad(
                "Amazon does not accept the application's client id with its client secret.",
                "Make a new client secret in Amazon's developer console (it lasts 180 days) and "
                "put it in on the page Applications.",
            )
        case AccessDenied() if connection_after(error) == Connection.RECONNECT:
            return bad(f"Amazon refuses the access token. It said: {error}", CONNECT_AGAIN)
        case AccessDenied():
            return Finding(
                lack,
                f"The application lacks the role {role}, or the token is older than the role.",
                f"Give the application the role {role} in Amazon's developer console, authorize "
                "it again, and connect the account again with the new token.",
            )
        case LimitReached() if "Redis" in error.message:
            return bad(
                "Amazon was not asked: Redis does not answer, and nobody knows what is left of "
                "Amazon's rate.",
                "See the line of Redis first.",
            )
        case LimitReached() | Throttled():
            return warn(
                f"Amazon was not asked: {_why_not_now(error)}.",
                "Nothing is wrong. Look again later.",
            )
        case ConnectFailed():
            return bad(f"Amazon cannot be reached from this machine ({error.reason}).", NETWORK)
        case TokenServiceUnavailable() if error.status is None:
            return bad(f"Login with Amazon does not answer this machine: {error.message}.", NETWORK)
        case NotFound():
            return bad(
                f"Amazon does not know what was asked for. It said: {error}",
                "See whether the account stands in its right region; if not, connect it there.",
            )
        case BadRequest():
            return bad(
                f"Amazon refused the request. It said: {error}",
                "See in Seller Central whether the account is active, and ask Amazon's support "
                "with the request id.",
            )
        case _:
            return warn(
                f"Amazon gave no usable answer. {error}", "Try again in some minutes: it may pass."
            )


def _why_not_now(error: SpApiError) -> str:
    if error.retry_after:
        return f"its rate for this call is used up for another {error.retry_after:.0f} s"
    return "its rate for this call is used up"
