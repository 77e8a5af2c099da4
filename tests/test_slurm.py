"""The study on a real SLURM of one node with two fake GPUs: devices, time limits, a killed controller, the same bytes.

One run is told from beginning to end by the fixture `story`; each test then looks at one side of it.
"""

from __future__ import annotations

import json
import os
import platform
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
from robustgen.core import launch, slurm
from robustgen.core.refusal import Refused

NEEDED = ("munged", "slurmctld", "slurmd", "squeue")
LAUNCHER = ("python", "scripts/run_study.py", "--workflow-profile")
CONFIG = ("--configfile", "tests/tiny.yaml", "tests/slurm.yaml")
TRAINED = "results/tiny/training/held/seed0"
HELD = """\
import time
from pathlib import Path

from robustgen.training.objectives.standard import correct, loss as plain


def loss(model, x, y, *, recipe, generator):
    while Path("hold").exists() and Path("{trained}/.checkpoint.safetensors").exists():
        time.sleep(0.1)  # the first epoch is over: the second waits
    return plain(model, x, y, recipe=recipe, generator=generator)
"""
PROFILE = [  # the profile as it is, with the numbers of a test; gpu: 1 so that a study on CPUs asks for devices
    ("checks: 20", "checks: 2"),
    ("latency-wait: 30", "latency-wait: 5"),
    ("train:  {slurm_partition: *gpu, runtime: 720", "train:  {slurm_partition: *gpu, gpu: 1, runtime: 30"),
    ("attack: {slurm_partition: *gpu,", "attack: {slurm_partition: *gpu, gpu: 1,"),
    ("score:  {slurm_partition: *gpu,", "score:  {slurm_partition: *gpu, gpu: 1,"),
]


@dataclass(frozen=True)
class Writer:
    """A process of a job: what it writes, in which SLURM job, on which device."""

    out: str
    job: str
    device: str


@dataclass
class Story:
    """What was seen while the study ran, was killed and ran again."""

    local: Copy
    cluster: Copy
    orphans: list[str] = field(default_factory=list)  # comments of the jobs that outlived their controller
    said: str = ""  # by the launcher of the second run
    status: int = -1
    moments: list[frozenset[Writer]] = field(default_factory=list)
    jobs: list[list[str]] = field(default_factory=list)  # all jobs at the end: comment, state, time limit


@pytest.fixture(scope="module")
def lab() -> Iterator[dict[str, str]]:
    """A SLURM of this machine alone; gives the environment in which its commands find it."""
    path = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
    missing = [name for name in NEEDED if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(f"SLURM is not installed ({', '.join(missing)}): apt-get install slurm-wlm munge")
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
    """Run; kill the controller while its jobs live; run again until the held training has met its time limit and ended."""
    told = Story(local=prepared(make_copy()), cluster=prepared(make_copy()))
    folder = told.cluster.folder
    for old, new in PROFILE:
        told.cluster.edit("workflow/profiles/slurm/config.yaml", old, new)
    hold, checkpoint = folder / "hold", folder / TRAINED / ".checkpoint.safetensors"
    hold.touch()
    with pytest.MonkeyPatch.context() as patch, watched(told), launches(folder) as start:
        for name, value in lab.items():
            patch.setenv(name, value)
        for name in ("robustgen-0000000000-1_0", "another"):  # another folder's job, and one of the user's own
            queue("sbatch", "--job-name", name, "--chdir", str(folder), "--comment", "bystander", "--wrap", "sleep 3600")
        first = start("first")
        wait_until(checkpoint.exists, "the held training has ended its first epoch", while_alive=first, said=folder / "first.txt")
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        told.orphans = queue("squeue", "--noheader", "--states=RUNNING", "--format=%k")
        orphan = held("RUNNING")
        second = start("second")
        alive = {"while_alive": second, "said": folder / "second.txt"}
        wait_until(lambda: held("RUNNING") not in ([], orphan), "the held training runs again", **alive)
        queue("scontrol", "update", f"JobId={held('RUNNING')[0]}", "TimeLimit=1")  # minutes; SLURM knows no shorter limit
        told.local.run("env", "PYTHONPATH=.", *LAUNCHER, "workflow/profiles/default", *CONFIG, "--cores", "1")
        wait_until(lambda: len(held("TIMEOUT")) == 1, "the held training has met its time limit", **alive)
        hold.unlink()
        told.status = second.wait(timeout=900)
        told.said = (folder / "second.txt").read_text()
        told.jobs = [line.split() for line in queue("squeue", "--noheader", "--states=all", "--format=%k %T %l")]
    return told


def prepared(copy: Copy) -> Copy:
    (copy.folder / "held").mkdir()
    (copy.folder / "held/objective.py").write_text(HELD.format(trained=TRAINED))
    shutil.copy(ROOT / "tests/slurm.yaml", copy.folder / "tests/slurm.yaml")
    return copy


@contextmanager
def launches(folder: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """`make study PROFILE=slurm`, each in a process group of its own, which ends with the block at the latest."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> subprocess.Popen[bytes]:
        with (folder / f"{name}.txt").open("wb") as said:
            command = [sys.executable, *LAUNCHER[1:], "workflow/profiles/slurm", *CONFIG]
            environment = {**os.environ, "PYTHONPATH": "."}
            started.append(
                subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said, start_new_session=True)
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


def wait_until(true: Callable[[], bool], what: str, *, while_alive: subprocess.Popen[bytes], said: Path) -> None:
    deadline = time.monotonic() + 600
    while not true():
        assert while_alive.poll() is None, f"Snakemake ended before {what}: {said.read_text()}"
        assert time.monotonic() < deadline, f"waited for minutes, but not yet: {what}: {said.read_text()}"
        time.sleep(0.2)


@contextmanager
def watched(told: Story) -> Iterator[None]:
    """Note, a few times a second, which processes write what on which device."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.25):
            found = (writer(process, told.cluster.folder) for process in Path("/proc").glob("[0-9]*"))
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
            pair.split("=", 1) for pair in (process / "environ").read_text(errors="replace").split("\0") if "=" in pair
        )
    except OSError:  # it has just ended
        return None
    if not words[1:2] or not words[1].startswith("scripts/") or "--out" not in words or "SLURM_JOB_ID" not in environment:
        return None
    return Writer(words[words.index("--out") + 1], environment["SLURM_JOB_ID"], environment.get("CUDA_VISIBLE_DEVICES", "none"))


# --- what the story shows -------------------------------------------------------------------------------------------


def test_jobs_that_run_at_once_have_devices_of_their_own(story: Story) -> None:
    together = [moment for moment in story.moments if len({one.job for one in moment}) > 1]
    assert together, "two GPU jobs were never seen at the same time"
    assert {"0", "1"} in [{one.device for one in moment} for moment in together], "never were both devices in use"
    for moment in together:
        assert max(Counter(one.device for one in moment).values()) == 1, f"two jobs on one device: {moment}"


def test_a_killed_controller_leaves_jobs_which_the_next_launch_names_and_cancels(story: Story) -> None:
    assert "rule_train_wildcards_held_0" in story.orphans, "the training should outlive its controller"
    first, second = story.said.splitlines()[:2]
    assert first.startswith("A killed run has left SLURM jobs: ")
    assert "(train held_0)" in first
    assert second == "They are gone; long work goes on from its checkpoints."
    assert "its lock is cleared" in story.said
    assert "sacct does not answer here, so squeue is asked" in story.said, "with sacct, Snakemake would wait for ever"
    assert ["rule_train_wildcards_held_0", "CANCELLED", "30:00"] in story.jobs


def test_jobs_that_are_not_this_runs_are_left_alone(story: Story) -> None:
    assert [state for comment, state, _ in story.jobs if comment == "bystander"] == ["RUNNING", "RUNNING"]


def test_no_file_ever_had_two_writers(story: Story) -> None:
    assert any(story.moments), "no job was ever seen"
    for moment in story.moments:
        twice = [out for out, count in Counter(one.out for one in moment).items() if count > 1]
        assert not twice, f"two processes wrote {twice} at once: {moment}"


def test_a_training_stopped_by_its_time_limit_goes_on_from_its_checkpoint_with_more_time(story: Story) -> None:
    ended = sorted((state, limit) for comment, state, limit in story.jobs if comment == "rule_train_wildcards_held_0")
    assert ended == [("CANCELLED", "30:00"), ("COMPLETED", "1:00:00"), ("TIMEOUT", "1:00")], (
        "one job cancelled with its controller, one stopped by its limit and one with more time were expected"
    )
    assert "SLURM status is: 'TIMEOUT'" in story.said, story.said
    assert "train held 0 is tried again" in story.said
    log = (story.cluster.folder / "results/tiny/logs/train/held/seed0.log").read_text()
    assert "epoch 2/2" in log
    assert "epoch 1/2" not in log, "the last attempt started anew instead of going on after the first epoch"


def test_the_study_is_completed_and_told_job_by_job(story: Story) -> None:
    assert story.status == 0, story.said
    assert "train held 0: SLURM job " in story.said
    assert any(line.startswith("[") and "] attack signs_standard 0 pgd, " in line for line in story.said.splitlines())
    assert (story.cluster.folder / "results/tiny/report.html").exists()
    assert not (story.cluster.folder / TRAINED / ".checkpoint.safetensors").exists()


def test_jobs_work_with_the_configurations_threads_whatever_cores_they_are_given(story: Story) -> None:
    for copy in (story.local, story.cluster):
        for costs in (copy.folder / "results").rglob("costs.json"):
            command = json.loads(costs.read_text())["command"]
            if "--threads" in command:
                assert command[command.index("--threads") + 1] == "2", f"{copy.folder}: {command}"


def test_the_results_have_the_bytes_of_a_local_run(story: Story) -> None:
    here, there = (results(copy) for copy in (story.local, story.cluster))
    assert here.keys() == there.keys()
    assert {path.suffix for path in here} == {".parquet", ".safetensors", ".csv"}
    differing = [str(path) for path in here if here[path] != there[path]]
    assert not differing, f"these differ from those of the local run: {differing}"


def results(copy: Copy) -> dict[Path, bytes]:
    """Rows, tensors and tables of a finished study."""
    root = copy.folder / "results"
    found = (path for ending in ("parquet", "safetensors", "csv") for path in root.rglob(f"*.{ending}"))
    return {path.relative_to(root): path.read_bytes() for path in found}


# --- the launcher's part, without a SLURM ----------------------------------------------------------------------------

FAILED = """\
rule train:
    jobid: 4
    wildcards: model=a, seed=0
Job 4 has been submitted with SLURM jobid 12 (log: /x/12.log).
Error in rule train:
    message: SLURM-job '12' failed, SLURM status is: 'TIMEOUT'.
Logfile results/train/a.log: empty file
Logfile /x/12.log:
==================
SNAKEMAKE
=========
rule train:
    jobid: 0
Finished jobid: 0 (Rule: train)
1 of 1 steps (100%) done
Diverged: the loss is no number.
==================
Trying to restart job 4.
Finished jobid: 4 (Rule: train)
1 of 13 steps (8%) done
"""
ID = "0123abcd-0000-4000-8000-000000000000"


class Queue:
    """Commands of SLURM that know a text file instead of a cluster; a cancelled job needs a moment to end."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.jobs, self.cancelled = folder / "jobs.txt", folder / "cancelled.txt"
        self.cancelled.touch()
        for name, body in {
            "squeue": f"cat {self.jobs}",
            "scancel": f'echo "$@" >> {self.cancelled}; for id in "$@"; do sed -i "/^$id|/d" {self.jobs}; done',
            "sacct": "exit 1",
        }.items():
            (folder / name).write_text(f"#!/bin/sh\n{body}\n")
            (folder / name).chmod(0o755)
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def holds(self, *lines: str) -> None:
        self.jobs.write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture
def slurm_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    monkeypatch.setattr(slurm.time, "sleep", lambda _: None)
    return Queue(tmp_path, monkeypatch)


def test_only_the_jobs_of_dead_runs_of_this_folder_are_cancelled(
    slurm_commands: Queue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, others = slurm.prefix(tmp_path), slurm.prefix(tmp_path / "elsewhere")
    slurm_commands.holds(
        f"11|{mine}-111_{ID}|rule_train_wildcards_signs_standard_0|{tmp_path}",
        f"12|{mine}-111_{ID}|rule_attack_wildcards_a_0_pgd|{tmp_path}",
        f"13|{mine}-222_{ID}|rule_train_wildcards_b_0|{tmp_path}",
        f"14|{others}-111_{ID}|rule_train_wildcards_c_0|{tmp_path}/elsewhere",
        f"15|robustgen_{ID}|rule_train_wildcards_d_0|{tmp_path}/elsewhere",
        f"16|robustgen-controller||{tmp_path}",
        f"17|mine||{tmp_path}",
    )
    slurm.clear(tmp_path, [222])
    assert slurm_commands.cancelled.read_text() == "11 12\n"
    said = capsys.readouterr().out
    assert "A killed run has left SLURM jobs: 11 (train signs_standard_0), 12 (attack a_0_pgd). They are cancelled first." in said
    slurm.clear(tmp_path, [222])
    assert capsys.readouterr().out == "", "nothing is left, so there is nothing to say"


def test_jobs_of_a_snakemake_started_by_hand_stop_the_launch(slurm_commands: Queue, tmp_path: Path) -> None:
    slurm_commands.holds(f"21|robustgen_{ID}|rule_train_wildcards_a_0|{tmp_path}")
    with pytest.raises(Refused, match=r"SLURM jobs 21 work in this folder .* cancel them \(scancel 21\)"):
        slurm.clear(tmp_path, [])
    assert not slurm_commands.cancelled.read_text()


def test_jobs_that_do_not_end_stop_the_launch(slurm_commands: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slurm_commands.holds(f"31|{slurm.prefix(tmp_path)}-1_{ID}|rule_train_wildcards_a_0|{tmp_path}")
    (tmp_path / "scancel").write_text("#!/bin/sh\n")
    monkeypatch.setattr(slurm, "PATIENCE", 0.5)
    with pytest.raises(Refused, match=r"SLURM has not ended 31 \(train a_0\)"):
        slurm.clear(tmp_path, [])


def test_a_silent_slurm_is_told(slurm_commands: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "squeue").write_text("#!/bin/sh\necho 'Unable to contact slurm controller' >&2; exit 1\n")
    with pytest.raises(Refused, match="SLURM does not answer: Unable to contact slurm controller"):
        slurm.clear(tmp_path, [])
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(Refused, match="squeue is not on the path of this machine"):
        slurm.clear(tmp_path, [])


def test_the_executor_is_read_from_the_arguments_and_from_the_profile() -> None:
    profiles = ROOT / "workflow/profiles"
    assert slurm.wanted(["all", "--workflow-profile", f"{profiles}/slurm", "--configfile", "x.yaml"])
    assert slurm.wanted([f"--workflow-profile={profiles}/slurm"])
    assert slurm.wanted(["--workflow-profile", f"{profiles}/default", "--executor", "slurm"])
    assert not slurm.wanted(["--workflow-profile", f"{profiles}/slurm", "-e", "local"])
    assert not slurm.wanted(["--workflow-profile", f"{profiles}/default"])
    assert not slurm.wanted(["--workflow-profile"])


def test_squeue_is_asked_where_sacct_fails_and_nothing_else_is_named(slurm_commands: Queue, tmp_path: Path) -> None:
    name = ["--slurm-jobname-prefix", f"{slurm.prefix(tmp_path)}-{os.getpid()}"]
    chosen = ["--executor", "slurm"]
    assert slurm.options(tmp_path, chosen) == [*name, "--slurm-status-command", "squeue"]
    assert slurm.options(tmp_path, [*chosen, "--slurm-status-command", "sacct"]) == name
    (tmp_path / "sacct").write_text("#!/bin/sh\n")
    assert slurm.options(tmp_path, chosen) == name
    assert slurm.options(tmp_path, []) == []


def test_a_local_run_looks_at_the_queue_only_where_slurm_was_used_before(slurm_commands: Queue, tmp_path: Path) -> None:
    assert slurm.concerns(["--executor", "slurm"], tmp_path)
    assert not slurm.concerns([], tmp_path)
    (tmp_path / ".snakemake/slurm_logs").mkdir(parents=True)
    assert slurm.concerns([], tmp_path), "a killed run's jobs may still write here"


def test_a_snakemake_without_its_launcher_and_runs_of_other_hosts_count_as_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    launch.RUNS.mkdir(parents=True)
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "snakemake"])
    (launch.RUNS / "999999991").write_text(f"{platform.node()} {orphan.pid}")
    (launch.RUNS / "999999992").write_text("login2 7")
    (launch.RUNS / "999999993").write_text(f"{platform.node()} 999999994")
    seen: list[int] = []
    with launch.registered([], clear=seen.extend) as alive:
        assert sorted(alive) == sorted(seen) == [999999991, 999999992]
    said = capsys.readouterr().out
    assert "A run was started on login2, process 999999992; if it has ended, delete" in said
    assert f"The Snakemake of an earlier start still runs here: process {orphan.pid}." in said
    assert not (launch.RUNS / "999999993").exists(), "what is noted of a dead run is of no use"
    orphan.kill()
    orphan.wait()
    with launch.registered([]) as alive:
        assert alive == [999999992]


def test_submitted_and_repeated_jobs_are_lines_and_the_log_of_a_failed_one_is_not_taken_for_ours() -> None:
    said = list(launch.jobs(FAILED.splitlines()))
    assert [line.strip() for line in said] == [
        "train a 0: SLURM job 12",
        "Error in rule train:",
        "message: SLURM-job '12' failed, SLURM status is: 'TIMEOUT'.",
        "Diverged: the loss is no number.",
        "train a 0 is tried again",
        "[  1/13] train a 0, 0.0 s",
    ]
