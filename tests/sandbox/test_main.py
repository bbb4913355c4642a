"""The command, as a process of its own."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import urlopen

import pytest
from django.core.management import get_commands, load_command_class

from sandbox.__main__ import main
from sandbox.options import Options
from sandbox.service import open_service
from sandbox.testing import running


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address."""
    command = [sys.executable, "-m", "sandbox", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            line = child.stdout.readline()
            found = re.fullmatch(r"Sandbox listens on (http://127\.0\.0\.1:\d+)\n", line)
            assert found, line
            yield child, found[1]
        finally:
            child.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_stops_at_once_when_told(number):
    with started("--port", "0", "--orders", "10") as (child, url):
        with urlopen(f"{url}/_time") as response:
            assert json.load(response)["orders"] == 10
        child.send_signal(number)
        assert child.wait(20) == 0
        assert child.stderr is not None
        assert child.stderr.read() == ""


def test_a_restart_with_its_directory_is_the_same_world(tmp_path):
    options = ("--data", str(tmp_path / "kept"), "--orders", "15", "--seed", "9")
    worlds = []
    for more in ((), ("--orders", "16")):
        with started(*options, *more) as (child, url):
            with urlopen(f"{url}/_sellers") as response:
                sellers = json.load(response)
            with urlopen(f"{url}/_time") as response:
                plan = json.load(response)
            worlds.append((sellers, plan["epoch"], plan["orders"]))
            child.terminate()
            child.wait(10)
            assert child.stderr is not None
            said = child.stderr.read()
    assert worlds[0] == worlds[1]
    assert said.endswith("keeps orders=15.\n")


def test_a_taken_port_is_said(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1]), "--orders", "5"]) == 1
    assert "cannot listen" in capsys.readouterr().err


def test_a_wrong_fault_file_is_said(tmp_path, capsys):
    file = tmp_path / "faults.json"
    assert main(["--faults", str(file)]) == 2
    assert "cannot be read" in capsys.readouterr().err
    file.write_text('[{"operation": "*", "do": {"kind": "explode"}}]')
    assert main(["--faults", str(file)]) == 2
    assert '"kind" must be one of' in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--orders", "0"],
        ["--orders", "x"],
        ["--port", "70000"],
        ["--empty-share", "2"],
        ["--rate-factor", "0"],
        ["--latency-ms", "-1"],
        ["--unknown"],
    ],
    ids=str,
)
def test_wrong_options_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_rules_of_a_file_are_in_force_from_the_start(tmp_path):
    file = tmp_path / "faults.json"
    rules = [{"operation": "lwa", "do": {"kind": "status", "status": 503}}]
    file.write_text(json.dumps({"rules": rules}))
    service = open_service(Options(orders=5, faults=file), time.time())
    assert [rule.kind for rule in service.amazon.faults.rules] == ["status"]


def test_a_process_of_its_own_can_be_used_by_a_test(tmp_path):
    with running(process=True, orders=25, sellers=1, clock_offset_s=-86_400) as amazon:
        assert amazon.time()["offset_s"] == -86_400
        [seller] = amazon.sellers
        assert seller.name == "Nordlicht Home"
        assert seller.refresh_token not in repr(seller)
        with pytest.raises(ValueError, match="must be one of"):
            amazon.set_faults([{"operation": "*", "do": {"kind": "explode"}}])


def test_a_misspelt_option_is_not_overlooked():
    with pytest.raises(TypeError, match="order"), running(order=5):
        pass


def test_two_worlds_of_one_seed_and_epoch_give_the_same_bytes():
    answers = []
    for seed in (4, 4, 5):
        with running(orders=40, seed=seed, epoch=1_700_000_000) as amazon:
            answers.append(
                [amazon.ask("GET", path) for path in ("/_sellers", "/_history", "/_eligible")]
            )
    assert answers[0] == answers[1] != answers[2]


def test_the_management_command_has_the_same_options():
    command = load_command_class(get_commands()["sandbox"], "sandbox")
    parser = command.create_parser("manage.py", "sandbox")
    options = parser.parse_args(["--port", "1234", "--seed", "3"])
    assert (options.port, options.seed) == (1234, 3)
