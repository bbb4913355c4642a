"""Reads and checks fault rules, and decides for each request whether one fires."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sandbox.faults.checks import (
    AMOUNT,
    BASE64,
    BYTES,
    COUNT,
    COUNTS,
    FLAG,
    HEADERS,
    LINE,
    SHARE,
    STATUS,
    TEXT,
    Check,
    FaultError,
    check_object,
    needed,
    one_of,
)
from sandbox.randomness import draw

LWA = "lwa"
LIST = "getSolicitationActionsForOrder"
MESSAGE_LIST = "getMessagingActionsForOrder"
CONNECTION = "connection"
REPORT = "createReport"
NOTIFICATION = "notification"
UPLOAD = "uploadToDestination"
UPLOAD_BODY = "uploadBody"
ANY = "*"
MESSAGES = (
    "confirmCustomizationDetails",
    "createConfirmDeliveryDetails",
    "createLegalDisclosure",
    "createNegativeFeedbackRemoval",
    "createConfirmOrderDetails",
    "createConfirmServiceDetails",
    "CreateAmazonMotors",
    "CreateWarranty",
    "createDigitalAccessKey",
    "createUnexpectedProblem",
    "sendInvoice",
)
OPERATIONS = (
    LWA,
    "searchOrders",
    "getOrder",
    "getMarketplaceParticipations",
    LIST,
    "createProductReviewAndSellerFeedbackSolicitation",
    MESSAGE_LIST,
    "GetAttributes",
    *MESSAGES,
    "createUploadDestinationForResource",
    UPLOAD,
    "listOffers",
    "createRestrictedDataToken",
    "getOrdersV0",
    "getOrderV0",
    "getOrderItemsV0",
    REPORT,
    "getReports",
    "getReport",
    "getReportDocument",
    "downloadReportDocument",
    "createDestination",
    "getDestinations",
    "getDestination",
    "deleteDestination",
    "createSubscription",
    "getSubscription",
    "getSubscriptions",
    "getSubscriptionById",
    "deleteSubscriptionById",
    NOTIFICATION,
    UPLOAD_BODY,
    CONNECTION,
    ANY,
)

_RULE = {
    "operation": needed(one_of(*OPERATIONS)),
    "seller": TEXT,
    "order": TEXT,
    "when": Check(lambda value: isinstance(value, dict), "an object"),
    "do": needed(Check(lambda value: isinstance(value, dict), "an object")),
}
_WHEN = {
    "nth": COUNTS,
    "every": COUNT,
    "times": COUNT,
    "share": SHARE,
    "after_s": AMOUNT,
    "until_s": AMOUNT,
}
_ACCEPT = {"accept_first": FLAG}
_KINDS: dict[str, dict[str, Check]] = {
    "status": {
        "status": needed(STATUS),
        "body": TEXT,
        "content_type": LINE,
        "headers": HEADERS,
        **_ACCEPT,
    },
    "forbidden": {"text": needed(TEXT), "details": TEXT},
    "empty_list": {},
    "listed_although_accepted": {},
    "offer": {"name": needed(LINE)},
    "reset": {"at": one_of("before_read", "after_read", "after_accept")},
    "close": _ACCEPT,
    "hang": {"seconds": needed(AMOUNT), **_ACCEPT},
    "drip": {"seconds": needed(AMOUNT), **_ACCEPT},
    "cut_body": {"how": one_of("length", "chunked")},
    "half_status_line": _ACCEPT,
    "redirect": {"status": STATUS, "location": needed(LINE)},
    "body": {
        "text": TEXT,
        "base64": BASE64,
        "size": BYTES,
        "gzip_bomb": BYTES,
        "status": STATUS,
        "content_type": LINE,
        **_ACCEPT,
    },
    "malformed_json": {},
    "buyer": {},
    "latency": {"ms": needed(AMOUNT)},
    "lwa_error": {"error": needed(TEXT), "description": TEXT, "status": STATUS},
    "refuse_data_set": {"data_set": needed(TEXT)},
    "report_fatal": {},
    "expired": {},
    "cut_upload": {"share": SHARE},
    "lose": {},
    "duplicate": {"times": needed(COUNT)},
    "late": {"seconds": needed(AMOUNT)},
    "poison": {"text": TEXT},
}
_DELIVERIES = ("lose", "duplicate", "late", "poison")
_NO_REQUESTS = (CONNECTION, NOTIFICATION, UPLOAD_BODY)
_BODIES = ("text", "base64", "size", "gzip_bomb")
_ONLY_FOR = {
    "empty_list": (LIST, MESSAGE_LIST),
    "listed_although_accepted": (LIST,),
    "offer": (MESSAGE_LIST, *MESSAGES),
    "lwa_error": (LWA,),
    "refuse_data_set": ("searchOrders", "getOrder"),
    "report_fatal": (REPORT,),
    "expired": (UPLOAD,),
    "cut_upload": (UPLOAD_BODY,),
    **dict.fromkeys(_DELIVERIES, (NOTIFICATION,)),
}
_CARRIED_OUT = frozenset(
    (
        "cut_body",
        "malformed_json",
        "buyer",
        "latency",
        "empty_list",
        "listed_although_accepted",
        "offer",
        "refuse_data_set",
        "report_fatal",
        "expired",
    )
)


@dataclass(slots=True)
class Rule:
    """One rule, and how often it matched and fired."""

    document: dict[str, Any]
    chance: Random
    matched: int = 0
    fired: int = 0

    @property
    def do(self) -> dict[str, Any]:
        """What goes wrong; `do["kind"]` is its name."""
        held: dict[str, Any] = self.document["do"]
        return held

    @property
    def kind(self) -> str:
        """The name of what goes wrong."""
        return str(self.do["kind"])

    @property
    def carries_out(self) -> bool:
        """Whether the operation is carried out although its answer goes wrong."""
        if self.kind in _CARRIED_OUT:
            return True
        if self.kind == "reset":
            return self.do.get("at") == "after_accept"
        return bool(self.do.get("accept_first", self.kind == "drip"))

    def matches(self, operation: str, seller: str | None, order: str | None) -> bool:
        """Whether the rule is about such a request at all."""
        wanted = self.document["operation"]
        if wanted != operation and (wanted != ANY or operation in _NO_REQUESTS):
            return False
        if operation not in _ONLY_FOR.get(self.kind, (operation,)):
            return False
        return all(
            self.document.get(key, held) == held
            for key, held in (("seller", seller), ("order", order))
        )

    def fires(self, elapsed: float) -> bool:
        """Whether it fires for the request that matches now; `elapsed` seconds after it was set."""
        when = self.document.get("when", {})
        self.matched += 1
        lucky = "share" not in when or self.chance.random() < when["share"]
        fires = (
            lucky
            and self.matched in when.get("nth", (self.matched,))
            and self.matched % when.get("every", 1) == 0
            and self.fired < when.get("times", self.fired + 1)
            and when.get("after_s", 0) <= elapsed < when.get("until_s", float("inf"))
        )
        self.fired += fires
        return fires


@dataclass(slots=True)
class Faults:
    """The rules in force since `since` (seconds of a clock that never goes back)."""

    rules: Sequence[Rule] = ()
    since: float = field(default=0.0)

    def fired(
        self, operation: str, seller: str | None, order: str | None, now: float
    ) -> Rule | None:
        """The first rule that fires for the request, or None."""
        for rule in self.rules:
            if rule.matches(operation, seller, order) and rule.fires(now - self.since):
                return rule
        return None

    def as_json(self) -> dict[str, Any]:
        """The document of `GET /_faults`: each rule with its counts."""
        return {
            "rules": [
                {**rule.document, "matched": rule.matched, "fired": rule.fired}
                for rule in self.rules
            ]
        }


def parse_rules(document: Any, seed: int) -> list[Rule]:
    """The rules of a JSON document; FaultError with the reason when one is not right."""
    if isinstance(document, dict):
        document = check_object("the document", document, {"rules": needed(_LIST)})["rules"]
    if not isinstance(document, list):
        raise FaultError(f"the rules must be a list, not {document!r}")
    return [
        Rule(_checked(f"rule {number}", rule), draw(seed, "fault", number))
        for number, rule in enumerate(document, start=1)
    ]


_LIST = Check(lambda value: isinstance(value, list), "a list")


def _checked(where: str, value: Any) -> dict[str, Any]:
    rule = check_object(where, value, _RULE)
    check_object(f'{where}, "when"', rule.get("when", {}), _WHEN)
    do = rule["do"]
    kind = do.get("kind")
    if kind not in _KINDS:
        raise FaultError(f'{where}, "do": "kind" must be one of {", ".join(_KINDS)}, not {kind!r}')
    checks = {"kind": TEXT, **_KINDS[kind]}
    check_object(f'{where}, "do" of kind {kind}', do, checks)
    if kind == "body" and sum(key in do for key in _BODIES) != 1:
        raise FaultError(f"{where}: a body is exactly one of {', '.join(_BODIES)}")
    operation = rule["operation"]
    if operation not in (*_ONLY_FOR.get(kind, (operation,)), ANY):
        only = " and ".join(_ONLY_FOR[kind])
        raise FaultError(f"{where}: {kind} is only for {only}, not for {operation}")
    if operation == CONNECTION and kind != "reset":
        raise FaultError(f"{where}: only reset can happen to a connection, not {kind}")
    if operation == UPLOAD_BODY and kind != "cut_upload":
        raise FaultError(f"{where}: only cut_upload can happen to {UPLOAD_BODY}, not {kind}")
    if operation == NOTIFICATION and kind not in _DELIVERIES:
        words = ", ".join(_DELIVERIES)
        raise FaultError(f"{where}: only {words} can happen to a notification, not {kind}")
    return rule
