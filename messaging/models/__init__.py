"""What we ask of Amazon: outgoing actions, the attempts at them, and every step they took.

The table of outgoing actions is the queue. Only `OutgoingActionQuerySet.transition` writes a status.
"""

from messaging.models.actions import (
    OutgoingAction,
    OutgoingActionQuerySet,
    Priority,
    mark_orders,
)
from messaging.models.attempts import ActionAttempt, ActionEvent, AttemptOutcome
from messaging.models.batches import Batch, BatchQuerySet, Origin
from messaging.models.files import (
    ActionFile,
    FilePiece,
    FileType,
    StoredFile,
    StoredFileQuerySet,
)
from messaging.models.kill_switches import KillSwitch, KillSwitchQuerySet
from messaging.models.ledger_checks import LedgerCheck, PeriodicRun, PeriodicRunQuerySet
from messaging.models.offers import OrderOffers
from messaging.models.templates import MessageTemplate, MessageTemplateQuerySet

__all__ = [
    "ActionAttempt",
    "ActionEvent",
    "ActionFile",
    "AttemptOutcome",
    "Batch",
    "BatchQuerySet",
    "FilePiece",
    "FileType",
    "KillSwitch",
    "KillSwitchQuerySet",
    "LedgerCheck",
    "MessageTemplate",
    "MessageTemplateQuerySet",
    "OrderOffers",
    "Origin",
    "OutgoingAction",
    "OutgoingActionQuerySet",
    "PeriodicRun",
    "PeriodicRunQuerySet",
    "Priority",
    "StoredFile",
    "StoredFileQuerySet",
    "mark_orders",
]
