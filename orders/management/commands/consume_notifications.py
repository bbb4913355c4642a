"""manage.py consume_notifications"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import signal
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis import RedisError

from orders.notifications.consumer import Consumer
from orders.notifications.queues import QueueError
from orders.notifications.taking import Taken
from orders.tasks import fetch_hinted_due

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Read the queue to which Amazon sends order changes (SQS_QUEUE_ARN), until SIGTERM. "
        "Run one or more of it; each message is taken once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--poll-seconds",
            type=int,
            default=20,
            choices=range(21),
            metavar="N",
            help="how long one call waits for a message (0 to 20, 20)",
        )
        parser.add_argument(
            "--hidden-seconds",
            type=int,
            default=60,
            choices=range(1, 3601),
            metavar="N",
            help="after how long a message that was not deleted comes again (60)",
        )

    def handle(self, **options: Any) -> None:
        if not settings.SQS_QUEUE_ARN:
            raise CommandError(
                "SQS_QUEUE_ARN is not set: there is no queue to read. Orders come by polling.",
                returncode=2,
            )
        if importlib.util.find_spec("boto3") is None:
            raise CommandError(
                "Reading a queue at AWS needs boto3. Type: .venv/bin/python -m pip install "
                "--require-hashes -r requirements-aws.txt"
            )
        # only here: whoever has no queue need not have what reads one
        sqs = importlib.import_module("orders.notifications.sqs")
        try:
            queue = sqs.SqsQueue(
                settings.SQS_QUEUE_ARN,
                endpoint=settings.AWS_ENDPOINT_URL_SQS,
                poll_seconds=options["poll_seconds"],
                hidden_seconds=options["hidden_seconds"],
            )
        except QueueError as error:
            raise CommandError(str(error)) from None
        consumer = Consumer(queue, clock=timezone.now, on_heard=_ask_soon)

        def stop(_number: int, _frame: FrameType | None) -> None:
            consumer.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        logger.info("Reading %s", settings.SQS_QUEUE_ARN)
        consumer.run()
        queue.close()


def _ask_soon(_taken: Taken) -> None:
    """A worker asks Amazon for the orders now; without Redis the next tick does."""
    with contextlib.suppress(OperationalError, RedisError, OSError):
        fetch_hinted_due.delay()
