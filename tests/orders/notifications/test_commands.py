"""manage.py setup_notifications, replay_notifications and consume_notifications."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from orders.models import OrderHint, ParkedNotification
from sandbox.testing import Running
from sellers.models import SellerAccount
from sellers.services import connect_account
from solicit_dashboard.env import BASE_DIR
from tests.factories import ParkedNotificationFactory, SellerAccountFactory
from tests.sellers.conftest import amazon, keys_of

__all__ = ["amazon"]
pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

ARN = "arn:aws:sqs:eu-west-1:123456789012:orders"


def run(capsys: pytest.CaptureFixture[str], *words: object, **options: Any) -> Any:
    call_command(*words, json=True, **options)
    return json.loads(capsys.readouterr().out)


@override_settings(SQS_QUEUE_ARN=ARN)
def test_set_up_listed_and_removed(amazon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    account = connect_account(**keys_of(amazon.sellers[0]))
    made = run(capsys, "setup_notifications", account=account.pk)
    listed = run(capsys, "setup_notifications", account=account.pk, list=True)
    assert [one["id"] for one in listed["destinations"]] == [made["destination"]]
    assert [one["id"] for one in listed["subscriptions"]] == [made["subscription"]]
    removed = run(capsys, "setup_notifications", account=account.pk, remove=True)
    assert removed == {"account": account.pk, "removed": True}
    assert not run(capsys, "setup_notifications", account=account.pk, list=True)["subscriptions"]
    with override_settings(SQS_QUEUE_ARN=f"{ARN}-forbidden"), pytest.raises(SystemExit) as caught:
        call_command("setup_notifications", account=account.pk)
    assert caught.value.code == 1
    assert "policy" in capsys.readouterr().err


@override_settings(SQS_QUEUE_ARN=ARN)
def test_the_policies_are_shown_for_pasting(capsys: pytest.CaptureFixture[str]) -> None:
    told = run(capsys, "setup_notifications", policy=True)
    (statement,) = told["queue"]["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::437568002678:root"}
    assert statement["Action"] == ["SQS:SendMessage", "SQS:GetQueueAttributes"]
    assert statement["Resource"] == told["reader"]["Statement"][0]["Resource"] == ARN
    call_command("setup_notifications", policy=True)
    assert "437568002678" in capsys.readouterr().out


def test_wrong_use_is_said() -> None:
    for name in ("setup_notifications", "consume_notifications"):
        with pytest.raises(CommandError, match="SQS_QUEUE_ARN is not set") as caught:
            call_command(name)
        assert caught.value.returncode == 2
    with override_settings(SQS_QUEUE_ARN=ARN):
        with pytest.raises(CommandError, match="Name the account"):
            call_command("setup_notifications")
        with pytest.raises(CommandError, match="no account 99"):
            call_command("setup_notifications", account=99)
        gone = SellerAccountFactory(disconnected=True)
        SellerAccount.objects.update(refresh_token_encrypted=b"")
        with pytest.raises(CommandError, match="disconnected"):
            call_command("setup_notifications", account=gone.pk)


def test_a_missing_boto3_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with (
        override_settings(SQS_QUEUE_ARN=ARN),
        pytest.raises(CommandError, match=r"requirements-aws\.txt"),
    ):
        call_command("consume_notifications")


def test_parked_messages_are_listed_and_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    good, nameless = ParkedNotificationFactory(), ParkedNotificationFactory(amazon_order_id="")
    stranger = ParkedNotificationFactory(account=None, kept={"SellerId": "A9STRANGER"})
    listed = run(capsys, "replay_notifications", list=True)["messages"]
    assert [one["id"] for one in listed] == [good.pk, nameless.pk, stranger.pk]
    assert not OrderHint.objects.exists()
    with pytest.raises(SystemExit):
        call_command("replay_notifications")
    said = capsys.readouterr().out
    assert "No order number" in said
    assert "A9STRANGER" in said
    hint = OrderHint.objects.get()
    assert (hint.account, hint.amazon_order_id) == (good.account, good.amazon_order_id)
    assert set(ParkedNotification.objects.waiting()) == {nameless, stranger}
    run(capsys, "replay_notifications", str(good.pk))
    assert OrderHint.objects.get().renewals == 1
    with pytest.raises(CommandError, match="no parked message"):
        call_command("replay_notifications", "999")


def test_nobody_but_the_reader_of_the_queue_loads_boto3() -> None:
    program = (
        "import sys, django; django.setup();"
        "import solicit_dashboard.urls, orders.tasks, orders.notifications.consumer;"
        "import orders.management.commands.consume_notifications;"
        "assert not {'boto3', 'botocore'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=BASE_DIR, check=True)
