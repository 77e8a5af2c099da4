"""Figures of chapter 2 on rows and pictures by hand: what each panel holds, and what the caption
says.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bounded import EPS, EPS_L2, cell, rows, spec
from robustgen.core.rows import CLEAN, axes_of, write_rows
from robustgen.core.tensors import write_arrays
from robustgen.figures import adversarial, against_distance, mcnemar
from robustgen.figures.style import BLUE, ORANGE, Picture, styled, write
from robustgen.stats.closest import closest
from robustgen.stats.intervals import share

N = 40


def first(count: int) -> list[float]:
    return [float(place < count) for place in range(N)]


def drawn(tmp_path: Path, module: Any, scores: pd.DataFrame, study: dict[str, Any]) -> Picture:
    path = str(tmp_path / "scores.parquet")
    write_rows(path, scores, unit="image", axes=axes_of(scores))
    with styled():
        found: Picture = module.draw({"scores": [path]}, spec=study, absent=" Gone.")
        write(found, tmp_path / "figure.png")
    assert found.caption.endswith("Gone.")
    return found


def texts(axis: Any) -> set[str]:
    return {text.get_text() for text in axis.texts}


# --- McNemar --------------------------------------------------------------------------------------

FOOLED = {"cnn": 40, "abs": 30, "eabs": 28}
SCORES = rows(
    *(cell(model, CLEAN, first(2)) for model in FOOLED),
    *(cell(model, "pgd", first(count), distance=EPS) for model, count in FOOLED.items()),
    *(cell(model, "ddn", first(40), eps=math.inf, distance=1.0) for model in FOOLED),
)
STUDY = spec(*FOOLED, attacks=("pgd", "ddn"), l2=[EPS_L2])


def test_each_pair_stands_twice_with_its_sign_and_a_star_where_it_is_sure(tmp_path: Path) -> None:
    """eabs has 12 right that cnn has not: 3 * 2 / 2^12 = 0.0015; abs 2 fewer than eabs: p = 0.5."""
    axes = drawn(tmp_path, mcnemar, SCORES, STUDY).figure.axes
    assert [axis.get_title().split(",")[0] for axis in axes] == [
        "All $L_\\infty$", "All $L_2$", "All attacks"
    ]  # fmt: skip
    said = {text.get_position(): text.get_text() for text in axes[0].texts}
    assert len(said) == 6
    assert said[2, 0] == "-30.0*\np = 0.0015"
    assert said[0, 2] == "+30.0*\np = 0.0015"
    assert said[1, 2] == "+5.0\np = 0.5"
    assert texts(axes[1]) == {"+0.0\np = 1"}


def test_a_single_model_has_no_matrix(tmp_path: Path) -> None:
    study = spec("cnn", attacks=("pgd",))
    (axis,) = drawn(tmp_path, mcnemar, SCORES[SCORES["model"] == "cnn"], study).figure.axes
    assert texts(axis) == {"fewer than two models have rows"}


# --- accuracy against distance --------------------------------------------------------------------

SWEPT = rows(
    cell("cnn", CLEAN, first(4)),
    cell("cnn", "pgd", first(10), eps=0.1, distance=0.1),
    cell("cnn", "pgd", first(30), eps=0.2, distance=0.2),
    cell("eabs", CLEAN, first(0)),
    cell("eabs", "pgd", first(8), eps=0.2, distance=0.15),
)


def test_a_curve_is_the_share_of_images_without_an_adversarial_version_within_reach() -> None:
    """cnn: 4 wrong at 0, 6 more at 0.1, 20 more at 0.2."""
    found = closest(SWEPT[SWEPT["model"] == "cnn"], ["pgd"], "linf")
    assert found is not None
    values = against_distance.curve(found, np.array([0.0, 0.05, 0.1, 0.2]))
    assert values[:, 0].tolist() == [36 / 40, 36 / 40, 30 / 40, 10 / 40]
    assert tuple(values[2]) == share(30, 40)


def test_a_panel_per_norm_and_a_curve_per_model(tmp_path: Path) -> None:
    study = spec("cnn", "eabs", "abs", attacks=("pgd", "ddn"))
    left, right = drawn(tmp_path, against_distance, SWEPT, study).figure.axes
    assert [line.get_label() for line in left.lines] == ["cnn", "eabs"]
    assert left.lines[1].get_ydata()[-1] == 32 / 40
    assert texts(right) == {"no rows"}


# --- adversarial images ---------------------------------------------------------------------------

NAMES = ["stop", "yield"]


def pictured(folder: Path, model: str, predicted: list[list[int]], seed: int = 0) -> str:
    """The pictures of two images under two attacks."""
    told = [
        {"attack": "pgd", "norm": "linf", "eps": EPS, "steps": 80},
        {"attack": "ddn", "norm": "l2", "eps": math.inf, "steps": 80},
    ]
    arrays = {
        "images": np.full((2, 3, 8, 8), 51, np.uint8),
        "attacked": np.full((2, 2, 3, 8, 8), 0.5, np.float32),
        "predictions": np.array(predicted),
        "labels": np.array([0, 1]),
        "index": np.array([3, 4]),
        "names": np.frombuffer(json.dumps(NAMES).encode(), np.uint8),
        "attacks": np.frombuffer(json.dumps(told).encode(), np.uint8),
    }
    path = folder / f"{model}{seed}.safetensors"
    write_arrays(path, arrays, {"dataset": "svhn", "model": model, "seed": str(seed)})
    return str(path)


@pytest.fixture
def grid(tmp_path: Path) -> Any:
    paths = [pictured(tmp_path, "eabs", [[0, 1], [1, 1], [0, 1]])]
    paths += [pictured(tmp_path, "cnn", [[1, 1], [1, 0], [1, 0]])]
    paths += [pictured(tmp_path, "cnn", [[0, 0], [0, 0], [0, 0]], seed=1)]
    study = spec("cnn", "eabs", "abs")
    with styled():
        found = adversarial.draw({"pictures": paths}, spec=study, absent=" Gone.")
        write(found, tmp_path / "figure.png")
    assert found.caption.endswith("Gone.")
    return np.reshape(found.figure.axes, (5, 2))


def test_a_line_per_model_and_attack_below_the_clean_images(grid: Any) -> None:
    lines = [next(iter(texts(row[0]))) for row in grid]
    assert lines[0] == "clean"
    assert [line.split("\n")[0] for line in lines[1:]] == ["cnn", "cnn", "eabs", "eabs"]
    assert lines[1] == "cnn\npgd, $L_\\infty$ 8/255\n80 steps"
    assert lines[2] == "cnn\nddn, $L_2$ unbounded\n80 steps"
    assert grid[0, 0].images[0].get_array().max() == pytest.approx(51 / 255)


def test_classes_are_told_by_name_and_errors_by_colour(grid: Any) -> None:
    said = [[(axis.get_title(), axis.title.get_color()) for axis in row] for row in grid]
    assert said[0] == [("stop", BLUE), ("yield", BLUE)]
    assert said[1] == [("yield", ORANGE), ("stop", ORANGE)]
    assert said[3] == [("yield", ORANGE), ("yield", BLUE)]


def test_models_without_pictures_leave_an_empty_figure() -> None:
    with styled():
        found = adversarial.draw({"pictures": []}, spec=spec("cnn"), absent=" Gone.")
    assert len(found.figure.axes) == 1
