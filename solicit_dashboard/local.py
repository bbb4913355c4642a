"""What a dashboard on one machine needs before Django can start: keys, passwords, ports.

Standard library only: `./run` reads it outside the environment that it makes. All of it
lies in the data directory, readable by its owner alone, and is kept from start to start.
"""

from __future__ import annotations

import argparse
import base64
import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solicit_dashboard.env import SETTING_NAMES
from solicit_dashboard.ports import free_port, is_free

ROOT = Path(__file__).resolve().parent.parent
PEOPLE = ("operator", "manager", "viewer", "auditor")
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"  # no 0/o, 1/l/i: passwords are read off a screen
_MODES = {False: "demonstration", True: "real"}


class LocalError(Exception):
    """The dashboard cannot be started here; the text says why and what to do."""


@dataclass(frozen=True)
class Prepared:
    """The environment for all parts and the words that `manage.py up` gets."""

    environment: dict[str, str]
    arguments: list[str]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `./run` and of `manage.py up`."""
    parser.add_argument(
        "--real", action="store_true", help="against Amazon, without demonstration data"
    )
    parser.add_argument("--port", type=int, default=8000, help="of the pages (8000; 0: any)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    demonstration = parser.add_argument_group("the demonstration, chosen at its first start")
    demonstration.add_argument("--orders", type=int, metavar="N", help="orders a seller (2000)")
    demonstration.add_argument("--sellers", type=int, metavar="K", help="sellers (2)")
    demonstration.add_argument("--seed", type=int, metavar="S", help="another world (1)")


def prepare(options: argparse.Namespace, environ: Mapping[str, str]) -> Prepared:
    """Everything is there for `manage.py up`, and the data directory is ours until this
    process ends. Raises LocalError."""
    data_dir = data_directory(environ)
    _claim(data_dir)
    port = _web_port(options.port)
    world = _world(data_dir, options)
    keys = _kept(data_dir / "keys.json", _new_keys)
    before = _read(data_dir / "env.json").get("ports", {})
    redis_port = 0 if _given(environ, "REDIS_URL") else _port_for(before.get("redis"))
    sandbox_port = 0 if options.real else _port_for(before.get("sandbox"))

    ours = {
        "DATA_DIR": str(data_dir),
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "SECRET_KEY": keys["SECRET_KEY"],
        "TOKEN_KEYS": keys["TOKEN_KEYS"],
        "DATABASE_URL": f"sqlite:///{data_dir / 'db.sqlite3'}",
        "REDIS_URL": f"redis://:{keys['REDIS_PASSWORD']}@127.0.0.1:{redis_port}/0",
    }
    if not options.real:
        _kept(data_dir / "demo.json", _new_passwords)
        for name in ("SPAPI_ENDPOINT", "LWA_ENDPOINT"):
            if _given(environ, name):
                raise LocalError(
                    f"{name} is set, but the demonstration has an Amazon of its own on this "
                    "machine.\nRemove the setting, or start with --real."
                )
            ours[name] = f"http://127.0.0.1:{sandbox_port}"
        # Its people are given away with their passwords.
        ours["SECOND_FACTOR_REQUIRED"] = "0"
    ours = {name: value for name, value in ours.items() if not _given(environ, name)}
    environment = {**environ, **ours}
    chosen = {
        name: environment[name]
        for plain in SETTING_NAMES
        for name in (plain, f"{plain}_FILE")
        if environment.get(name)
    }
    ports = {"web": port, "redis": redis_port, "sandbox": sandbox_port}
    _write(data_dir / "env.json", {"process": os.getpid(), "ports": ports, "environment": chosen})
    arguments = ["--port", str(port)]
    if redis_port:
        arguments += ["--redis-port", str(redis_port)]
    if options.real:
        arguments += ["--real"]
    else:
        arguments += ["--sandbox-port", str(sandbox_port)]
        for name in ("orders", "sellers", "seed"):
            arguments += [f"--{name}", str(world[name])]
    if options.no_browser:
        arguments += ["--no-browser"]
    return Prepared(environment, arguments)


def environment_of_last_start(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with what `./run` chose at its last start; what is set by hand wins."""
    data_dir = data_directory(environ)
    known = _read(data_dir / "env.json")
    if not known:
        raise LocalError(f"There is no dashboard in {data_dir} yet. Start ./run first.")
    chosen = known["environment"]
    return {**{n: v for n, v in chosen.items() if not _given(environ, _plain(n))}, **environ}


def data_directory(environ: Mapping[str, str]) -> Path:
    """Where everything of this installation lies."""
    return (ROOT / (environ.get("DATA_DIR", "").strip() or "data")).absolute()


def _plain(name: str) -> str:
    return name.removesuffix("_FILE")


def _given(environ: Mapping[str, str], name: str) -> bool:
    return bool(environ.get(name, "").strip() or environ.get(f"{name}_FILE", "").strip())


def _claim(data_dir: Path) -> None:
    """No other start uses the directory as long as this process, or what it becomes, lives."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        data_dir.chmod(0o700)
        (data_dir / "logs").mkdir(mode=0o700, exist_ok=True)
        lock = os.open(data_dir / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LocalError(
            f"{data_dir} cannot be used: {error.strerror}.\n"
            "Make it writable for this user, or set DATA_DIR to another folder."
        ) from None
    os.set_inheritable(lock, True)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        known = _read(data_dir / "env.json")
        address = known.get("ports", {}).get("web")
        raise LocalError(
            f"The dashboard of {data_dir} is running already"
            + (f": http://127.0.0.1:{address} (process {known['process']})." if address else ".")
            + "\nStop it first, or set DATA_DIR to another folder for a second one."
        ) from None


def _world(data_dir: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What kind of data this directory has; a directory holds one kind for ever."""
    path = data_dir / "kind.json"
    known = _read(path)
    mode = _MODES[options.real]
    if known and known["mode"] != mode:
        flag = "--real " if options.real else ""
        raise LocalError(
            f"{data_dir} was begun in the {known['mode']} mode.\n"
            f"Give this one a folder of its own: DATA_DIR=data/{mode} ./run {flag}".rstrip()
        )
    wished = {name: getattr(options, name) for name in ("orders", "sellers", "seed")}
    if not known:
        defaults = {"orders": 2000, "sellers": 2, "seed": 1}
        known = {"mode": mode}
        if not options.real:
            known |= {n: d if wished[n] is None else wished[n] for n, d in defaults.items()}
        _write(path, known)
    for name, value in wished.items():
        if value is not None and known.get(name) != value:
            raise LocalError(
                f"--{name} {value} does not fit {data_dir}, which was begun with "
                f"{known.get(name, 'no such option')}.\n"
                "Remove that folder to begin anew, or set DATA_DIR to another one."
            )
    return known


def _web_port(port: int) -> int:
    if port == 0:
        return free_port()
    if not is_free(port):
        raise LocalError(
            f"Port {port} is taken by another program.\n"
            f"Stop that program, or choose another port: ./run --port {_port_for(port + 1)}"
        )
    return port


def _port_for(preferred: int | None) -> int:
    return preferred if preferred and is_free(preferred) else free_port()


def _new_keys() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "TOKEN_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "REDIS_PASSWORD": secrets.token_urlsafe(32),
    }


def _new_passwords() -> dict[str, str]:
    def password() -> str:
        return "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(4))

    return {person: password() for person in PEOPLE}


def _kept(path: Path, make: Any) -> dict[str, str]:
    """What the file says; made at the first start."""
    if not path.exists():
        _write(path, make())
    kept: dict[str, str] = _read(path)
    if not kept:
        raise LocalError(f"{path} cannot be read any more. Put it back from a backup.")
    return kept


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _write(path: Path, document: Mapping[str, Any]) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(document, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
