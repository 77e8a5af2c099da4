"""A study of three seeds, from training to claims and report: its numbers over seeds are computed
again from its rows by closed forms.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from conftest import ROOT, Copy
from robustgen.run.warm import warm

T2 = 4.302652729911275  # the 97.5 % quantile of Student's t with two degrees of freedom
SEEDS, IMAGES = 3, 200
CONFIG = ("--workflow-profile", "workflow/profiles/default", "--configfile", "tests/seeds.yaml")


@pytest.fixture(scope="module")
def made(make_copy: Callable[[], Copy]) -> Path:
    """The folder of the study's results."""
    copy = make_copy()
    shutil.copy(ROOT / "tests/seeds.yaml", copy.folder / "tests/seeds.yaml")
    with warm(copy.folder / "scripts"):
        copy.run("snakemake", *CONFIG)
    return copy.folder / "results/seeds"


def rows(made: Path, attack: str, steps: int = 0) -> list[pd.DataFrame]:
    """The test rows of each seed under an attack after so many steps, by image."""
    found = []
    for seed in range(SEEDS):
        path = made / f"measures/signs_standard/seed{seed}/{attack}/scores.parquet"
        one = pd.read_parquet(path).query("split == 'test'")
        one = one if attack == "clean" else one[one["steps"] == steps]
        found.append(one.set_index("index").sort_index())
    return found


def row(made: Path, table: str, **cell: Any) -> pd.Series:
    found = pd.read_csv(made / f"tables/{table}.csv")
    for name, value in cell.items():
        found = found[found[name] == value]
    (one,) = (row for _, row in found.iterrows())
    return one


def student(each: list[np.ndarray]) -> tuple[float, float, float]:
    """The mean over seeds m with m +- t2 s / sqrt 3, s the standard deviation of the seeds' means;
    no narrower than the mean bounds of Student's intervals over the 200 images of one seed.
    """
    means = np.array([one.mean() for one in each])
    half = T2 * math.sqrt(((means - means.mean()) ** 2).sum() / 2) / math.sqrt(3)
    t = float(stats.t.ppf(0.975, IMAGES - 1))
    images = np.mean([t * one.std(ddof=1) / math.sqrt(IMAGES) for one in each])
    half = max(half, float(images))
    return float(means.mean()), float(means.mean() - half), float(means.mean() + half)


def korn_graubard(each: list[np.ndarray]) -> tuple[float, float, float]:
    """Of shares p_k of 200 images each: p their mean, v = s^2 / 3 the variance of that mean. A
    binomial share has that variance for p (1 - p) / v images; the number of images is scaled by the
    squared ratio of Student's quantiles (199 over 2 degrees of freedom) and is 200 at most. The
    bounds are those of Clopper and Pearson for p n of n, quantiles of beta distributions.
    """
    shares = np.array([one.mean() for one in each])
    p, v, n = float(shares.mean()), float(shares.var(ddof=1)) / 3, float(IMAGES)
    if v > 0:
        n = min(n, p * (1 - p) / v * (float(stats.t.ppf(0.975, IMAGES - 1)) / T2) ** 2)
    hits = p * n
    low = stats.beta.ppf(0.025, hits, n - hits + 1) if hits > 0 else 0.0
    high = stats.beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1.0
    return p, float(low), float(high)


def numbers(one: pd.Series, name: str) -> tuple[float, float, float]:
    return one[name], one[f"{name}_low"], one[f"{name}_high"]


def test_the_seeds_are_three_nets_on_the_same_images(made: Path) -> None:
    weights = [
        (made / f"training/signs_standard/seed{seed}/weights.safetensors").read_bytes()
        for seed in range(SEEDS)
    ]
    assert len(set(weights)) == SEEDS
    first, *others = rows(made, "clean")
    assert len(first) == IMAGES
    for other in others:
        assert (other.index == first.index).all()
        assert (other["label"] == first["label"]).all()


@pytest.mark.parametrize(("attack", "steps"), [("clean", 0), ("pgd", 0), ("pgd", 3)])
def test_the_table_of_energies_is_over_seeds(made: Path, attack: str, steps: int) -> None:
    """n is the 200 images that all nets share, not 600; sd is of images within a seed."""
    one, each = row(made, "table_energies", attack=attack, steps=steps), rows(made, attack, steps)
    assert (one["n"], one["seeds"]) == (IMAGES, SEEDS)
    for name in ("energy", "energy_y", "ce"):
        expected = student([part[name].to_numpy(float) for part in each])
        assert numbers(one, name) == pytest.approx(expected, rel=1e-6)
    right = [1 - part["success"].to_numpy(float) for part in each]
    assert numbers(one, "accuracy") == pytest.approx(korn_graubard(right), rel=1e-6)
    within = np.mean([part["energy"].std() for part in each])
    assert one["energy_sd"] == pytest.approx(within, rel=1e-6)


def test_the_rates_of_detection_are_over_seeds_each_at_its_own_threshold(made: Path) -> None:
    one = row(made, "table_1", attack="pgd", detector="energy", steps=3)
    assert one["n"] == IMAGES
    flagged: dict[str, list[np.ndarray]] = {"dr": [], "fpr": []}
    for seed in range(SEEDS):
        folder = made / f"detect/signs_standard/seed{seed}/pgd"
        cell = "detector == 'energy' and variant == 'T = 1'"
        (limit,) = (
            pd.read_parquet(folder / "thresholds.parquet")
            .query(f"{cell} and protocol == 'sound' and steps == 3")["threshold"]
            .unique()
        )
        found = pd.read_parquet(folder / "statistics.parquet").query(cell)
        attacked = found.query("attack == 'pgd' and steps == 3")
        clean = found.query("attack == 'clean'").drop_duplicates("index")
        for name, part in (("dr", attacked), ("fpr", clean)):
            assert len(part) == IMAGES
            flagged[name].append((part["statistic"] >= limit).to_numpy(float))
    for name, each in flagged.items():
        assert numbers(one, name) == pytest.approx(korn_graubard(each), rel=1e-6)


def claim(made: Path, name: str) -> dict[str, Any]:
    claims = json.loads((made / "claims/verdicts.json").read_text())
    (cell,) = (cell for one in claims if one["id"] == name for cell in one["cells"])
    return cell


def test_a_claim_is_judged_over_seeds(made: Path) -> None:
    """Each net's change of E is against its own clean images. p is two-sided: the larger of that of
    Student's t over the three means and that of a normal law with the images' mean bounds.
    """
    cell = claim(made, "pgd_lowers_energy")
    pairs = zip(rows(made, "pgd", 3), rows(made, "clean"), strict=True)
    each = [(one["energy"] - other["energy"]).to_numpy(float) for one, other in pairs]
    value, low, high = student(each)
    assert (cell["n"], cell["seeds"]) == (IMAGES, SEEDS)
    assert [cell[name] for name in ("value", "low", "high")] == pytest.approx([value, low, high])
    verdict = "reproduced" if high < 0 else "not reproduced" if low >= 0 else "inconclusive"
    assert cell["verdict"] == verdict
    assert cell["why"].startswith("interval over 3 seeds")
    over_seeds = float(stats.ttest_1samp([one.mean() for one in each], 0).pvalue)
    t = float(stats.t.ppf(0.975, IMAGES - 1)) / 1.959963984540054
    error = t * float(np.mean([one.std(ddof=1) for one in each])) / math.sqrt(IMAGES)
    over_images = float(2 * stats.norm.sf(abs(value) / error))
    assert cell["p"] == pytest.approx(max(over_seeds, over_images), rel=1e-6)


def test_a_claim_that_needs_more_step_counts_is_not_tested_and_costs_no_other(made: Path) -> None:
    cell = claim(made, "energy_falls_with_steps")
    assert cell["verdict"] == "not tested at this scale"
    assert cell["why"] == "the attack has fewer than two positive step counts"


def test_tables_and_report_say_the_seeds(made: Path) -> None:
    said = "Over 3 seeds (0, 1, 2), which share their images: n counts those of one."
    for name in ("table_1", "table_energies"):
        assert said in (made / f"tables/{name}.md").read_text()
    report = (made / "report.html").read_text()
    assert "3 seeds" in report
    assert "Nothing is missing" in report
    for seed in range(SEEDS):
        assert f"signs_standard/seed{seed}" in report
