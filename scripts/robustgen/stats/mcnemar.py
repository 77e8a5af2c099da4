"""McNemar's exact test of two classifiers on the same images, corrected for many pairs."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pandas as pd

from robustgen.stats.holm import holm

LEVEL = 0.01  # of the thesis


def exact_p(only_first: int, only_second: int) -> float:
    """Two-sided p-value that neither is better: of b + c images that one alone gets right, b is
    binomial with probability 1/2; p = min(1, 2 P(X <= min(b, c))).
    """
    from scipy.special import bdtr

    least, n = min(only_first, only_second), only_first + only_second
    return min(1.0, 2 * float(bdtr(least, n, 0.5))) if n else 1.0


def decided(wrong: pd.Series) -> pd.Series:
    """Whether an image counts as right: more than half of its draws are, so that a tie is wrong.

    Of several repetitions it is the first, for they share their images.
    """
    first = wrong.index.get_level_values("seed").min() if len(wrong) else 0
    found: pd.Series = wrong.xs(first, level="seed") < 0.5
    return found


def pairs(wrong: Mapping[str, pd.Series]) -> pd.DataFrame:
    """One row per pair of models, from the share of wrong draws of each image: `n` shared images,
    `only_first` and `only_second` right, `difference` of accuracies, `p` and `p_holm` over pairs.
    """
    right = {model: decided(one) for model, one in wrong.items() if len(one)}
    columns = ["first", "second", "n", "only_first", "only_second", "difference", "p"]
    rows = [_pair(one, other, right) for one, other in combinations(right, 2)]
    found = pd.DataFrame(rows, columns=columns)
    return found.assign(p_holm=holm(found["p"].tolist()))


def _pair(first: str, second: str, right: Mapping[str, pd.Series]) -> dict[str, Any]:
    both = pd.concat([right[first], right[second]], axis=1, join="inner").astype(bool)
    one, other = both.iloc[:, 0], both.iloc[:, 1]
    b, c, n = int((one & ~other).sum()), int((other & ~one).sum()), len(both)
    found = {"first": first, "second": second, "n": n, "only_first": b, "only_second": c}
    return found | {"difference": (b - c) / n if n else float("nan"), "p": exact_p(b, c)}
