"""manage.py doctor"""

from __future__ import annotations

import io
import json
import time
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.utils import timezone

from messaging.models import LedgerCheck
from sandbox.testing import Running
from sellers.models import SellerAccount
from solicit_dashboard.doctor import installation_checks
from solicit_dashboard.doctor.checks import ACCOUNT_CHECKS, INSTALLATION_CHECKS
from solicit_dashboard.redis import get_redis, redis_key
from tests.factories import SellerAccountFactory

pytestmark = pytest.mark.django_db


def run(*words: object) -> tuple[str, int]:
    """What it says, and its exit code."""
    out, code = io.StringIO(), 0
    try:
        call_command("doctor", *map(str, words), stdout=out)
    except SystemExit as end:
        code = int(str(end.code))
    return out.getvalue(), code


def all_at_work() -> None:
    for part in ("worker", "dispatcher"):
        get_redis().set(redis_key("seen", part), int(time.time()))
    LedgerCheck.objects.create(at=timezone.now(), seconds=1, breaches=0)


def test_a_sound_installation_has_a_green_line_for_each_check(
    account: SellerAccount, amazon: Running
) -> None:
    all_at_work()
    out, code = run()
    assert code == 0, out
    lines = out.splitlines()
    assert lines[0] == "This installation"
    assert f"{account.name} ({account.pk})" in lines
    assert len([line for line in lines if line.startswith("  ok  ")]) == len(
        INSTALLATION_CHECKS + ACCOUNT_CHECKS
    )
    assert not [secret for secret in _secrets(amazon) if secret in out]


def test_what_does_not_work_is_a_line_with_its_remedy_and_exit_code_1(redis_empty: None) -> None:
    out, code = run()
    assert code == 1
    (place,) = [n for n, line in enumerate(out.splitlines()) if "FAIL  Workers:" in line]
    assert out.splitlines()[place + 1] == "        See the line of the clockwork first."


def test_one_document_says_the_same(account: SellerAccount, amazon: Running) -> None:
    all_at_work()
    amazon.set_faults(
        [{"operation": "lwa", "do": {"kind": "lwa_error", "error": "invalid_client"}}]
    )
    out, code = run("--json", "--account", account.pk)
    document = json.loads(out)
    assert (code, document["failed"]) == (1, 1)
    installation, one = document["parts"]
    assert installation["account"] is None
    assert one["account"] == {"id": account.pk, "name": account.name, "region": "eu"}
    lines: dict[str, dict[str, Any]] = {line["key"]: line for line in one["lines"]}
    assert lines["token"]["state"] == "bad"
    assert "client secret" in lines["token"]["says"]
    assert "180 days" in lines["token"]["remedy"]
    assert lines["orders"]["state"] == "good"
    assert not [secret for secret in _secrets(amazon) if secret in out]


def test_a_disconnected_account_is_looked_at_only_when_it_is_named(redis_empty: None) -> None:
    account = SellerAccountFactory(disconnected=True)
    assert account.name not in run()[0]
    assert account.name in run("--account", account.pk)[0]


def test_an_account_that_is_not_there_is_wrong_use(redis_empty: None) -> None:
    with pytest.raises(CommandError, match="There is no account 12345") as refused:
        run("--account", 12345)
    assert refused.value.returncode == 2


def test_without_a_database_there_is_a_line_and_no_trace(
    redis_empty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> str:
        raise DatabaseError("password=secret")

    monkeypatch.setattr(installation_checks, "database_fault", away)
    SellerAccountFactory(name="Not asked for")
    out, code = run()
    assert code == 1
    assert "FAIL  Database: The database does not answer (DatabaseError)." in out
    assert "Not asked for" not in out
    assert "secret" not in out


def _secrets(amazon: Running) -> list[str]:
    return [secret for one in amazon.sellers for secret in (one.refresh_token, one.client_secret)]
