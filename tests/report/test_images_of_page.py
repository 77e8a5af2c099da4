"""The image browser: which images it shows, and what it says of each."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from robustgen.core.files import write_json
from robustgen.core.rows import write_rows
from robustgen.core.tensors import write_arrays
from robustgen.report import images
from robustgen.report.images import Group, browser
from robustgen.report.page import page
from robustgen.report.strips import strip, strips, width
from robustgen.study.config import checked
from robustgen.study.flow import jobs
from robustgen.study.plan import plan_of
from test_report import CONFIG, FOLDER, Reader, results  # noqa: F401

RUN = "net/seed0"
POOL = np.arange(5 * 16, dtype=np.uint8).reshape(5, 1, 4, 4)  # image k holds 16 k to 16 k + 15
TEST = np.array([3, 1, 4])  # places of the test images in the data set
CELLS = [{"eps": 8 / 255, "steps": 5}, {"eps": 16 / 255, "steps": 5}, {"eps": 8 / 255, "steps": 9}]
LARGEST = CELLS[1]
CELL = json.dumps(LARGEST)


def rows(attack: str, predictions: list[int], energies: list[float], **axes: float) -> pd.DataFrame:
    """Score rows of the test images; their classes are 1, 0 and 1."""
    named = {"dataset": "digits", "model": "net", "seed": 0, "attack": attack, **axes}
    frame = pd.DataFrame({"index": TEST, "label": [1, 0, 1], "prediction": predictions})
    frame = frame.assign(energy=energies, success=frame["prediction"] != frame["label"])
    return frame.assign(split="test", **named)


def write_scores(attack: str, *frames: pd.DataFrame, axes: tuple[str, ...] = ()) -> None:
    path = FOLDER / f"measures/{RUN}/{attack}/scores.parquet"
    write_rows(path, pd.concat(frames), unit="image", axes=axes)


@pytest.fixture
def kept(results: Path) -> Path:  # noqa: F811
    """A toy study with three test images, an attack at three settings, and two detectors."""
    write_arrays(FOLDER / "data/digits/pool.safetensors", {"images": POOL})
    write_arrays(FOLDER / "data/digits/splits.safetensors", {"test": TEST})
    write_json(FOLDER / "data/digits/pool.json", {"names": ["zero", "one"]})
    write_scores("clean", rows("clean", [1, 1, 1], [-7.0, -8.0, -9.0]))
    at = [rows("pgd", [1, 0, 1], [0.0, 0.0, 0.0], **cell) for cell in CELLS]
    at[1] = rows("pgd", [0, 0, 0], [-1.25, -2.0, -3.0], **LARGEST)
    write_scores("pgd", *at, axes=("eps", "steps"))
    attacked = {"images": np.full((3, 1, 4, 4), 51, np.uint8)}
    write_arrays(FOLDER / f"attacks/{RUN}/pgd/first.safetensors", attacked, {"cell": CELL})
    return results


def write_detection() -> None:
    """Detector `e` flags from 5 upwards, by its variant `a`; `d` could not be fitted."""
    named = {"dataset": "digits", "model": "net", "seed": 0}
    one = {"index": TEST, "label": [1, 0, 1], "success": False, "detector": "e"}
    clean = {"attack": "clean", "eps": 0.0, "steps": 0, "statistic": [9.0, 1.0, 1.0]}
    largest = {"attack": "pgd", **LARGEST, "statistic": [4.9, 5.0, 6.0]}
    other = {"attack": "pgd", **CELLS[0], "statistic": [9.0, 9.0, 9.0]}
    frames = [
        pd.DataFrame({**named, **one, "variant": "a", **two}) for two in (clean, largest, other)
    ]
    frames.append(pd.DataFrame({**named, **one, "variant": "b", **largest, "statistic": 9.0}))
    folder = FOLDER / f"detect/{RUN}/pgd"
    axes = ("eps", "steps")
    keys = ("detector", "variant")
    write_rows(folder / "statistics.parquet", pd.concat(frames), unit="image", axes=axes, keys=keys)
    row = {**named, "attack": "pgd", **LARGEST, "rule": "fpr", "threshold": 5.0, "why": ""}
    headline = row | {"detector": "e", "protocol": "sound", "variant": "a", "shown": "all"}
    paper = row | {"detector": "e", "protocol": "paper", "variant": "b", "shown": ""}
    unfitted = headline | {"detector": "d", "variant": "", "shown": "", "why": "no images"}
    thresholds = pd.DataFrame([headline, paper, unfitted])
    write_rows(folder / "thresholds.parquet", thresholds, unit="set", axes=axes)


def shown(**more: Any) -> dict[str, Any]:
    plan = plan_of(checked(CONFIG | more), FOLDER)
    return browser(plan, jobs(plan), {})


def only() -> Group:
    (group,) = shown()["groups"]
    assert isinstance(group, Group)
    return group


def pixels(uri: str) -> np.ndarray:
    """The pixels of a strip [h,w]."""
    png = base64.b64decode(uri.removeprefix("data:image/png;base64,"), validate=True)
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.mark.usefixtures("kept")
def test_images_are_those_that_the_attack_kept_beside_their_clean_versions() -> None:
    """The places 3, 1 and 4 of the pool from left to right."""
    found = shown()
    (group,) = found["groups"]
    assert group.setting == "16/255, 5 steps"
    assert np.array_equal(pixels(found["strips"][group.clean]), np.hstack(POOL[TEST, 0]))
    assert np.array_equal(pixels(found["strips"][group.attacked]), np.full((4, 12), 51))


@pytest.mark.usefixtures("kept")
def test_each_image_is_told_with_what_its_rows_say() -> None:
    first, second, third = only().pairs
    assert (first.label, first.clean.prediction, first.attacked.prediction) == (
        "one",
        "one",
        "zero",
    )
    assert (first.clean.energy, first.attacked.energy) == ("-7.0", "-1.2")
    assert [pair.clean.right for pair in (first, second, third)] == [True, False, True]
    assert [pair.attacked.right for pair in (first, second, third)] == [False, True, False]
    assert [pair.place for pair in (first, second, third)] == [0, 1, 2]
    assert only().fooled == 2


@pytest.mark.usefixtures("kept")
def test_flags_are_those_of_the_headline_threshold_at_that_setting() -> None:
    """At the largest budget the statistics 4.9, 5 and 6 meet a threshold of 5; of clean images the
    first has 9. The paper's own threshold and the detector that was not fitted flag nothing.
    """
    write_detection()
    group = only()
    assert [pair.attacked.flags for pair in group.pairs] == [(), ("e",), ("e",)]
    assert [pair.clean.flags for pair in group.pairs] == [("e",), (), ()]
    assert group.flagged == {"e": 2}


@pytest.mark.usefixtures("kept")
def test_without_statistics_nothing_is_flagged() -> None:
    write_detection()
    (FOLDER / f"detect/{RUN}/pgd/statistics.parquet").write_text("damaged")
    group = only()
    assert {pair.attacked.flags for pair in group.pairs} == {()}
    assert group.flagged == {}


@pytest.mark.usefixtures("kept")
def test_the_page_holds_the_images_and_what_is_said_of_them() -> None:
    write_detection()
    text = page(CONFIG, FOLDER)
    words = Reader(text).words
    assert "net under pgd (16/255, 5 steps): of 3 images 2 misclassified, 2 flagged by e" in words
    assert text.count("url(data:image/png;base64,") == text.count("url(") == 2
    assert not re.search(r"@import|https?://", text)


@pytest.mark.usefixtures("kept")
def test_an_attack_without_rows_of_scores_or_with_a_damaged_file_is_left_out() -> None:
    path = FOLDER / f"measures/{RUN}/pgd/scores.parquet"
    path.write_text("damaged")
    assert shown()["groups"] == []
    path.unlink()
    assert shown() == {"groups": [], "strips": {}}


@pytest.mark.usefixtures("results")
def test_a_study_without_attacked_images_says_so() -> None:
    assert "There are no attacked images to show" in Reader(page(CONFIG, FOLDER)).words


@pytest.mark.usefixtures("kept")
def test_without_the_clean_images_there_is_nothing_to_set_beside() -> None:
    (FOLDER / "data/digits/pool.safetensors").unlink()
    assert shown()["groups"] == []


@pytest.mark.usefixtures("kept")
def test_of_downloaded_data_few_images_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "OTHERS", 2)
    assert len(only().pairs) == 3
    (group,) = shown(datasets={"digits": {"kind": "mnist", "size": 28}})["groups"]
    assert len(group.pairs) == 2


@pytest.mark.usefixtures("kept")
def test_images_that_are_not_current_are_told_so() -> None:
    """Their score rows are not what the job sealed."""
    assert "Not current. What is missing tells more." in Reader(page(CONFIG, FOLDER)).words


# --- images that a measure keeps ------------------------------------------------------------------


def test_where_an_attack_kept_no_images_those_of_a_measure_are_shown(kept: Path) -> None:
    """Clean images are of the classes 1, 0 and 1; the measure's net takes them for 1, 1, 1 and the
    attacked ones for 0, 0, 1. It knows no energies.
    """
    del kept
    (FOLDER / f"attacks/{RUN}/pgd/first.safetensors").unlink()
    told = [{"attack": "pgd", "norm": "linf", **LARGEST}]
    arrays = {
        "images": POOL[TEST],
        "attacked": np.full((1, 3, 1, 4, 4), 0.5, np.float32),
        "predictions": np.array([[1, 1, 1], [0, 0, 1]]),
        "labels": np.array([1, 0, 1]),
        "index": TEST,
        "attacks": np.frombuffer(json.dumps(told).encode(), np.uint8),
    }
    figure = {"kind": "adversarial", "models": ["net"], "measures": ["panel"]}
    more = {
        "figures": {"fig_x": figure},
        "outputs": ["energy_by_steps", "fig_x"],
        "measures": {"panel": {"kind": "pictures", "options": {"attacks": ["pgd"]}}},
    }
    write_arrays(FOLDER / f"measures/{RUN}/clean/panel/arrays.safetensors", arrays)
    (group,) = shown(**more)["groups"]
    assert group.again
    assert [pair.clean.right for pair in group.pairs] == [True, False, True]
    assert [pair.attacked.prediction for pair in group.pairs] == ["zero", "zero", "one"]
    assert {pair.attacked.energy for pair in group.pairs} == {""}


# --- strips ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_a_strip_holds_the_very_pixels_side_by_side(channels: int) -> None:
    stack = np.random.default_rng(0).integers(0, 256, (4, channels, 5, 6), dtype=np.uint8)
    png = strip(stack)
    assert width(png) == 4 * 6
    found = np.asarray(Image.open(io.BytesIO(png))).reshape(5, 4, 6, channels)
    assert np.array_equal(found.transpose(1, 3, 0, 2), stack)


def test_strips_that_are_too_large_show_fewer_images_each() -> None:
    """Noise cannot be compressed, so that a strip of 10 images of 32 x 32 takes more than 10 KB and
    one of 3 more than 3 KB: 20 KB hold two strips of at most nine. The short one stays whole.
    """
    noise = np.random.default_rng(0).integers(0, 256, (10, 1, 32, 32), dtype=np.uint8)
    whole = strips([noise, noise, noise[:2]])
    few = strips([noise, noise, noise[:2]], most=15_000)
    assert [width(png) // 32 for png in whole] == [10, 10, 2]
    assert sum(map(len, few)) <= 15_000 < sum(map(len, whole))
    counts = [width(png) // 32 for png in few]
    assert counts[0] == counts[1] in range(4, 8)
    assert counts[2] == 2
    assert [width(png) // 32 for png in strips([noise], most=10)] == [1]
