"""McNemar's exact test by hand and against statsmodels."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar

from robustgen.stats.mcnemar import decided, exact_p, pairs


def wrong(*shares: float, seed: int = 0) -> pd.Series:
    index = pd.MultiIndex.from_tuples(
        [(seed, place) for place in range(len(shares))], names=["seed", "index"]
    )
    return pd.Series(shares, index=index, dtype=float)


def test_p_by_hand() -> None:
    """Of 6 images that one alone gets right, 1: p = 2 (C(6,0) + C(6,1)) / 2^6 = 14 / 64."""
    assert exact_p(1, 5) == exact_p(5, 1) == pytest.approx(14 / 64)
    assert exact_p(0, 8) == pytest.approx(2 / 2**8)
    assert exact_p(3, 3) == exact_p(0, 0) == 1


@given(st.integers(0, 60), st.integers(0, 60))
def test_p_is_that_of_statsmodels(b: int, c: int) -> None:
    wanted = float(mcnemar([[7, b], [c, 9]], exact=True).pvalue) if b + c else 1.0
    assert exact_p(b, c) == pytest.approx(wanted)


def test_a_majority_of_draws_decides_and_a_tie_is_wrong() -> None:
    assert decided(wrong(0, 0.4, 0.5, 0.6, 1)).tolist() == [True, True, False, False, False]


def test_of_several_repetitions_the_first_is_tested() -> None:
    both = pd.concat([wrong(0, 1, seed=3), wrong(1, 1, seed=5)])
    assert decided(both).tolist() == [True, False]


def test_pairs_share_their_images_and_are_corrected_for_being_three() -> None:
    """a is right on all of 9 images, b on the first, c on none of 8 that it was shown. p: 2/2^8,
    2/2^8, and 1 of b against c, which Holm raises to 3, 3 and 1 times that.
    """
    found = pairs({"a": wrong(*[0] * 9), "b": wrong(0, *[1] * 8), "c": wrong(*[1] * 8)})
    assert found[["first", "second"]].agg("".join, axis=1).tolist() == ["ab", "ac", "bc"]
    assert found["n"].tolist() == [9, 8, 8]
    assert found["only_first"].tolist() == [8, 8, 1]
    assert found["only_second"].tolist() == [0, 0, 0]
    assert found["difference"].tolist() == pytest.approx([8 / 9, 1, 1 / 8])
    assert found["p"].tolist() == pytest.approx([2 / 2**8, 2 / 2**8, 1])
    assert found["p_holm"].tolist() == pytest.approx([6 / 2**8, 6 / 2**8, 1])


def test_a_single_model_has_no_pair() -> None:
    assert pairs({"a": wrong(0, 1)}).empty
