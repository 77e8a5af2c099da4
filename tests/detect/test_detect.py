"""Rates against scikit-learn and brute force, thresholds against every threshold, the energy
detector on planted rows.
"""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics

from robustgen.core.refusal import Refused
from robustgen.core.rows import axes_of, with_axes
from robustgen.detect import rates, thresholds
from robustgen.jobs import detect as job

settings.load_profile("ci")  # no deadline, same examples in every run

Pair = tuple[np.ndarray, np.ndarray]
tied = hnp.arrays(np.float64, st.integers(1, 40), elements=st.integers(-4, 4).map(float))
untied = hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e3, 1e3))
samples = tied | untied
pairs = st.tuples(samples, samples)


def labelled(attacked: np.ndarray, clean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat([1, 0], [len(attacked), len(clean)]), np.concatenate([attacked, clean])


def candidates(attacked: np.ndarray, clean: np.ndarray) -> list[float]:
    """Every threshold that makes a difference, one above all and one below all."""
    return [math.inf, *np.unique([*attacked, *clean]).tolist(), -math.inf]


# --- rates ----------------------------------------------------------------------------------------
# ---------------


@given(pairs)
def test_auroc_is_scikit_learns(pair: Pair) -> None:
    assert rates.auroc(*pair) == pytest.approx(metrics.roc_auc_score(*labelled(*pair)), abs=1e-12)


@given(pairs)
def test_auroc_is_the_share_of_pairs_in_order_with_ties_as_halves(pair: Pair) -> None:
    attacked, clean = pair
    order = np.sign(attacked[:, None] - clean[None, :])
    assert rates.auroc(attacked, clean) == pytest.approx((order.mean() + 1) / 2, abs=1e-12)


@given(pairs)
def test_average_precision_is_scikit_learns(pair: Pair) -> None:
    expected = metrics.average_precision_score(*labelled(*pair))
    assert rates.average_precision(*pair) == pytest.approx(expected, abs=1e-12)


@given(pairs)
def test_the_curve_is_scikit_learns(pair: Pair) -> None:
    fpr, tpr, found = metrics.roc_curve(*labelled(*pair), drop_intermediate=False)
    ours = rates.curve(*pair)
    # theirs begins with an infinite threshold that flags nothing
    np.testing.assert_allclose(ours[0], found[1:])
    np.testing.assert_allclose(ours[1], tpr[1:], atol=1e-12)
    np.testing.assert_allclose(ours[2], fpr[1:], atol=1e-12)


@given(pairs, st.integers(1, 100).map(lambda percent: percent / 100))
def test_fpr_at_tpr_is_the_smallest_over_all_thresholds(pair: Pair, tpr: float) -> None:
    attacked, clean = pair
    reaching = [
        t
        for t in candidates(attacked, clean)
        if (attacked >= t).sum() >= tpr * len(attacked) - 1e-9
    ]
    assert rates.fpr_at_tpr(attacked, clean, tpr) == min((clean >= t).mean() for t in reaching)


def test_fpr_at_95_tpr_by_hand() -> None:
    attacked, clean = np.arange(20.0), np.array([0.5, 1.0, 1.5, 30.0])
    # 19 of 20 reach 1, and so do three of the four
    assert rates.fpr_at_tpr(attacked, clean) == 0.75


# --- thresholds
# --------------------------------------------------------------------------------------------------


def j(attacked: np.ndarray, clean: np.ndarray, t: float) -> float:
    return float((attacked >= t).mean() - (clean >= t).mean())


def g(attacked: np.ndarray, clean: np.ndarray, t: float) -> float:
    return math.sqrt((attacked >= t).mean() * (1 - (clean >= t).mean()))


@given(pairs)
def test_youden_is_the_largest_j_of_all_thresholds(pair: Pair) -> None:
    best = max(j(*pair, t) for t in candidates(*pair)[1:])
    assert j(*pair, thresholds.youden(*pair)) == pytest.approx(best, abs=1e-12)


@given(pairs)
def test_gmean_is_the_largest_g_of_all_thresholds(pair: Pair) -> None:
    best = max(g(*pair, t) for t in candidates(*pair))
    assert g(*pair, thresholds.gmean(*pair)) == pytest.approx(best, abs=1e-12)


@given(samples, st.integers(1, 99).map(lambda percent: percent / 100))
def test_at_fpr_flags_at_most_the_share_and_the_next_image_would_exceed_it(
    clean: np.ndarray, fpr: float
) -> None:
    t, allowed = thresholds.at_fpr(clean, fpr), fpr * len(clean) + 1e-9
    assert (clean >= t).sum() <= allowed
    below = clean[clean < t]
    assert len(below)  # a share below 1 never flags all
    assert (clean >= below.max()).sum() > allowed


def test_at_fpr_by_hand() -> None:
    clean = np.arange(1.0, 101.0)
    assert [
        int((clean >= thresholds.at_fpr(clean, share)).sum()) for share in (0.01, 0.05, 0.29, 0.57)
    ] == [1, 5, 29, 57]


@pytest.mark.parametrize(
    "rule",
    [
        rates.auroc,
        rates.average_precision,
        rates.fpr_at_tpr,
        rates.curve,
        thresholds.youden,
        thresholds.gmean,
    ],
)
def test_no_images_and_infinite_statistics_are_refused(
    rule: Callable[[np.ndarray, np.ndarray], object],
) -> None:
    fine = np.array([0.0, 1.0])
    for bad in (np.inf, -np.inf, np.nan):
        with pytest.raises(Refused, match="statistic of attacked images holds infinite or NaN"):
            rule(np.array([0.0, bad]), fine)
        with pytest.raises(Refused, match="statistic of clean images holds infinite or NaN"):
            rule(fine, np.array([bad, 0.0]))
    with pytest.raises(Refused, match="no attacked images"):
        rule(fine[:0], fine)
    with pytest.raises(Refused, match="no clean images"):
        rule(fine, fine[:0])


@pytest.mark.parametrize("bad", [[], [0.0, np.nan], [0.0, np.inf], [0.0, -np.inf]], ids=str)
def test_a_threshold_from_no_images_or_infinite_statistics_is_refused(bad: list[float]) -> None:
    with pytest.raises(Refused, match="clean images"):
        thresholds.at_fpr(np.array(bad), 0.05)


# --- the energy detector
# -----------------------------------------------------------------------------------------

ENERGY = {"kind": "energy", "fpr": 0.1}


def detect(
    clean: pd.DataFrame, attacked: pd.DataFrame, *, temperatures: tuple[float, ...] = (1.0, 2.0)
) -> tuple[pd.DataFrame, pd.DataFrame]:
    entry = {**ENERGY, "options": {"temperatures": temperatures}}
    return job.run(clean, attacked, {}, entries={"energy": entry})


def rows(
    split: str, energies: list[float], attack: str = "clean", eps: float = 0.0, seed: int = 0
) -> pd.DataFrame:
    """Score rows of one cell; of the one score z_0, E_T = -z_0 at every T, is of no use: all
    alike.
    """
    n = len(energies)
    axes = {"dataset": "digits", "model": "plain", "seed": seed, "attack": attack}
    axes |= {"eps": eps, "steps": 5} if eps else {}
    frame = pd.DataFrame(
        {"index": range(n), "label": [0] * n, "success": [bool(eps)] * n, "energy": energies}
    )
    return with_axes(frame.assign(**axes, split=split, z_0=1.0), ["eps", "steps"] if eps else [])


def clean(shift: float = 0.0) -> pd.DataFrame:
    """Ten validation images of energies -1 ... -10, and four test images."""
    validation = rows("validation", [-float(k) for k in range(1, 11)])
    return pd.concat(
        [validation, rows("test", [-2.0 + shift, -4.0, -6.0, -8.0])], ignore_index=True
    )


def attacked(
    shift: float = 0.0, attack: str = "pgd", eps: float = 0.1, low: float = -20.0
) -> pd.DataFrame:
    validation = rows("validation", [low + k for k in range(5)], attack, eps)
    return pd.concat(
        [validation, rows("test", [low, low + 1 + shift], attack, eps)], ignore_index=True
    )


def chosen(found: pd.DataFrame, **wanted: object) -> pd.Series:
    for name, value in wanted.items():
        found = found[found[name] == value]
    assert len(found) == 1
    return found.iloc[0]


def test_the_planted_thresholds_are_found() -> None:
    _, found = detect(clean(), attacked())
    headline = chosen(found, protocol="sound")
    assert (headline["rule"], headline["variant"], headline["shown"]) == ("fpr", "T = 1", "all")
    # one of ten, the one of energy -10, is flagged
    assert 9.0 < headline["threshold"] <= 9.0 + 1e-12
    for rule in ("youden", "gmean"):
        planted = chosen(found, protocol="paper", rule=rule)
        # the attacked image of highest energy, above all clean ones
        assert planted["threshold"] == 16.0
        assert planted["variant"] == "T = 1"


def test_the_temperature_of_best_validation_auc_is_searched() -> None:
    useless = attacked().assign(energy=-1.0, z_0=lambda frame: 30.0 - frame["index"])
    for rows_of_attack, best in ((attacked(), "T = 1"), (useless, "T = 2")):
        _, found = detect(clean(), rows_of_attack)
        assert chosen(found, rule="youden, best T")["variant"] == best


def test_statistics_are_minus_the_energy_of_test_images_only() -> None:
    found, _ = detect(clean(), attacked())
    at_one = found[found["variant"] == "T = 1"]
    assert at_one[at_one["attack"] == "pgd"]["statistic"].tolist() == [20.0, 19.0]
    assert at_one[at_one["attack"] == "clean"]["statistic"].tolist() == [2.0, 4.0, 6.0, 8.0]
    assert found["statistic"].dtype == np.float64


def test_each_variant_that_a_threshold_uses_has_its_statistics_of_both_kinds() -> None:
    useless = attacked().assign(energy=-1.0, z_0=lambda frame: 30.0 - frame["index"])
    statistics, found = detect(clean(), useless)
    assert found["variant"].nunique() == 2
    for variant in found["variant"].unique():
        assert set(statistics[statistics["variant"] == variant]["attack"]) == {"clean", "pgd"}


def test_test_images_have_no_say_in_any_threshold() -> None:
    _, before = detect(clean(), attacked())
    _, after = detect(clean(shift=-1000.0), attacked(shift=5000.0))
    pd.testing.assert_frame_equal(before, after)


def test_validation_images_have() -> None:
    _, before = detect(clean(), attacked())
    moved = clean().assign(energy=lambda frame: frame["energy"] - 1.5)
    _, after = detect(moved, attacked())
    assert chosen(after, protocol="sound")["threshold"] == pytest.approx(
        chosen(before, protocol="sound")["threshold"] + 1.5
    )


def test_the_headline_threshold_depends_on_no_attack_and_the_papers_does() -> None:
    several = pd.concat(
        [attacked(), attacked(attack="he_pgd", eps=0.2, low=-5.5)], ignore_index=True
    )
    _, found = detect(clean(), several)
    assert found[found["protocol"] == "sound"].groupby("attack")["threshold"].first().nunique() == 1
    paper = found[found["rule"] == "youden"]
    assert set(paper["attack"]) == {"pgd", "he_pgd"}
    assert paper["threshold"].nunique() == 2


def test_the_energy_at_a_temperature_is_that_of_the_scores_by_hand() -> None:
    """-E_2 of z = (log 2, log 6) is 2 log(2^(1/2) + 6^(1/2)); at T = 1 the column is taken."""
    planted = {"z_0": math.log(2.0), "z_1": math.log(6.0)}
    found, _ = detect(clean().assign(**planted), attacked().assign(**planted), temperatures=(2.0,))
    at_two = found[found["variant"] == "T = 2"]["statistic"]
    assert at_two.tolist() == pytest.approx([2 * math.log(2**0.5 + 6**0.5)] * 6)
    assert found[found["variant"] == "T = 1"]["statistic"].max() == 20.0


def test_rows_without_scores_leave_a_sentence_and_the_headline() -> None:
    without = [frame.drop(columns="z_0") for frame in (clean(), attacked())]
    _, found = detect(*without, temperatures=(0.5,))
    assert found[found["protocol"] == "sound"]["why"].tolist() == [""]
    assert "hold no scores z_0, z_1, ..." in chosen(found, protocol="paper")["why"]


def test_a_temperature_that_is_none_is_refused() -> None:
    with pytest.raises(Refused, match="Option temperatures of kind energy: must be a list of"):
        detect(clean(), attacked(), temperatures=(0.0,))


def test_rows_carry_the_attacks_axes_and_clean_images_have_zeros_there() -> None:
    statistics, thresholds = detect(clean(), attacked())
    assert axes_of(statistics) == axes_of(thresholds) == ["eps", "steps"]
    first = ["dataset", "model", "seed", "attack", "eps", "steps"]
    assert list(statistics)[:6] == list(thresholds)[:6] == first
    zero = statistics[statistics["attack"] == "clean"]
    assert set(zero[["eps", "steps"]].itertuples(index=False, name=None)) == {(0.0, 0)}
    assert set(thresholds["eps"]) == {0.1}


# --- the likelihood detector ----------------------------------------------------------------------


def test_likelihood_flags_the_other_side_of_the_same_energy() -> None:
    """Of clean energies -1 ... -10 one in ten is flagged, that of -1. An attacked image at 5 is
    unlikely, one at -20 is not; no attack has a say.
    """
    entries = {"likelihood": {"kind": "likelihood", "fpr": 0.1}}
    odd = pd.concat([rows("test", [5.0, -20.0], "pgd", 0.1)], ignore_index=True)
    statistics, found = job.run(clean(), with_axes(odd, ["eps", "steps"]), {}, entries=entries)
    (only,) = found.to_dict("records")
    assert (only["protocol"], only["shown"], only["why"]) == ("sound", "all", "")
    assert -2.0 < only["threshold"] <= -2.0 + 1e-12
    of_attack = statistics[statistics["attack"] == "pgd"]["statistic"]
    assert (of_attack >= only["threshold"]).tolist() == [True, False]
