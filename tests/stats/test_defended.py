"""Accuracy of a classifier and of its base model on rows by hand: shares, the worst of all attacks,
gains on the images that both met.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from robustgen.core.rows import CLEAN, with_axes
from robustgen.stats.defended import WORST, defended
from robustgen.stats.intervals import paired_share_difference, share
from robustgen.stats.statistics_smoothing import accuracy

FACTS: dict[str, Any] = {
    "net": {"dataset": "signs", "parts": {}},
    "around": {"dataset": "signs", "parts": {"base": "net"}},
}
SPEC = {"models": FACTS, "attacks": {"one": {}, "two": {}}}


def cell(model: str, attack: str, success: list[float], eps: float = 0.1) -> pd.DataFrame:
    frame = pd.DataFrame({"index": range(len(success)), "success": success})
    named = {"model": model, "attack": attack, "eps": 0.0 if attack == CLEAN else eps}
    return frame.assign(**named, seed=0, split="test")


def table(*cells: pd.DataFrame) -> pd.DataFrame:
    found = defended(with_axes(pd.concat(cells), ("eps",)), SPEC)
    return found.set_index(["model", "attack", "eps"])


NET = [
    cell("net", CLEAN, [0, 0, 0, 1]),
    cell("net", "one", [1, 0, 0, 1]),
    cell("net", "two", [0, 1, 0, 1]),
]
AROUND = [
    cell("around", CLEAN, [0, 0, 0.2, 0]),
    cell("around", "one", [0.4, 0, 0, 1]),
    cell("around", "two", [0.2, 1, 0, 0]),
]


def test_accuracy_is_the_mean_share_of_right_draws() -> None:
    found = table(*NET, *AROUND)
    row = found.loc[("around", "one", 0.1)]
    assert row["adversarial"] == pytest.approx(2.6 / 4)
    assert (row["adversarial_low"], row["adversarial_high"]) == share(2.6, 4)[1:]
    assert row["natural"] == pytest.approx(3.8 / 4)
    assert (row["n"], row["base"]) == (4, "net")


def test_the_worst_of_all_is_taken_image_by_image_with_the_clean_image() -> None:
    """Largest shares of wrong draws: net 1, 1, 0, 1; around 0.4, 1, 0.2 (clean), 1."""
    found = table(*NET, *AROUND)
    assert found.loc[("net", WORST, 0.1), "adversarial"] == pytest.approx(1 / 4)
    assert found.loc[("around", WORST, 0.1), "adversarial"] == pytest.approx(1.4 / 4)


def test_gains_are_paired_and_a_base_model_has_none() -> None:
    found = table(*NET, *AROUND)
    ours, theirs = pd.Series([0.6, 1, 1, 0]), pd.Series([0, 1, 1, 0])
    wanted = paired_share_difference(ours.to_numpy(), theirs.to_numpy())
    row = found.loc[("around", "one", 0.1)]
    assert (row["gain"], row["gain_low"], row["gain_high"]) == pytest.approx(wanted)
    assert row["gain_p"] == wanted.p(0)
    assert row["natural_gain"] == pytest.approx(0.8 / 4)
    assert found.loc["net"][["gain", "natural_gain"]].isna().all(axis=None)


def test_images_that_only_one_of_them_met_give_no_gain() -> None:
    few = cell("net", "one", [1, 0])
    found = table(NET[0], few, *AROUND)
    assert found.loc[("around", "one", 0.1), "gain"] == pytest.approx(0.6 / 2)
    assert found.loc[("around", "one", 0.1), "n"] == 4
    alone = table(*AROUND)
    assert alone.loc["around"]["gain"].isna().all()


def test_budgets_are_kept_apart() -> None:
    found = table(*NET, cell("net", "one", [1, 1, 1, 1], eps=0.2))
    assert found.loc[("net", "one", 0.2), "adversarial"] == 0
    assert found.loc[("net", WORST, 0.2), "adversarial"] == 0
    assert found.loc[("net", WORST, 0.1), "adversarial"] == pytest.approx(1 / 4)


def test_the_statistic_of_accuracy_is_the_share_of_right_draws() -> None:
    assert accuracy(AROUND[1], AROUND[0]) == share(2.6, 4)
