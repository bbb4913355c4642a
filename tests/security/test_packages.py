"""What the list of packages calls a hole, without asking anybody."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.security.packages import LOCKS, OLD, ROOT, holes, is_affected

ADVISORY = {
    "id": "PYSEC-0000-1",
    "details": "Made up.",
    "affected": [
        {
            "package": {"name": "thing"},
            "ranges": [
                {
                    "type": "ECOSYSTEM",
                    "events": [
                        {"introduced": "0"},
                        {"fixed": "1.2"},
                        {"introduced": "2.0"},
                        {"last_affected": "2.3"},
                        {"introduced": "4.0"},
                    ],
                }
            ],
            "versions": ["3.1"],
        }
    ],
}


@pytest.mark.parametrize(
    ("version", "is_one"),
    [
        *[("1.1", True), ("1.2", False), ("1.10", False), ("2.0", True), ("2.3", True)],
        *[("2.3.1", False), ("3.1", True), ("3.2", False), ("4.0", True), ("99", True)],
    ],
)
def test_a_hole_is_where_it_came_in_until_it_was_mended(version: str, is_one: bool) -> None:
    assert is_affected(version, ADVISORY) == is_one


def test_holes_are_read_from_the_copy(tmp_path: Path) -> None:
    folder = tmp_path / "vulns" / "thing"
    folder.mkdir(parents=True)
    (folder / "PYSEC-0000-1.yaml").write_text(yaml.safe_dump(ADVISORY))
    (folder / "PYSEC-0000-2.yaml").write_text(
        yaml.safe_dump(ADVISORY | {"id": "PYSEC-0000-2", "withdrawn": "2026-01-01T00:00:00Z"})
    )
    versions = {"thing": "2.1", "other": "2.1"}
    assert list(holes(versions, tmp_path)) == ["PYSEC-0000-1: thing 2.1: Made up."]
    assert not list(holes({"thing": "2.4"}, tmp_path))
    with pytest.raises(SystemExit, match="no copy"):
        list(holes(versions, tmp_path / "vulns"))


def test_every_package_that_may_be_old_is_locked() -> None:
    locked = "".join((ROOT / name).read_text() for name in LOCKS)
    assert not [name for name in OLD if f"\n{name}==" not in f"\n{locked}"]
