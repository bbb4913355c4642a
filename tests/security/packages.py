"""python -m tests.security.packages: how old each locked package is, and its known holes.

Ages come from the package index (through `uv lock`, which notes when each file was uploaded). Holes
come from a copy of https://github.com/pypa/advisory-database, given as --advisories: the list is
read here, so that no package is passed over because a service does not know it. Exit code 1 for a
hole, and for a release of more than three years ago without a reason below.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from packaging.version import Version

from solicit_dashboard.sbom import components

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.txt", "requirements-aws.txt")
OLDEST_DAYS = 3 * 365
# Why a package may be older: it is done, and somebody answers for it.
OLD: Mapping[str, str] = {
    "colorama": "only on Windows, for click; stable, and nothing of it is reached from outside",
    "vine": "promises for Kombu, of the Celery project, which releases it when it changes",
}
# Why a hole does not concern us, by its id.
WAIVED: Mapping[str, str] = {}
_LINE = re.compile(r"^([A-Za-z0-9._-]+(?:\[[^\]]*\])?==[^\\]+?)\s*\\?$", re.MULTILINE)


def main() -> int:
    """The list is printed, the oldest release first."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--advisories", type=Path, help="a copy of the PyPA's advisory database")
    options = parser.parse_args()
    texts = [(ROOT / name).read_text() for name in LOCKS]
    versions = {one["name"]: one["version"] for text in texts for one in components(text)}
    released = releases([line for text in texts for line in _LINE.findall(text)])
    unknown = sorted(set(versions) - set(released))
    now, is_well = datetime.now(UTC), not unknown
    for name in sorted(released, key=released.__getitem__):
        days = (now - released[name]).days
        reason = OLD.get(name, "")
        too_old = days > OLDEST_DAYS and not reason
        is_well &= not too_old
        said = "  TOO OLD, and no reason is written" if too_old else f"  {reason}"
        sys.stdout.write(f"{days:5d} days  {name} {versions.get(name, '')}{said}".rstrip() + "\n")
    if unknown:
        sys.stdout.write(f"Of no known age: {', '.join(unknown)}\n")
    if options.advisories is None:
        sys.stdout.write("Holes were not looked for: --advisories is missing.\n")
        return 1
    found = list(holes(versions, options.advisories))
    sys.stdout.writelines(f"HOLE {hole}\n" for hole in found)
    sys.stdout.write(f"{len(versions)} packages, {len(found)} known holes.\n")
    return 0 if is_well and not found else 1


def releases(requirements: Iterable[str]) -> dict[str, datetime]:
    """When the first file of each of these locked packages was uploaded (UTC)."""
    with tempfile.TemporaryDirectory() as folder:
        project: list[str] = ["[project]", 'name = "ages"', 'version = "0"']
        project += ['requires-python = ">=3.11"', f"dependencies = {list(requirements)!r}"]
        (Path(folder) / "pyproject.toml").write_text("\n".join(project))
        uv = Path(sys.executable).parent / "uv"
        subprocess.run([uv, "lock", "--quiet", "--no-config"], cwd=folder, check=True)
        locked = tomllib.loads((Path(folder) / "uv.lock").read_text())
    found = {}
    for package in locked["package"]:
        files = [*package.get("wheels", ()), *filter(None, [package.get("sdist")])]
        times = [datetime.fromisoformat(f["upload-time"]) for f in files if "upload-time" in f]
        if times:
            found[package["name"]] = min(times)
    return found


def holes(versions: Mapping[str, str], advisories: Path) -> Iterator[str]:
    """Each advisory that speaks of one of these versions and is not waived."""
    if not (advisories / "vulns").is_dir():
        raise SystemExit(f"{advisories} is no copy of the advisory database: it has no vulns/.")
    for name, version in sorted(versions.items()):
        for path in sorted((advisories / "vulns" / name).glob("*.yaml")):
            advisory = yaml.safe_load(path.read_text())
            is_over = bool(advisory.get("withdrawn")) or advisory["id"] in WAIVED
            if not is_over and is_affected(version, advisory):
                yield f"{advisory['id']}: {name} {version}: {advisory['details'][:100]}"


def is_affected(version: str, advisory: Mapping[str, Any]) -> bool:
    """Whether the advisory names this version, or it lies between what brought and mended the hole.

    https://ossf.github.io/osv-schema/#affectedranges-field
    """
    for affected in advisory["affected"]:
        if version in affected.get("versions", ()):
            return True
        for span in affected.get("ranges", ()):
            if span["type"] == "ECOSYSTEM" and _lies_in(Version(version), span["events"]):
                return True
    return False


def _lies_in(version: Version, events: Iterable[Mapping[str, str]]) -> bool:
    is_in = False
    for event in events:
        [(kind, told)] = event.items()
        if kind == "introduced" and (told == "0" or version >= Version(told)):
            is_in = True
        elif (kind == "fixed" and version >= Version(told)) or (
            kind == "last_affected" and version > Version(told)
        ):
            is_in = False
    return is_in


if __name__ == "__main__":
    sys.exit(main())
