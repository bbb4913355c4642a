"""What can go wrong in a call, sorted by what is known of its effect at Amazon.

SpApiError
├── NotSent                     Amazon did nothing; the same call may be made again
│   ├── ConnectFailed           name resolution, refused, connect timeout, TLS
│   ├── LimitReached            our own limiter said no
│   ├── Throttled               429
│   ├── TokenExpired            401; 403 "… access token … has expired"
│   ├── AccessDenied            403: role missing, token revoked or malformed
│   ├── UntrustedAddress        Amazon named an address that no file is fetched from or put to
│   ├── UploadFailed            a file is not at Amazon, or nobody knows; no message may name it
│   │   ├── FileChanged         it was another one when it was read again
│   │   └── UploadRefused       the storage said no
│   │       └── UploadExpired   … because the address was too old
│   ├── Aborted                 the caller's `before_send` refused
│   └── AuthorizationFailed     Login with Amazon gave no token
│       ├── InvalidGrant        the seller's authorization is gone
│       ├── InvalidClient       the application's id or secret is wrong
│       └── TokenServiceUnavailable     try again later
├── Rejected                    Amazon looked at the call and said no
│   ├── BadRequest              400
│   │   └── AttachmentMissing   400 "Attachment with ID … does not exist"
│   ├── NotFound                404
│   ├── Conflict                409
│   ├── DocumentGone            the storage gives no document at an address of Amazon's
│   ├── PayloadTooLarge         413
│   ├── UnsupportedMediaType    415
│   ├── NotAvailable            403 "… not available for this amazonOrderId."
│   ├── AlreadyRequested        403 "You have already requested a review …"
│   ├── OutsideWindow           403 "… outside the 5-30 day range …"
│   ├── StillInUse              403 "Destination has subscriptions"
│   └── InvalidCombination      403 "Invalid amazonOrderId and template combination."
└── Unknown                     the call may have had its effect
    ├── NoAnswer                reset, closed, timeout, deadline, cut before the status line
    ├── ServerError             5xx
    ├── MalformedAnswer         success by its status, but not readable
    ├── UnexpectedStatus        other 2xx, 3xx, other 4xx
    └── UnknownForbidden        403 with a text that we do not know
"""

from enum import StrEnum
from typing import ClassVar, Self


class Effect(StrEnum):
    """What is known of the effect of a call that did not end well."""

    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class SpApiError(Exception):
    """A call to Amazon did not end well; `effect` says what is known of its effect there.

    `api`, `version` and `operation` name the call, `status` is the HTTP status (None: no answer),
    `code`, `message` and `details` are Amazon's own, `request_id` is what Amazon's support asks
    for, `body` is the raw answer (at most 4,096 bytes, tokens redacted), `retry_after` is in
    seconds, and `reason` says in one word why there is no answer ("" if there is one).
    """

    effect: ClassVar[Effect]

    def __init__(
        self,
        message: str = "",
        *,
        api: str = "",
        version: str = "",
        operation: str = "",
        status: int | None = None,
        code: str = "",
        details: str = "",
        request_id: str = "",
        body: str = "",
        retry_after: float | None = None,
        reason: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.api = api
        self.version = version
        self.operation = operation
        self.status = status
        self.code = code
        self.details = details
        self.request_id = request_id
        self.body = body
        self.retry_after = retry_after
        self.reason = reason

    def about(self, *, api: str, version: str, operation: str) -> Self:
        """The same error, naming the call that it happened in unless it names one already."""
        if not self.operation:
            self.api, self.version, self.operation = api, version, operation
        return self

    def __str__(self) -> str:
        facts = [str(self.status) if self.status else "", self.code, self.message, self.details]
        said = " ".join(fact for fact in facts if fact) or "no further information"
        where = f"{self.operation}: " if self.operation else ""
        proof = f" (request id {self.request_id})" if self.request_id else ""
        return f"{where}{type(self).__name__}: {said}{proof}"

    def __repr__(self) -> str:
        return f"<{self}>"


class NotSent(SpApiError):  # noqa: N818 - named for what is known
    """The call never took effect: it did not leave, or Amazon turned it away unread."""

    effect = Effect.NOT_SENT


class ConnectFailed(NotSent):
    """No connection came about; not a byte of the request left this machine.

    `reason` is one of `dns`, `refused`, `unreachable`, `connect_timeout`, `tls`, `deadline`,
    `not_public` (the host has an address that is not one of the public Internet).
    """


class LimitReached(NotSent):
    """Our own limiter holds the call back for `retry_after` seconds."""

    def __init__(self, retry_after: float | None = None, message: str = "") -> None:
        super().__init__(message or "the rate limit is used up", retry_after=retry_after)


class Throttled(NotSent):
    """Amazon answered 429: its bucket for this seller and operation is empty."""


class TokenExpired(NotSent):
    """Amazon says that the access token has expired; the token was dropped from the store."""


class AccessDenied(NotSent):
    """The token is revoked or malformed, or the application lacks the role for this call."""


class UntrustedAddress(NotSent):
    """Amazon's answer names an address or headers that this package does not use for a file.

    `message` says why. The address is a key to what it leads to and nowhere in the error, its host
    is.
    """


class UploadFailed(NotSent):
    """A file did not reach Amazon, or nobody can tell; nothing that a buyer sees has happened.

    May always be done anew, with a new address. `reason` is as in NoAnswer where there is one,
    `code` the storage's own word such as `InvalidDigest`.
    """


class FileChanged(UploadFailed):
    """The file was not the same when it was read again; nothing whole of it has left."""


class UploadRefused(UploadFailed):
    """The storage looked at the file, or only at its address and headers, and did not take it."""


class UploadExpired(UploadRefused):
    """The address of the upload is no longer valid (after 15 minutes)."""


class Aborted(NotSent):
    """The caller's `before_send` raised; its exception is the cause, and nothing was sent."""


class AuthorizationFailed(NotSent):
    """Login with Amazon gave no access token, and asking again will not change that.

    `lwa_error` is Amazon's OAuth code ("" if there was none), `needs_reconnect` says whether the
    connection has to be authorized anew before any call of this seller can work.
    """

    def __init__(
        self,
        message: str = "",
        *,
        lwa_error: str = "",
        needs_reconnect: bool = False,
        status: int | None = None,
        details: str = "",
        request_id: str = "",
        body: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(
            message,
            api="lwa",
            version="o2",
            operation="token",
            status=status,
            code=lwa_error,
            details=details,
            request_id=request_id,
            body=body,
            retry_after=retry_after,
        )
        self.lwa_error = lwa_error
        self.needs_reconnect = needs_reconnect


class InvalidGrant(AuthorizationFailed):
    """The refresh token is no longer accepted: revoked, expired, or of another application."""


class InvalidClient(AuthorizationFailed):
    """The application's client id or client secret is not accepted."""


class TokenServiceUnavailable(AuthorizationFailed):
    """The token service gave no usable answer (5xx, 429, network, malformed); try again later."""


class Rejected(SpApiError):  # noqa: N818 - named for what is known
    """Amazon read the call and refused it; it had no effect and would have none again."""

    effect = Effect.REJECTED


class BadRequest(Rejected):
    """400: a parameter is missing or invalid, or the seller's account is dormant."""


class AttachmentMissing(BadRequest):
    """400: Amazon has no file for an attachment: its upload failed, or was too long ago."""


class NotFound(Rejected):
    """404: there is no such order here; also the answer of the wrong region."""


class Conflict(Rejected):
    """409: what should be made exists already."""


class DocumentGone(Rejected):
    """The address of a document has expired (after 5 minutes), or there is nothing behind it.

    Another getReportDocument gives a new address.
    """


class PayloadTooLarge(Rejected):
    """413: the request is larger than Amazon accepts."""


class UnsupportedMediaType(Rejected):
    """415: the request is in a format that Amazon does not accept."""


class NotAvailable(Rejected):
    """Amazon does not allow this solicitation for the order: not eligible, or asked already."""


class AlreadyRequested(Rejected):
    """A review was requested for this order before, here or in Seller Central."""


class OutsideWindow(Rejected):
    """The order is not within 5 to 30 days after its delivery date."""


class InvalidCombination(Rejected):
    """The action is not offered in the order's present state."""


class StillInUse(Rejected):
    """What should be deleted is used by something else: a destination by subscriptions."""


class Unknown(SpApiError):  # noqa: N818 - named for what is known
    """The call may have had its effect; nothing that came back says so or denies it."""

    effect = Effect.UNKNOWN


class NoAnswer(Unknown):
    """The request left, or may have, and no usable answer came.

    `reason` is one of `reset`, `closed`, `read_timeout`, `deadline`, `protocol`, `cut_body`.
    """


class ServerError(Unknown):
    """Amazon answered 5xx; it does not say how far it had come."""


class MalformedAnswer(Unknown):
    """The status says success, but the body is cut short, too large or not what it should be."""


class UnexpectedStatus(Unknown):
    """A status that the operation does not have: another 2xx, a redirect, another 4xx."""


class UnknownForbidden(Unknown):
    """403 with a text that we do not know; `body` holds it."""
