"""Figures and the table made of measures of a model: their panels, and what they say where rows are
absent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from made import MODELS, SPEC, made, measured_of_all
from robustgen.core.rows import axes_of, joined, read_rows, with_axes, write_rows
from robustgen.figures import input_gradients, joint_energies, plane, trajectories
from robustgen.figures.style import Picture, panels, styled, write
from robustgen.stats.intervals import mean
from robustgen.synthesis.trajectories import CLEAN
from robustgen.tables import gradients as table

BOTH = ["pgd", "he_pgd"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The same numbers under the names of three models, as files of a study."""
    folder = made(tmp_path_factory.mktemp("figures"))
    sizes: dict[str, dict[str, Any]] = {
        "gradients": {"images": 14, "shown": 4},
        "trajectories": {"attacks": BOTH, "images": 14},
        "plane": {"attacks": BOTH, "images": 14, "planes": 2, "side": 9},
    }
    found = {kind: measured_of_all(folder, kind, options) for kind, options in sizes.items()}
    return found | {"scores": [_scores(folder, model) for model in MODELS]}


def _scores(folder: Path, model: str) -> str:
    """Score rows made of the first and last points of paths."""
    paths = read_rows(folder / model / "seed0" / "clean" / "trajectories" / "rows.parquet")
    first = (paths["step"] == CLEAN) & (paths["attack"] == "pgd")
    clean = with_axes(paths[first].assign(attack="clean").drop(columns=axes_of(paths)), [])
    last = with_axes(paths[paths["step"] == 5].assign(steps=5), [*axes_of(paths), "steps"])
    path = folder / model / "scores.parquet"
    write_rows(path, joined([clean, last]).drop(columns="step"), unit="image")
    return str(path)


@pytest.mark.parametrize(
    ("module", "count"),
    [(input_gradients, 16), (joint_energies, 3), (trajectories, 6), (plane, 9)],
    ids=lambda found: getattr(found, "__name__", ""),
)
def test_a_figure_has_its_panels_and_says_what_is_seen(
    module: Any, count: int, files: dict[str, list[str]], tmp_path: Path
) -> None:
    with styled():
        found = module.draw(files, spec=SPEC, absent=" Missing, see their logs: nothing.")
        write(found, tmp_path / "figure.png")
    assert isinstance(found, Picture)
    assert len(found.figure.axes) == count
    assert all(axis.has_data() for axis in found.figure.axes)
    assert found.caption.endswith("Missing, see their logs: nothing.")


@pytest.mark.parametrize(
    "module",
    [input_gradients, joint_energies, trajectories, plane],
    ids=lambda found: found.__name__,
)
def test_a_model_without_rows_gets_a_panel_that_says_so(
    module: Any, files: dict[str, list[str]]
) -> None:
    there = {
        sort: [path for path in paths if "made_robust" not in path] for sort, paths in files.items()
    }
    with styled():
        found = module.draw(there, spec=SPEC, absent="")
    said = {text.get_text() for axis in found.figure.axes for text in axis.texts}
    assert said & {
        "made_robust: no rows",
        "made_robust: no paths",
        "made_robust: no planes",
        "no gradients",
    }


def test_a_gradient_of_zeros_is_shown_as_such_and_a_sparse_one_by_its_largest_value() -> None:
    with styled():
        figure, axes = panels(2, 1)
        sparse = np.zeros((1, 20, 20), np.float32)
        sparse[0, 3, 3] = -2e-30
        input_gradients._gradients(
            axes[:, 0], "net", input_gradients.Seen(np.zeros(0), np.stack([sparse * 0, sparse]), [])
        )
    assert [text.get_text() for text in figure.axes[0].texts] == ["zero in\nevery pixel"]
    shown = figure.axes[1].images[0].get_array()
    assert (shown[3, 3], shown[0, 0]) == (0.0, 0.5)


def test_the_table_gives_means_with_intervals_and_how_many_images_had_no_gradient(
    files: dict[str, list[str]],
) -> None:
    found = table.make(files, spec=SPEC, paper=pd.DataFrame(), absent="")
    assert found.rows["trained"].tolist() == [
        "standard",
        "adversarial, L_2 0.01",
        ("adversarial, L_inf 8/255"),
    ]
    rows = read_rows(files["gradients"][0])
    expected = mean(rows["low_frequency"].to_numpy())
    assert tuple(
        found.rows.loc[0, ["low_frequency", "low_frequency_low", "low_frequency_high"]]
    ) == pytest.approx(tuple(expected))
    assert found.rows["left_out"].tolist() == [0, 0, 0]
    assert "95 % intervals over images" in found.note
