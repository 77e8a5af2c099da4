"""Transfer by hand: images made on a and put before b, in table and figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from detections import detection, spec, statistics
from robustgen.core.refusal import Refused
from robustgen.core.rows import with_axes, write_rows
from robustgen.figures import transfer as figure
from robustgen.figures.style import styled
from robustgen.stats import intervals
from robustgen.tables import transfer

SPEC = spec("a", "b", pgd={}, pgd_of_a={"made_on": "a"})


def scores(model: str, attack: str, success: list[bool], **axes: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"index": range(len(success)), "success": success})
    named = {"dataset": "signs", "model": model, "seed": 0, "attack": attack, **axes}
    return with_axes(frame.assign(**named, split="test"), axes)


def written(folder: Path) -> dict[str, list[str]]:
    """Of four images b gets three right; the images made on a fool it on the first two of these."""
    clean: dict[str, Any] = {"eps": 0.0, "steps": 0}
    last: dict[str, Any] = {"eps": 0.1, "steps": 9}
    rows = [
        scores("a", "clean", [False] * 4, **clean),
        scores("b", "clean", [False, False, False, True], **clean),
        scores("a", "pgd", [True] * 4, **last),
        scores("b", "pgd", [True, True, True, False], **last),
        scores("b", "pgd", [False] * 4, eps=0.1, steps=2),
        scores("b", "pgd_of_a", [True, True, False, True], **last),
    ]
    write_rows(folder / "scores.parquet", pd.concat(rows), unit="image", axes=("eps", "steps"))
    cells = [
        statistics("clean", [0.0] * 4, model="b", **clean),
        statistics("pgd_of_a", [9.0, 0.0, 0.0, 0.0], model="b", **last),
    ]
    return {"scores": [str(folder / "scores.parquet")], "detect": detection(folder, *cells)}


@pytest.mark.parametrize(
    ("value", "own", "moved"), [("accuracy", (1, 4), (1, 4)), ("success", (3, 3), (2, 3))]
)
def test_each_attack_has_a_row_and_each_model_a_column(
    tmp_path: Path, value: str, own: tuple[int, int], moved: tuple[int, int]
) -> None:
    table = transfer.make(
        written(tmp_path),
        spec={**SPEC, "options": {"value": value}},
        paper=pd.DataFrame(),
        absent=" Gone.",
    )
    pgd, of_a = (row for _, row in table.rows.iterrows())
    assert (pgd["attack"], pgd["made_on"], of_a["made_on"]) == ("pgd", "itself", "a")
    assert (pgd["a"], pgd["steps"]) == ({"accuracy": 0.0, "success": 1.0}[value], 9)
    for row, expected in ((pgd, own), (of_a, moved)):
        assert (row["b"], row["b_low"], row["b_high"]) == intervals.share(*expected)
    assert pd.isna(of_a["a"])
    assert of_a["b:energy"] == 0.25
    assert [name for name in table.columns if name.endswith("%")] == [
        f"{value}, a %",
        f"{value}, b %",
        "DR of energy, b %",
    ]
    assert table.printed()[1][:4] == ["signs", "pgd_of_a (0.1, 9 steps)", "a", ""]
    assert table.note.endswith("Data: signs. Gone.")


def test_without_detection_there_is_still_accuracy(tmp_path: Path) -> None:
    files = {"scores": written(tmp_path)["scores"]}
    table = transfer.make(files, spec=SPEC, paper=pd.DataFrame(), absent="")
    assert [name for name in table.columns if "%" in name] == ["accuracy, a %", "accuracy, b %"]


def test_without_attacked_rows_it_is_refused(tmp_path: Path) -> None:
    files = {"scores": written(tmp_path)["scores"]}
    with pytest.raises(Refused, match="No model has scores under one of the attacks"):
        transfer.make(files, spec=spec("a", other={}), paper=pd.DataFrame(), absent="")


def test_the_figure_shows_accuracy_and_what_detectors_flag(tmp_path: Path) -> None:
    with styled():
        picture = figure.draw(written(tmp_path), spec=SPEC, absent=" Gone.")
    accuracy, energy, lid = picture.figure.axes
    assert [text.get_text() for text in accuracy.texts] == ["0.0", "25.0", "25.0"]
    assert [text.get_text() for text in energy.texts] == ["25.0"]
    assert [text.get_text() for text in lid.texts] == ["DR of lid: no rows"]
    assert [text.get_text() for text in accuracy.get_yticklabels()] == [
        "pgd (0.1, 9 steps), on itself",
        "pgd_of_a (0.1, 9 steps), on a",
    ]
    assert picture.caption.endswith(" Gone.")
