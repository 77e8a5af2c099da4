"""Tables of detection for a reader: accuracy and success beside the rates, terms that are told,
percents alike.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conftest import ROOT
from detections import DETECTORS, limit, rows_of, written
from robustgen.core.rows import write_rows
from robustgen.stats import intervals
from robustgen.tables import detected, detection, matrix, published, table_1
from robustgen.tables.cells import named
from robustgen.tables.table import Table, write

PAPER = published.read(ROOT / "config/paper.csv")
SPEC: dict[str, Any] = {
    "options": {},
    "detectors": DETECTORS,
    "models": {"net": {"dataset": "signs", "merged": [], "published": None}},
    "attacks": {name: {"kind": "pgd", "norm": "linf", "options": {}} for name in ("pgd", "cw")},
}
KINDS = {
    "energy": {"kind": "energy", "options": {}, "fpr": 0.05},
    "band": {"kind": "unnatural", "options": {"statistic": "two_sided"}, "fpr": 0.025},
    "mine": {"kind": "my_lab.guess", "options": {}, "fpr": 0.05},
}


def made(maker: Any, files: dict[str, list[str]]) -> Table:
    table: Table = maker.make(files, spec=SPEC, paper=PAPER, absent=" Missing.")
    return table


def test_table_1_shows_what_the_net_and_the_attack_do(tmp_path: Path) -> None:
    """By hand: of four clean images the net gets three right; PGD fools two of them, CW none."""
    table = made(table_1, written(tmp_path))
    pgd, cw = (row for _, row in table.rows.iterrows())
    assert (pgd["clean"], pgd["clean_low"], pgd["clean_high"]) == intervals.share(3, 4)
    assert (
        pgd["success_fooled"],
        pgd["success_fooled_low"],
        pgd["success_fooled_high"],
    ) == intervals.share(2, 3)
    assert (
        cw["success_fooled"],
        cw["success_fooled_low"],
        cw["success_fooled_high"],
    ) == intervals.share(0, 3)
    headings = list(table.columns)
    cells = [dict(zip(headings, line, strict=True)) for line in table.printed()]
    assert [line["clean accuracy %"] for line in cells] == ["75.0 [19.4, 99.4]"] * 2
    assert [line["fooled %"] for line in cells] == ["66.7 [9.4, 99.2]", "0.0 [0.0, 70.8]"]
    assert [line["DR %, fooled only"] for line in cells] == ["50.0 [1.3, 98.7]", ""]
    for term in (
        "DR (detection rate)",
        "FPR (false positive rate)",
        "AUROC (area under the ROC curve)",
        "Clean accuracy:",
        "Fooled",
    ):
        assert term in table.note


def test_clean_accuracy_is_counted_once_per_image_and_over_seeds() -> None:
    """Two repetitions, 3 of 4 and 4 of 4 right, each read with two detectors and by two detection
    jobs.
    """
    one = rows_of("clean", 0.0, 0, [0.0] * 4, [False, False, False, True])
    other = rows_of("clean", 0.0, 0, [0.0] * 4, [False] * 4).assign(seed=1)
    both = pd.concat([one, other, one.assign(detector="lid"), one])
    found = detected.clean_accuracy(pd.concat([both, rows_of("pgd", 0.1, 9, [1.0], [True])]))
    expected, _ = intervals.over_seeds([intervals.share(3, 4), intervals.share(4, 4)])
    assert found[["clean", "clean_low", "clean_high"]].to_numpy().tolist() == [
        pytest.approx(list(expected))
    ]


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        ("T = 1", "T = 1"),
        ("fitted on pgd", "fitted on pgd"),
        ("fitted on he_pgd 0.0627 40 1.2", "fitted on he_pgd, 16/255, 40 steps, lambda 1.2"),
    ],
)
def test_what_a_detector_was_fitted_on_is_told_in_words(variant: str, said: str) -> None:
    """A fit per attack names its cell, which is the row's own."""
    cell = {"eps": 16 / 255, "steps": 40, "lambda_": 1.2}
    assert detected.statistic(list(cell))(pd.Series({"variant": variant, **cell})) == said


def test_the_detail_prints_percents_alike_and_keeps_fractions_for_machines(tmp_path: Path) -> None:
    table = made(detection, written(tmp_path))
    write(table, tmp_path / "detail.csv")
    assert pd.read_csv(tmp_path / "detail.csv")["fpr95"].max() <= 1
    shares = [
        name
        for name in table.columns
        if any(rate in name for rate in ("DR", "FPR", "AU", "flagged"))
    ]
    assert len(shares) == 6
    assert all("%" in name.replace("95 % TPR", "") for name in shares)
    last = [
        dict(zip(table.columns, line, strict=True))["FPR % at 95 % TPR"] for line in table.printed()
    ]
    assert [float(cell.split()[0]) for cell in last] == pytest.approx(
        (100 * table.rows["fpr95"]).round(1).tolist()
    )
    for term in ("DR (detection rate)", "AUPR:", "FPR at 95 % TPR:", "youden", "gmean", "View all"):
        assert term in table.note


@pytest.mark.parametrize("maker", [table_1, detection, matrix])
def test_a_table_of_detectors_none_of_which_could_be_fitted_tells_why(
    maker: Any, tmp_path: Path
) -> None:
    clean = rows_of("clean", 0.0, 0, [0.0] * 4, [False] * 4)
    limits = [limit("pgd", 0.1, 9, name, "Too few images.") for name in DETECTORS]
    write_rows(tmp_path / "statistics.parquet", clean, unit="image")
    write_rows(
        tmp_path / "thresholds.parquet", pd.DataFrame(limits), unit="set", axes=("eps", "steps")
    )
    table = made(
        maker,
        {"detect": [str(tmp_path / f"{name}.parquet") for name in ("statistics", "thresholds")]},
    )
    assert table.printed() == []
    assert table.note.startswith(
        "No rows, for no detector could be fitted. Not fitted: energy/lid on net"
    )
    assert table.note.endswith("Too few images. Missing.")
    write(table, tmp_path / "table.csv")


def test_rates_and_what_detectors_look_at_are_told_in_words() -> None:
    assert detected.fpr_said({"detectors": KINDS}) == "energy: 5 %; band: 2.5 %; mine: 5 %"
    assert detected.looked_at({"detectors": KINDS}) == (
        "What the detectors look at: energy, the energy E(x), low values; band, the distance of "
        "E(x) from its median on clean "
        "images; mine, as my_lab.guess says."
    )


def test_a_zero_is_told_on_an_axis_that_the_attack_sweeps_and_on_no_other() -> None:
    rows = pd.DataFrame(
        {"attack": ["he", "he", "pgd"], "eps": [8 / 255] * 3, "lambda_": [0.0, 1.2, 0.0]}
    )
    told = named(["eps", "lambda_"], rows)
    assert [told(row) for _, row in rows.iterrows()] == [
        "he (8/255, lambda 0)",
        "he (8/255, lambda 1.2)",
        "pgd (8/255)",
    ]
    assert named(["eps", "lambda_"])(rows.iloc[0]) == "he (8/255)"
