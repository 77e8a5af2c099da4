"""The report and its rescue after failures, on a results folder made by hand."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import salvage
from conftest import ROOT
from robustgen.core import seals
from robustgen.core.files import write_json, write_text
from robustgen.core.refusal import Refused
from robustgen.report.page import page
from robustgen.report.shown import numeric
from robustgen.report.verdicts import number
from robustgen.study.config import checked
from robustgen.study.costs import costs, duration, per_rule
from robustgen.study.flow import jobs
from robustgen.study.plan import plan_of
from toy import CELLS, CLAIM, CONFIG, PIXEL, Reader

FOLDER = Path("results/toy")
SCORES = "results/toy/measures/net/seed0/pgd/scores.parquet"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A finished toy study."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(seals, "spent", lambda: {"cpu_seconds": 4.0, "peak_mb": 80.0})
    (tmp_path / "config").symlink_to(ROOT / "config")
    for job in jobs(plan_of(checked(CONFIG), FOLDER)):
        for path in job.files:
            write_text(path, "")
    write_json(FOLDER / "config.json", CONFIG)
    write_json(FOLDER / "claims/verdicts.json", [CLAIM | {"cells": CELLS}])
    table = {
        "title": "Energies",
        "note": "A <b>note</b>.",
        "columns": ["net", "E"],
        "rows": [["net", "-1.50"]] * 41,
    }
    write_json(FOLDER / "tables/energy_by_steps.json", table)
    (FOLDER / "figures/training.png").write_bytes(PIXEL)
    write_json(
        FOLDER / "figures/training.json", {"title": "Training", "caption": 'Loss & "accuracy".'}
    )
    pool = {"kind": "digits", "names": ["zero", "one"], "sha256": "ab" * 32, "shape": [30, 1, 8, 8]}
    write_json(FOLDER / "data/digits/pool.json", pool)
    write_json(
        FOLDER / "data/digits/splits.json",
        {"names": pool["names"], "class_counts": {"test": [4, 6], "train": [9, 11]}},
    )
    facts = {
        "rule": "train",
        "seconds": 3.0,
        "cpu_seconds": 5.0,
        "peak_mb": 7.0,
        "device": "cpu",
        "command": ["train.py", "--code", "c0de"],
    }
    write_json(FOLDER / "training/net/seed0/costs.json", facts)
    write_text(FOLDER / "benchmarks/train/net/seed0.tsv", "s\tmax_rss\tcpu_time\n60.5\t100.5\tNA\n")
    seal()
    return tmp_path


def seal() -> None:
    """Seal every job's files as they are."""
    for job in jobs(plan_of(checked(CONFIG), FOLDER)):
        seals.write(Path(job.seal))


def read() -> Reader:
    reader = Reader(page(CONFIG, FOLDER))
    assert not reader.open
    assert len(reader.ids) == len(set(reader.ids))
    return reader


@pytest.mark.usefixtures("results")
def test_a_finished_study_is_told_whole() -> None:
    reader = read()
    assert "1 reproduced" in reader.words
    assert "1 not tested at this scale" in reader.words
    assert "-1.500 [-1.750, -1.250]" in reader.words
    assert "8/255" in reader.words
    assert "too few images" in reader.words
    assert (
        "Nothing is missing: all 10 jobs left their files, and all of them are current."
    ) in reader.words
    assert "Show all 41 rows" in reader.words
    assert "not the data of the papers" in reader.words
    assert "ab" * 32 in reader.words
    assert "1 job took 1 min 00 s" in reader.words
    assert "c0de" in reader.words


@pytest.mark.usefixtures("results")
def test_the_page_stands_alone() -> None:
    """Links lead to files of the study or to places of the page; pictures are inside and
    decodable.
    """
    reader = read()
    pictures = [link for link in reader.links if link.startswith("data:image")]
    assert [base64.b64decode(link.split(",", 1)[1], validate=True) for link in pictures] == [PIXEL]
    anchors = {link[1:] for link in reader.links if link.startswith("#")}
    assert anchors <= set(reader.ids)
    files = [link for link in reader.links if not link.startswith(("data:", "#"))]
    assert files
    assert all((FOLDER / link).is_file() for link in files)
    assert not re.search(r"@import|url\(|https?://", page(CONFIG, FOLDER))


@pytest.mark.usefixtures("results")
def test_a_missing_cell_is_told_with_the_end_of_its_log() -> None:
    Path(SCORES).unlink()
    write_text(
        FOLDER / "logs/score/net/seed0/pgd.log",
        "first line\n" * 40 + ("RuntimeError: <script>no memory</script>\n"),
    )
    reader = read()
    assert (
        "score net/seed0/pgd failed, or its files were removed; absent: "
        "measures/net/seed0/pgd/scores.parquet"
    ) in reader.words
    assert "RuntimeError: <script>no memory</script>" in reader.words  # as text, not as a tag
    assert reader.words.count("first line") == 11
    assert "logs/score/net/seed0/pgd.log" in reader.links
    assert (
        "Not current: it rests on measures/net/seed0/pgd/scores.parquet, which is not current."
    ) in reader.words


@pytest.mark.usefixtures("results")
def test_outputs_that_are_left_out_are_told_with_the_reason() -> None:
    tables = CONFIG["tables"] | {"table_2_3": CONFIG["tables"]["energy_by_steps"]}
    config = CONFIG | {"tables": tables, "left_out": {"table_2_3": "no <data> stand for it."}}
    words = Reader(page(config, FOLDER)).words
    assert "Left out of this study" in words
    assert "table 2 3 : no <data> stand for it." in words
    assert "Left out of this study" not in read().words


@pytest.mark.usefixtures("results")
def test_jobs_behind_a_failure_are_told_to_wait() -> None:
    for path in ("training/net/seed0/weights.safetensors", "attacks/net/seed0/pgd/costs.json"):
        (FOLDER / path).unlink()
    words = read().words
    assert (
        "2 of 10 jobs have not left all their files: 1 failed or did not run, 1 wait for others."
    ) in words
    assert "attack net/seed0/pgd waits for training/net/seed0/weights.safetensors;" in words


@pytest.mark.usefixtures("results")
def test_what_is_not_current_is_told_with_its_reason() -> None:
    write_text(SCORES, "other")
    words = read().words
    assert (
        "score net/seed0/pgd: measures/net/seed0/pgd/scores.parquet is not what its job wrote"
    ) in words
    assert (
        "make_table energy_by_steps: it rests on measures/net/seed0/pgd/scores.parquet, which "
        "is not current"
    ) in words
    assert "all of them are current" not in words


@pytest.mark.usefixtures("results")
def test_a_flipped_digit_of_a_table_is_not_shown_as_if_it_were_measured() -> None:
    path = FOLDER / "tables/energy_by_steps.json"
    path.write_text(path.read_text().replace("-1.50", "-1.60", 1))
    assert "Not current: tables/energy_by_steps.json is not what its job wrote." in read().words


@pytest.mark.usefixtures("results")
def test_a_rerun_with_equal_bytes_leaves_nothing_to_say() -> None:
    """File times do not matter, bytes do."""
    for path in FOLDER.rglob("*.parquet"):
        os.utime(path, (2_100_000_000, 2_100_000_000))
    assert "all of them are current" in read().words


@pytest.mark.usefixtures("results")
def test_markup_in_names_and_logs_is_text() -> None:
    text = page(CONFIG, FOLDER)
    assert text.count("<script") == 1  # the page's own
    assert "&lt;script&gt;" in text
    assert "<b>note</b>" not in text


def test_a_study_of_which_nothing_exists_has_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = read().words
    for sentence in (
        "No claims were judged",
        "There is no table yet.",
        "There is no figure yet.",
        ("No job has left its costs"),
    ):
        assert sentence in words


@pytest.mark.usefixtures("results")
def test_a_damaged_table_costs_only_itself() -> None:
    write_text(FOLDER / "tables/energy_by_steps.json", "{")
    assert "is not valid JSON" in read().words


def test_a_folder_of_another_study_is_refused() -> None:
    with pytest.raises(Refused, match="rename the folder to toy"):
        page(CONFIG, Path("results/other"))


@pytest.mark.usefixtures("results")
def test_costs_join_what_snakemake_and_the_script_measured() -> None:
    """Snakemake saw the whole process but no processor time (NA); the script metered 5 s of it."""
    (cost,) = costs(FOLDER)
    assert (cost.rule, cost.name, cost.seconds, cost.cpu, cost.peak_mb) == (
        "train",
        "net/seed0",
        60.5,
        5.0,
        100.5,
    )
    assert per_rule([cost])[-1] == {
        "rule": "all",
        "jobs": 1,
        "seconds": 60.5,
        "cpu": 5.0,
        "gpu": 0.0,
        "peak_mb": 100.5,
    }


@pytest.mark.usefixtures("results")
def test_a_job_of_a_warm_process_is_told_by_its_seal() -> None:
    """Snakemake saw only the command that waited for it."""
    write_text(FOLDER / "benchmarks/make_table/t.tsv", "s\tmax_rss\tcpu_time\n9.5\t21\t0.1\n")
    job = FOLDER / "seals/make_table/t.json"
    write_json(job, {"files": {}, "cpu_seconds": 4.0, "peak_mb": 80.0})
    (cost,) = (cost for cost in costs(FOLDER) if cost.rule == "make_table")
    assert (cost.seconds, cost.cpu, cost.peak_mb) == (9.5, 4.0, 80.0)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1.24, "1.2 s"), (59.97, "60.0 s"), (61, "1 min 01 s"), (7260, "2 h 01 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_numbers_and_columns_of_numbers() -> None:
    assert number(None, None, None) == ""
    assert number(-13.31, -14.06, -12.57) == "-13.3 [-14.1, -12.6]"
    assert numeric([["8/255"], [""], ["1.0 [0.2, 2.9]"]], 0)
    assert not numeric([["3 steps"]], 0)


@pytest.mark.usefixtures("results")
def test_salvage_makes_what_it_can(capsys: pytest.CaptureFixture[str]) -> None:
    """One table breaks on empty rows; the figure and the report are made all the same."""
    for end in ("csv", "json"):
        (FOLDER / f"tables/energy_by_steps.{end}").unlink()
    for path in FOLDER.glob("figures/*"):
        path.unlink()
    history = {
        "epoch": [1, 2],
        "lr": 0.1,
        "loss": [2.0, 1.0],
        "train_accuracy": 0.5,
        "validation_accuracy": 0.6,
        "judged_accuracy": 0.6,
    }
    pd.DataFrame(history).to_csv(FOLDER / "training/net/seed0/history.csv", index=False)
    salvage.main(["--config", str(FOLDER / "config.json")])
    said = capsys.readouterr()
    assert "make_table energy_by_steps: " in said.err
    assert said.out.splitlines()[-1] == (
        "The report is results/toy/report.html; 2 files of the study missing."
    )
    assert (FOLDER / "figures/training.png").stat().st_size > 1000
    assert (
        "make_table energy_by_steps: "
        in Reader((FOLDER / "report.html").read_text(encoding="utf-8")).words
    )
