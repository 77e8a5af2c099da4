"""What the launcher does about SLURM, without one: a killed run's jobs, the executor, what is told
of jobs.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from conftest import ROOT
from robustgen.core.refusal import Refused
from robustgen.run import launch, slurm

FAILED = """\
rule train:
    jobid: 4
    wildcards: model=a, seed=0
Job 4 has been submitted with SLURM jobid 12 (log: logs/12.log).
Error in rule train:
    message: SLURM-job '12' failed, SLURM status is: 'TIMEOUT'.
Logfile results/train/a.log: empty file
Logfile logs/12.log:
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
    """Commands of SLURM that know a text file instead of a cluster; a cancelled job needs a moment
    to end.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.jobs, self.cancelled = folder / "jobs.txt", folder / "cancelled.txt"
        self.cancelled.touch()
        for name, body in {
            "squeue": f"cat {self.jobs}",
            "scancel": (
                f'echo "$@" >> {self.cancelled}; for id in "$@"; do sed -i "/^$id|/d" '
                f"{self.jobs}; done"
            ),
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
    assert (
        "A killed run has left SLURM jobs: 11 (train signs_standard_0), 12 (attack a_0_pgd). "
        "They are cancelled first."
    ) in said
    slurm.clear(tmp_path, [222])
    assert capsys.readouterr().out == "", "nothing is left, so there is nothing to say"


def test_jobs_of_a_snakemake_started_by_hand_stop_the_launch(
    slurm_commands: Queue, tmp_path: Path
) -> None:
    slurm_commands.holds(f"21|robustgen_{ID}|rule_train_wildcards_a_0|{tmp_path}")
    with pytest.raises(
        Refused, match=(r"SLURM jobs 21 work in this folder .* cancel them \(scancel 21\)")
    ):
        slurm.clear(tmp_path, [])
    assert not slurm_commands.cancelled.read_text()


def test_jobs_that_do_not_end_stop_the_launch(
    slurm_commands: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm_commands.holds(f"31|{slurm.prefix(tmp_path)}-1_{ID}|rule_train_wildcards_a_0|{tmp_path}")
    (tmp_path / "scancel").write_text("#!/bin/sh\n")
    monkeypatch.setattr(slurm, "PATIENCE", 0.5)
    with pytest.raises(Refused, match=r"SLURM has not ended 31 \(train a_0\)"):
        slurm.clear(tmp_path, [])


def test_a_silent_slurm_is_told(
    slurm_commands: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "squeue").write_text(
        "#!/bin/sh\necho 'Unable to contact slurm controller' >&2; exit 1\n"
    )
    with pytest.raises(Refused, match="SLURM does not answer: Unable to contact slurm controller"):
        slurm.clear(tmp_path, [])
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(Refused, match="squeue is not on the path of this machine"):
        slurm.clear(tmp_path, [])


def test_the_executor_is_read_from_the_arguments_and_from_the_profile() -> None:
    profiles = ROOT / "workflow/profiles"
    assert slurm.wanted(
        ["all", "--workflow-profile", f"{profiles}/slurm", "--configfile", "x.yaml"]
    )
    assert slurm.wanted([f"--workflow-profile={profiles}/slurm"])
    assert slurm.wanted(["--workflow-profile", f"{profiles}/default", "--executor", "slurm"])
    assert not slurm.wanted(["--workflow-profile", f"{profiles}/slurm", "-e", "local"])
    assert not slurm.wanted(["--workflow-profile", f"{profiles}/default"])
    assert not slurm.wanted(["--workflow-profile"])


def test_squeue_is_asked_where_sacct_fails_and_nothing_else_is_named(
    slurm_commands: Queue, tmp_path: Path
) -> None:
    name = ["--slurm-jobname-prefix", f"{slurm.prefix(tmp_path)}-{os.getpid()}"]
    chosen = ["--executor", "slurm"]
    assert slurm.options(tmp_path, chosen) == [*name, "--slurm-status-command", "squeue"]
    assert slurm.options(tmp_path, [*chosen, "--slurm-status-command", "sacct"]) == name
    (tmp_path / "sacct").write_text("#!/bin/sh\n")
    assert slurm.options(tmp_path, chosen) == name
    assert slurm.options(tmp_path, []) == []


def test_a_local_run_looks_at_the_queue_only_where_slurm_was_used_before(
    slurm_commands: Queue, tmp_path: Path
) -> None:
    assert slurm.concerns(["--executor", "slurm"], tmp_path)
    assert not slurm.concerns([], tmp_path)
    (tmp_path / ".snakemake/slurm_logs").mkdir(parents=True)
    assert slurm.concerns([], tmp_path), "a killed run's jobs may still write here"


def test_submitted_and_repeated_jobs_are_lines_and_logs_of_slurm_are_not_ours() -> None:
    said = list(launch.jobs(FAILED.splitlines()))
    assert [line.strip() for line in said] == [
        "train a 0: SLURM job 12",
        "SLURM-job '12' failed, SLURM status is: 'TIMEOUT'.",
        "train a 0 failed and left nothing in results/train/a.log",
        "train a 0 failed: Diverged: the loss is no number.",
        "train a 0 is tried again",
        "[  1/13] train a 0, 0.0 s",
    ]


def test_every_rule_that_takes_a_gpu_is_sent_where_the_gpus_are() -> None:
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "workflow/rules").glob("*.smk"))
    )
    rules = dict(re.findall(r"(?ms)^rule (\w+):\n(.*?)(?=^rule |\Z)", text))
    takers = {name for name, body in rules.items() if "gpu=" in body}
    heirs = dict(re.findall(r"(?m)^use rule (\w+) as (\w+) with:", text))  # of resources too
    takers |= {heir for name, heir in heirs.items() if name in takers}
    asked = yaml.safe_load(
        (ROOT / "workflow/profiles/slurm/config.yaml").read_text(encoding="utf-8")
    )["set-resources"]
    assert takers == {
        name for name, resources in asked.items() if resources["slurm_partition"] == "gpu"
    }
    assert len(takers) >= 7
