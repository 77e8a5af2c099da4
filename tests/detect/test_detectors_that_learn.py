"""Detectors that learn from attacks or from natural images: planted rows, what each protocol may
see, and what is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from robustgen.core.rows import CELL
from robustgen.jobs import detect as job

BASE = {"fpr": 0.1, "temperatures": [1.0], "fit": "pgd", "noise": "noise", "options": {}}
N = 200


def rows(
    attack: str = "clean",
    eps: float = 0.0,
    steps: int = 0,
    *,
    shift: float = 0.0,
    fooled: float = 1.0,
) -> pd.DataFrame:
    """Score rows of validation and test images, whose measures lie `shift` above those of natural
    ones.
    """
    rng = np.random.default_rng(int(1000 * eps) + steps + len(attack))
    parts = []
    for split in ("validation", "test"):
        frame = pd.DataFrame(
            {
                "index": range(N),
                "label": 0,
                "success": rng.random(N) < (fooled if attack != "clean" else 0.05),
            }
        )
        for name in (
            "kd_bu.kd",
            "kd_bu.bu",
            "lid.lid_0",
            "lid.lid_1",
            "lid.lid_twin_0",
            "lid.lid_twin_1",
        ):
            frame[name] = rng.normal(shift, 1, N)
        energies = {
            "energy": rng.normal(-10 + shift, 2, N),
            "max_logit": rng.normal(10, 1, N),
            "top_margin": rng.gamma(2, 2, N),
        }
        axes = dict(zip(CELL, ("signs", "net", 0, attack, eps, steps, 0.0), strict=True))
        parts.append(frame.assign(**energies, **axes, split=split))
    return pd.concat(parts, ignore_index=True)


def others(**changes: Any) -> dict[str, pd.DataFrame]:
    return {"pgd": rows("pgd", 0.1, 5, shift=3), "noise": rows("noise", 0.1, 1), **changes}


def detect(kind: str, attacked: pd.DataFrame, **changes: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    learnt = changes.pop("others", others())
    return job.run(
        changes.pop("clean", rows()),
        attacked,
        learnt,
        entries={kind: {**BASE, "kind": kind, **changes}},
    )


def flagged(found: tuple[pd.DataFrame, pd.DataFrame], protocol: str, attack: str) -> float:
    """The share of an attack's test images that a protocol flags."""
    statistics, thresholds = found
    one = thresholds[(thresholds["protocol"] == protocol) & (thresholds["shown"] != "")].iloc[0]
    mine = statistics[(statistics["variant"] == one["variant"]) & (statistics["attack"] == attack)]
    assert len(mine) == N
    return float((mine["statistic"] >= one["threshold"]).mean())


@pytest.mark.parametrize("kind", ["kd_bu", "lid"])
def test_planted_attacks_are_told_from_clean_images_by_both_protocols(kind: str) -> None:
    found = detect(kind, rows("pgd", 0.1, 5, shift=3))
    assert flagged(found, "sound", "pgd") > 0.95
    assert flagged(found, "paper", "pgd") > 0.9
    assert flagged(found, "sound", "clean") == pytest.approx(0.1, abs=0.06)
    assert flagged(found, "paper", "clean") < 0.1


def test_the_sound_fit_is_the_same_for_every_attack_and_the_papers_is_not() -> None:
    far, near = (detect("lid", rows("cw", 0.2, 9, shift=shift))[1] for shift in (6, 2))
    sound = [found[found["protocol"] == "sound"]["threshold"].item() for found in (far, near)]
    assert sound[0] == sound[1]
    assert far[far["protocol"] == "paper"]["variant"].item() == "fitted on cw 0.2 9 0.0"


def test_the_papers_fit_is_scikit_learns_on_clean_and_noisy_against_fooled_images() -> None:
    clean, attacked, learnt = rows(), rows("pgd", 0.1, 5, shift=1, fooled=0.7), others()
    statistics, _ = detect("kd_bu", attacked, clean=clean, others=learnt)
    columns = ["kd_bu.kd", "kd_bu.bu"]
    right = clean[(clean["split"] == "validation") & ~clean["success"]]
    validation = {
        name: frame[frame["split"] == "validation"]
        for name, frame in {"pgd": attacked, **learnt, "a": attacked}.items()
    }
    fooled = validation["a"][
        validation["a"]["success"] & validation["a"]["index"].isin(right["index"])
    ]
    noisy = validation["noise"][validation["noise"]["index"].isin(right["index"])]
    x = np.concatenate([part[columns].to_numpy() for part in (fooled, right, noisy)])
    y = np.repeat([1, 0, 0], [len(fooled), len(right), len(noisy)])
    regression = LogisticRegressionCV(
        l1_ratios=(0,), scoring="accuracy", use_legacy_attributes=False, max_iter=1000
    )
    model = make_pipeline(StandardScaler(), regression).fit(x, y)
    mine = statistics[
        (statistics["attack"] == "pgd") & statistics["variant"].str.startswith("fitted on pgd 0.1")
    ]
    expected = model.decision_function(attacked[attacked["split"] == "test"][columns].to_numpy())
    np.testing.assert_allclose(mine["statistic"], expected)


def test_the_sound_fit_and_its_threshold_see_different_images_and_no_test_image() -> None:
    before = detect("kd_bu", rows("cw", 0.2, 9))[1]
    moved = rows()
    moved.loc[moved["split"] == "test", ["kd_bu.kd", "kd_bu.bu"]] += 100
    assert (
        detect("kd_bu", rows("cw", 0.2, 9), clean=moved)[1]["threshold"].tolist()
        == before["threshold"].tolist()
    )


def test_lid_takes_the_twins_for_the_papers_protocol_only() -> None:
    attacked = rows("pgd", 0.1, 5, shift=3)
    attacked[["lid.lid_twin_0", "lid.lid_twin_1"]] = np.random.default_rng(1).normal(
        size=(2 * N, 2)
    )
    found = detect("lid", attacked)
    assert flagged(found, "sound", "pgd") > 0.95
    assert flagged(found, "paper", "pgd") < 0.5


@pytest.mark.parametrize(
    ("statistic", "shift", "caught"),
    [
        ("two_sided", 8, True),
        ("two_sided", -8, True),
        ("two_sided", 0, False),
        ("one_class", 8, True),
        ("one_class", 0, False),
    ],
)
def test_what_is_unlike_natural_images_is_flagged_on_either_side(
    statistic: str, shift: float, caught: bool
) -> None:
    found = detect(
        "unnatural", rows("he_pgd", 0.1, 5, shift=shift), options={"statistic": statistic}
    )
    assert flagged(found, "sound", "clean") == pytest.approx(0.1, abs=0.07)
    assert (flagged(found, "sound", "he_pgd") > 0.8) == caught
    assert set(found[1]["protocol"]) == {"sound"}


def test_a_detector_that_fails_costs_no_other_one() -> None:
    entries = {name: {**BASE, "kind": name} for name in ("energy", "lid")}
    statistics, thresholds = job.run(
        rows(),
        rows("pgd", 0.1, 5, fooled=0),
        others(pgd=rows("pgd", 0.1, 5, fooled=0)),
        entries=entries,
    )
    assert set(statistics["detector"]) == {"energy"}
    assert not statistics.isna().any(axis=None)
    assert not thresholds.isna().any(axis=None)
    assert (
        thresholds[thresholds["detector"] == "lid"]["why"]
        .str.contains("are fooled by the attack")
        .all()
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"others": others(pgd=rows("pgd", 0.1, 5, fooled=0.0))},
            ("Fewer than 20 validation images that the net gets right"),
        ),
        ({"fit": None}, r"name one in detectors.\*.fit"),
        ({"noise": None}, r"name one in detectors.\*.noise"),
        (
            {
                "clean": rows().assign(**{"lid.lid_0": 1.0}),
                "others": others(
                    pgd=others()["pgd"].assign(**{"lid.lid_0": 1.0}),
                    noise=others()["noise"].assign(**{"lid.lid_0": 1.0}),
                ),
            },
            "constant or not finite",
        ),
        ({"clean": rows().assign(**{"lid.lid_1": np.inf})}, "constant or not finite"),
    ],
)
def test_what_cannot_be_learnt_is_said_in_a_sentence(changes: dict[str, Any], words: str) -> None:
    statistics, thresholds = detect("lid", rows("cw", 0.2, 9), **changes)
    why = thresholds[thresholds["protocol"] == "sound"]["why"]
    assert why.str.contains(words).all(), why.tolist()
    assert not thresholds.isna().any(axis=None)
    assert len(statistics[statistics["variant"] == "fitted on pgd"]) == 0


def test_an_unknown_statistic_is_refused_with_the_known_ones() -> None:
    _, thresholds = detect("unnatural", rows("pgd", 0.1, 5), options={"statistic": "odd"})
    assert "choose one of two_sided, one_class" in thresholds["why"].item()
