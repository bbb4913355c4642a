"""What axe-core finds in a page, in words."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_AXE = Axe()


def findings(page: Page, *rules: str) -> list[str]:
    """One line for each element that breaks a rule of axe-core; with `rules` only these are tried."""
    # Without preload: for style sheets that import others axe would insert a style element.
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    violations = _AXE.run(page, options=options).response["violations"]
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:160]} "
        f"[{' '.join(node.get('failureSummary', '').split())[:240]}]"
        for violation in violations
        for node in violation["nodes"][:3]
    ]
