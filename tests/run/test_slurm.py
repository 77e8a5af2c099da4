"""The study on a real SLURM of one node with two fake GPUs: devices, time limits, a killed
controller, the same bytes.

One run is told from beginning to end by the fixture `story`; each test then looks at one side of
it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from conftest import ROOT, Copy

NEEDED = ("munged", "slurmctld", "slurmd", "squeue")
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


@pytest.fixture(scope="module")
def lab() -> Iterator[dict[str, str]]:
    """A SLURM of this machine alone; gives the environment in which its commands find it."""
    path = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
    missing = [name for name in NEEDED if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(
            f"SLURM is not installed ({', '.join(missing)}): apt-get install slurm-wlm munge"
        )
    if os.getuid():
        pytest.skip("only root can make the fake GPUs of the SLURM that these tests start")
    folder = Path(tempfile.mkdtemp(prefix="slurm-")) / "lab"
    script = str(ROOT / "tests/slurm_lab.sh")
    try:
        subprocess.run([script, str(folder), "start"], check=True, timeout=120)
        yield {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": os.pathsep.join((f"{folder}/bin", str(Path(sys.executable).parent), path)),
        }
    finally:
        subprocess.run([script, str(folder), "stop"], check=True, timeout=120)
        folder.parent.rmdir()


@pytest.fixture(scope="module")
def story(lab: dict[str, str], make_copy: Callable[[], Copy]) -> Story:
    """Run; kill the controller while its jobs live; run again until the held training has met its
    time limit and ended.
    """
    told = Story(local=prepared(make_copy()), cluster=prepared(make_copy()))
    told.local.edit("tests/slurm.yaml", "jobs: 3", "jobs: 1")
    folder = told.cluster.folder
    for old, new in PROFILE:
        told.cluster.edit("workflow/profiles/slurm/config.yaml", old, new)
    hold, checkpoint = folder / "hold", folder / TRAINED / ".checkpoint.safetensors"
    hold.touch()
    with pytest.MonkeyPatch.context() as patch, watched(told), launches(folder) as start:
        for name, value in lab.items():
            patch.setenv(name, value)
        # another folder's job, and one of the user's own
        for name in ("robustgen-0000000000-1_0", "another"):
            queue(
                "sbatch",
                "--job-name",
                name,
                "--chdir",
                str(folder),
                "--comment",
                "bystander",
                "--wrap",
                "sleep 3600",
            )
        first = start("first")
        wait_until(
            checkpoint.exists,
            "the held training has ended its first epoch",
            while_alive=first,
            said=folder / "first.txt",
        )
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        told.orphans = queue("squeue", "--noheader", "--states=RUNNING", "--format=%k")
        orphan = held("RUNNING")
        second = start("second")
        alive = {"while_alive": second, "said": folder / "second.txt"}
        wait_until(
            lambda: held("RUNNING") not in ([], orphan), "the held training runs again", **alive
        )
        # minutes; SLURM knows no shorter limit
        queue("scontrol", "update", f"JobId={held('RUNNING')[0]}", "TimeLimit=1")
        told.local.run(
            "env", "PYTHONPATH=.", *LAUNCHER, "workflow/profiles/default", *CONFIG, "--cores", "1"
        )
        wait_until(
            lambda: len(held("TIMEOUT")) == 1, "the held training has met its time limit", **alive
        )
        hold.unlink()
        told.status = second.wait(timeout=900)
        told.said = (folder / "second.txt").read_text()
        told.jobs = [
            line.split()
            for line in queue("squeue", "--noheader", "--states=all", "--format=%k %T %l")
        ]
    return told


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


def wait_until(
    true: Callable[[], bool], what: str, *, while_alive: subprocess.Popen[bytes], said: Path
) -> None:
    deadline = time.monotonic() + 600
    while not true():
        assert while_alive.poll() is None, f"Snakemake ended before {what}: {said.read_text()}"
        assert time.monotonic() < deadline, (
            f"waited for minutes, but not yet: {what}: {said.read_text()}"
        )
        time.sleep(0.2)


@contextmanager
def watched(told: Story) -> Iterator[None]:
    """Note, a few times a second, which processes write what on which device."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.25):
            found = (
                writer(process, told.cluster.folder) for process in Path("/proc").glob("[0-9]*")
            )
            told.moments.append(frozenset(one for one in found if one))

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


# --- what the story shows -------------------------------------------------------------------------


def test_jobs_that_run_at_once_have_devices_of_their_own(story: Story) -> None:
    together = [moment for moment in story.moments if len({one.job for one in moment}) > 1]
    assert together, "two GPU jobs were never seen at the same time"
    assert {"0", "1"} in [{one.device for one in moment} for moment in together], (
        "never were both devices in use"
    )
    for moment in together:
        assert max(Counter(one.device for one in moment).values()) == 1, (
            f"two jobs on one device: {moment}"
        )


def test_a_killed_controller_leaves_jobs_which_the_next_launch_names_and_cancels(
    story: Story,
) -> None:
    assert "rule_train_wildcards_held_0" in story.orphans, (
        "the training should outlive its controller"
    )
    first, second = story.said.splitlines()[:2]
    assert first.startswith("A killed run has left SLURM jobs: ")
    assert "(train held_0)" in first
    assert second == "They are gone; long work goes on from its checkpoints."
    assert "its lock is cleared" in story.said
    assert "sacct does not answer here, so squeue is asked" in story.said, (
        "with sacct, Snakemake would wait for ever"
    )
    assert ["rule_train_wildcards_held_0", "CANCELLED", "30:00"] in story.jobs


def test_jobs_that_are_not_this_runs_are_left_alone(story: Story) -> None:
    assert [state for comment, state, _ in story.jobs if comment == "bystander"] == [
        "RUNNING",
        "RUNNING",
    ]


def test_no_file_ever_had_two_writers(story: Story) -> None:
    assert any(story.moments), "no job was ever seen"
    for moment in story.moments:
        twice = [out for out, count in Counter(one.out for one in moment).items() if count > 1]
        assert not twice, f"two processes wrote {twice} at once: {moment}"


def test_a_training_stopped_by_its_time_limit_goes_on_from_its_checkpoint_with_more_time(
    story: Story,
) -> None:
    ended = sorted(
        (state, limit)
        for comment, state, limit in story.jobs
        if comment == "rule_train_wildcards_held_0"
    )
    assert ended == [("CANCELLED", "30:00"), ("COMPLETED", "1:00:00"), ("TIMEOUT", "1:00")], (
        "one job cancelled with its controller, one stopped by its limit and one with more time "
        "were expected"
    )
    assert "SLURM status is: 'TIMEOUT'" in story.said, story.said
    assert "train held 0 is tried again" in story.said
    log = (story.cluster.folder / "results/tiny/logs/train/held/seed0.log").read_text()
    assert "epoch 2/2" in log
    assert "epoch 1/2" not in log, (
        "the last attempt started again instead of going on after the first epoch"
    )


def test_the_study_is_completed_and_told_job_by_job(story: Story) -> None:
    assert story.status == 0, story.said
    assert "train held 0: SLURM job " in story.said
    assert any(
        line.startswith("[") and "] attack signs_standard 0 pgd, " in line
        for line in story.said.splitlines()
    )
    assert (story.cluster.folder / "results/tiny/report.html").exists()
    assert not (story.cluster.folder / TRAINED / ".checkpoint.safetensors").exists()


def test_an_attack_and_its_scores_are_split_among_three_jobs_of_the_cluster(story: Story) -> None:
    """Locally they are one job each; that the bytes are the same, the last test shows."""
    for rule in ("attack", "score"):
        place = f"results/tiny/parts/{rule}/signs_standard/seed0/pgd"
        found = (story.cluster.folder / place).rglob("costs.json")
        receipts = sorted(path.parent.name for path in found)
        assert receipts == ["1of3", "2of3", "3of3"]
        assert not (story.local.folder / place).exists()
        ended = [state for comment, state, _ in story.jobs if f"rule_{rule}_part_" in comment]
        assert ended.count("COMPLETED") == 3
        assert f"{rule} signs_standard 0 pgd: SLURM job " in story.said
    assert not list(story.cluster.folder.rglob(".*.shards"))


def test_jobs_work_with_the_configurations_threads_whatever_cores_they_are_given(
    story: Story,
) -> None:
    for copy in (story.local, story.cluster):
        for costs in (copy.folder / "results").rglob("costs.json"):
            command = json.loads(costs.read_text())["command"]
            if "--threads" in command:
                assert command[command.index("--threads") + 1] == "2", f"{copy.folder}: {command}"


def test_the_results_have_the_bytes_of_a_local_run(story: Story) -> None:
    here, there = (copy.contents() for copy in (story.local, story.cluster))
    assert here.keys() == there.keys()
    assert {Path(name).suffix for name in here} == {".parquet", ".safetensors", ".csv"}
    differing = [name for name in here if here[name] != there[name]]
    assert not differing, f"these differ from those of the local run: {differing}"
