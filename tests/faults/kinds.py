"""The kinds of action that the rig sends, Amazon's operations for them, and how to tell two apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SOLICITATION = "productReviewAndSellerFeedback"
MESSAGE = "confirmOrderDetails"
# A message with a file, which goes to Amazon's storage before it is claimed.
INVOICE = "sendInvoice"
# Most rows break what does not differ for a message with files; the kills break all three.
KINDS = (SOLICITATION, MESSAGE)
ALL_KINDS = (*KINDS, INVOICE)
POST_OF = {
    SOLICITATION: "createProductReviewAndSellerFeedbackSolicitation",
    MESSAGE: "createConfirmOrderDetails",
    INVOICE: "sendInvoice",
}
LIST_OF = {
    SOLICITATION: "getSolicitationActionsForOrder",
    MESSAGE: "getMessagingActionsForOrder",
    INVOICE: "getMessagingActionsForOrder",
}
# In SQL: what one message holds and no other, its text or the hash of its file ("a": the action).
LETTER = "coalesce(a.payload->>'text', a.payload->'files'->0->>'sha256', '')"


def letter_of(post: Mapping[str, Any]) -> str:
    """The same of a POST in Amazon's ledger."""
    files = post.get("attachments") or [{"sha256": ""}]
    return str(post.get("text") or files[0]["sha256"])
