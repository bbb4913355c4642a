"""A buyer whom nobody asked for stands in all that Amazon says, by every door; for test_canaries."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.personal import MARK, with_stranger
from sandbox.testing import SellerKeys
from tests.e2e.stack import ROOT
from tests.evidence import Browser
from tests.queues import CREDENTIALS, TestQueue, make_queue, queue_server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.test_canaries import Run

# Name, street, town, e-mail, postal code, tax number and what else there is begin with one of them.
MARKS = {"a word": f"{MARK} ", "a code": f"{MARK.upper()}-", "e-mail": f"{MARK.lower()}-buyer-"}
# Which operations must have told of one.
TELLERS = (
    *("lwa", "searchOrders", "getOrder", "getOrdersV0", "getOrderV0", "getOrderItemsV0"),
    *("createReport", "getReport", "getReportDocument"),
    *("createDestination", "createSubscription"),
)
BUYERS = [{"operation": name, "do": {"kind": "buyer"}} for name in (*TELLERS, "*")]


def meet_buyers(run: Run, seller: SellerKeys, account: str) -> None:
    """Orders come in by polling both versions, by reports, notifications and files, buyers and all."""
    told: set[str] = set()
    _hear(run, told, BUYERS)
    assert run.connect(seller) == 0
    assert run.manage("sync_orders", "--account", account, "--full") == 0
    assert run.manage("backfill", "--account", account, "--wait") == 0
    _by_notifications(run, account)
    _until_all_are_read(run)
    # without this data set nothing is left but the older version
    refused = {"kind": "refuse_data_set", "data_set": "PACKAGES"}
    _hear(run, told, [{"operation": "searchOrders", "do": refused}, *BUYERS])
    since = (datetime.now(UTC) - timedelta(days=20)).date().isoformat()
    assert run.manage("sync_orders", "--account", account, "--since", since) == 0
    _by_files(run, account)
    _until_all_are_read(run)
    _hear(run, told, [])
    assert told >= set(TELLERS), f"no buyer in {set(TELLERS) - told}"


def _hear(run: Run, told: set[str], rules: list[dict[str, object]]) -> None:
    """From now on Amazon answers so; the operations that have told of a buyer until now are noted."""
    told |= {
        rule["operation"]
        for rule in run.stack.amazon.faults()["rules"]
        if rule["fired"] and rule["do"]["kind"] == "buyer"
    }
    run.stack.amazon.set_faults(rules)


def _by_notifications(run: Run, account: str) -> None:
    """What Amazon tells of three days goes through a queue, with a buyer in every object."""
    with queue_server() as endpoint:
        queue = make_queue(endpoint)
        settings = CREDENTIALS | {"SQS_QUEUE_ARN": queue.arn, "AWS_ENDPOINT_URL_SQS": endpoint}
        assert run.manage("setup_notifications", "--account", account, **settings) == 0
        since = datetime.now(UTC) - timedelta(days=3)
        messages = run.stack.amazon.take_notifications(since=since.isoformat())
        bodies = [json.dumps(with_stranger(json.loads(one["body"]))) for one in messages]
        assert bodies
        # one that cannot be read is kept aside
        queue.put([*bodies, json.dumps(with_stranger({"NotificationType": "NEWS"}))])
        _consume(run, queue, settings)


def _consume(run: Run, queue: TestQueue, settings: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "consume_notifications", "--poll-seconds=0"],
        cwd=ROOT,
        env=run.stack.environment | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_until(lambda: queue.counts()[0] == 0, "the queue is read")
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    run.evidence.add("output of consume_notifications", output)


def _by_files(run: Run, account: str) -> None:
    """A report as a seller downloads it is brought by the command, and pasted into the page."""
    numbers = run.stack.database(
        "from orders.models import Order\n"
        f"result = list(Order.objects.filter(account={account})"
        ".values_list('amazon_order_id', flat=True)[:20])"
    )
    buyer = f"{MARK} Buyer 1;{MARK} Street 1;{MARK.upper()}-0001;{MARK.upper()}-VAT-1"
    rows = [f"{number};{buyer}" for number in numbers]
    text = "\n".join(["amazon-order-id;buyer-name;ship-address-1;ship-postal-code;cpf", *rows])
    path = run.folder / "orders.csv"
    path.write_text(text)
    assert run.manage("import_orders", str(path), "--account", account) == 0
    path.unlink()
    browser = Browser(run.stack.url, run.evidence)
    assert browser.log_in("manager", run.stack.passwords["manager"])
    assert browser.ask("GET", "/orders/import/") == 200
    page = "/orders/import/"
    assert browser.send(page, account=account, text=text, end="1") == 200, browser.page
    plan = browser.page.split('name="plan" value="')[1].split('"')[0]
    assert browser.send(page, plan=plan, end="1") == 302, browser.page


def _until_all_are_read(run: Run) -> None:
    """The workers do it too, every 15 seconds."""
    left = (
        "from orders.models import OrderHint\n"
        "from orders.tasks import fetch_hinted_due\n"
        "fetch_hinted_due()\n"
        "result = OrderHint.objects.filter(parked_at=None).count()"
    )
    wait_until(lambda: run.stack.database(left) == 0, "all orders that were heard of are read")
