"""What `./run` prepares: keys that stay, ports that are free, one start a folder."""

from __future__ import annotations

import argparse
import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from solicit_dashboard import local
from solicit_dashboard.env import BASE_DIR, read_environment
from solicit_dashboard.local import LocalError, Prepared, environment_of_last_start, prepare
from solicit_dashboard.ports import free_port


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    local.add_options(parser)
    return parser.parse_args(["--port", "0", *words])


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"DATA_DIR": str(tmp_path / "data"), "PATH": os.environ["PATH"]}


@pytest.fixture(autouse=True)
def _locks_end_with_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock lasts as long as its process; here it has to last as long as `start` only."""
    monkeypatch.setattr(local.os, "set_inheritable", lambda lock, _wish: _locks.append(lock))


_locks: list[int] = []


def start(environ: dict[str, str], *words: str) -> Prepared:
    try:
        return prepare(options(*words), environ)
    finally:
        while _locks:
            os.close(_locks.pop())


def test_the_demonstration_gets_a_complete_environment(environ: dict[str, str]) -> None:
    prepared = start(environ)
    settings = read_environment(prepared.environment)
    assert not settings.debug
    assert settings.serves_loopback_only
    assert settings.spapi_endpoint == settings.lwa_endpoint
    assert settings.spapi_endpoint
    assert settings.spapi_endpoint.startswith("http://127.0.0.1:")
    assert settings.database["NAME"] == f"{environ['DATA_DIR']}/db.sqlite3"
    assert prepared.arguments[-6:] == ["--orders", "2000", "--sellers", "2", "--seed", "1"]


def test_the_real_mode_is_against_amazon(environ: dict[str, str]) -> None:
    prepared = start(environ, "--real")
    settings = read_environment(prepared.environment)
    assert settings.spapi_endpoint is None
    assert settings.lwa_endpoint == "https://api.amazon.com"
    assert "--real" in prepared.arguments
    assert "--sandbox-port" not in prepared.arguments
    assert not (Path(environ["DATA_DIR"]) / "demo.json").exists()


def test_keys_passwords_and_ports_stay_from_start_to_start(environ: dict[str, str]) -> None:
    data = Path(environ["DATA_DIR"])
    first = start(environ)
    passwords = (data / "demo.json").read_text()
    second = start(environ)
    names = ("SECRET_KEY", "TOKEN_KEYS", "REDIS_URL", "SPAPI_ENDPOINT")
    assert [first.environment[n] for n in names] == [second.environment[n] for n in names]
    assert (data / "demo.json").read_text() == passwords


def test_another_folder_has_other_keys(environ: dict[str, str], tmp_path: Path) -> None:
    first, second = start(environ), start(environ | {"DATA_DIR": str(tmp_path / "other")})
    assert first.environment["SECRET_KEY"] != second.environment["SECRET_KEY"]
    assert first.environment["TOKEN_KEYS"] != second.environment["TOKEN_KEYS"]


def test_passwords_are_long_enough_for_our_own_rule(environ: dict[str, str]) -> None:
    start(environ)
    passwords = json.loads((Path(environ["DATA_DIR"]) / "demo.json").read_text())
    assert set(passwords) == {"operator", "manager", "viewer", "auditor"}
    assert all(len(password) >= 12 for password in passwords.values())
    assert len(set(passwords.values())) == 4


def test_only_the_owner_can_read_the_data(environ: dict[str, str]) -> None:
    start(environ)
    data = Path(environ["DATA_DIR"])
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for path in data.iterdir():
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_what_is_set_by_hand_wins(environ: dict[str, str], tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("x" * 10 + "abcdefghijklmnopqrstuvwxyz" * 2)
    url = f"redis://:pw@127.0.0.1:{free_port()}/3"
    prepared = start(environ | {"REDIS_URL": url, "SECRET_KEY_FILE": str(key)})
    assert prepared.environment["REDIS_URL"] == url
    assert "--redis-port" not in prepared.arguments, "no server of our own beside the given one"
    assert read_environment(prepared.environment).secret_key == key.read_text()


def test_the_demonstration_never_calls_an_amazon_set_by_hand(environ: dict[str, str]) -> None:
    with pytest.raises(LocalError, match=r"SPAPI_ENDPOINT is set[\s\S]*--real"):
        start(environ | {"SPAPI_ENDPOINT": "https://sellingpartnerapi-eu.amazon.com"})


def test_demonstration_and_real_data_are_never_mixed(environ: dict[str, str]) -> None:
    start(environ)
    with pytest.raises(LocalError, match=r"DATA_DIR=data/real \./run --real"):
        start(environ, "--real")


def test_another_world_needs_another_folder(environ: dict[str, str]) -> None:
    start(environ, "--orders", "50")
    assert "50" in start(environ).arguments
    with pytest.raises(LocalError, match=r"--orders 60 does not fit .* begun with 50"):
        start(environ, "--orders", "60")


def test_a_taken_port_is_said_with_the_way_out(environ: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=rf"Port {port} is taken[\s\S]*--port \d+"):
            start(environ, "--port", str(port))


def test_a_second_start_in_the_same_folder_is_told_where_the_first_is(
    environ: dict[str, str],
) -> None:
    prepare(options(), environ)
    try:
        ports = json.loads((Path(environ["DATA_DIR"]) / "env.json").read_text())["ports"]
        with pytest.raises(LocalError, match=rf"running already: http://127.0.0.1:{ports['web']}"):
            prepare(options(), environ)
    finally:
        while _locks:
            os.close(_locks.pop())


def test_a_folder_that_cannot_be_used_is_named(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match=r"file/data cannot be used[\s\S]*DATA_DIR"):
        start(environ | {"DATA_DIR": str(tmp_path / "file" / "data")})


def test_commands_get_the_environment_of_the_last_start(environ: dict[str, str]) -> None:
    with pytest.raises(LocalError, match=r"Start \./run first"):
        environment_of_last_start(environ)
    prepared = start(environ)
    later = environment_of_last_start(environ)
    for name in ("SECRET_KEY", "REDIS_URL", "DATABASE_URL", "SPAPI_ENDPOINT"):
        assert later[name] == prepared.environment[name]
    by_hand = environment_of_last_start(environ | {"DATABASE_URL": "sqlite:///other.sqlite3"})
    assert by_hand["DATABASE_URL"] == "sqlite:///other.sqlite3"


def test_help_comes_before_anything_is_installed(tmp_path: Path) -> None:
    """The start and its modules use the standard library alone."""
    for name in ("--help", "--nonsense"):
        done = subprocess.run(
            [sys.executable, "-I", "-S", BASE_DIR / "run", name],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == (0 if name == "--help" else 2), done.stderr
        assert "--sellers" in done.stdout + done.stderr
    assert not (tmp_path / "data").exists()
