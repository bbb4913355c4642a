"""What axe-core finds in a page, in words."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# The rows of a table are drawn by one template: the first ones stand for the others. To look at each
# of fifty took one to three seconds, with these rows half of that.
_CONTEXT = {"exclude": [["tbody > tr:nth-child(n + 17)"]]}
_RUN = "async ([context, options]) => (await axe.run(context, options)).violations"


def findings(page: Page, *rules: str) -> list[str]:
    """One line for each element that breaks a rule of axe-core; with `rules` only these are tried."""
    # Without preload: for style sheets that import others axe would insert a style element.
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:160]} "
        f"[{' '.join(node.get('failureSummary', '').split())[:240]}]"
        for violation in page.evaluate(_RUN, [_CONTEXT, options])
        for node in violation["nodes"][:3]
    ]
