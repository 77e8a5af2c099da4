"""How training went: accuracies of a classifier, the score of anything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from robustgen.figures import history
from robustgen.figures.style import styled


def written(folder: Path, model: str, seed: int = 0, **metrics: list[float]) -> str:
    path = folder / model / f"seed{seed}" / "history.csv"
    path.parent.mkdir(parents=True)
    pd.DataFrame({"epoch": [1, 2], **metrics}).to_csv(path, index=False)
    return str(path)


def drawn(paths: list[str], *models: str) -> Any:
    with styled():
        spec = {"models": {name: {} for name in models}}
        return history.draw({"history": paths}, spec=spec, absent=" Gone.").figure.axes


def labels(axis: Any) -> list[str]:
    return [line.get_label() for line in axis.lines if not line.get_label().startswith("_")]


def test_accuracies_are_shown_and_a_judged_one_where_it_is_another(tmp_path: Path) -> None:
    plain = {"train_accuracy": [0.5, 0.7], "validation_accuracy": [0.4, 0.6], "loss": [2.0, 1.0]}
    paths = [
        written(tmp_path, "plain", **plain, judged_accuracy=[0.4, 0.6]),
        written(tmp_path, "plain", 1, **plain, judged_accuracy=[0.4, 0.6]),
        written(tmp_path, "robust", **plain, judged_accuracy=[0.3, 0.2]),
    ]
    loss, other_loss, _, lower, robust, _ = drawn(paths, "plain", "robust", "gone")
    assert [line.get_ydata().tolist() for line in loss.lines] == [[2.0, 1.0]] * 2
    assert (labels(lower), len(lower.lines)) == (["train", "validation"], 4)
    assert labels(robust) == ["train", "validation", "validation, judged"]
    assert robust.lines[2].get_ydata().tolist() == [0.3, 0.2]
    assert other_loss.get_title() == "robust"


def test_what_is_no_classifier_shows_its_losses_and_its_score(tmp_path: Path) -> None:
    metrics = {"generator_loss": [3.0, 2.0], "critic_loss": [-1.0, -2.0], "score": [-90.0, -40.0]}
    upper, lower = drawn([written(tmp_path, "gan", **metrics)], "gan")
    assert labels(upper) == ["generator_loss", "critic_loss"]
    assert upper.get_ylim()[0] < -2
    assert (lower.get_ylabel(), lower.lines[0].get_ydata().tolist()) == ("score", [-90.0, -40.0])
