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
from messaging.models.kill_switches import KillSwitch, KillSwitchQuerySet
from messaging.models.ledger_checks import LedgerCheck, PeriodicRun, PeriodicRunQuerySet

__all__ = [
    "ActionAttempt",
    "ActionEvent",
    "AttemptOutcome",
    "Batch",
    "BatchQuerySet",
    "KillSwitch",
    "KillSwitchQuerySet",
    "LedgerCheck",
    "Origin",
    "OutgoingAction",
    "OutgoingActionQuerySet",
    "PeriodicRun",
    "PeriodicRunQuerySet",
    "Priority",
    "mark_orders",
]
