"""The points of the one send procedure at which the rig can break it, in their order.

before_upload  nothing of its files has left (messages with files alone)
after_upload   its files lie in Amazon's storage; nothing was looked at
after_look     Amazon's list was read and offers it; nothing is claimed
in_claim       the claim is written, and not committed
after_claim    the claim is committed
before_post    the slot is taken, the leases are checked, the connection stands
in_post        every byte of the request has left, none of the answer was read
after_answer   Amazon's 201 was read, and nothing is written
in_record      that it was accepted is written, and not committed
after_record   that it was accepted is committed
"""

from __future__ import annotations

UPLOAD_POINTS = ("before_upload", "after_upload")
POINTS = (
    "after_look",
    "in_claim",
    "after_claim",
    "before_post",
    "in_post",
    "after_answer",
    "in_record",
    "after_record",
)
