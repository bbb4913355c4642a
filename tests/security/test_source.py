"""What stands in the source and in the locks, and what does not."""

from __future__ import annotations

import ast
import importlib
import re
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.test_imports import modules

ROOT = Path(__file__).resolve().parents[2]
# Statements that are put together; every part is a name or a constant of ours, never a value.
COMPOSED_SQL = {"audit.guards", "messaging.queueing", "messaging.results", "orders.ingest.store"}


def _trees(word: str) -> Iterator[tuple[str, ast.Module]]:
    """The modules in whose text the word stands, parsed; the others cannot call what it names."""
    for module, path in modules():
        text = path.read_text()
        if re.search(word, text):
            yield module, ast.parse(text)


def _calls_of(tree: ast.AST) -> Iterator[ast.Call]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def test_sql_is_written_by_the_orm_or_takes_parameters() -> None:
    found = []
    for module, tree in _trees(r"\b(RawSQL|extra|raw|execute)\b"):
        for call in _calls_of(tree):
            if _name(call) in {"RawSQL", "extra"} or (
                _name(call) == "raw" and isinstance(call.func, ast.Attribute)
            ):
                found.append(f"{module}:{call.lineno} {_name(call)}")
            is_composed = call.args and isinstance(call.args[0], ast.JoinedStr | ast.BinOp)
            if _name(call) == "execute" and is_composed and module not in COMPOSED_SQL:
                found.append(f"{module}:{call.lineno} a statement that is put together")
    assert not found, "\n".join(found)


def test_whatever_the_linter_is_told_to_overlook_has_its_reason() -> None:
    waiver = re.compile(r"#\s*noqa: S\d+(.*)$", re.MULTILINE)
    found = [
        f"{module}: {match[0]}"
        for module, path in modules()
        for match in waiver.finditer(path.read_text())
        if len(match[1].strip(" -()")) < 3 and module not in WITHOUT_REASON
    ]
    assert not found, "\n".join(found)


# What the line itself says, or the one above it.
WITHOUT_REASON = {
    "solicit_dashboard.launch",  # becomes the program that was asked for
    "solicit_dashboard.pythons",  # becomes a newer Python, found on PATH by whoever typed ./run
    "messaging.results",  # the table's own name
    "sellers.views.people",  # the name of a form's field, not a secret
    "spapi.tokens",  # spreads refreshes over some seconds; nobody gains by guessing them
}


def test_the_linter_looks_for_what_bandit_does() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lint = project["tool"]["ruff"]["lint"]
    assert "S" in lint["select"]
    assert {name for name in lint["ignore"] if name.startswith("S") and name[1].isdigit()} == {
        "S101",  # assert
        "S603",  # subprocesses are started by name with fixed arguments
        "S607",
    }


LOCKS = ("requirements", *(f"requirements-{name}" for name in ("aws", "uv", "dev", "browser")))


@pytest.mark.parametrize("name", LOCKS)
def test_every_dependency_is_locked_with_hashes(name: str) -> None:
    text = (ROOT / f"{name}.txt").read_text().replace("\\\n", " ")
    locked = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert locked
    for line in locked:
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,_-]+\])?==\S+ ", line, re.IGNORECASE), line
        assert "--hash=sha256:" in line, line
    wanted = {
        re.split(r"[\[=<>;# ]", line)[0].lower().replace("_", "-")
        for line in (ROOT / f"{name}.in").read_text().splitlines()
        if line and not line.startswith(("#", "-"))
    }
    assert wanted <= {re.split(r"[\[=]", line)[0].lower() for line in locked}


SECRETS = re.compile(
    rb"Atz[ar]\|[\w+/=-]{60,}|amzn1\.oa2-cs\.v1\.[0-9a-f]{64}|-----BEGIN [A-Z ]*PRIVATE KEY"
    rb"|AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|xox[abp]-\w{10}"
)
LEFT_OUT = {".git", ".venv", "data", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}


def test_no_file_of_ours_holds_a_secret() -> None:
    looked_at = 0
    for folder in sorted(ROOT.iterdir()):
        if folder.name in LEFT_OUT:
            continue
        for path in folder.rglob("*") if folder.is_dir() else [folder]:
            if path.is_file() and "__pycache__" not in path.parts and "models" not in path.parts:
                looked_at += 1
                assert not SECRETS.search(path.read_bytes()), path.relative_to(ROOT)
    assert looked_at > 300


# --- regular expressions: none takes long, whatever it is given


def _patterns() -> Iterator[tuple[str, str, re.Pattern[Any]]]:
    """Every pattern that a module of ours keeps: the module, the name there, the pattern."""
    for module, _path in modules():
        if not module.startswith("sandbox") and not module.endswith(("__main__", "wsgi")):
            for name, pattern in _patterns_of(importlib.import_module(module)):
                yield module, name, pattern


def _is_searched(module: str, name: str) -> bool:
    """Whether the pattern looks for its beginning anywhere, which takes the longest."""
    source = Path(str(importlib.import_module(module).__file__)).read_text()
    only_here = re.search(rf"\b{name}\.(full)?match\(", source)
    anywhere = re.search(rf"\b{name}\.(search|sub|subn|split|findall|finditer)\(", source)
    return not only_here or bool(anywhere)


def _patterns_of(module: ModuleType) -> Iterator[tuple[str, re.Pattern[Any]]]:
    for name, value in vars(module).items():
        yield from ((name, pattern) for pattern in _inside(value))


def _inside(value: object, depth: int = 3) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict | tuple | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _inside(one, depth - 1)


def test_every_regular_expression_is_one_that_a_module_keeps() -> None:
    """Else the test below would not see it."""
    found = []
    for module, tree in _trees(r"\bre\s*\."):
        inside = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for part in _calls_of(node)
        }
        for call in _calls_of(tree):
            match call.func:
                case ast.Attribute(attr=name, value=ast.Name(id="re")):
                    if name != "escape" and (name != "compile" or id(call) in inside):
                        found.append(f"{module}:{call.lineno} re.{name}")
    assert not found, "\n".join(found)


LENGTH = 40_000
# Of its own time, not of the clock on the wall. A square of 40,000 steps takes ten times as long.
MOST_SECONDS = 0.05
PIECES = (
    "a",
    "A",
    "1",
    " ",
    "-",
    "'",
    '"',
    "\t",
    "\r\n",
    "=",
    "|",
    "/",
    "%",
    "Atzr|",
    "x=",
    "a.a",
    "<a ",
)


def _seconds_of(pattern: re.Pattern[Any], given: Any, is_searched: bool) -> float:
    began = time.thread_time()
    pattern.fullmatch(given)
    if is_searched:
        pattern.search(given)
    return time.thread_time() - began


def test_no_regular_expression_takes_long() -> None:
    patterns = list(_patterns())
    assert len(patterns) > 15
    texts = [piece * (LENGTH // len(piece)) + "\x01" for piece in PIECES]
    slow = []
    for module, name, pattern in patterns:
        is_searched = _is_searched(module, name)
        for piece, text in zip(PIECES, texts, strict=True):
            given: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
            seconds = _seconds_of(pattern, given, is_searched)
            if seconds > MOST_SECONDS:
                # the machine may have been busy
                seconds = min(seconds, _seconds_of(pattern, given, is_searched))
            if seconds > MOST_SECONDS:
                slow.append(f"{module}.{name}: {seconds:.2f} s for {piece!r}")
    assert not slow, "\n".join(slow)
