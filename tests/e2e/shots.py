"""Pictures of every screen, wide and narrow, light and dark: python -m tests.e2e.shots FOLDER

The demonstration is that of `./run`: its size, Amazon's own rates, ten seconds to undo.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.browser import NARROW, WIDE, Visitors, open_browser
from tests.e2e.site import MESSAGES, find_messages
from tests.e2e.stack import started

_FIND = """
from django.utils import timezone
from messaging.models import Batch, OutgoingAction
from orders.models import Order
result = {}
for state in ("unconfirmed", "unresolved"):
    action = OutgoingAction.objects.filter(status=state).first()
    if action:
        result[f"decide-{state}"] = f"/outbox/{action.pk}/decide/"
for order in Order.objects.with_refusal(timezone.now()).order_by("-purchased_at"):
    state = order.solicitation or order.refusal or "eligible"
    result.setdefault(state, f"/orders/{order.account_id}/{order.amazon_order_id}/")
biggest = Batch.objects.order_by("-queued").first()
result["batch"] = f"/batches/{biggest.pk}/"
"""
_SOME_WEEKS = timedelta(days=20)  # ago, orders were bought that are in all states now
_ORDERS = ("eligible", "too_early", "sent", "refused", "unconfirmed", "queued")


def main() -> None:
    """The folder holds a picture of each screen in each size and scheme."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.shots", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--orders", type=int, default=2000, help="of each seller (2000)")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with started(orders=options.orders) as stack, open_browser() as browser:
        people = Visitors(browser, stack.url, stack.passwords)
        addresses: dict[str, str] = stack.database(_FIND)
        visits = _visits(addresses) | _messages(find_messages(stack)) | _steps()
        for number, (name, (person, visit)) in enumerate(visits.items(), start=1):
            for size, width in ((WIDE, "wide"), (NARROW, "narrow")):
                for dark in (False, True):
                    page = people.visit(person, size=size, dark=dark)
                    visit(page)
                    expect(page.locator(".htmx-request")).to_have_count(0)
                    scheme = "dark" if dark else "light"
                    page.screenshot(path=options.folder / f"{name}-{width}-{scheme}.png")
                    page.context.close()
            print(f"{number} of {len(visits)}: {name}", flush=True)
        for problem in people.problems:
            print(f"! {problem}")


Visit = tuple[str | None, Callable[[Page], object]]


def _visits(addresses: dict[str, str]) -> dict[str, Visit]:
    """The screens that one goes to by their address."""

    def at(path: str, person: str | None = "operator") -> Visit:
        return person, lambda page: page.goto(path)

    decisions = {
        name: at(path, "manager") for name, path in addresses.items() if name.startswith("decide-")
    }
    orders = {f"order-{name}": at(addresses[name]) for name in _ORDERS if name in addresses}
    return {
        "log-in": at("/login/", None),
        "overview": at("/"),
        "orders": at("/orders/"),
        "orders-eligible": at("/orders/?state=eligible"),
        "orders-mixed": at(f"/orders/?to={datetime.now(UTC).date() - _SOME_WEEKS}"),
        "orders-none": at("/orders/?q=000-0000000-0000000"),
        **orders,
        "outbox": at("/outbox/"),
        "outbox-manager": at("/outbox/?state=look", "manager"),
        **decisions,
        "accounts": at("/accounts/", "manager"),
        "stop": at("/stop/", "manager"),
        "batch": at(addresses["batch"]),
        "replenishment": at("/replenishment/"),
        "exclusions": at("/exclusions/"),
        "templates": at("/accounts/1/templates/"),
        "template": at("/accounts/1/templates/add/"),
        "not-found": at("/nowhere/"),
        "orders-viewer": at("/orders/?state=eligible", "viewer"),
        "admin": at("/admin/", "auditor"),
        "admin-orders": at("/admin/orders/order/", "auditor"),
        "admin-actions": at("/admin/messaging/outgoingaction/", "auditor"),
        "admin-action": ("auditor", _open_first_action),
    }


def _messages(forms: list[str]) -> dict[str, Visit]:
    """Amazon's list for an order, the forms of messages, and the check before one is sent."""

    def at(path: str) -> Visit:
        return "operator", lambda page: page.goto(path)

    def check(page: Page) -> None:
        page.goto(forms[0])
        page.get_by_label("Message", exact=True).fill("The parcel is late. We are looking for it.")
        page.get_by_role("button", name="Check before sending").click()
        expect(page.get_by_role("heading", name="What the buyer gets")).to_be_visible()

    return {
        "messages": at(f"{forms[0].rpartition('messages/')[0]}messages/"),
        **{f"write-{kind}": at(path) for kind, path in zip(MESSAGES, forms, strict=True)},
        "write-check": ("operator", check),
    }


def _open_first_action(page: Page) -> None:
    page.goto("/admin/messaging/outgoingaction/")
    page.locator("#result_list tbody a").first.click()


def _steps() -> dict[str, Visit]:
    """The screens on the way to a batch, and the batch itself."""
    started_at: list[str] = []

    def select(page: Page) -> None:
        page.goto("/orders/?state=eligible")
        for box in page.locator("input[name=order]").all()[1:4]:
            box.check()

    def select_all(page: Page) -> None:
        page.goto("/orders/?state=eligible")
        page.get_by_label("Select all orders of this page").check()
        page.locator("input[name=all_matching]").check()

    def confirm(page: Page) -> None:
        select_all(page)
        page.locator("#selection-submit").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Request reviews for")

    def hold(page: Page) -> None:
        """The first visit asks; the others find the same batch, and hurry to see it held."""
        if started_at:
            page.goto(started_at[0])
            return
        confirm(page)
        page.get_by_role("button", name=re.compile("^Request reviews for")).click()
        expect(page.get_by_role("button", name="Undo: send nothing")).to_be_visible()
        started_at.append(page.url)

    def running(page: Page) -> None:
        page.goto(started_at[0])
        done = page.get_by_role("heading", name=re.compile(r"^[1-9]\d* of .* done$"))
        expect(done).to_be_visible(timeout=60_000)

    def stopped(page: Page) -> None:
        """Everything is stopped; the last picture, for it stays so."""
        page.goto("/stop/")
        page.get_by_label("Reason").fill("The wrong item went out")
        page.get_by_role("button", name="Stop sending").click()
        expect(page.get_by_text("Sending is stopped for")).to_be_visible()

    return {
        "orders-selected": ("operator", select),
        "orders-all-selected": ("operator", select_all),
        "confirm": ("operator", confirm),
        "batch-held": ("operator", hold),
        "batch-running": ("operator", running),
        "overview-while-sending": ("operator", lambda page: page.goto("/")),
        "stopped": ("manager", stopped),
        "accounts-stopped": ("manager", lambda page: page.goto("/accounts/")),
        "overview-stopped": ("operator", lambda page: page.goto("/")),
    }


if __name__ == "__main__":
    main()
