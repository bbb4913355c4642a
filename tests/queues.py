"""A queue that speaks like Amazon SQS, over HTTP on this machine: moto's server in this process."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

REGION = "eu-west-1"
OWNER = "123456789012"  # moto's own account
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@dataclass
class TestQueue:
    """One standard queue; `endpoint` is where the server answers."""

    __test__ = False

    endpoint: str
    name: str
    sqs: Any = field(repr=False)
    url: str = ""

    @property
    def arn(self) -> str:
        """Its name at AWS."""
        return f"arn:aws:sqs:{REGION}:{OWNER}:{self.name}"

    def put(self, bodies: Sequence[str]) -> None:
        """These messages wait in the queue."""
        for start in range(0, len(bodies), 10):
            entries = [
                {"Id": str(place), "MessageBody": body}
                for place, body in enumerate(bodies[start : start + 10])
            ]
            answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
            assert not answer.get("Failed")

    def counts(self) -> tuple[int, int]:
        """How many messages wait, and how many were handed out and are hidden."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        waiting, hidden = (int(answer["Attributes"][name]) for name in names)
        return waiting, hidden


@contextmanager
def queue_server() -> Iterator[str]:
    """The address of a server with no queues; credentials for it stand in the environment."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    before = {name: os.environ.get(name) for name in CREDENTIALS}
    os.environ |= CREDENTIALS
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
        server.stop()


def make_queue(endpoint: str) -> TestQueue:
    """A queue of its own on the server."""
    sqs = boto3.session.Session().client("sqs", region_name=REGION, endpoint_url=endpoint)
    queue = TestQueue(endpoint, f"orders-{secrets.token_hex(8)}", sqs)
    queue.url = sqs.create_queue(QueueName=queue.name)["QueueUrl"]
    return queue
