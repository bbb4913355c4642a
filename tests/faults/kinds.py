"""The two kinds of action that the rig sends, and Amazon's operations for them."""

from __future__ import annotations

SOLICITATION = "productReviewAndSellerFeedback"
MESSAGE = "confirmOrderDetails"
KINDS = (SOLICITATION, MESSAGE)
POST_OF = {
    SOLICITATION: "createProductReviewAndSellerFeedbackSolicitation",
    MESSAGE: "createConfirmOrderDetails",
}
LIST_OF = {
    SOLICITATION: "getSolicitationActionsForOrder",
    MESSAGE: "getMessagingActionsForOrder",
}
