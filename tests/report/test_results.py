"""docs/results.md: published numbers beside ours, what has none, the ranking, and its drift."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conftest import ROOT
from robustgen.core.refusal import Refused
from robustgen.report import beside, runs
from robustgen.report.coverage import Coverage, coverage
from robustgen.report.ranking import Threat, ranking
from robustgen.report.results import page, write
from robustgen.report.runs import Run

ATTACKED = {
    "one": {"norm": "linf", "view": {}},
    "through": {"norm": "linf", "view": {"gradient": "unrolled"}},
    "near": {"norm": "l2", "view": {"steps": 3}},
}
CONFIG: dict[str, Any] = {
    "datasets": {
        "digits": {"published": "cifar10", "evaluate": {"validation": 20, "test": 80}},
        "signs": {"published": None, "evaluate": {}},
    },
    "models": {
        "plain": {"kind": "resnet", "dataset": "digits"},
        "searching": {"kind": "variational", "dataset": "digits"},
        "other": {"kind": "resnet", "dataset": "signs"},
    },
    "attacks": ATTACKED,
    "measures": {},
}
PAPER = pd.DataFrame(
    [
        ("w", "table_9", "cifar10", "A", "x", "90", "percent", ""),
        ("w", "table_9", "cifar10", "B", "x", "90", "percent", ""),
        ("w", "table_9", "cifar10", "B", "y", "12.5", "percent", "misprint: meant 125"),
        ("w", "table_9", "cifar10", "setting", "steps", "7", "count", ""),
        ("w", "table_8a", "cifar10", "A", "z", "3.5", "distance", ""),
        ("w", "table_8b", "cifar10", "A", "z", "4.5", "distance", ""),
        ("w", "text:1.2", "cifar10", "A", "z", "90", "percent", ""),
    ],
    columns=["work", "table", "dataset", "row", "column", "value", "unit", "remark"],
)


def made(folder: Path, tables: dict[str, str], config: dict[str, Any] = CONFIG) -> Run:
    """A run whose tables hold these lines of csv."""
    (folder / "tables").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    for name, lines in tables.items():
        (folder / f"tables/{name}.csv").write_text(lines)
    return runs.read(folder)


def test_a_published_number_stands_beside_the_column_that_it_is_of(tmp_path: Path) -> None:
    """Four ways in which tables hold published numbers, each once. By hand: 0.93 in [0.88, 0.96]
    is 93 % and 3 above 90, which lies inside; 0.2 in [0.15, 0.25] is 7.5 above 12.5, which lies
    outside; the distance 4.0 is no share and stays as it is, 0.5 above 3.5.
    """
    tables = {
        "table_9": "model,attack,eps,n,adversarial,adversarial_low,adversarial_high,"
        "published_adversarial\nplain,one,0.1,50,0.93,0.88,0.96,90\n"
        "plain,through,0.1,40,0.2,0.15,0.25,12.5!~\n",
        "table_8": "model,n,pixels,pixels_low,pixels_high,pixels_published\n"
        "plain,9,4.0,3.0,5.0,3.5\n",
        "table_1": "model,detector,attack,eps,paper_n,paper_n_clean,paper_dr,paper_dr_low,"
        "paper_dr_high,paper_fpr,paper_fpr_low,paper_fpr_high,DR,FPR\n"
        "plain,energy,one,0.1,30,31,0.5,0.4,0.6,0.1,0.0,0.2,55,\n",
    }
    found = beside.pairs(made(tmp_path / "run", tables))
    read = {(one.table, one.setting): beside.read(one, PAPER) for one in found}
    assert len(found) == len(read) == 4
    first, second = read["table_9", "one, 0.1"], read["table_9", "through, 0.1"]
    assert (first.gap, first.inside, first.remark) == (pytest.approx(3.0), True, "")
    assert (second.gap, second.inside) == (pytest.approx(7.5), False)
    assert second.remark == "misprint: meant 125; other steps, restarts or attacks here"
    pixels = read["table_8", ""]
    assert (pixels.scale, pixels.gap, pixels.pair.n) == (1, pytest.approx(0.5), "9")
    rate = read["table_1", "energy, one, 0.1"].pair
    assert (rate.column, rate.n, rate.ours.value) == ("DR", "30", 0.5)


def test_clean_accuracy_that_stands_in_every_row_is_one_number(tmp_path: Path) -> None:
    """Its n is not the n of the attacked images, and so it has none."""
    rows = "".join(f"plain,{attack},0.1,50,0.9,0.8,1.0,90\n" for attack in ("one", "through"))
    head = "model,attack,eps,n,natural,natural_low,natural_high,published_clean\n"
    found = beside.pairs(made(tmp_path / "run", {"table_9": head + rows}))
    assert [(one.column, one.n) for one in found] == [("natural", "")]


def test_models_in_columns_have_their_own_data_set_and_n(tmp_path: Path) -> None:
    lines = (
        "norm,eps,attack,n,plain,plain_low,plain_high,plain_n,plain_published\n"
        ",0.0,clean,40,0.9,0.8,1.0,50.0,90\nl2,1.0,near,40,0.5,0.4,0.6,40.0,\n"
    )
    (pair,) = beside.pairs(made(tmp_path / "run", {"table_9": lines}))
    assert (pair.dataset, pair.model, pair.setting, pair.n) == ("cifar10", "plain", "clean", "50")


def test_several_published_numbers_in_a_cell_stand_beside_the_columns_that_they_are_of(
    tmp_path: Path,
) -> None:
    """The mean and the median of a distance; FID and Inception score, which the work prints in its
    text; of a mean, its half interval and its deviation the mean alone, for ours has no interval of
    the others. An accuracy of 90 % beside an error of 0.2 [0.1, 0.3] is 0.8 [0.7, 0.9] beside it.
    """
    tables = {
        "table_9": "model,attack,norm,n,mean,mean_low,mean_high,median,median_low,median_high,"
        "published\nplain,near,l2,5,2,1,3,4,3,5,2.5 / 3.5!\n",
        "table_8": "model,n,fid,fid_low,fid_high,inception_score,inception_score_low,"
        "inception_score_high,published\nplain,5,20,-inf,inf,7,6,8,14.57 / 6.58\n",
        "table_7": "model,k,n,distance,distance_low,distance_high,sd,published\n"
        "plain,1,5,30,20,40,3,33 / 2.5 / 4\n",
        "table_6": "model,n,error,error_low,error_high,error_published\n"
        "plain,5,0.2,0.1,0.3,accuracy 90\n",
        "table_5": "model,n,outside,outside_low,outside_high,outside_published\n"
        "plain,5,2,1,3,2.5\n",
        "table_4": "model,n,outside,outside_low,outside_high,published_outside\n"
        "plain,5,2,1,3,464.6\n",
    }
    found = beside.pairs(made(tmp_path / "run", tables))
    told = {(one.source, one.column): (one.printed, one.marks, *one.ours) for one in found}
    infinite = float("inf")
    assert told == {
        ("table_9", "mean"): ("2.5", "", 2, 1, 3),
        ("table_9", "median"): ("3.5", "!", 4, 3, 5),
        ("text:3.3", "fid"): ("14.57", "", 20, -infinite, infinite),
        ("text:3.3", "inception_score"): ("6.58", "", 7, 6, 8),
        ("table_7", "distance"): ("33", "", 30, 20, 40),
        ("table_6", "accuracy"): ("90", "", 0.8, 0.7, 0.9),
        ("table_5", "outside"): ("2.5", "", 2, 1, 3),
        ("text:3.4", "outside"): ("464.6", "", 2, 1, 3),
    }
    fid = next(one for one in found if one.column == "fid")
    assert beside.read(fid, PAPER).inside is None


def test_coverage_counts_each_printed_number_once_and_no_settings(tmp_path: Path) -> None:
    """90 is printed twice in table 9: a run with one line of 90 covers one of the two, and two
    runs with the same line still cover one; parts of a table (8a, 8b) are one table.
    """
    head = "model,attack,eps,n,adversarial,adversarial_low,adversarial_high,published_adversarial\n"
    lines = {"table_9": head + "plain,one,0.1,50,0.9,0.8,1.0,90\n"}
    found = [pair for name in ("a", "b") for pair in beside.pairs(made(tmp_path / name, lines))]
    assert list(coverage(found, PAPER)) == [
        Coverage("w", "table_9", "cifar10", 3, 1),
        Coverage("w", "table_8", "cifar10", 2, 0),
        Coverage("w", "text:1.2", "cifar10", 1, 0),
    ]


RANKED = {
    "table_a": "dataset,model,attack,eps,n,natural,natural_low,natural_high,adversarial,"
    "adversarial_low,adversarial_high,passes\n"
    "digits,plain,one,0.1,50,0.9,0.8,1.0,0.30,0.2,0.4,1\n"
    "digits,plain,through,0.1,40,0.9,0.8,1.0,0.10,0.0,0.2,1\n"
    "digits,searching,one,0.1,50,0.8,0.7,0.9,0.60,0.5,0.7,80\n"
    "digits,searching,through,0.1,40,0.8,0.7,0.9,0.40,0.3,0.5,80\n"
    "digits,searching,worst of all,0.1,40,0.8,0.7,0.9,0.35,0.3,0.4,80\n"
    "digits,searching,one,0.2,50,0.8,0.7,0.9,0.55,0.5,0.6,80\n"
    "digits,plain,one,inf,50,0.9,0.8,1.0,0.0,0.0,0.1,1\n",
    "table_b": "norm,eps,attack,n,plain,plain_low,plain_high,plain_n,other,other_low,other_high,"
    "other_n\n,0.0,clean,60,0.7,0.6,0.8,60,0.95,0.9,1.0,60\n"
    "linf,0.2,one,60,0.25,0.2,0.3,60,,,,\nl2,1.0,near,60,,,,,0.5,0.4,0.6,60\n",
}


def test_defences_stand_in_the_order_of_the_least_that_attacks_leave(tmp_path: Path) -> None:
    """At 0.1: searching keeps 0.35 in the worst case, plain 0.10. An attack with a view is
    adaptive against the model that offers it alone. At 0.2 no attack went through searching's
    inference, so that it stands last although it kept more. Unbounded attacks rank nobody.
    """
    ranked = ranking([made(tmp_path / "run", RANKED)])
    linf, larger = Threat("digits", "linf", 0.1), Threat("digits", "linf", 0.2)
    assert list(ranked) == [linf, larger, Threat("signs", "l2", 1.0)]
    first, second = ranked[linf]
    assert (first.model, first.least, first.attacks) == ("searching", 0.35, 2)
    assert first.best
    assert first.adaptive
    assert (first.best.attack, first.adaptive.attack) == ("one", "through")
    assert (second.model, second.least, second.adaptive) == ("plain", 0.10, None)
    assert second.clean
    assert second.clean.share.value == 0.9
    assert [(one.model, one.judged) for one in ranked[larger]] == [
        ("plain", True),
        ("searching", False),
    ]


def test_the_page_prints_empty_cells_where_a_run_has_no_number(tmp_path: Path) -> None:
    run = made(tmp_path / "run", RANKED)
    said = page([run.folder], PAPER)
    assert "Published results: 6; with a number of ours: 0. Comparisons without a remark: 0" in said
    section = said.split("### digits, L_inf 51/255\n\n")[1].split("\n\n")[0].splitlines()[2:]
    first, last = (line.split(f" | {run.name} | ") for line in section)
    assert first[0] == "| 1 | plain"
    assert first[1] == "90.0 [80.0, 100.0] | 25.0 [20.0, 30.0] (one, n 60) |  |  | 1 | 1 |  |"
    assert last[0] == "|  | searching"
    assert last[1] == "80.0 [70.0, 90.0] | 55.0 [50.0, 60.0] (one, n 50) |  |  | 1 | 80 |  |"


def test_seconds_per_image_are_those_of_the_job_that_scored_clean_images(tmp_path: Path) -> None:
    """2 s for 20 + 80 images by one seed and 4 s by another are 0.03 s per image; a run from
    before measures were jobs of their own says nothing.
    """
    costs = (
        "rule,job,seconds,cpu_seconds,peak_mb,device\nscore,plain/seed0/clean,9,2.0,1,cpu\n"
        "score,plain/seed1/clean,9,4.0,1,cpu\nscore,plain/seed0/one,9,50.0,1,cpu\n"
    )
    run = made(tmp_path / "run", RANKED)
    older = made(tmp_path / "older", {}, {**CONFIG, "measures": 0} | {"models": CONFIG["models"]})
    older.config.pop("measures")
    for one in (run, older):
        (one.folder / "costs.csv").write_text(costs)
    assert run.seconds("plain") == pytest.approx(0.03)
    assert run.seconds("searching") is None
    assert older.seconds("plain") is None


def test_claims_of_both_versions_of_the_file_are_told(tmp_path: Path) -> None:
    """The axes of a cell stood beside its other columns in version 0.1.0."""
    cell = {
        "dataset": "digits", "model": "plain", "n": 9, "value": 0.5, "low": 0.4, "high": 0.6,
        "verdict": "inconclusive",
    }  # fmt: skip
    cells = [cell | {"axes": {"eps": 8 / 255}}, cell | {"eps": 16 / 255}]
    claim = {"work": "w", "sentence": "It is so.", "place": "p", "attack": "one", "cells": cells}
    run = made(tmp_path / "run", RANKED)
    (run.folder / "claims").mkdir()
    (run.folder / "claims/verdicts.json").write_text(json.dumps([claim]))
    lines = [line for line in page([run.folder], PAPER).splitlines() if "≈ inconclusive |" in line]
    told = (
        f"{run.name} | digits | plain | one, {{}}/255 | 9 | 0.500 [0.400, 0.600] | ≈ inconclusive |"
    )
    assert lines == [f"| It is so. (p) | {told.format(8)}", f"|  | {told.format(16)}"]


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"is no folder of results: it has no config\.json"):
        runs.read(tmp_path)


def test_the_page_in_the_docs_is_what_the_command_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    published = Path("results/published")
    folders = sorted(path for path in published.iterdir() if path.is_dir())
    said = write(folders, Path("config/paper.csv"))
    assert said == Path("docs/results.md").read_text(encoding="utf-8"), "run `make results`"
