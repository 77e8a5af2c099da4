"""Figures of chapter 3 on files by hand: what they show, and that they say what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inversions import pictures, spec, written
from robustgen.core.tensors import write_arrays
from robustgen.figures import between, generated, latents, metrics, reconstructions, style, tradeoff
from tables.test_inversion_tables import between as interpolated

CELLS: list[dict[str, Any]] = [
    {"lambda_": 0.1, "plus": False, "steps": 100},
    {"lambda_": 1.0, "plus": False, "steps": 100},
    {"lambda_": 0.1, "plus": True, "steps": 100},
]
OPTIONS = {"images": 3, "lambda_": 0.1, "steps": [], "plus": "both"}


def test_the_trade_off_has_a_point_per_weight(tmp_path: Path) -> None:
    files = {"inversions": pictures(tmp_path, "m", CELLS)}
    with style.styled():
        picture = tradeoff.draw(files, spec=spec({"m": "enc_d"}), absent="")
    (axis,) = picture.figure.axes
    assert axis.get_title() == "cifar10_gan: VGG"
    plain, more = (container.lines[0] for container in axis.containers)
    np.testing.assert_allclose(plain.get_xdata().astype(float), [10, 10])
    np.testing.assert_allclose(plain.get_ydata().astype(float), [25, 25])
    assert len(more.get_xdata()) == 1
    assert {text.get_text() for text in axis.texts} == {"0.1", "1"}


def test_reconstructions_are_chosen_and_framed(tmp_path: Path) -> None:
    files = {"inversions": pictures(tmp_path, "m", CELLS)}
    with style.styled():
        picture = reconstructions.draw(files, spec=spec({"m": "enc_d"}, **OPTIONS), absent="")
    titles = [axis.get_title() for axis in picture.figure.axes]
    assert titles == [
        "Enc-D (cifar10_gan, lambda 0.1, 100 steps)",
        "Enc-D+ (cifar10_gan, lambda 0.1, 100 steps)",
    ]
    axis = picture.figure.axes[0]
    assert len(axis.patches) == 3  # one frame per image
    side = 9
    # image 0 of class 0 is lost to class 1; images 1 and 2 are right
    dots = [(float(dot.get_xdata()[0]), float(dot.get_ydata()[0])) for dot in axis.lines]
    assert dots == [(side * 2 + 3, 3), (side * 2 + 3, side + 3), (side * 3 + 3, 2 * side + 3)]


def test_a_figure_without_such_cells_says_so(tmp_path: Path) -> None:
    files = {"inversions": pictures(tmp_path, "m", CELLS)}
    with style.styled():
        asked = spec({"m": "enc"}, **{**OPTIONS, "lambda_": 7.0})
        picture = reconstructions.draw(files, spec=asked, absent="")
    assert [text.get_text() for text in picture.figure.axes[0].texts] == [
        "no inversions with these options"
    ]


def test_codes_of_one_method_have_cosine_one_and_distance_none(tmp_path: Path) -> None:
    files = {"inversions": pictures(tmp_path, "m", CELLS) + pictures(tmp_path, "o", CELLS[:1])}
    study = spec({"m": "direct", "o": "enc"}, lambda_=0.1)
    with style.styled():
        picture = latents.draw(files, spec=study, absent="")
    cosine, distance = picture.figure.axes
    texts = [[text.get_text() for text in axis.texts] for axis in (cosine, distance)]
    assert len(texts[0]) == 9  # Direct, Direct+ and Enc
    assert texts[0][::4] == ["1.00"] * 3
    assert texts[1][::4] == ["0.0"] * 3


def test_curves_are_means_over_images_with_the_other_classes_as_a_line(tmp_path: Path) -> None:
    place = tmp_path / "measures/m/seed0/clean/interpolation"
    path = written(place, "rows.parquet", interpolated("m", "VGG", 30.0), unit="image")
    arrays = {
        "images": np.zeros((2, 3, 8, 8), np.uint8),
        "drawn": np.zeros((2, 2, 11, 3, 8, 8), np.uint8),
    }
    write_arrays(place / "arrays.safetensors", arrays)
    files = {"interpolation": [path, str(place / "arrays.safetensors")]}
    with style.styled():
        picture = between.draw(files, spec=spec({"m": "direct"}, shows="both"), absent="")
    images, curve = picture.figure.axes
    assert images.get_images()[0].get_array().shape[:2] == (4 * 9, 12 * 9)
    linear = curve.lines[0].get_ydata()
    assert linear[5] == pytest.approx(30.0)
    assert linear[0] == pytest.approx(11.5)
    assert curve.lines[-1].get_ydata()[0] == pytest.approx(20.0)


def test_samples_and_their_progress_are_shown(tmp_path: Path) -> None:
    import pandas as pd

    place = tmp_path / "measures/g/seed0/clean/samples"
    frame = pd.DataFrame(
        [{"dataset": "d", "model": "g", "seed": 0, "attack": "clean", "split": "test", "fid": 3.0}]
    )
    path = written(place, "rows.parquet", frame, unit="set")
    arrays = {
        "samples": np.zeros((3, 4, 1, 8, 8), np.uint8),
        "progress": np.zeros((5, 3, 2, 1, 8, 8), np.uint8),
    }
    write_arrays(place / "arrays.safetensors", arrays)
    files = {"samples": [path, str(place / "arrays.safetensors")]}
    with style.styled():
        picture = generated.draw(files, spec=spec({"g": "cgan"}, each=2), absent="")
    samples, progress = picture.figure.axes
    assert samples.get_title() == "g (cifar10_gan): FID 3.0"
    assert samples.get_images()[0].get_array().shape == (2 * 9, 3 * 9)
    assert progress.get_images()[0].get_array().shape == (5 * 9, 3 * 9)


def test_every_metric_of_a_history_has_a_panel(tmp_path: Path) -> None:
    path = tmp_path / "training/g/seed0/history.csv"
    path.parent.mkdir(parents=True)
    path.write_text("epoch,lr,fid,loss\n1,0.1,9,2\n2,0.1,5,1\n")
    study = spec({"g": "cgan"}, without=["lr"])
    with style.styled():
        picture = metrics.draw({"history": [str(path)]}, spec=study, absent="")
    fid, loss = picture.figure.axes
    assert (fid.get_title(), loss.get_title()) == ("fid", "loss")
    assert list(fid.lines[0].get_ydata()) == [9, 5]
