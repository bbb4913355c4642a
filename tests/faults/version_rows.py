"""F28: a newer version comes while the older one still works."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.faults.kinds import MESSAGE, SOLICITATION
from tests.faults.load import verdict, wait_first
from tests.faults.node import ROOT
from tests.faults.rig import Rig
from tests.faults.table import row

_NO_CODE = shutil.ignore_patterns(".*", "__pycache__", "data", "docs", "static")
# What the next version adds to the two tables of sending: 2 when its own workers wrote the row.
_NEW_COLUMN = "    of_version = models.IntegerField(default=2, db_default=1)\n"
_CHANGED = {
    "messaging/models/actions.py": r"^class OutgoingAction\(models\.Model\):\n",
    "messaging/models/attempts.py": r"^class ActionAttempt\(models\.Model\):\n",
}


@row("F28", "migrated while workers run; then both versions' workers", "0 twice, 0 lost")
def changed_under_way(seed: int) -> str:
    """As a deployment goes: tables first, under the old workers; then worker after worker."""
    with Rig(nodes=2, shards=4, sellers=8, orders=600, seed=seed) as rig:
        code = _next_version(rig.directory / "next")
        rig.queue(16)
        wait_first(rig)
        rig.queue(16, MESSAGE)
        _manage(code, rig.environment, "makemigrations", "messaging", "--name", "next_version")
        _manage(code, rig.environment, "migrate", "-v", "0")
        migrated_at = time.time()
        rig.queue(16, SOLICITATION)
        rig.add_node(code=code)
        leaving = rig.nodes[0]
        leaving.signal(signal.SIGTERM)
        leaving.wait(60)

        def claims() -> dict[int, int]:
            return dict(
                rig.sql(
                    "SELECT of_version, count(*) FROM messaging_actionattempt"
                    " WHERE claimed_at > to_timestamp(%s) GROUP BY of_version",
                    migrated_at,
                )
            )

        def both_work() -> bool:
            if not rig.states()["queued"]:
                rig.queue(16, MESSAGE)
            return {1, 2} <= claims().keys()

        rig.wait_for(both_work, "workers of both versions claim", every=0.5)
        done, by_version = verdict(rig), claims()
        return f"{by_version[1]} claims of the old and {by_version[2]} of the new since; {done}"


def _next_version(folder: Path) -> Path:
    """A copy of the product that has one column more in the tables of sending."""
    shutil.copytree(ROOT, folder, ignore=_NO_CODE)
    for path, begin in _CHANGED.items():
        module = folder / path
        text, times = re.subn(
            rf"({begin}(?:    \"\"\"[\s\S]*?\"\"\"\n)?)",
            lambda found: found[1] + "\n" + _NEW_COLUMN,
            module.read_text(),
            count=1,
            flags=re.MULTILINE,
        )
        if not times:
            raise AssertionError(f"The model is not where this row looks for it: {path}")
        module.write_text(text)
    return folder


def _manage(code: Path, environment: Mapping[str, str], *words: str) -> None:
    done = subprocess.run(
        [sys.executable, str(code / "manage.py"), *words],
        cwd=code,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"manage.py {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
