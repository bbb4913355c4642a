"""docs/security.md names a test, or a reason, for each promise; the tests that it names exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "security.md").read_text()
ROW = re.compile(r"^\| ([SB]\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(?:(\S+?)::)?(test_\w+)`|`(\S+\.py)`")
ROWS: dict[str, tuple[str, str]] = {key: (what, how) for key, what, how in ROW.findall(DOCUMENT)}
WANTED = [
    *(f"S{number}" for number in range(1, 55)),
    *(f"B{number}" for number in (*range(19, 23), *range(27, 32), *range(46, 57))),
    *(f"B{number}" for number in (*range(65, 76), *range(80, 85))),
]


@cache
def named_in(path: Path) -> frozenset[str]:
    """The names of the tests of a file."""
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


def test_every_promise_has_its_row_once() -> None:
    keys = [key for key, _what, _how in ROW.findall(DOCUMENT)]
    assert sorted(keys) == sorted(WANTED)


@pytest.mark.parametrize("key", WANTED)
def test_a_row_names_tests_that_exist_or_gives_a_reason(key: str) -> None:
    what, how = ROWS[key]
    assert len(what) > 5
    found = NAMED.findall(how)
    path = None
    for file, name, whole in found:
        path = ROOT / "tests" / (file or whole) if file or whole else path
        assert path is not None, f"{key}: {name} stands in no file"
        assert path.is_file(), f"{key}: there is no {path.relative_to(ROOT)}"
        if name:
            assert name in named_in(path), f"{key}: there is no {name} in {path.name}"
        else:
            assert named_in(path), f"{key}: no test in {path.name}"
    assert found or how.startswith("Reason: "), f"{key} has neither a test nor a reason"
    assert not how.startswith("Reason: ") or len(how) > 40, f"{key}: the reason is no reason"
