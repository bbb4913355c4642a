"""Messaging v1: which messages Amazon offers for an order, and sending one to its buyer.

Amazon delivers every message that it accepts: there is no key that would make a second POST
harmless, no id in the answer, and nothing in the list that tells what was sent.
Where Amazon does not say what it answers, the sandbox does as for solicitations: 404 for an order
that the seller does not have, an empty list and 403 for another marketplace.
"""

import re
from typing import Any

from sandbox.correspondence import buyer_locale, messages_offered
from sandbox.eligibility import NO_SUCH_MESSAGE
from sandbox.life import Life
from sandbox.messages import HAL, JSON, Answer, Request, error_answer, json_answer
from sandbox.moments import from_text
from sandbox.operations.message_kinds import BY_OPERATION, KINDS, MOST_FILES, Kind
from sandbox.operations.offers import hal_list, is_left_out, the_order
from sandbox.operations.parameters import body_of, invalid, the_marketplace
from sandbox.operations.routing import Call, RequestError, State
from sandbox.uploads import MOST_BYTES
from sandbox.world import Seller

_HTML = re.compile(r"<\s*(?:[a-zA-Z]|/\s*[a-zA-Z]|!-|!\s*[a-zA-Z])")
_EMAIL = re.compile(r"[^\s@]@[^\s@.]+\.[^\s@]")
_FILE_NAME = re.compile(r"[^\x00-\x1f\x7f/\\\u202a-\u202e\u2066-\u2069]{1,255}")


def get_actions(state: State, call: Call) -> Answer:
    """200 with the messages that may be sent now, and those that are disabled with the reason.

    With `empty_share` all are left out at random, as in the list of solicitations.
    """
    marketplace = the_marketplace(call.request)
    life = the_order(state, call)
    kind = call.rule.kind if call.rule else ""
    offered: dict[str, str] = {}
    if marketplace == life.marketplace.id and kind != "empty_list" and not is_left_out(state, call):
        offered = offers_of(state, call.partner, life, call.now) | _offered_by_rule(call)
    schemas = [one.schema for one in KINDS if one.name in offered]
    return json_answer(200, hal_list(call, "messaging", marketplace, schemas, offered), HAL)


def get_attributes(state: State, call: Call) -> Answer:
    """200 with the language of the order's buyer; 404 in another marketplace."""
    marketplace = the_marketplace(call.request)
    life = the_order(state, call)
    if marketplace != life.marketplace.id:
        raise RequestError(error_answer(404, "NotFound", "The requested order was not found."))
    locale = buyer_locale(state.world.plan.seed, call.partner.number, life)
    return json_answer(200, {"buyer": {"locale": locale}})


def send_message(state: State, call: Call) -> Answer:
    """201 exactly when the message is offered now, and then the buyer has got it; else 400 or 403."""
    kind = BY_OPERATION[call.operation.name]
    marketplace = the_marketplace(call.request)
    document = _body(call.request, kind)
    life = the_order(state, call)
    if kind.text:
        _check_text(document.get("text"), kind.text)
    if kind.coverage:
        _check_coverage(document)
    if kind.files is not None:
        _check_files(state, call, kind, document.get("attachments", []))
    if marketplace != life.marketplace.id or not may_send(state, call):
        return error_answer(403, "Unauthorized", NO_SUCH_MESSAGE)
    call.accepted = True
    return json_answer(201, {})


def may_send(state: State, call: Call) -> bool:
    """Whether the message is offered now, whatever else is wrong with the request."""
    life = state.world.find(call.partner, call.order_id, call.now)
    if life is None:
        return False
    kind = BY_OPERATION[call.operation.name]
    offered = offers_of(state, call.partner, life, call.now) | _offered_by_rule(call)
    return offered.get(kind.name) == ""


def offers_of(state: State, seller: Seller, life: Life, now: float) -> dict[str, str]:
    """By name what is listed for the order, with the reason for which it is disabled ("": none)."""
    offered = messages_offered(state.world.plan.seed, seller.number, life, now)
    once = [one for one in KINDS if one.once and one.name in offered]
    if once:
        order_id = state.world.order_id(seller, life)
        for kind in once:
            if state.ledger.was_delivered(seller.selling_partner_id, order_id, kind.operation):
                del offered[kind.name]
    return offered


def _offered_by_rule(call: Call) -> dict[str, str]:
    """What a rule of faults adds to the list of this very order."""
    if call.rule is None or call.rule.kind != "offer":
        return {}
    return {str(call.rule.do["name"]): ""}


def _body(request: Request, kind: Kind) -> dict[str, Any]:
    """The body, with the keys that the model gives it and no others; else 400 or 415."""
    if not kind.schema.properties:
        if request.body:
            raise invalid("Invalid Input", "The operation takes no body.")
        return {}
    if not request.headers.get("content-type", "").startswith(JSON):
        message = "The request payload is in an unsupported format."
        raise RequestError(error_answer(415, "UnsupportedMediaType", message))
    document = body_of(request)
    wanted = {"text"} if kind.text else set()
    if kind.files is not None:
        wanted.add("attachments")
    if kind.coverage:
        wanted |= {"coverageStartDate", "coverageEndDate"}
    for key in document:
        if key not in wanted:
            raise invalid("Invalid Input", f"The body has an unknown key {key[:100]}.")
    return document


def _check_text(text: object, most: int) -> None:
    # Amazon does not say how it counts; the sandbox takes the larger number, UTF-16 units.
    if not isinstance(text, str) or not text.strip() or text_units(text) > most:
        raise invalid("Invalid Input", f"text: 1 to {most} characters.")
    if "\x00" in text:
        raise invalid("Invalid Input", "text: a character is not allowed.")
    if _HTML.search(text):
        raise invalid("Invalid Input", "text: HTML is not allowed.")
    if _EMAIL.search(text):
        raise invalid("Invalid Input", "text: e-mail addresses are not allowed.")


def text_units(text: str) -> int:
    """How many UTF-16 units the text has."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _check_coverage(document: dict[str, Any]) -> None:
    ends = []
    for name in ("coverageStartDate", "coverageEndDate"):
        try:
            ends.append(from_text(document.get(name, "")))
        except (TypeError, ValueError):
            raise invalid("Invalid Input", f"{name}: a date and time with an offset.") from None
    if ends[1] < ends[0]:
        raise invalid("Invalid Input", "coverageEndDate must not lie before coverageStartDate.")


def _check_files(state: State, call: Call, kind: Kind, files: object) -> None:
    """Every file was uploaded by this seller for this message of this order, and has a name."""
    least = kind.files or 0
    if not isinstance(files, list) or not least <= len(files) <= MOST_FILES:
        raise invalid("Invalid Input", f"attachments: {least} to {MOST_FILES} files.")
    total = 0
    for one in files:
        if not isinstance(one, dict) or set(one) != {"uploadDestinationId", "fileName"}:
            raise invalid("Invalid Input", "An attachment has uploadDestinationId and fileName.")
        key, name = one["uploadDestinationId"], one["fileName"]
        if not isinstance(name, str) or not _FILE_NAME.fullmatch(name):
            raise invalid("Invalid Input", "fileName: a name of 1 to 255 characters.")
        upload = state.uploads.get(key) if isinstance(key, str) else None
        place = (call.partner.number, call.order_id, kind.path)
        if (
            upload is None
            or upload.size < 0
            or (upload.seller, upload.order_id, upload.message) != place
        ):
            raise invalid(f"Attachment with ID {str(key)[:100]} does not exist")
        total += upload.size
    if total > MOST_BYTES:
        raise invalid("Invalid Input", "The total size of attachments must be less than 10 MB.")
