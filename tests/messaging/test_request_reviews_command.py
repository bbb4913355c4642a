"""manage.py request_reviews"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from messaging.management.commands import request_reviews as command
from messaging.models import Batch, Origin, OutgoingAction
from messaging.states import Status
from orders.models import Order
from sellers.models import Role, SellerAccount
from tests.factories import (
    ActionAttemptFactory,
    MembershipFactory,
    OrderFactory,
    OutgoingActionFactory,
    SellerAccountFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> SellerAccount:
    return SellerAccountFactory(name="Demo")


def run(*arguments: object) -> str:
    out = io.StringIO()
    call_command("request_reviews", *map(str, arguments), stdout=out, stderr=io.StringIO())
    return out.getvalue()


def run_json(*arguments: object) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run(*arguments, "--json"))
    return document


def wrong(*arguments: object) -> str:
    """The sentence with which wrong use is refused; nothing may have been queued."""
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    assert refused.value.returncode == 2
    assert not OutgoingAction.objects.exists()
    return str(refused.value)


def send_all_queued() -> None:
    """What the lanes would do."""
    for action in OutgoingAction.objects.filter(status=Status.QUEUED):
        mine = OutgoingAction.objects.filter(pk=action.pk)
        now = timezone.now()
        attempt = ActionAttemptFactory(action=action, accepted=True)
        mine.transition(Status.QUEUED, Status.SENDING, at=now, lease_until=now)
        mine.transition(Status.SENDING, Status.SENT, at=now, sent_attempt=attempt, lease_until=None)


def test_eligible_orders_are_queued_in_nobodys_name(account: SellerAccount) -> None:
    eligible = OrderFactory.create_batch(2, account=account)
    OrderFactory(account=account, too_early=True)
    OrderFactory()
    document = run_json("--account", account.pk, "--eligible")
    batch = Batch.objects.get()
    assert document["batch"] == batch.pk
    assert (document["queued"], document["counts"]) == (2, {"queued": 2})
    assert (batch.origin, batch.created_by) == (Origin.COMMAND, None)
    assert {action.order for action in batch.actions.all()} == set(eligible)


def test_named_orders_are_queued_and_the_others_counted_by_reason(account: SellerAccount) -> None:
    eligible = OrderFactory(account=account)
    early = OrderFactory(account=account, too_early=True)
    asked = OutgoingActionFactory(order__account=account, status=Status.SENT).order
    document = run_json(
        "--account",
        account.pk,
        *("--order", eligible.amazon_order_id),
        *("--order", early.amazon_order_id.replace("-", " \u2013 ")),
        *("--order", asked.amazon_order_id),
        *("--order", eligible.amazon_order_id),
    )
    assert (document["selected"], document["queued"]) == (3, 1)
    assert document["skipped"] == {"too_early": 1, "sent": 1}
    assert document["reasons"] == {"Too early": 1, "Asked already: sent": 1}
    assert Batch.objects.get().actions.get().order == eligible


def test_a_file_has_a_number_on_each_line(account: SellerAccount, tmp_path: Path) -> None:
    orders = OrderFactory.create_batch(2, account=account)
    file = tmp_path / "numbers.txt"
    file.write_text("\ufeff" + "\r\n\r\n".join(order.amazon_order_id for order in orders) + "\r\n")
    assert run_json("--account", account.pk, "--file", file)["queued"] == 2


def test_a_file_may_be_standard_input(
    account: SellerAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = OrderFactory(account=account)
    stream = io.TextIOWrapper(io.BytesIO(order.amazon_order_id.encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    assert run_json("--account", account.pk, "--file", "-")["queued"] == 1


def test_a_limit_takes_those_that_close_first(account: SellerAccount) -> None:
    OrderFactory.create_batch(2, account=account)
    soon = OrderFactory(account=account, closing_soon=True)
    assert run_json("--account", account.pk, "--eligible", "--limit", 1)["queued"] == 1
    assert OutgoingAction.objects.get().order == soon


def test_a_dry_run_changes_nothing(account: SellerAccount) -> None:
    eligible = OrderFactory.create_batch(3, account=account)
    early = OrderFactory(account=account, too_early=True)
    named = [part for order in (*eligible, early) for part in ("--order", order.amazon_order_id)]
    document = run_json("--account", account.pk, *named, "--dry-run")
    assert (document["selected"], document["would_queue"]) == (4, 3)
    assert document["reasons"] == {"Too early": 1}
    assert document["finish_at"] > timezone.now().isoformat()
    assert run_json("--account", account.pk, *named, "--dry-run", "--limit", 2)["would_queue"] == 2
    assert "Would queue 3 review requests" in run("--account", account.pk, *named, "--dry-run")
    assert not OutgoingAction.objects.exists()
    assert not Batch.objects.exists()
    assert not Order.objects.exclude(solicitation="").exists()


def test_waiting_ends_when_nothing_is_due(
    account: SellerAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    OrderFactory.create_batch(2, account=account)
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        send_all_queued()

    monkeypatch.setattr(command.time, "sleep", nap)
    document = run_json("--account", account.pk, "--eligible", "--wait")
    assert len(naps) == 1
    assert (document["counts"], document["finished"]) == ({"sent": 2}, True)


def test_an_interrupted_wait_leaves_the_batch_going(
    account: SellerAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    OrderFactory(account=account)

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command.time, "sleep", interrupt)
    errors = io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command(
            "request_reviews",
            *("--account", str(account.pk), "--eligible", "--wait"),
            stdout=io.StringIO(),
            stderr=errors,
        )
    batch = Batch.objects.get()
    assert left.value.code == 1
    assert f"Batch {batch.pk} goes on" in errors.getvalue()
    assert batch.actions.get().status == Status.QUEUED


def test_what_is_on_hold_is_said_and_is_a_failure() -> None:
    account = SellerAccountFactory(paused_at=timezone.now())
    OrderFactory(account=account)
    errors = io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command(
            "request_reviews",
            *("--account", str(account.pk), "--eligible", "--wait"),
            stdout=io.StringIO(),
            stderr=errors,
        )
    assert left.value.code == 1
    assert "The account is paused." in errors.getvalue()


def test_it_is_done_in_the_name_of_an_operator(account: SellerAccount) -> None:
    member = MembershipFactory(account=account, role=Role.OPERATOR)
    OrderFactory(account=account)
    run("--account", account.pk, "--eligible", "--user", member.user.username)
    assert Batch.objects.get().created_by == member.user
    assert OutgoingAction.objects.get().requested_by == member.user


@pytest.mark.parametrize("role", [Role.VIEWER, None])
def test_who_may_not_send_is_refused(account: SellerAccount, role: Role | None) -> None:
    OrderFactory(account=account)
    member = MembershipFactory(
        account=account if role else SellerAccountFactory(), role=role or Role.OPERATOR
    )
    sentence = wrong("--account", account.pk, "--eligible", "--user", member.user.username)
    assert member.user.username in sentence
    assert "Operator is needed" in sentence


def test_wrong_use_says_what_was_wrong(account: SellerAccount, tmp_path: Path) -> None:
    OrderFactory(account=account)
    assert "999999" in wrong("--account", 999_999, "--eligible")
    assert "nobody" in wrong("--account", account.pk, "--eligible", "--user", "nobody")
    assert "--limit 0" in wrong("--account", account.pk, "--eligible", "--limit", 0)
    assert "No such file" in wrong("--account", account.pk, "--file", tmp_path / "none")
    empty = tmp_path / "empty"
    empty.write_text("\n \n")
    assert "no order numbers" in wrong("--account", account.pk, "--file", empty)
    latin = tmp_path / "latin"
    latin.write_bytes(b"\xfcber")
    assert "UTF-8" in wrong("--account", account.pk, "--file", latin)


def test_wrong_numbers_are_all_named_and_nothing_is_queued(
    account: SellerAccount, tmp_path: Path
) -> None:
    good = OrderFactory(account=account)
    stranger = OrderFactory()
    file = tmp_path / "numbers"
    file.write_text(f"{good.amazon_order_id}\n111-1111111-111111\n\nabc\n")
    sentence = wrong("--account", account.pk, "--file", file)
    assert "line 2 “111-1111111-111111”" in sentence
    assert "line 4 “abc”" in sentence
    file.write_text(f"{good.amazon_order_id}\n{stranger.amazon_order_id}\n")
    assert f"has no order {stranger.amazon_order_id}" in wrong(
        "--account", account.pk, "--file", file
    )


def test_too_many_numbers_are_refused(account: SellerAccount, tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    file.write_text("\n".join(f"303-{number:07d}-0000000" for number in range(20_001)))
    assert "At most 20,000 orders at a time" in wrong("--account", account.pk, "--file", file)


@pytest.mark.parametrize("arguments", [[], ["--eligible", "--order", "303-1234567-1234567"]])
def test_exactly_one_selection_is_needed(account: SellerAccount, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        run("--account", account.pk, *arguments)


def test_people_read_what_was_queued_and_what_was_left_out(account: SellerAccount) -> None:
    order = OrderFactory(account=account)
    early = OrderFactory(account=account, too_early=True)
    text = run(
        "--account",
        account.pk,
        *("--order", order.amazon_order_id, "--order", early.amazon_order_id),
    )
    assert "1 review request queued for Demo." in text
    assert "Left out: 1 too early." in text
    assert "1 waiting." in text
