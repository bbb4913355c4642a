"""The list of what this release is made of: `python -m solicit_dashboard.sbom` prints it.

CycloneDX 1.5 as JSON (https://cyclonedx.org/docs/1.5/json/), made from the lock with its hashes.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(lock: str) -> list[dict[str, Any]]:
    """Each package of a lock file with its version, its address (purl) and the hashes of its files."""
    found: list[dict[str, Any]] = []
    for line in lock.splitlines():
        locked = _LOCKED.match(line)
        if locked:
            name, version = locked[1].lower().replace("_", "-"), locked[2]
            purl = f"pkg:pypi/{name}@{version}"
            found.append(
                {
                    "type": "library",
                    "bom-ref": purl,
                    "name": name,
                    "version": version,
                    "purl": purl,
                    "hashes": [],
                }
            )
        if found:
            found[-1]["hashes"] += [
                {"alg": "SHA-256", "content": one} for one in _HASH.findall(line)
            ]
    return found


def document() -> dict[str, Any]:
    """The whole list; the same for the same lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components((ROOT / "requirements.txt").read_text()),
    }


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=1)
    sys.stdout.write("\n")
