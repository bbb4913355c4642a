"""What `./run` installs and starts, with and without a queue at AWS."""

from __future__ import annotations

import pytest
from django.test import override_settings

from solicit_dashboard.launch import _locks
from solicit_dashboard.management.commands.up import (
    _prompting_parts,
    _working_parts,
)

ARN = "arn:aws:sqs:eu-west-1:123456789012:orders"


def test_nothing_of_aws_is_installed_or_started_without_a_queue() -> None:
    assert _locks({"SQS_QUEUE_ARN": ""}) == ["requirements.txt"]
    assert [part.name for part in _working_parts(8000)] == ["web", "lanes", "worker"]
    assert [part.name for part in _prompting_parts()] == ["beat"]


@pytest.mark.parametrize("name", ["SQS_QUEUE_ARN", "SQS_QUEUE_ARN_FILE"])
def test_with_a_queue_its_reader_is_installed(name: str) -> None:
    assert _locks({name: ARN}) == ["requirements.txt", "requirements-aws.txt"]


@override_settings(SQS_QUEUE_ARN=ARN)
def test_with_a_queue_its_reader_is_started_last() -> None:
    *others, reader = [*_working_parts(8000), *_prompting_parts()]
    assert list(reader.command)[-2:] == ["manage.py", "consume_notifications"]
    assert reader.stage == max(part.stage for part in others)
