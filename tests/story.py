"""A study on SLURM that is killed and goes on, told from beginning to end for the tests of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from conftest import ROOT, Copy

LAUNCHER = ("python", "scripts/run_study.py", "--workflow-profile")
CONFIG = ("--configfile", "tests/tiny.yaml", "tests/slurm.yaml")
TRAINED = "results/tiny/training/held/seed0"
HELD = """\
import time
from pathlib import Path

from robustgen.training.objectives.standard import correct, loss as plain


OPTIONS = {{}}


def loss(model, x, y, **named):
    while Path("hold").exists() and Path("{trained}/.checkpoint.safetensors").exists():
        time.sleep(0.1)  # the first epoch is over: the second waits
    return plain(model, x, y, **named)
"""
# the profile as it is, with the numbers of a test; gpu: 1 so that a study on CPUs asks for devices
PROFILE = [
    ("checks: 20", "checks: 2"),
    ("latency-wait: 30", "latency-wait: 5"),
    (
        "train:  {slurm_partition: *gpu, runtime: 720",
        ("train:  {slurm_partition: *gpu, gpu: 1, runtime: 30"),
    ),
    ("attack: {slurm_partition: *gpu,", "attack: {slurm_partition: *gpu, gpu: 1,"),
    ("score:  {slurm_partition: *gpu,", "score:  {slurm_partition: *gpu, gpu: 1,"),
    ("attack_part: {slurm_partition: *gpu,", "attack_part: {slurm_partition: *gpu, gpu: 1,"),
    ("score_part: {slurm_partition: *gpu,", "score_part: {slurm_partition: *gpu, gpu: 1,"),
]


@dataclass(frozen=True)
class Writer:
    """A process of a job: what it writes, whole or a part, in which SLURM job, on which device."""

    out: str
    job: str
    device: str


@dataclass
class Story:
    """What was seen while the study ran, was killed and ran again."""

    local: Copy
    cluster: Copy
    # comments of the jobs that outlived their controller
    orphans: list[str] = field(default_factory=list)
    said: str = ""  # by the launcher of the second run
    status: int = -1
    moments: list[frozenset[Writer]] = field(default_factory=list)
    # all jobs at the end: comment, state, time limit
    jobs: list[list[str]] = field(default_factory=list)


def told(local: Copy, cluster: Copy) -> Story:
    """Run; kill the controller while its jobs live; run again until the held training has met its
    time limit and ended.
    """
    story = Story(prepared(local), prepared(cluster))
    local.edit("tests/slurm.yaml", "jobs: 3", "jobs: 1")
    for old, new in PROFILE:
        cluster.edit("workflow/profiles/slurm/config.yaml", old, new)
    hold = cluster.folder / "hold"
    hold.touch()
    with watched(story), launches(cluster.folder) as start:
        submit_bystanders(cluster.folder)
        orphan = kill_first(story, start("first"))
        second = Launched(start("second"), cluster.folder / "second.txt")
        second.wait_until(
            lambda: held("RUNNING") not in ([], orphan), "the held training runs again"
        )
        # minutes; SLURM knows no shorter limit
        queue("scontrol", "update", f"JobId={held('RUNNING')[0]}", "TimeLimit=1")
        local.run(
            "env", "PYTHONPATH=.", *LAUNCHER, "workflow/profiles/default", *CONFIG, "--cores", "1"
        )
        second.wait_until(
            lambda: len(held("TIMEOUT")) == 1, "the held training has met its time limit"
        )
        hold.unlink()
        story.status = second.process.wait(timeout=900)
        story.said = second.output.read_text()
        lines = queue("squeue", "--noheader", "--states=all", "--format=%k %T %l")
        story.jobs = [line.split() for line in lines]
    return story


def submit_bystanders(folder: Path) -> None:
    """Another folder's job, and one of the user's own."""
    for name in ("robustgen-0000000000-1_0", "another"):
        which = ("--job-name", name, "--chdir", str(folder), "--comment", "bystander")
        queue("sbatch", *which, "--wrap", "sleep 3600")


def kill_first(story: Story, process: subprocess.Popen[bytes]) -> list[str]:
    """Kill the controller once the held training has ended its first epoch; gives the SLURM job
    that trains.
    """
    folder = story.cluster.folder
    Launched(process, folder / "first.txt").wait_until(
        (folder / TRAINED / ".checkpoint.safetensors").exists,
        "the held training has ended its first epoch",
    )
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    story.orphans = queue("squeue", "--noheader", "--states=RUNNING", "--format=%k")
    return held("RUNNING")


def prepared(copy: Copy) -> Copy:
    (copy.folder / "held").mkdir()
    (copy.folder / "held/objective.py").write_text(HELD.format(trained=TRAINED))
    shutil.copy(ROOT / "tests/slurm.yaml", copy.folder / "tests/slurm.yaml")
    return copy


@contextmanager
def launches(folder: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """`make study PROFILE=slurm`, each in a process group of its own, which ends with the block at
    the latest.
    """
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> subprocess.Popen[bytes]:
        with (folder / f"{name}.txt").open("wb") as said:
            command = [sys.executable, *LAUNCHER[1:], "workflow/profiles/slurm", *CONFIG]
            environment = {**os.environ, "PYTHONPATH": "."}
            started.append(
                subprocess.Popen(
                    command,
                    cwd=folder,
                    env=environment,
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                )
            )
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def queue(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def held(state: str) -> list[str]:
    """The jobs in that state which train the model that is held up."""
    lines = queue("squeue", "--noheader", f"--states={state}", "--format=%i %k")
    return [line.split()[0] for line in lines if line.endswith(" rule_train_wildcards_held_0")]


@dataclass(frozen=True)
class Launched:
    """A launcher that runs, and where it writes what it says."""

    process: subprocess.Popen[bytes]
    output: Path

    def wait_until(self, true: Callable[[], bool], what: str) -> None:
        """Wait for minutes at most, and only while the launcher lives."""
        deadline = time.monotonic() + 600
        while not true():
            assert self.process.poll() is None, (
                f"Snakemake ended before {what}: {self.output.read_text()}"
            )
            assert time.monotonic() < deadline, (
                f"waited for minutes, but not yet: {what}: {self.output.read_text()}"
            )
            time.sleep(0.2)


@contextmanager
def watched(story: Story) -> Iterator[None]:
    """Note, a few times a second, which processes write what on which device."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.25):
            found = (
                writer(process, story.cluster.folder) for process in Path("/proc").glob("[0-9]*")
            )
            story.moments.append(frozenset(one for one in found if one))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def writer(process: Path, folder: Path) -> Writer | None:
    try:
        if not (process / "cwd").samefile(folder):
            return None
        words = (process / "cmdline").read_text(errors="replace").split("\0")
        environment = dict(
            pair.split("=", 1)
            for pair in (process / "environ").read_text(errors="replace").split("\0")
            if "=" in pair
        )
    except OSError:  # it has just ended
        return None
    if (
        not words[1:2]
        or not words[1].startswith("scripts/")
        or "--out" not in words
        or "SLURM_JOB_ID" not in environment
    ):
        return None
    part = [word for word in words if word.startswith("--part=")]
    return Writer(
        " ".join([words[words.index("--out") + 1], *part]),
        environment["SLURM_JOB_ID"],
        environment.get("CUDA_VISIBLE_DEVICES", "none"),
    )
