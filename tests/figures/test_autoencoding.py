"""Figures of what decoders draw and of the lower bound, on arrays and rows by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bounded import EPS_L2, cell, rows, spec
from robustgen.core.rows import CLEAN, with_axes, write_rows
from robustgen.core.tensors import write_arrays
from robustgen.figures import autoencoding, loss_terms, lower_bound, structure
from robustgen.figures.style import styled

NAMED = {"dataset": "svhn", "model": "eabs", "seed": 0, "attack": CLEAN, "split": "test"}


def texts(axis: Any) -> list[str]:
    return [text.get_text() for text in axis.texts]


def test_points_below_the_line_of_the_bound_are_counted(tmp_path: Path) -> None:
    """Images 0 to 2 are right; DDN fools 0 at 0.2, 1 at 0.4, and never 2. Bounds lie at 0.3, so
    that one of the two that were fooled lies below the line.
    """
    scores = rows(
        cell("eabs", CLEAN, [0, 0, 0, 1]),
        cell("eabs", "ddn", [1, 1, 0, 1], eps=np.inf, distance=[0.2, 0.4, 0.1, 0.0]),
    )
    bounds = pd.DataFrame({"index": [0, 1, 2, 3], "label": 0, "prediction": [0, 0, 0, 1]})
    bounds = bounds.assign(bound=[0.3, 0.3, 0.3, 0.0], **NAMED)
    files = {name: [str(tmp_path / f"{name}.parquet")] for name in ("scores", "bound")}
    write_rows(files["scores"][0], scores, unit="image")
    write_rows(files["bound"][0], with_axes(bounds, ()), unit="image")
    with styled():
        picture = lower_bound.draw(
            files, spec=spec("eabs", "abs", attacks=("ddn",), l2=[EPS_L2]), absent=""
        )
    assert "eabs: 1 of 2 images lie below the line" in picture.caption
    assert any("no image with a bound" in text for text in texts(picture.figure.axes[1]))


def test_the_true_class_is_framed_among_the_reconstructions(tmp_path: Path) -> None:
    """With images of 4 pixels and a line between, the frame of class k begins at 5 (k + 1) - 1."""
    folder = tmp_path / "measures/eabs/seed0/clean/pictures_of_classes"
    folder.mkdir(parents=True)
    arrays = {
        "images": np.zeros((2, 1, 4, 4), np.float32),
        "reconstructions": np.zeros((2, 3, 1, 4, 4), np.float32),
        "costs": np.array([[1, 2, 3], [3, 2, 1]], np.float32),
        "samples": np.zeros((3, 2, 1, 4, 4), np.float32),
    }
    found = pd.DataFrame({"index": [0, 1], "label": [0, 1], "prediction": [0, 2]}).assign(**NAMED)
    write_rows(folder / "rows.parquet", with_axes(found, ()), unit="image")
    write_arrays(folder / "arrays.safetensors", arrays, {})
    files = {"pictures_of_classes": [str(path) for path in sorted(folder.iterdir())]}
    with styled():
        figure = autoencoding.draw(files, spec=spec("abs", "eabs"), absent="").figure
    assert [frame.get_xy() for frame in figure.axes[2].patches] == [(4, -1), (9, 4)]
    assert texts(figure.axes[0]) == ["abs: no pictures"]


def test_the_structure_names_the_layers_of_the_table() -> None:
    told = {"options": {"shape": "svhn"}, "models": {}}
    with styled():
        figure = structure.draw({}, spec=told, absent="").figure
    said = texts(figure.axes[0])
    assert "z: 40 dimensions" in said
    assert said.count("128, 4 x 4, stride 1, pad 0") == 1
    assert "512 neurons" in said


def test_the_terms_of_the_loss_have_a_panel_each(tmp_path: Path) -> None:
    """A model without a discriminator has no line for it; one of another trainer has no panel."""
    history = pd.DataFrame({"epoch": [1, 2], "reconstruction": [9.0, 8.0], "prior": [1.0, 2.0]})
    history = history.assign(validation_reconstruction=[8.0, 7.0], encoder_accuracy=[0.1, 0.2])
    paths = []
    for model, told in (("abs", history), ("cnn", history[["epoch", "prior"]])):
        folder = tmp_path / model / "seed0"
        folder.mkdir(parents=True)
        told.to_csv(folder / "history.csv", index=False)
        paths.append(str(folder / "history.csv"))
    with styled():
        figure = loss_terms.draw(
            {"history": paths}, spec={"models": {"abs": {}, "cnn": {}}}, absent=""
        ).figure
    error, terms = (figure.axes[place] for place in (0, 2))
    assert [line.get_ydata().tolist() for line in error.lines] == [[9.0, 8.0], [8.0, 7.0]]
    assert [text.get_text() for text in terms.get_legend().get_texts()] == ["prior, training"]
    assert texts(figure.axes[1]) == ["cnn: no history of an autoencoder"]
