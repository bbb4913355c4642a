"""A process with the settings of production, for what must be measured as it is in earnest."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence


def run_as_in_production(url: str, module: str, arguments: Sequence[str]) -> str:
    """What `python -m module` prints with this database and no Redis; raises when it fails."""
    kept = {"PATH", "HOME", "LANG", "PYTHONPATH"}
    with tempfile.TemporaryDirectory(prefix="solicit-benchmark-") as data_dir:
        environment = {name: value for name, value in os.environ.items() if name in kept} | {
            "DATABASE_URL": url,
            "DATA_DIR": data_dir,
            "DEBUG": "0",
            "ALLOWED_HOSTS": "127.0.0.1",
            "SECRET_KEY": secrets.token_urlsafe(64),
            "TOKEN_KEYS": "A" * 43 + "=",
            "REDIS_URL": "redis://127.0.0.1:9/0",  # nobody listens there
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "solicit_dashboard.settings",
        }
        command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
        child = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
    return child.stdout
