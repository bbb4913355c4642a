"""The law of imports: each layer knows only those below it, and no import hides in a function."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Lowest first. A package named alone stands for all of it that no other layer names.
FOUNDATION = (
    "solicit_dashboard.env",
    "solicit_dashboard.env_reader",
    "solicit_dashboard.settings",
    "solicit_dashboard.settings_people",
    "solicit_dashboard.celery",
    "solicit_dashboard.conflicts",
    "solicit_dashboard.csv_cells",
    "solicit_dashboard.redis",
    "solicit_dashboard.promises",
    "solicit_dashboard.ratelimit",
    "solicit_dashboard.embedded_redis",
    "solicit_dashboard.error_reports",
    "solicit_dashboard.logs",
)
LAYERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("spapi", ("spapi",)),
    ("foundation", FOUNDATION),
    ("audit", ("audit",)),
    ("sellers", ("sellers",)),
    ("orders", ("orders",)),
    ("messaging", ("messaging",)),
    ("screens", ("people", "replenishment", "solicit_dashboard")),
)
APPS = ("audit", "sellers", "orders", "messaging")
# Of every app, these parts are screens.
SCREEN_PARTS = ("views", "urls", "forms", "admin", "templatetags", "management")
OURS = ("spapi", "sandbox", "people", "replenishment", "solicit_dashboard", *APPS)
RANKS = {name: rank for rank, (name, _modules) in enumerate(LAYERS)}


def layer_of(module: str) -> str:
    """The layer that a module belongs to; '' when it is not ours, 'sandbox' stands apart."""
    parts = module.split(".")
    if parts[0] == "sandbox":
        return "sandbox"
    if parts[0] in APPS and len(parts) > 1 and parts[1] in SCREEN_PARTS:
        return "screens"
    if module == "solicit_dashboard":
        return "foundation"  # the package itself only names the Celery application
    found = [
        (len(prefix), name)
        for name, prefixes in LAYERS
        for prefix in prefixes
        if module == prefix or module.startswith(f"{prefix}.")
    ]
    return max(found)[1] if found else ""


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of ours by its dotted name."""
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "migrations" in parts:
                continue
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _statements(
    nodes: Iterable[ast.AST], *, is_inside: bool = False
) -> Iterator[tuple[ast.AST, bool]]:
    """Every statement, and whether it stands inside a function."""
    for node in nodes:
        if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            yield node, is_inside
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _statements(ast.iter_child_nodes(node), is_inside=is_inside or is_function)


@cache
def imports(path: Path, module: str) -> list[tuple[str, int, bool]]:
    """What a file imports: the dotted name, the line, and whether it stands inside a function."""
    found = []
    for node, is_inside in _statements(ast.parse(path.read_text()).body):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(name, node.lineno, is_inside) for name in names]
    return found


def breaches(module: str, path: Path) -> list[str]:
    """Every import of this file that the law forbids, in words."""
    found = []
    here = layer_of(module)
    for name, line, is_inside in imports(path, module):
        if is_inside:
            found.append(f"{module}:{line} imports {name} inside a function")
        there = layer_of(name)
        if not there:
            continue
        if "sandbox" in (here, there):
            # the demonstration's command starts it; otherwise neither knows the other
            is_allowed = here == there or (here == "screens" and there == "sandbox")
        elif here == "screens":
            is_allowed = True
        else:
            is_allowed = RANKS[there] <= RANKS[here]
        if not is_allowed:
            found.append(f"{module}:{line} ({here}) imports {name} ({there})")
    return found


def test_every_arrow_points_down() -> None:
    found = [breach for module, path in modules() for breach in breaches(module, path)]
    assert not found, "\n".join(found)


def test_every_layer_has_modules_that_were_looked_at() -> None:
    layers = {layer_of(module) for module, _path in modules()}
    assert layers == {"sandbox", *RANKS}


@pytest.mark.parametrize(
    ("module", "source", "is_breach"),
    [
        ("orders.services", "from sellers.models import SellerAccount", False),
        ("orders.services", "from messaging.models import OutgoingAction", True),
        ("orders.services", "import messaging.models", True),
        ("orders.services", "from orders.admin import OrderAdmin", True),
        ("orders.admin", "from messaging.models import OutgoingAction", False),
        ("sellers.tokens", "from solicit_dashboard.redis import get_redis", False),
        ("sellers.tokens", "from solicit_dashboard.charts import chart", True),
        ("sellers.tokens", "from solicit_dashboard import overview", True),
        ("spapi.client", "from solicit_dashboard.ratelimit import RedisLimiter", True),
        ("spapi.client", "import sandbox", True),
        ("sandbox.world", "import spapi", True),
        ("sandbox.world", "from solicit_dashboard.env import BASE_DIR", True),
        ("audit.services", "def f():\n    import json", True),
        ("solicit_dashboard.redis", "from sellers.models import SellerAccount", True),
        ("solicit_dashboard.views", "from messaging.services import request_action", False),
    ],
)
def test_the_law_tells_right_from_wrong(
    tmp_path: Path, module: str, source: str, is_breach: bool
) -> None:
    path = tmp_path / "module.py"
    path.write_text(source)
    assert bool(breaches(module, path)) == is_breach


def test_spapi_and_sandbox_know_no_django() -> None:
    found = [
        f"{module}:{line} imports {name}"
        for module, path in modules()
        if module.split(".")[0] in ("spapi", "sandbox")
        for name, line, _is_inside in imports(path, module)
        if name.split(".")[0] in ("django", "celery", "redis")
    ]
    assert not found, "\n".join(found)


def test_only_the_transport_speaks_http() -> None:
    found = {
        module
        for module, path in modules()
        if not module.startswith("sandbox")
        for name, _line, _is_inside in imports(path, module)
        if name.split(".")[0] in ("requests", "httpx", "aiohttp")
    }
    assert found == {"spapi.transport"}
