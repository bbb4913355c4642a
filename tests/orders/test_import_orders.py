"""The command imports what the page would, and says in its exit code whether it did."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from orders.models import OrderHint, OrderImport
from sellers.models import SellerAccount
from tests.factories import OrderFactory, SellerAccountFactory

pytestmark = pytest.mark.django_db

NUMBER = "302-1234567-1234567"


@pytest.fixture
def account() -> SellerAccount:
    account: SellerAccount = SellerAccountFactory()
    return account


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(f"order\n{NUMBER}\n302-1234567-1234568\n")
    return path


def run(account: SellerAccount, file: Path | str, *options: str) -> tuple[int, str, str]:
    """The exit code, what was written, and the complaints."""
    written, complaints = io.StringIO(), io.StringIO()
    try:
        call_command(
            "import_orders",
            str(file),
            f"--account={account.pk}",
            *options,
            stdout=written,
            stderr=complaints,
        )
    except SystemExit as end:
        return int(end.code or 0), written.getvalue(), complaints.getvalue()
    return 0, written.getvalue(), complaints.getvalue()


def document(account: SellerAccount, file: Path, *options: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(run(account, file, "--json", *options)[1])
    return result


def test_a_dry_run_says_what_would_be_done_and_does_nothing(
    account: SellerAccount, file: Path
) -> None:
    OrderFactory(account=account, amazon_order_id=NUMBER)
    OrderFactory(amazon_order_id="302-1234567-1234569", account=SellerAccountFactory())
    file.write_text(f"order,x\n{NUMBER},\n{NUMBER},\n302-1234567-1234568,\n302-1234567-1234569,\n")
    code, written, _ = run(account, file, "--dry-run")
    assert code == 0
    assert "Would import 2 orders" in written
    assert "1 new, 1 that are here. Nothing was changed." in written
    assert "4 rows: 1 duplicates, 1 of another account, 0 bad." in written
    assert "Not looked at: x." in written
    assert not OrderImport.objects.exists()
    assert not OrderHint.objects.exists()


def test_orders_are_imported_and_the_file_is_known_again(
    account: SellerAccount, file: Path
) -> None:
    assert run(account, file)[0] == 0
    made = OrderImport.objects.get()
    assert (made.file_name, made.rows, made.new, made.made_by) == ("orders.csv", 2, 2, None)
    assert OrderHint.objects.count() == 2
    code, _, complaints = run(account, file)
    assert code == 1
    assert "by the command line. To import it again, add --again. Nothing was" in complaints
    assert run(account, file, "--again")[0] == 0
    assert OrderImport.objects.count() == 2


def test_one_bad_row_stops_all_unless_it_may_be_skipped(account: SellerAccount, file: Path) -> None:
    file.write_text(f"order\n{NUMBER}\n1.11E+16\n")
    code, written, complaints = run(account, file)
    assert (code, OrderImport.objects.count(), OrderHint.objects.count()) == (1, 0, 0)
    assert "line 3, amazon-order-id “1.11E+16”: Excel changed this number" in written
    assert "add --skip-bad-rows. Nothing was imported." in complaints
    assert document(account, file, "--skip-bad-rows") | {"sha256": ""} == {
        "account": account.pk,
        "imported": True,
        "obstacle": "",
        "import": OrderImport.objects.get().pk,
        "encoding": "UTF-8",
        "separator": "comma",
        "sha256": "",
        "rows": 2,
        "orders": 1,
        "new": 1,
        "known": 0,
        "duplicates": 0,
        "elsewhere": 0,
        "bad_rows": 1,
        "ignored_columns": [],
        "errors": [
            {
                "line": 3,
                "column": "amazon-order-id",
                "value": "1.11E+16",
                "error": "Excel changed this number; format the column as text.",
            }
        ],
    }


def test_windows_1252_is_shown_and_wants_a_word(account: SellerAccount, file: Path) -> None:
    file.write_bytes(f"order;name\n{NUMBER};Müller\n".encode("cp1252"))
    code, written, complaints = run(account, file)
    assert code == 1
    assert f"line 2 as Windows-1252: {NUMBER};Müller" in written
    assert "add --windows-1252" in complaints
    assert run(account, file, "--windows-1252")[0] == 0


def test_standard_input_is_a_file_too(
    account: SellerAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(NUMBER.encode()))
    monkeypatch.setattr("sys.stdin", stdin)
    assert run(account, "-")[0] == 0
    assert OrderImport.objects.get().file_name == "standard input"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("", "The file has no rows."), ("%PDF", "This is a PDF."), ('"a', "Line 1: quote never")],
)
def test_a_file_that_cannot_be_read_is_refused(
    account: SellerAccount, file: Path, content: str, sentence: str
) -> None:
    file.write_text(content)
    with pytest.raises(CommandError, match=sentence) as caught:
        run(account, file)
    assert caught.value.returncode == 1


def test_wrong_use_ends_with_2(account: SellerAccount, file: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file") as missing:
        run(account, tmp_path / "missing.csv")
    with pytest.raises(CommandError, match="no such account") as unknown:
        call_command("import_orders", str(file), "--account=999999")
    assert missing.value.returncode == unknown.value.returncode == 2
