"""The supervisor: order, restarts, last words, and that nothing survives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from solicit_dashboard.env import BASE_DIR
from solicit_dashboard.supervisor import Part, PartFailedError, StopRequested, Supervisor

# Each part writes what happens to it into one file, so that the order can be read there.
_WRITES = "import sys, signal, time, os; say = lambda t: open(sys.argv[1], 'a').write(t + '\\n');"
_LIVES = (
    "signal.signal(15, lambda *_: (say(sys.argv[2] + ' stops'), sys.exit(0)));"
    "say(sys.argv[2] + ' starts'); print('words of', sys.argv[2], flush=True);"
    "[time.sleep(0.05) for _ in range(2000)]"
)


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    path = tmp_path / "diary"
    path.touch()
    return path


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    (tmp_path / "logs").mkdir()
    with Supervisor(tmp_path / "logs", os.environ, said.append) as running:
        yield running


def part(name: str, diary: Path, stage: int = 0, code: str = _LIVES, **more: float) -> Part:
    return Part(
        name=name,
        command=[sys.executable, "-S", "-c", _WRITES + code, diary, name],
        stage=stage,
        is_ready=lambda: f"{name} starts" in diary.read_text(),
        **more,
    )


def eventually(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    except OSError:
        return False
    return state != "Z"


def test_parts_stop_in_the_reverse_order_of_their_stages(tmp_path: Path, diary: Path) -> None:
    (tmp_path / "logs").mkdir()
    with Supervisor(tmp_path / "logs", os.environ) as supervisor:
        supervisor.start([part("redis", diary, 0), part("web", diary, 1), part("beat", diary, 2)])
        supervisor.wait_until_ready()
    stops = [line for line in diary.read_text().splitlines() if line.endswith("stops")]
    assert stops == ["beat stops", "web stops", "redis stops"]


def test_what_a_part_prints_is_kept(tmp_path: Path, supervisor: Supervisor, diary: Path) -> None:
    supervisor.start([part("web", diary)])
    supervisor.wait_until_ready()
    log = tmp_path / "logs" / "web.log"
    eventually(lambda: (supervisor._turn(0), "words of web" in log.read_text())[1])


def test_a_part_that_ends_at_once_shows_its_last_words(supervisor: Supervisor, diary: Path) -> None:
    supervisor.start([part("web", diary, code="print('no such host'); sys.exit(3)")])
    with pytest.raises(PartFailedError, match=r"web ended at once \(exit 3\)[\s\S]*no such host"):
        supervisor.wait_until_ready()


def test_a_part_that_never_answers_is_named(supervisor: Supervisor, diary: Path) -> None:
    supervisor.start([part("web", diary, code="time.sleep(60)", ready_seconds=0.2)])
    with pytest.raises(PartFailedError, match=r"web did not answer within 0\.2 s"):
        supervisor.wait_until_ready()


def test_a_command_that_fails_stops_the_start(supervisor: Supervisor) -> None:
    with pytest.raises(PartFailedError, match=r"migrate failed \(exit 1\)[\s\S]*no table"):
        supervisor.run_once("migrate", [sys.executable, "-c", "raise SystemExit('no table')"])


def test_a_part_that_dies_is_started_again_until_it_dies_too_often(
    supervisor: Supervisor, diary: Path, said: list[str]
) -> None:
    supervisor.start([part("web", diary, code="say('web starts'); print('bad day'); sys.exit(9)")])
    with pytest.raises(PartFailedError, match=r"ended by itself \(exit 9\) 3 times in a row"):
        supervisor.watch()
    assert diary.read_text().count("web starts") == 3
    assert len(said) == 2
    assert "is started again" in said[0]
    assert "bad day" in said[0]


def test_a_signal_ends_the_watch(supervisor: Supervisor, diary: Path) -> None:
    supervisor.start([part("web", diary)])
    supervisor.wait_until_ready()
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(StopRequested):
        supervisor.watch()


def test_a_part_that_will_not_stop_is_ended_with_its_children(tmp_path: Path, diary: Path) -> None:
    stubborn = (
        "signal.signal(15, signal.SIG_IGN); child = os.fork();"
        "say(f'{sys.argv[2]} starts'); say(f'process {os.getpid()}'); time.sleep(60)"
    )
    (tmp_path / "logs").mkdir()
    with Supervisor(tmp_path / "logs", os.environ) as supervisor:
        supervisor.start([part("web", diary, code=stubborn, stop_seconds=0.3)])
        supervisor.wait_until_ready()
        eventually(lambda: diary.read_text().count("process ") == 2)
    processes = [
        int(line.split()[1]) for line in diary.read_text().splitlines() if "process" in line
    ]
    eventually(lambda: not any(is_alive(process) for process in processes))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_nothing_survives_a_killed_supervisor(tmp_path: Path, diary: Path) -> None:
    (tmp_path / "logs").mkdir()
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\n"
        "from pathlib import Path\n"
        "from solicit_dashboard.supervisor import Supervisor\n"
        "from tests.test_supervisor import part\n"
        "diary = Path(sys.argv[1])\n"
        "code = \"os.fork(); say(f'process {os.getpid()}'); say('web starts'); time.sleep(60)\"\n"
        "with Supervisor(Path(sys.argv[2]), os.environ) as supervisor:\n"
        "    supervisor.start([part('web', diary, code=code), part('beat', diary)])\n"
        "    supervisor.wait_until_ready()\n"
        "    diary.open('a').write('up\\n')\n"
        "    supervisor.watch()\n"
    )
    process = subprocess.Popen(
        [sys.executable, script, diary, tmp_path / "logs"],
        env=os.environ | {"PYTHONPATH": str(BASE_DIR)},
    )
    try:
        eventually(lambda: "up" in diary.read_text() and diary.read_text().count("process ") == 2)
    finally:
        process.kill()
        process.wait()
    processes = [
        int(line.split()[1]) for line in diary.read_text().splitlines() if "process" in line
    ]
    # The child of a child has no tie to the supervisor but its group, which the janitor ends.
    eventually(lambda: not any(is_alive(process) for process in processes))
