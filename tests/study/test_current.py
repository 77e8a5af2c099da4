"""What makes an output current, for every kind of job: without Snakemake on made files, and with it
on the tiny study.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT, Copy
from robustgen.core import seals
from robustgen.core.files import write_text
from robustgen.run.tidy import remove_images
from robustgen.study.config import load
from robustgen.study.current import inherited, outdated, record_of
from robustgen.study.flow import Job, behind, jobs
from robustgen.study.plan import Plan
from robustgen.study.stages import STAGES

TINY = Plan(load(ROOT / "config/config.yaml", ROOT / "tests/tiny.yaml"))
ALL = jobs(TINY)
RULES = sorted({job.rule for job in ALL})
PROFILE = ("--workflow-profile", "workflow/profiles/default", "--configfile", "tests/tiny.yaml")
LAUNCH = (sys.executable, "scripts/run_study.py")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of which every job ended well: files, seals and Snakemake's records."""
    folder, here = tmp_path_factory.mktemp("made"), Path.cwd()
    os.chdir(folder)
    for job in ALL:
        for path in job.files:
            write_text(path, f"what {job.rule} wrote")
            record_of(path).parent.mkdir(parents=True, exist_ok=True)
            record_of(path).touch()
        seals.write(Path(job.seal))
    os.chdir(here)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of it as the working folder."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def one(rule: str) -> Job:
    return next(job for job in ALL if job.rule == rule)


def downstream(job: Job) -> set[Job]:
    """The jobs that rest on a job, found from the other end: those among whose causes it is."""
    return {other for other in ALL if job in behind(ALL, other.files)}


def failed(job: Job) -> None:
    """Leave what Snakemake leaves of a job that failed: neither its files nor their records."""
    for path in (*job.files, job.seal):
        Path(path).unlink()
    for path in job.files:
        record_of(path).unlink()


def test_every_rule_of_the_workflow_is_a_job_with_a_seal() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    named = set(re.findall(r"^rule (\w+):", text, re.MULTILINE))
    parts = dict(re.findall(r"^use rule (\w+) as (\w+) with:", text, re.MULTILINE))
    assert named == {*RULES, "fetch"}
    assert text.count("--seal {output.seal:q}") == len(named)
    assert named | set(parts.values()) == set(STAGES)
    assert all(part == f"{rule}_part" for rule, part in parts.items())


@pytest.mark.usefixtures("folder")
def test_a_study_whose_jobs_all_ended_well_is_current() -> None:
    assert outdated(ALL, thorough=True) == {}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("rule", RULES)
def test_nothing_that_rests_on_a_failed_job_is_current_whatever_is_there_of_older_runs(
    rule: str,
) -> None:
    failed(one(rule))
    found = outdated(ALL)
    assert set(found) == {one(rule)}
    assert "does not exist" in found[one(rule)]
    assert set(inherited(ALL, found)) == downstream(one(rule))


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("rule", RULES)
def test_a_job_that_was_killed_before_its_seal_is_not_current(rule: str) -> None:
    Path(one(rule).seal).unlink()
    (reason,) = outdated(ALL).values()
    assert "its job did not end well" in reason


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("rule", RULES)
def test_a_file_without_a_record_of_how_it_was_made_is_not_current(rule: str) -> None:
    record_of(one(rule).files[-1]).unlink()
    (reason,) = outdated(ALL).values()
    assert "record" in reason
    assert outdated(ALL, records=None) == {}, (
        "the report, which is read elsewhere, asks the seals alone"
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("path", [path for rule in RULES for path in one(rule).files])
def test_any_file_that_was_changed_is_named(path: str) -> None:
    before = Path(path).stat()
    Path(path).write_bytes(Path(path).read_bytes().replace(b"w", b"W"))
    assert list(outdated(ALL).values()) == [f"{path} is not what its job wrote"]
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert list(outdated(ALL, thorough=True).values()) == [f"{path} is not what its job wrote"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("path", [path for rule in RULES for path in one(rule).lasting])
def test_any_file_that_was_removed_is_named(path: str) -> None:
    Path(path).unlink()
    assert list(outdated(ALL).values()) == [f"{path} does not exist"]


@pytest.mark.usefixtures("folder")
def test_attacked_images_may_be_gone_and_nothing_that_rests_on_them_is_made_again() -> None:
    attack = one("attack")
    (images,) = set(attack.files) - set(attack.lasting)
    assert Path(images).name == "images.safetensors"
    Path(images).unlink()
    assert outdated(ALL, thorough=True) == {}
    score = next(job for job in ALL if images in job.inputs)
    assert score.lacking == []  # its costs tell that they were there
    Path(attack.files[-1]).unlink()
    assert score.lacking == [images]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("text", ["", "{", "[]", '{"tables": 3}', "\udcff"])
def test_a_damaged_seal_is_no_seal(text: str) -> None:
    Path(one("train").seal).write_bytes(text.encode(errors="surrogateescape"))
    assert list(outdated(ALL)) == [one("train")]


@pytest.mark.usefixtures("folder")
def test_a_touched_file_of_equal_bytes_is_current() -> None:
    for path in one("train").files:
        os.utime(path, (2_100_000_000, 2_100_000_000))
    assert outdated(ALL) == {}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("keep", [True, False])
def test_attacked_images_that_a_killed_run_left_go_once_they_are_scored(keep: bool) -> None:
    """Those of he_pgd were made after the scores that are there, so that they are still to be
    scored.
    """
    folder = Path("results/tiny/attacks/signs_standard/seed0")
    scored, unscored, newer = (
        folder / f"{name}/images.safetensors" for name in ("pgd", "apgd", "he_pgd")
    )
    for path in (scored, unscored, newer):
        path.touch()
    os.utime(scored, (1_000_000_000, 1_000_000_000))
    Path("results/tiny/seals/score/signs_standard/seed0/apgd.json").unlink()
    remove_images(Plan(TINY.study.model_copy(update={"keep_images": keep})))
    assert (scored.exists(), unscored.exists(), newer.exists()) == (keep, True, True)


# --- with Snakemake -------------------------------------------------------------------------------


@pytest.fixture
def copy(study: Copy, make_copy: Callable[[], Copy]) -> Copy:
    """The tiny study, made, in a folder of its own."""
    found = make_copy()
    subprocess.run(["cp", "-a", f"{study.folder}/.", str(found.folder)], check=True)
    return found


def test_a_failed_training_is_tried_again_until_it_goes_well_and_no_older_table_passes_for_done(
    copy: Copy,
) -> None:
    mend = copy.edit("tests/tiny.yaml", "lr: 0.05", "lr: 1.0e+9")
    for _ in range(2):
        found = copy.run(*LAUNCH, *PROFILE, check=False)
        assert found.returncode == 1
        assert "train signs_standard 0 failed: Training diverged" in found.stdout
    report = (copy.folder / "results/tiny/report.html").read_text()
    assert (
        "it rests on training/signs_standard/seed0/weights.safetensors, which is not current"
    ) in report
    mend()
    assert {
        "train",
        "attack",
        "score",
        "detect",
        "measure",
        "make_table",
        "draw_figure",
        "judge_claims",
    } <= copy.pending()


def test_a_failed_table_is_tried_again_and_is_whole_once_it_is_mended(copy: Copy) -> None:
    path = copy.folder / "results/tiny/tables/table_energies.csv"
    before = path.read_bytes()
    mend = copy.edit(
        "scripts/robustgen/tables/energies.py", "def make(", "raise Refused('No.')\n\n\ndef make("
    )
    for _ in range(2):
        found = copy.run(*LAUNCH, "table_energies", *PROFILE, check=False)
        assert found.returncode == 1
        assert "make_table table_energies failed" in found.stdout
        assert "Nothing to be done" not in found.stdout
    mend()
    copy.run(*LAUNCH, "table_energies", *PROFILE)
    assert path.read_bytes() == before


def test_what_was_made_with_gaps_is_made_again_although_nothing_lacks_any_more(copy: Copy) -> None:
    """A missing file that appears while tables are made from what there is: the table keeps
    no gap.
    """
    rows = copy.folder / "results/tiny/measures/signs_standard/seed0/he_pgd/scores.parquet"
    table = copy.folder / "results/tiny/tables/table_energies.csv"
    whole, hidden = table.read_bytes(), rows.with_suffix(".hidden")
    rows.rename(hidden)
    table.unlink()
    copy.run("python", "scripts/salvage.py", "--config", "results/tiny/config.json")
    assert set(pd.read_csv(table)["attack"]) == {"clean", "pgd"}
    hidden.rename(rows)
    assert {"make_table", "write_report"} <= copy.pending() <= {"make_table", "write_report"}
    copy.run(*LAUNCH, "table_energies", *PROFILE)
    assert table.read_bytes() == whole


def test_a_damaged_figure_and_a_missing_report_are_made_anew_and_nothing_else(copy: Copy) -> None:
    results = copy.folder / "results/tiny"
    before = (results / "figures/fig_2a.json").read_bytes()
    (results / "figures/fig_2a.json").write_bytes(before.replace(b"a", b"b", 1))
    (results / "report.html").unlink()
    assert copy.pending() == {"draw_figure", "write_report"}
    said = copy.run("python", "scripts/verify.py", "--configfile", "tests/tiny.yaml", check=False)
    assert said.returncode == 1
    assert (
        "draw_figure fig_2a: results/tiny/figures/fig_2a.json is not what its job wrote"
    ) in said.stdout
    assert "write_report: results/tiny/report.html does not exist" in said.stdout


def test_a_change_of_ones_own_data_or_modules_is_seen(
    make_copy: Callable[[], Copy], tmp_path: Path
) -> None:
    copy, data = make_copy().show("fig_sheets"), tmp_path / "own $(touch pwned) 'data\" {set}"
    images = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    (data / "mine").mkdir(parents=True)
    for part in ("train", "test"):
        np.savez(data / f"mine/{part}.npz", images=images, labels=np.arange(40) % 4)
    overlay = copy.folder / "tests/tiny.yaml"
    entry = (
        "  own: {kind: npz, options: {folder: mine}, validation: 8, evaluate: {reference: 8, "
        "validation: 8, test: 8}}\n"
    )
    overlay.write_text(
        overlay.read_text()
        .replace("datasets:\n", "datasets:\n" + entry, 1)
        .replace("datasets: [signs]", "datasets: [own]")
    )
    os.environ["ROBUSTGEN_DATA"], before = str(data), os.environ.get("ROBUSTGEN_DATA")
    try:
        copy.run(*LAUNCH, "fig_sheets", *PROFILE)
        np.savez(data / "mine/train.npz", images=images, labels=(np.arange(40) + 1) % 4)
        # a copy may be older than what it replaces
        os.utime(data / "mine/train.npz", (1_000_000_000, 1_000_000_000))
        assert {"load_data", "split_data", "draw_figure"} <= copy.pending()
    finally:
        os.environ.pop("ROBUSTGEN_DATA")
        if before:
            os.environ["ROBUSTGEN_DATA"] = before
    assert not (copy.folder / "pwned").exists()
