"""What a person can have done: request, stop, cancel, retry. Each is one transaction."""

from messaging.services.batching import request_reviews
from messaging.services.cancelling import cancel_action, cancel_stopped, stop_batch
from messaging.services.holding import LOOK_LEAD, apply_holds, hold
from messaging.services.refusing import NotAllowedError, already_asked_sentence
from messaging.services.requesting import made_before, request_message, request_review
from messaging.services.retrying import retry_action

__all__ = [
    "LOOK_LEAD",
    "NotAllowedError",
    "already_asked_sentence",
    "apply_holds",
    "cancel_action",
    "cancel_stopped",
    "hold",
    "made_before",
    "request_message",
    "request_review",
    "request_reviews",
    "retry_action",
    "stop_batch",
]
