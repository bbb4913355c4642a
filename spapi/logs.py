"""What is logged of a call, and how secrets are kept out of every text that leaves this package.

No body, header or token is ever logged: a request is its method and address, an answer its
status, request id, rate limit, size and time, an error Amazon's own words.
"""

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

logger = logging.getLogger("spapi")

REDACTED = "[redacted]"

# Login with Amazon's tokens, secrets and codes: by their own shape, and by the name in front.
_TOKENS = re.compile(
    r"(?:Atz[a-z]{1,4}|Atc)(?:\||%7[Cc])[^\s\"'&<>,;]+"
    r"|Atz\.sprdt(?:\||%7[Cc])[^\s\"'&<>,;]+"
    r"|amzn1\.oa2-cs\.[^\s\"'&<>,;]+"
)
_NAMED = re.compile(
    r"(?P<name>\b(?:access_token|refresh_token|client_secret|spapi_oauth_code|mws_auth_token"
    r"|x-amz-access-token|x-amz-security-token|x-amz-signature|restrictedDataToken|authorization"
    r"|code(?==))"
    r"[\"']?\s*[:=]\s*[\"']?)(?:Bearer\s+)?[^\s\"'&<>,;}]+",
    re.IGNORECASE,
)
# A presigned address: who has its query may fetch what it leads to.
_PRESIGNED = re.compile(
    r"\?[^\s\"'<>?]*?\b(?:x-amz-|signature=|awsaccesskeyid=)[^\s\"'<>]*", re.IGNORECASE
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without tokens, client secrets and codes: the given ones and all that look so."""
    for secret in secrets:
        if len(secret) >= 8:
            for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
                text = text.replace(form, REDACTED)
    text = _TOKENS.sub(REDACTED, _PRESIGNED.sub(f"?{REDACTED}", text))
    return _NAMED.sub(lambda found: found["name"] + REDACTED, text)


def one_line(text: str) -> str:
    """The text with control characters written out, so that it cannot forge a log line."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


Sink = bool | Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Logging:
    """What is logged, each switched by itself: False nothing, True the logger `spapi`, or a sink.

    `request` and `response` go to the level INFO, `error` to ERROR.
    """

    request: Sink = False
    response: Sink = False
    error: Sink = False


class CallLog:
    """Writes the lines that are switched on; a sink that raises never disturbs a call."""

    def __init__(self, switches: Logging, secrets: Callable[[], Iterable[str]]) -> None:
        self._switches = switches
        self._secrets = secrets

    def request(self, text: str) -> None:
        self._write(self._switches.request, logging.INFO, "request", text)

    def response(self, text: str) -> None:
        self._write(self._switches.response, logging.INFO, "response", text)

    def error(self, text: str) -> None:
        self._write(self._switches.error, logging.ERROR, "error", text)

    def _write(self, sink: Sink, level: int, kind: str, text: str) -> None:
        if sink is False:
            return
        line = f"{kind} {one_line(redact(text, self._secrets()))}"
        try:
            if sink is True:
                logger.log(level, "%s", line)
            else:
                sink(line)
        except Exception:
            # The answer to a POST must reach the caller whatever becomes of its log.
            logger.warning("a log sink failed", exc_info=True)
