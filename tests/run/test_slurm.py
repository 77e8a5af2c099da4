"""The study on a real SLURM of one node with two fake GPUs: devices, time limits, a killed
controller, the same bytes.

One run is told from beginning to end by the fixture `story`; each test then looks at one side of
it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import ROOT, Copy
from story import TRAINED, Story, told

NEEDED = ("munged", "slurmctld", "slurmd", "squeue")


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
    """The study, killed and run again on that SLURM."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in lab.items():
            patch.setenv(name, value)
        return told(make_copy(), make_copy())


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
