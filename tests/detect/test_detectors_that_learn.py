"""Detectors that learn from attacks or from clean images: planted rows, what each protocol may
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

from robustgen.core.refusal import Refused
from robustgen.core.rows import with_axes
from robustgen.detect import supervised
from robustgen.jobs import detect as job

LEARNT = {"fit": "pgd", "noise": "noise"}
OPTIONS = {"kd_bu": LEARNT, "lid": LEARNT}  # of the kinds that need some
N = 200


def rows(
    attack: str = "clean",
    eps: float = 0.0,
    steps: int = 0,
    *,
    shift: float = 0.0,
    fooled: float = 1.0,
) -> pd.DataFrame:
    """Score rows of validation and test images, whose measures lie `shift` above those of clean
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
        axes = {"dataset": "signs", "model": "net", "seed": 0, "attack": attack}
        axes |= {"eps": eps, "steps": steps} if eps else {}
        parts.append(frame.assign(**energies, **axes, split=split))
    return with_axes(pd.concat(parts, ignore_index=True), ["eps", "steps"] if eps else [])


def others(**changes: Any) -> dict[str, pd.DataFrame]:
    return {"pgd": rows("pgd", 0.1, 5, shift=3), "noise": rows("noise", 0.1, 1), **changes}


def detect(kind: str, attacked: pd.DataFrame, **changes: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    learnt, clean = changes.pop("others", others()), changes.pop("clean", rows())
    entry = {"kind": kind, "fpr": 0.1, "options": OPTIONS.get(kind, {}) | changes}
    return job.run(clean, attacked, learnt, entries={kind: entry})


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
    assert far[far["protocol"] == "paper"]["variant"].item() == "fitted on cw 0.2 9"


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
def test_what_is_unlike_clean_images_is_flagged_on_either_side(
    statistic: str, shift: float, caught: bool
) -> None:
    found = detect("unnatural", rows("he_pgd", 0.1, 5, shift=shift), statistic=statistic)
    assert flagged(found, "sound", "clean") == pytest.approx(0.1, abs=0.07)
    assert (flagged(found, "sound", "he_pgd") > 0.8) == caught
    assert set(found[1]["protocol"]) == {"sound"}


def test_a_detector_that_fails_costs_no_other_one() -> None:
    entries = {
        name: {"kind": name, "fpr": 0.1, "options": OPTIONS.get(name, {})}
        for name in ("energy", "lid")
    }
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
        ({"noise": "pgd"}, "Options fit and noise of the detector lid both name pgd"),
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


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("unnatural", {"statistic": "odd"}, "must be one of two_sided, one_class, not 'odd'"),
        ("lid", {"fit": None}, "Option fit of kind lid: is missing"),
        ("lid", {"noise": "blur"}, "Detector lid learns from blur, of which no rows are given"),
    ],
)
def test_options_that_are_none_are_refused(kind: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        detect(kind, rows("pgd", 0.1, 5), **changes)


def test_a_mean_over_draws_counts_as_fooled_from_one_half_on() -> None:
    """Drawn thrice, an image that two draws misjudge is fooled, one that one does is right."""

    def drawn(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(success=np.where(frame["success"], 2 / 3, 1 / 3))

    attacked, learnt = rows("cw", 0.2, 9), others()
    plain = detect("lid", attacked)[1]
    found = detect(
        "lid",
        drawn(attacked),
        clean=drawn(rows()),
        others={name: drawn(frame) for name, frame in learnt.items()},
    )[1]
    assert found["threshold"].tolist() == plain["threshold"].tolist()


def test_of_the_noise_that_of_the_attacks_own_budget_is_learnt_by_the_papers_protocol() -> None:
    small, large = rows("noise", 0.1, 1), rows("noise", 0.2, 1, shift=50)
    both = with_axes(pd.concat([small, large], ignore_index=True), ["eps", "steps"])
    attacked = rows("pgd", 0.1, 5, shift=3)
    kept = [
        detect("kd_bu", attacked, others=others(noise=noise))[0].query("variant != 'fitted on pgd'")
        for noise in (small, both)
    ]
    np.testing.assert_array_equal(kept[0]["statistic"], kept[1]["statistic"])


def test_the_linear_form_of_a_fit_is_its_log_odds() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 3, (80, 2)), rng.normal(4, 1, (80, 2))]) * [1, 100] + 7
    fitted = supervised.LogOdds(supervised._regression(x, np.arange(160) >= 80), ("a", "b"))
    weights, bias = fitted.linear()
    frame = pd.DataFrame(x, columns=["a", "b"])
    np.testing.assert_allclose(fitted(frame), x @ weights + bias, rtol=1e-9, atol=1e-9)
