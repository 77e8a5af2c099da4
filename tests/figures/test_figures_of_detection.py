"""The heat map of attacks by detectors and the boxes of energies: what stands at their axes, and
what they say of gaps.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from detections import SPEC, limit, rows_of, written
from robustgen.core.rows import write_rows
from robustgen.figures import matrix, spread
from robustgen.figures.style import styled

ENTRY = {"sweep": {"steps": [9]}}


def scores(folder: Path) -> dict[str, list[str]]:
    """Clean images around -10; PGD with two lambdas at two step counts and budgets; one more
    attack.
    """
    cells = [
        ("clean", 0.0, 0, 0.0),
        *(("pgd", eps, steps, w) for eps in (0.1, 0.2) for steps in (2, 9) for w in (0.0, 1.2)),
    ]
    rng, parts = np.random.default_rng(0), []
    for attack, eps, steps, weight in [*cells, ("evade", 0.1, 9, 0.0)]:
        axes = {"dataset": "signs", "model": "net", "seed": 0, "attack": attack}
        axes |= {"eps": eps, "steps": steps, "lambda_": weight}
        frame = pd.DataFrame(
            {
                "index": range(40),
                "energy": rng.normal(-10 + steps, 1, 40),
                "success": attack != "clean",
            }
        )
        parts.append(frame.assign(**axes, split="test"))
    axes = ("eps", "steps", "lambda_")
    write_rows(folder / "scores.parquet", pd.concat(parts), unit="image", axes=axes)
    return {"scores": [str(folder / "scores.parquet")]}


def test_each_lambda_is_named_and_only_the_first_budget_and_the_last_step_are_shown(
    tmp_path: Path,
) -> None:
    spec = {
        "options": {},
        "models": {"net": {"dataset": "signs"}},
        "attacks": {"pgd": ENTRY, "evade": ENTRY},
    }
    with styled():
        axis = spread.draw(scores(tmp_path), spec=spec, absent=" Gone.").figure.axes[0]
    assert [text.get_text() for text in axis.get_xticklabels()] == [
        "clean",
        "$\\lambda$ = 0",
        "$\\lambda$ = 1.2",
        "EVADE",
    ]
    assert [text.get_text() for text in axis.texts] == ["0%", "100%", "100%", "100%"]


@pytest.mark.parametrize("value", ["dr", "joint"])
def test_the_heat_map_has_a_line_per_attack_and_says_what_is_missing(
    tmp_path: Path, value: str
) -> None:
    with styled():
        picture = matrix.draw(
            written(tmp_path), spec={**SPEC, "options": {"value": value}}, absent=" Gone."
        )
    (axis,) = picture.figure.axes
    lines = [text.get_text() for text in axis.get_yticklabels()]
    assert lines[:2] == ["pgd (0.1, 9 steps), fooled 67%", "cw (unbounded, 9 steps), fooled 0%"]
    # the other detector could not be fitted
    assert [text.get_text() for text in axis.get_xticklabels()] == ["energy"]
    assert axis.texts[0].get_text().startswith({"dr": "50.0 [", "joint": "33.3 ["}[value])
    assert picture.caption.endswith(" Gone.")


def test_a_model_without_rows_gets_a_panel_that_says_so(tmp_path: Path) -> None:
    models = {"models": {**SPEC["models"], "other": {"dataset": "signs", "merged": []}}}
    with styled():
        picture = matrix.draw(written(tmp_path), spec={**SPEC, **models}, absent="")
    assert [text.get_text() for text in picture.figure.axes[1].texts] == ["other: no rows"]


def unfitted(folder: Path) -> dict[str, list[str]]:
    """The files of a detection job whose only detector could not be fitted."""
    statistics = rows_of("pgd", 0.1, 9, [], []).drop(columns=["detector"]).assign(detector="")
    thresholds = pd.DataFrame([limit("pgd", 0.1, 9, "lid", "Too few images.")])
    axes = ("eps", "steps")
    write_rows(folder / "statistics.parquet", statistics, unit="image", axes=axes)
    write_rows(folder / "thresholds.parquet", thresholds, unit="set", axes=axes)
    return {"detect": [str(folder / "statistics.parquet"), str(folder / "thresholds.parquet")]}


@pytest.mark.parametrize("value", ["dr", "joint"])
def test_where_no_detector_could_be_fitted_the_heat_map_is_blank(
    tmp_path: Path, value: str
) -> None:
    with styled():
        picture = matrix.draw(
            unfitted(tmp_path), spec={**SPEC, "options": {"value": value}}, absent=""
        )
    assert [text.get_text() for text in picture.figure.axes[0].texts] == ["net: no rows"]
