"""The queue's name at AWS, and the policy with which it lets Amazon write to it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from solicit_dashboard.env import QUEUE_ARN

# https://developer-docs.amazon.com/sp-api/docs/set-up-notifications-amazon-sqs-workflow: the
# account from which Amazon delivers, in every region.
AMAZONS_ACCOUNT = "437568002678"
MOST_AT_ONCE = 10  # messages in one call
OUR_ACTIONS = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
)


class QueueError(Exception):
    """The queue did not answer, or refused; the text says why and holds no credentials."""


@dataclass(frozen=True, slots=True)
class QueueName:
    """What an ARN of a queue says."""

    arn: str
    region: str
    owner: str
    name: str


def parse_arn(arn: str) -> QueueName:
    """What the ARN of a standard queue says; ValueError for everything else."""
    found = QUEUE_ARN.fullmatch(arn)
    if found is None:
        raise ValueError("That is not the ARN of a standard SQS queue.")
    return QueueName(arn, found["region"], found["owner"], found["name"])


def queue_policy(arn: str) -> str:
    """The access policy to paste at the queue: Amazon may write to it, and see how it is set."""
    return _as_text(
        {
            "Sid": "AmazonDeliversNotifications",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{AMAZONS_ACCOUNT}:root"},
            "Action": ["SQS:SendMessage", "SQS:GetQueueAttributes"],
            "Resource": arn,
        }
    )


def reader_policy(arn: str) -> str:
    """The policy for the AWS user or role with which this program reads the queue."""
    return _as_text(
        {
            "Sid": "DashboardReadsNotifications",
            "Effect": "Allow",
            "Action": list(OUR_ACTIONS),
            "Resource": arn,
        }
    )


def _as_text(statement: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)
