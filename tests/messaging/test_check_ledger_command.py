"""manage.py check_ledger"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line
from django.utils import timezone

from messaging.ledger.check import CHECKS
from messaging.management.commands import check_ledger as command
from messaging.models import LedgerCheck, OutgoingAction
from messaging.states import Status
from tests.factories import OutgoingActionFactory

pytestmark = pytest.mark.django_db


def run(*arguments: object) -> tuple[str, str, int]:
    """What it says on both streams, and its exit code."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command("check_ledger", *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as end:
        code = int(str(end.code))
    return out.getvalue(), err.getvalue(), code


def a_breach() -> OutgoingAction:
    """An action that is sending without an end."""
    action: OutgoingAction = OutgoingActionFactory(status=Status.SENDING)
    OutgoingAction.objects.filter(pk=action.pk).update(
        lease_until=timezone.now() - timedelta(hours=1)
    )
    return action


def test_records_without_a_contradiction_leave_nothing_on_standard_output() -> None:
    OutgoingActionFactory(status=Status.SENT)
    out, err, code = run()
    assert (out, code) == ("", 0)
    assert err.startswith(f"{len(CHECKS)} checks found nothing in ")


def test_each_contradiction_is_a_line_and_the_exit_code_is_1() -> None:
    actions = [a_breach(), a_breach()]
    out, err, code = run()
    assert code == 1
    assert [line.split(" is ")[0] for line in out.splitlines()] == [
        f"lease: action {action.pk}" for action in actions
    ]
    assert "found 2 contradictions in" in err


def test_one_document_says_the_same() -> None:
    action = a_breach()
    out, err, code = run("--json")
    document = json.loads(out)
    assert (code, err) == (1, "")
    assert (document["total"], document["left_out"], document["account"]) == (1, 0, None)
    (breach,) = document["breaches"]
    assert (breach["check"], breach["subject"]) == ("lease", f"action {action.pk}")
    assert breach["text"].startswith("is sending 3600 s after")
    assert {name: check["breaches"] for name, check in document["checks"].items()} == {
        check.name: int(check.name == "lease") for check in CHECKS
    }


def test_a_document_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "MOST_IN_JSON", 1)
    a_breach()
    a_breach()
    document = json.loads(run("--json")[0])
    assert (len(document["breaches"]), document["left_out"], document["total"]) == (1, 1, 2)


def test_one_account_is_asked_about() -> None:
    mine, _other = a_breach(), a_breach()
    out, _err, code = run("--account", mine.account_id)
    assert (code, len(out.splitlines())) == (1, 1)
    well = OutgoingActionFactory(status=Status.SENT)
    assert run("--account", well.account_id)[2] == 0


def test_an_account_that_is_not_there_is_wrong_use() -> None:
    with pytest.raises(CommandError, match="There is no account 12345") as refused:
        run("--account", 12345)
    assert refused.value.returncode == 2


def test_a_command_leaves_the_overview_s_row_alone() -> None:
    a_breach()
    run()
    assert not LedgerCheck.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_shell_sees_the_exit_code(process_environment: dict[str, str]) -> None:
    a_breach()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", "check_ledger"],
        env=process_environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("arguments", [["--account", "0"], ["--all"]], ids=str)
def test_a_shell_sees_that_the_use_was_wrong(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """As `manage.py` ends, without another process."""
    a_breach()
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "check_ledger", *arguments])
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""
