"""Figures of chapter 2: what stands on their panels, and what they say of gaps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chapter_2 import SPEC, both
from robustgen.core.rows import with_axes, write_rows
from robustgen.core.tensors import write_arrays
from robustgen.figures import adversarial, against_distance, autoencoding, lower_bound, mcnemar
from robustgen.figures.style import styled

NAMED = {"dataset": "mnist", "model": "eabs", "seed": 0, "attack": "clean", "split": "test"}


def texts(axis: Any) -> list[str]:
    return [text.get_text() for text in axis.texts]


def test_mcnemar_has_a_panel_per_norm_and_one_for_clean_images(tmp_path: Path) -> None:
    """Under PGD in L_2, ABS alone is wrong on 15 images: p = 2 / 2^15, shown in both cells."""
    spec = {**SPEC, "options": {"alpha": 0.01}}
    with styled():
        figure = mcnemar.draw(both(tmp_path), spec=spec, absent="").figure
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[0] == "clean"
    assert "L_2" in titles[2]
    assert texts(figure.axes[2]) == [f"{2 / 2**15:.2g}"] * 2
    colours = figure.axes[2].images[0].get_array()
    assert (colours[1, 0], colours[0, 1]) == (1.0, -1.0)  # E-ABS is better, significantly


def test_accuracy_against_distance_begins_at_clean_accuracy(tmp_path: Path) -> None:
    with styled():
        figure = against_distance.draw(both(tmp_path), spec=SPEC, absent="").figure
    line = figure.axes[0].lines[0]
    assert line.get_ydata()[0] == pytest.approx(48 / 50)
    assert (np.diff(line.get_ydata()) <= 0).all()


def test_points_below_the_line_of_the_bound_are_counted(tmp_path: Path) -> None:
    """Of images 1 to 4, fooled at L_2 1.5 (or 0.2 and 0.4 by DeepFool), the bounds lie at 0.3."""
    rows = pd.DataFrame({"index": [1, 2, 3, 4], "label": 0, "prediction": 0, "bound": 0.3})
    path = tmp_path / "rows.parquet"
    write_rows(path, with_axes(rows.assign(**NAMED), ()), unit="image")
    files = {**both(tmp_path), "bound": [str(path)]}
    with styled():
        picture = lower_bound.draw(files, spec=SPEC, absent="")
    assert "eabs: 2 of 4 images lie below the line" in picture.caption
    assert any("no image with a bound" in text for text in texts(picture.figure.axes[0]))


@pytest.fixture
def pictures(tmp_path: Path) -> Any:
    """Rows and arrays of a measure of pictures, in the folders of a study."""

    def write(arrays: dict[str, np.ndarray], rows: pd.DataFrame) -> list[str]:
        folder = tmp_path / "measures/eabs/seed0/clean/pictures"
        folder.mkdir(parents=True)
        write_rows(folder / "rows.parquet", with_axes(rows, ()), unit="image", keys=("attack",))
        write_arrays(folder / "arrays.safetensors", arrays, {})
        return [str(folder / "rows.parquet"), str(folder / "arrays.safetensors")]

    return write


def test_the_true_class_is_framed_among_the_reconstructions(pictures: Any) -> None:
    arrays = {
        "images": np.zeros((2, 1, 4, 4), np.float32),
        "reconstructions": np.zeros((2, 3, 1, 4, 4), np.float32),
        "costs": np.array([[1, 2, 3], [3, 2, 1]], np.float32),
        "samples": np.zeros((3, 2, 1, 4, 4), np.float32),
    }
    rows = pd.DataFrame({"index": [0, 1], "label": [0, 1], "prediction": [0, 2]}).assign(**NAMED)
    files = {"pictures_of_classes": pictures(arrays, rows)}
    with styled():
        figure = autoencoding.draw(files, spec=SPEC, absent="").figure
    frames = figure.axes[2].patches
    assert [frame.get_xy() for frame in frames] == [(4, -1), (9, 4)]
    assert texts(figure.axes[0]) == ["abs: no pictures"]


def test_adversarial_images_bear_the_class_that_is_predicted(pictures: Any) -> None:
    arrays = {name: np.zeros((2, 1, 4, 4), np.float32) for name in ("clean", "pgd")}
    rows = pd.DataFrame({"index": [0, 1], "label": [0, 1], "prediction": [0, 2]})
    rows = rows.assign(**{**NAMED, "attack": "pgd"})
    with styled():
        figure = adversarial.draw(
            {"adversarials": pictures(arrays, rows)}, spec=SPEC, absent=""
        ).figure
    assert texts(figure.axes[1]) == ["(0)", "2"]
