"""Runs of a folder: live ones are left alone, what dead ones left is ended and cleared."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import ROOT
from robustgen.run import launch, runs
from robustgen.run.processes import works_here

SLEEP = "import time; time.sleep(60)"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs of its own, with a token that a test may leave behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(runs.TOKEN, "none yet")
    runs.RUNS.mkdir(parents=True)
    return tmp_path


def noted(process: int, token: str = "a", host: str = "") -> Path:
    path = runs.RUNS / str(process)
    path.write_text(f"{host or platform.node()} {token}")
    return path


def locked() -> Path:
    """A lock of Snakemake's."""
    lock = runs.LOCKS / "0.input.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    return lock


def test_the_lock_of_a_dead_run_is_cleared_and_its_note_and_log_go() -> None:
    lock = locked()
    dead, log = noted(999999991), runs.LOGS / "robustgen-999999991.log"
    log.write_text("said")
    with runs.registered() as alive:
        assert alive == []
        assert (runs.RUNS / str(os.getpid())).exists()
        assert not any(path.exists() for path in (lock, dead, log))
    assert not (runs.RUNS / str(os.getpid())).exists()


def test_the_lock_of_a_live_run_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = locked()
    noted(999999991)
    monkeypatch.setattr(
        runs, "works_here", lambda process, what: process == 999999991 and what == "run_study"
    )
    with runs.registered() as alive:
        assert alive == [999999991]
        assert lock.exists()


def test_the_lock_of_a_snakemake_started_by_hand_is_left() -> None:
    lock = locked()
    by_hand = subprocess.Popen([sys.executable, "-c", SLEEP, "snakemake"])
    until(lambda: works_here(by_hand.pid, "snakemake"))
    with runs.registered() as alive:
        assert alive == []
        assert lock.exists()
    by_hand.kill()
    by_hand.wait()


def test_runs_of_other_hosts_count_as_alive_and_stray_files_as_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    noted(999999992, host="login2")
    (runs.RUNS / ".DS_Store").write_bytes(b"\xff")
    seen: list[int] = []
    with runs.registered(clear=seen.extend) as alive:
        assert alive == seen == [999999992]
    assert (
        "A run was started on login2, process 999999992; if it has ended, delete"
        in capsys.readouterr().out
    )


def test_processes_of_a_dead_run_are_ended_and_others_are_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A Snakemake whose launcher was killed, and a job whose Snakemake was: both carry the run's
    token.
    """
    noted(999999993, token="dead")
    left, other, job = (
        subprocess.Popen(
            [sys.executable, "-c", SLEEP], env={**os.environ, runs.TOKEN: token, **more}
        )
        for token, more in (("dead", {}), ("live", {}), ("dead", {"SLURM_JOB_ID": "7"}))
    )
    until(lambda: b"dead" in Path(f"/proc/{left.pid}/environ").read_bytes())
    with runs.registered():
        assert left.wait(timeout=5) < 0
        assert other.poll() is None
        assert job.poll() is None, "SLURM's jobs are cancelled, not killed"
    assert (
        f"A killed run has left processes ({left.pid}); they are ended first."
        in capsys.readouterr().out
    )
    for process in (other, job):
        process.kill()
        process.wait()


def test_the_launcher_ends_with_its_snakemake_and_the_jobs_that_outlive_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Snakemake that is killed leaves a job, which holds the pipe that the launcher reads."""
    monkeypatch.setenv(runs.TOKEN, "mine")
    job = (
        f"import subprocess, sys, os; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); "
        "os.kill(os.getpid(), 9)"
    )
    begun = time.monotonic()
    assert launch.run([sys.executable, "-c", job], folder / "log") == -9
    assert time.monotonic() - begun < 20
    until(lambda: not runs.marked(runs.TOKEN, ["mine"], but=runs.IN_SLURM))


def test_of_two_starts_one_waits_until_the_other_is_noted() -> None:
    """The second start sees the first as alive, so it does not take its lock, however long the
    first one's clearing takes.
    """
    code = f"""if True:
        import sys, time
        sys.path.insert(0, {str(ROOT / "scripts")!r})
        from robustgen.run import runs
        with runs.registered(clear=lambda alive: time.sleep(0.5)) as alive:
            print(len(alive), flush=True)
            time.sleep(1.5)
    """
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", code, "run_study"], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    assert sorted(start.communicate(timeout=20)[0].strip() for start in starts) == ["0", "1"]


def until(holds: object) -> None:
    deadline = time.monotonic() + 10
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)
