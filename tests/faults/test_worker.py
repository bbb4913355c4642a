"""The fault points are the rig's alone: nothing in the product can be told to fail."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.faults.servers import ROOT

PRODUCT = ("spapi", "sandbox", "audit", "sellers", "orders", "messaging", "solicit_dashboard")
OURS = ("FAULT", "RIG_DIR", "RIG_DAILY_SECONDS", "RIG_VISIBILITY_SECONDS")


def words(module: ast.Module) -> set[str]:
    """All names and texts in the source of a module."""
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
    return found


def imported(module: ast.Module) -> set[str]:
    """The packages from which it imports."""
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name.partition(".")[0] for name in found}


def test_no_module_of_the_product_reads_the_rigs_settings_or_knows_the_rig() -> None:
    paths = [path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")]
    assert len(paths) > 100
    for path in paths:
        module = ast.parse(path.read_text())
        assert words(module).isdisjoint(OURS), path
        assert "tests" not in imported(module), path


def test_only_the_rigs_worker_reads_fault() -> None:
    readers = [
        path.name
        for path in (ROOT / "tests" / "faults").glob("*.py")
        if path.name != Path(__file__).name
        and 'os.environ.get("FAULT"' in path.read_text().replace("'", '"')
    ]
    assert readers == ["worker.py"]
