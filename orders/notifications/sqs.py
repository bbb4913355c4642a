"""The queue itself, at AWS or whoever speaks like it. The one module that imports boto3.

Only the command that reads the queue imports it: without AWS nothing of AWS is needed.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from orders.notifications.queues import MOST_AT_ONCE, QueueError, parse_arn
from orders.notifications.taking import Message

logger = logging.getLogger(__name__)

LONGEST_POLL_SECONDS = 20
# How long a message that was handed out stays hidden from others: many times what ten take.
HIDDEN_SECONDS = 60


class SqsQueue:
    """A standard queue of Amazon SQS, reached with the credentials that boto3 finds by itself.

    `endpoint` is another base address than AWS's. Raises ValueError for what is no ARN, and
    QueueError where boto3 is not set up.
    """

    def __init__(
        self,
        arn: str,
        *,
        endpoint: str | None = None,
        poll_seconds: int = LONGEST_POLL_SECONDS,
        hidden_seconds: int = HIDDEN_SECONDS,
    ) -> None:
        name = parse_arn(arn)
        self.arn = arn
        self._poll_seconds = poll_seconds
        self._hidden_seconds = hidden_seconds
        config = Config(
            region_name=name.region,
            connect_timeout=5,
            read_timeout=poll_seconds + 10,
            retries={"mode": "standard", "total_max_attempts": 2},
        )
        try:
            self._sqs = boto3.session.Session().client("sqs", endpoint_url=endpoint, config=config)
        except (BotoCoreError, ValueError) as error:
            raise QueueError(_sentence(error)) from None
        # Made, not asked for: GetQueueUrl would need one permission more.
        self._url = f"{self._sqs.meta.endpoint_url.rstrip('/')}/{name.owner}/{name.name}"

    def receive(self) -> list[Message]:
        """Up to ten messages, waiting for the first one as long as the queue is empty.

        Raises QueueError. Whoever reads beside us is given others until `hidden_seconds` are over.
        """
        answer = self._ask(
            "receive_message",
            MaxNumberOfMessages=MOST_AT_ONCE,
            WaitTimeSeconds=self._poll_seconds,
            VisibilityTimeout=self._hidden_seconds,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        return [
            Message(
                message_id=found["MessageId"],
                receipt=found["ReceiptHandle"],
                body=found["Body"],
                received=int(found.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
            )
            for found in answer.get("Messages", [])
        ]

    def delete(self, messages: Sequence[Message]) -> None:
        """The messages are gone; those that are not come again, and are known then.

        Raises QueueError.
        """
        for start in range(0, len(messages), MOST_AT_ONCE):
            some = messages[start : start + MOST_AT_ONCE]
            entries = [
                {"Id": str(place), "ReceiptHandle": message.receipt}
                for place, message in enumerate(some)
            ]
            answer = self._ask("delete_message_batch", Entries=entries)
            for failed in answer.get("Failed", []):
                logger.warning("A message was not deleted: %s", failed.get("Code", ""))

    def close(self) -> None:
        """Idle connections are closed."""
        self._sqs.close()

    def _ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._sqs, operation)(QueueUrl=self._url, **arguments)
        except (BotoCoreError, ClientError) as error:
            raise QueueError(_sentence(error)) from None
        return answer


def _sentence(error: Exception) -> str:
    """What is wrong, without addresses, tokens and names of users."""
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", "unknown"))[:100]
        return f"The queue refused: {code}."
    kind = type(error).__name__
    known = {
        "NoCredentialsError": "AWS credentials are missing (AWS_ACCESS_KEY_ID …, a profile, a role).",
        "PartialCredentialsError": "Half of the AWS credentials is missing.",
        "EndpointConnectionError": "The queue could not be reached.",
        "ConnectTimeoutError": "The queue could not be reached in time.",
        "ReadTimeoutError": "The queue did not answer in time.",
    }
    return known.get(kind, f"The queue could not be read ({kind}).")
