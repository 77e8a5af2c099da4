"""Means over seeds: rows of several seeds are no further independent images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from robustgen.core.rows import with_axes
from robustgen.stats import cells, statistics
from robustgen.stats.intervals import mean
from robustgen.stats.per_image import mean_of
from robustgen.stats.rules import NotMeasured
from robustgen.tables import detected, inputs, refined, synthesized

T2 = 4.302652729911275  # the 97.5 % quantile of Student's t with two degrees of freedom
LEVELS = (1.0, 2.0, 6.0)  # of three seeds


def rows(n: int = 50, **named: Any) -> pd.DataFrame:
    """Values of three seeds on the same images, spread by 0.1 around each seed's level."""
    spread = np.tile([-0.1, 0.1], n // 2)
    each = [pd.DataFrame({"index": range(n), "seed": seed, "value": level + spread, **named})
            for seed, level in enumerate(LEVELS)]  # fmt: skip
    return pd.concat(each, ignore_index=True)


def test_a_mean_over_seeds_is_students_over_their_means() -> None:
    """Means 1, 2, 6: mean 3, s^2 = (4 + 1 + 9) / 2 = 7, half width t2 sqrt(7 / 3). The 150 rows
    taken for independent would give less than a tenth of that.
    """
    half = T2 * math.sqrt(7 / 3)
    assert mean_of(rows(), "value") == pytest.approx((3, 3 - half, 3 + half))
    pooled = mean(rows()["value"].to_numpy())
    assert pooled.high - pooled.low < 0.2 * half


def test_of_one_seed_it_is_over_rows() -> None:
    one = rows().query("seed == 1")
    assert mean_of(one, "value") == mean(one["value"].to_numpy())


def test_images_are_counted_once_and_on_average_where_seeds_differ() -> None:
    frame = rows()
    assert cells.images(frame) == 50
    assert cells.images(frame.set_index(["seed", "index"])["value"]) == 50
    assert cells.images(frame.query("seed == 0")) == 50
    fewer = frame[(frame["seed"] > 0) | (frame["index"] < 20)]  # 20, 50 and 50
    assert cells.images(fewer) == 40


def test_the_spread_is_that_of_images_within_a_seed() -> None:
    """Each seed's values are 0.1 on either side of its level: s = 0.1 sqrt(50 / 49), however far
    apart the levels lie.
    """
    assert cells.spread(rows(), "value") == pytest.approx(0.1 * math.sqrt(50 / 49))


def test_refinement_is_judged_over_seeds() -> None:
    """KID falls by 1, 2 and 6 in each of four parts. The judge is right on 2, 4 and 6 of 10:
    p = 0.4 with the variance 0.04 / 3 has that of 0.24 / (0.04 / 3) = 18 images, which Korn and
    Graubard scale by (t9 / t2)^2.
    """
    parts = [
        {"model": "m", "seed": seed, "part": part, "stage": stage, "n": 10, "fid": 1.0,
         "kid": 9 - level * (stage == "end"), "judged": 0.2 * (seed + 1)}
        for seed, level in enumerate(LEVELS)
        for part in range(4)
        for stage in ("start", "end")
    ]  # fmt: skip
    facts = {"dataset": "d", "part_objectives": {}, "objective": {"kind": "standard"},
             "parts": {"net": "m", "generator": "g"}}  # fmt: skip
    (row,) = refined._rows(pd.DataFrame(parts), {"models": {"m": facts}})
    half = T2 * math.sqrt(7 / 3)
    ends = [row[f"change{end}"] for end in ("", "_low", "_high")]
    assert ends == pytest.approx([-3, -3 - half, -3 + half])
    n = 18 * (float(stats.t.ppf(0.975, 9)) / T2) ** 2
    low = float(stats.beta.ppf(0.025, 0.4 * n, 0.6 * n + 1))
    high = float(stats.beta.ppf(0.975, 0.4 * n + 1, 0.6 * n))
    ends = [row[f"judged_end{end}"] for end in ("", "_low", "_high")]
    assert ends == pytest.approx([0.4, low, high])


def test_the_kid_of_made_images_is_over_seeds() -> None:
    """Levels 1, 2, 6 of three seeds, each the same in all of its four parts."""
    sets = pd.DataFrame(
        {"seed": seed, "part": part, "stage": stage, "fid": 1.0, "kid": level}
        for seed, level in enumerate(LEVELS)
        for part in range(4)
        for stage in ("start", "end")
    )
    half = T2 * math.sqrt(7 / 3)
    found = synthesized._of(sets)
    assert [found[f"kid{end}"] for end in ("", "_low", "_high")] == pytest.approx(
        [3, 3 - half, 3 + half]
    )


def test_an_attack_that_never_fools_is_as_sure_as_the_images_of_one_seed() -> None:
    """None of 50 images in each of three seeds: the bound of Clopper and Pearson, 1 - 0.025^(1/50),
    and not that of 150 images.
    """
    named = {"dataset": "d", "model": "m", "eps": 0.1, "steps": 5}
    statistics = pd.concat(
        [rows().assign(attack=attack, success=0.0, **named) for attack in ("clean", "pgd")]
    )
    headline = pd.DataFrame([{**named, "attack": "pgd", "detector": "d", "seed": 0, "why": ""}])
    headlines, none = (with_axes(frame, ("eps", "steps")) for frame in (headline, headline[:0]))
    (row,) = detected.never_fooled(
        with_axes(statistics, ("eps", "steps")), headlines, none
    ).to_dict("records")
    assert row["fooled_high"] == pytest.approx(1 - 0.025 ** (1 / 50))


def test_a_fall_needs_two_positive_step_counts() -> None:
    """With steps 0 and 3 there is no change between positive step counts."""
    frame = pd.DataFrame({"index": [0, 1] * 2, "steps": [0, 0, 3, 3], "energy": [-1.0] * 4})
    with pytest.raises(NotMeasured, match="fewer than two positive step counts"):
        statistics.largest_rise_between_steps(frame, frame)


def test_a_table_names_its_seeds_where_there_are_several() -> None:
    files = {"scores": [f"results/s/measures/m/seed{seed}/pgd/scores.parquet" for seed in (10, 2)],
             "data": ["results/s/data/seedling/pool.json"]}  # fmt: skip
    said = " Over 2 seeds (2, 10), which share their images: n counts those of one."
    assert inputs.seeds_said(files) == said
    assert inputs.seeds_said({"scores": files["scores"][:1]}) == ""
