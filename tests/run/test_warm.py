"""The warm process: commands that it runs answer as if they had run by themselves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT
from robustgen.core.warm import ADDRESS, KILLED
from robustgen.run.warm import warm

SCRIPT = """\
import json, os, sys, time
sys.path.insert(0, {scripts!r})
from robustgen.core.command import command
from robustgen.core.refusal import Refused

def main():
    job = sys.argv[1]
    if job == "say":
        told = [sys.argv[1:], os.getcwd(), os.environ.get("MINE"), "torch" in sys.modules]
        print(json.dumps(told))
        print("aside", file=sys.stderr)
    if job == "refuse":
        raise Refused("This cannot be; do that.")
    if job == "fail":
        raise KeyError("x")
    if job == "end":
        sys.exit(3)
    if job == "sleep":
        open(sys.argv[2], "w").write(str(os.getpid()))
        time.sleep(60)
        open(sys.argv[2], "w").write("done")
    if job == "die":
        os.kill(os.getpid(), 9)

if __name__ == "__main__":
    command(main)
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("warm") / "job.py"
    path.write_text(SCRIPT.format(scripts=str(ROOT / "scripts")))
    return path


@pytest.fixture(scope="module")
def warmed() -> Iterator[dict[str, str]]:
    """The environment of commands that have a warm process."""
    with warm():
        yield dict(os.environ)
    assert ADDRESS not in os.environ


def run(script: Path, env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, str(script), *words]
    return subprocess.run(
        call, env=env, cwd=script.parent, capture_output=True, text=True, check=False
    )


def test_a_command_keeps_its_arguments_folder_environment_and_streams(
    script: Path, warmed: dict[str, str]
) -> None:
    found = run(script, {**warmed, "MINE": "yes"}, "say", "a b", "'$(x)'")
    assert found.returncode == 0
    assert json.loads(found.stdout) == [["say", "a b", "'$(x)'"], str(script.parent), "yes", True]
    assert found.stderr == "aside\n"


@pytest.mark.parametrize("job", ["refuse", "fail", "end", "say"])
def test_a_command_ends_as_it_does_by_itself(
    script: Path, warmed: dict[str, str], job: str
) -> None:
    alone = {name: value for name, value in warmed.items() if name != ADDRESS}
    ours, theirs = run(script, warmed, job), run(script, alone, job)
    assert ours.returncode == theirs.returncode
    assert ours.stderr.splitlines()[-1] == theirs.stderr.splitlines()[-1] if job != "end" else True


def test_a_command_whose_work_is_killed_says_so_by_its_status(
    script: Path, warmed: dict[str, str]
) -> None:
    assert run(script, warmed, "die").returncode == KILLED


def test_work_ends_when_its_command_is_killed(
    script: Path, warmed: dict[str, str], tmp_path: Path
) -> None:
    note = tmp_path / "note"
    command = subprocess.Popen(
        [sys.executable, str(script), "sleep", str(note)], env=warmed, cwd=script.parent
    )
    while not note.exists() or not note.read_text():
        time.sleep(0.05)
    worker = int(note.read_text())
    command.send_signal(signal.SIGKILL)
    command.wait()
    for _ in range(100):
        if not Path(f"/proc/{worker}").exists():
            break
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()
    assert note.read_text() != "done"


def test_a_command_runs_by_itself_where_nobody_answers(script: Path, tmp_path: Path) -> None:
    found = run(script, {**os.environ, ADDRESS: str(tmp_path / "nobody")}, "say")
    assert json.loads(found.stdout)[3] is False
