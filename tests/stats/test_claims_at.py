"""Claims: one value of an axis held against the largest."""

from __future__ import annotations

import pandas as pd
import pytest

from cells import cell, clean, joined
from claiming import claim, judged
from robustgen.stats.claims import INCONCLUSIVE, NOT_REPRODUCED, NOT_TESTED, REPRODUCED
from robustgen.stats.rules import Against

SUFFICES = {
    "statistic": "accuracy_difference",
    "direction": "below",
    "margin": 0.02,
    "against": Against(largest="runs"),
    "at": {"runs": 5},
}


def swept(fooled: dict[int, int], n: int = 400, axis: str = "runs") -> pd.DataFrame:
    """Images of which so many are fooled at each value of an axis, always the first ones."""
    cells = [
        cell([0.0] * n, success=[place < count for place in range(n)]).assign(**{axis: value})
        for value, count in fooled.items()
    ]
    frame = joined(clean([0.0] * n).assign(**{axis: 0}), *cells)
    frame.attrs["axes"] = [*dict.fromkeys(("eps", "steps", "lambda_", axis))]
    return frame


@pytest.mark.parametrize(
    ("more", "verdict"), [(0, REPRODUCED), (7, INCONCLUSIVE), (40, NOT_REPRODUCED)]
)
def test_a_value_suffices_where_the_largest_fools_hardly_more(more: int, verdict: str) -> None:
    """At 10 runs `more` of 400 images are fooled beyond the 100 at 5; 7 are 1.75 points."""
    (found,) = judged(claim(**SUFFICES), swept({1: 20, 5: 100, 10: 100 + more}))
    assert (found["axes"]["runs"], found["value"]) == (5, pytest.approx(more / 400))
    assert (found["verdict"], found["why"]) == (
        verdict,
        "interval over images, held against runs 10",
    )


def test_a_step_count_is_judged_against_the_largest_and_not_at_the_last() -> None:
    rule = claim(**SUFFICES | {"against": Against(largest="steps"), "at": {"steps": 50}})
    (found,) = judged(rule, swept({10: 0, 50: 100, 500: 140}, axis="steps"))
    assert (found["axes"]["steps"], found["value"]) == (50, pytest.approx(0.1))
    assert found["why"] == "interval over images, held against steps 500"


@pytest.mark.parametrize(
    ("fooled", "why"),
    [
        ({1: 20, 3: 100}, "no rows at runs 5"),
        ({1: 20, 5: 100}, "nothing above runs 5 to hold it against"),
    ],
)
def test_where_the_value_or_a_larger_one_is_missing_nothing_is_tested(
    fooled: dict[int, int], why: str
) -> None:
    (found,) = judged(claim(**SUFFICES), swept(fooled))
    assert (found["model"], found["verdict"], found["why"]) == ("plain", NOT_TESTED, why)
