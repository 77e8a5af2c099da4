"""The table and the figure of MAGIC, on rows and arrays by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from robustgen.figures import magic as figure
from robustgen.figures.style import styled, write
from robustgen.measures.types import Measured
from robustgen.stats.intervals import mean
from robustgen.synthesis import magic
from robustgen.tables import magic as table
from synthesizing import NETS, Bright, context, masked, options, spec, synthesizer_of, written

MODES, SOURCES, STARTS, SIDE = ("shape", "copy"), 3, 2, 4


def made(iou: float, gains: tuple[float, ...] = (0.0, 0.0, 0.0)) -> Measured:
    """Source k has the overlaps iou + gain k - 0.1 and + 0.1 at its two starts; copies half."""
    lines = [
        {
            "mode": mode, "index": 100 + k, "label": k, "start": start,
            "iou": (iou + gains[k] + (0.1 if start else -0.1)) / (1 + (mode == "copy")),
            "iou_source": 0.25, "probability": 0.5, "judged": bool(start), "statistics": 0.125,
            "tv": 0.5, "diversity": 2.0, "aimed": k,
        }
        for mode in MODES for k in range(SOURCES) for start in range(STARTS)
    ]  # fmt: skip
    source = np.random.default_rng(0)
    masks = source.integers(0, 2, (1 + len(MODES), SOURCES, SIDE, SIDE), dtype=np.uint8)
    shape = (len(MODES), SOURCES, STARTS, 3, SIDE, SIDE)
    arrays = {
        "images": source.integers(0, 255, (SOURCES, 3, SIDE, SIDE), dtype=np.uint8),
        "masks": masks[0], "targets": masks[1:],
        "results": source.integers(0, 255, shape, dtype=np.uint8),
        "labels": np.arange(SOURCES), "index": 100 + np.arange(SOURCES),
        "modes": np.frombuffer(json.dumps(MODES).encode(), np.uint8),
        "names": np.frombuffer(b'["a", "b", "c"]', np.uint8),
    }  # fmt: skip
    return Measured(pd.DataFrame(lines), arrays, axes=magic.AXES)


def files(folder: Path, *found: Measured) -> dict[str, list[str]]:
    """The files of as many nets as there are measures."""
    told: list[str] = []
    for one, model in zip(found, NETS, strict=False):
        told += written(folder, "magic", magic.UNIT, magic.KEYS, one, model)
    return {"magic": told}


def test_a_line_averages_over_starts_and_has_an_interval_over_sources(tmp_path: Path) -> None:
    """The second net is better by 0.1, 0.2, 0.3 on the three sources: 0.2 with Student's interval
    over these three numbers, in mode copy half as much. The starts of a source average out.
    """
    gains = (0.1, 0.2, 0.3)
    told = files(tmp_path, made(0.4), made(0.4, gains))
    found = table.make(told, spec=spec(), paper=pd.DataFrame(), absent=" Missing: x.")
    assert found.rows[["mode", "net"]].to_numpy().tolist() == [
        ["shape", "first_net"],
        ["shape", "second_net"],
        ["copy", "first_net"],
        ["copy", "second_net"],
    ]
    first, second, _, fourth = found.printed()
    at = list(found.columns).index
    assert first[at("IoU")] == "0.40 [0.40, 0.40]"
    assert (first[at("n")], first[at("starts")]) == ("3", "2")
    assert first[at("difference of IoU")] == first[at("difference of probability")] == ""
    value, low, high = mean(gains)
    assert second[at("difference of IoU")] == f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"
    value, low, high = mean([gain / 2 for gain in gains])
    assert fourth[at("difference of IoU")] == f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"
    assert second[at("difference of probability")] == "+0.00 [+0.00, +0.00]"
    assert (second[at("judged %")], second[at("trained")]) == (
        "50.0 [50.0, 50.0]",
        "adversarial, L_2 0.05",
    )
    assert "Missing: x." in found.note


def test_a_panel_shows_source_masks_and_results(tmp_path: Path) -> None:
    """The grid of mode copy: image, mask, the second target in three channels, one result."""
    one = made(0.4)
    grid = figure.grid(one.arrays, "copy", {"sources": 2, "each": 1})
    assert grid.shape == (2, 4, 3, SIDE, SIDE)
    assert (grid[:, 0] == one.arrays["images"][:2] / 255).all()
    assert (grid[:, 2] == one.arrays["targets"][1, :2, None]).all()
    assert (grid[:, 3] == one.arrays["results"][1, :2, 0] / 255).all()


@pytest.mark.parametrize("nets", [1, 2])
def test_the_figure_has_a_panel_per_net_and_target_and_says_what_is_missing(
    tmp_path: Path, nets: int
) -> None:
    told: Any = spec(sources=2, each=2)
    found = files(tmp_path, *[made(0.4)] * nets)
    with styled():
        picture = figure.draw(found, spec=told, absent=" Missing: x.")
        write(picture, tmp_path / "magic.png")
    titles = [axis.get_title() for axis in picture.figure.axes]
    said = [text.get_text() for axis in picture.figure.axes for text in axis.texts]
    assert titles[:nets] == ["standard: shape of another", "standard: both places"][:nets]
    assert ("second: no images" in said) == (nets < 2)
    assert picture.caption.endswith("Missing: x.")


def test_what_the_measure_gives_makes_the_table_and_the_figure(tmp_path: Path) -> None:
    """Two nets with random weights, a segmenter by brightness; a study's files in between."""
    size = {"sources": 3, "starts": 2, "steps": 2, "patch_steps": 1, "patch_width": 2, "shown": 2}
    found = [
        magic.measure(
            synthesizer_of(seed, segmenter=Bright()),
            masked(),
            options=options(magic, **size),
            context=context(),
        )
        for seed in range(2)
    ]
    told = files(tmp_path, *found)
    made_of = table.make(told, spec=spec(), paper=pd.DataFrame(), absent="")
    assert len(made_of.printed()) == 6
    assert made_of.rows["n"].tolist() == [3] * 6
    with styled():
        picture = figure.draw(told, spec=spec(sources=3, each=2), absent="")
    assert len(picture.figure.axes) == 6
