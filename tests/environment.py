"""Sets the environment of the tests before Django reads it (pytest loads it by `-p`).

Everything is private to this process: keys, data directory, SQLite file and a Redis server
on a free port. `TEST_DATABASE_URL` chooses another database.
"""

from __future__ import annotations

import atexit
import base64
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from solicit_dashboard.children import start_child
from solicit_dashboard.embedded_redis import embedded_redis_binary, redis_configuration
from solicit_dashboard.env import SETTING_NAMES
from solicit_dashboard.ports import free_port


def start_redis(directory: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A running private server that keeps nothing, and its address."""
    password = secrets.token_urlsafe(16)
    for _attempt in range(5):
        port = free_port()
        configuration = directory / "redis.conf"
        configuration.write_text(redis_configuration(directory, port, password, keep=False))
        server = start_child(
            [embedded_redis_binary(), configuration], os.environ, subprocess.DEVNULL
        )
        for _wait in range(200):
            if server.poll() is not None:
                break  # another process took the port in between
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return server, f"redis://:{password}@127.0.0.1:{port}/0"
        server.kill()
        server.wait()
    raise RuntimeError("the private Redis server of the tests did not start")


def _prepare() -> None:
    directory = Path(tempfile.mkdtemp(prefix="solicit-tests-"))
    server, redis_url = start_redis(directory)
    (directory / "static").mkdir()  # WhiteNoise warns when there is nothing to serve from

    def clean() -> None:
        server.kill()
        server.wait()
        shutil.rmtree(directory, ignore_errors=True)

    atexit.register(clean)
    database = os.environ.get("TEST_DATABASE_URL") or f"sqlite:///{directory}/db.sqlite3"
    for name in SETTING_NAMES:
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "solicit_dashboard.settings",
        "DEBUG": "1",
        "DATA_DIR": str(directory),
        "DATABASE_URL": database,
        "REDIS_URL": redis_url,
        "SECRET_KEY": secrets.token_urlsafe(64),
        "TOKEN_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        # No test may reach Amazon by accident: nobody listens on port 9.
        "SPAPI_ENDPOINT": "http://127.0.0.1:9",
        "LWA_ENDPOINT": "http://127.0.0.1:9",
        "SEND_HOLD_SECONDS": "0",
    }


_prepare()
