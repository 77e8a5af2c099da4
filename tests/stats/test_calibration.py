"""Calibration: bins and errors by hand and by a plain loop, the table and the figure on made-up
nets.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from robustgen.core.refusal import Refused
from robustgen.core.rows import write_rows
from robustgen.figures import reliability as figure
from robustgen.figures.style import styled, write
from robustgen.stats import calibration
from robustgen.stats.calibration import ece, ece_difference, reliability
from robustgen.tables import calibration as table

settings.load_profile("ci")  # no deadline, same examples in every run


# --- the measure ----------------------------------------------------------------------------------
# -------------------


def drawn(n: int, *, seed: int = 0, surer_by: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Confidences over all bins, right with that probability less `surer_by`."""
    generator = np.random.default_rng(seed)
    confidence = generator.uniform(0.2, 1, n)
    return confidence, generator.uniform(size=n) < confidence - surer_by


def test_confidence_is_the_softmax_of_the_largest_logit() -> None:
    rows = pd.DataFrame(
        {"max_logit": [3.0, 30.0], "energy": [-math.log(math.exp(3) + math.e + 1), -30.0 + 1e-6]}
    )
    assert calibration.confidence_of(rows) == pytest.approx(
        [math.exp(3) / (math.exp(3) + math.e + 1), 1.0], abs=0
    )


def test_bins_by_hand() -> None:
    found = reliability(
        np.array([0.1, 0.5, 0.51, 0.99, 1.0]), np.array([True, False, True, True, False]), 2
    )
    assert found.n.tolist() == [2, 3]  # 0.5 belongs to the lower bin
    assert found.confidence == pytest.approx([0.3, 2.5 / 3])
    assert found.accuracy == pytest.approx([0.5, 2 / 3])


def test_empty_bins_hold_zeros() -> None:
    found = reliability(np.array([0.95]), np.array([True]))
    assert (found.n.sum(), found.confidence[:14].sum(), found.accuracy[:14].sum()) == (1, 0, 0)
    assert np.isfinite(np.concatenate(found)).all()


def test_always_sure_and_right_in_four_of_five_is_off_by_a_fifth() -> None:
    found = ece(np.ones(1000), np.arange(1000) % 5 > 0)
    assert found.value == pytest.approx(0.2)
    half = 1.96 * math.sqrt(0.2 * 0.8 / 1000)
    assert (found.low, found.high) == pytest.approx((0.2 - half, 0.2 + half), abs=0.006)


def test_a_calibrated_net_is_off_by_little_and_by_less_on_more_images() -> None:
    few, many = (ece(*drawn(n)).value for n in (300, 30000))
    assert many < 0.015 < few < 0.12  # the upward bias that the docstring tells of


def test_a_gap_on_all_images_is_found() -> None:
    found = ece(*drawn(20000, surer_by=0.1))
    assert found.low < 0.1 < found.high
    assert found.high - found.low < 0.04


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_holds_the_truth_in_spite_of_the_bias(seed: int) -> None:
    """True ECE 0.1 on 500 images; percentiles of the bootstrap alone mostly lie above it."""
    found = ece(*drawn(500, seed=seed, surer_by=0.1))
    assert 0 <= found.low < 0.1 < found.high
    assert found.low <= found.value <= found.high


unit = {"elements": st.floats(0, 1, width=32), "shape": 40}


@given(arrays(np.float64, **unit), arrays(bool, 40), st.integers(1, 20))
def test_ece_is_that_of_a_plain_loop(
    confidence: np.ndarray, correct: np.ndarray, bins: int
) -> None:
    total = 0.0
    for b in range(bins):
        held = [i for i, c in enumerate(confidence) if b < c * bins <= b + 1 or (b == 0 and c == 0)]
        if held:
            total += (
                abs(
                    sum(correct[i] for i in held) / len(held)
                    - sum(confidence[i] for i in held) / len(held)
                )
                * len(held)
                / 40
            )
    once = np.ones((1, 40))
    assert calibration._ece(confidence, correct, bins)(once) == pytest.approx(total)


def test_the_bootstrap_of_the_ece_is_that_of_draws_one_by_one() -> None:
    confidence, correct = drawn(60)
    generator = np.random.Generator(np.random.PCG64(0))
    pairs = np.stack([confidence, correct], axis=1)
    values = []
    for _ in range(200):
        n, mean, accuracy = reliability(*generator.choice(pairs, 60).T)
        values.append((n * np.abs(accuracy - mean)).sum() / 60)
    low, high = np.quantile(values, [0.025, 0.975])
    value = calibration._ece(confidence, correct, 15)(np.ones((1, 60)))[0]
    expected = (value, max(0, 2 * value - high), 2 * value - low)
    assert ece(confidence, correct) == pytest.approx(expected, abs=1e-12)


def test_a_difference_is_paired() -> None:
    """Of a net with itself it is exactly 0; swapped sides change its sign."""
    ours, theirs = drawn(400), drawn(400, seed=1, surer_by=0.15)
    assert ece_difference(ours, ours) == (0, 0, 0)
    there, back = ece_difference(theirs, ours), ece_difference(ours, theirs)
    assert there == pytest.approx((-back.value, -back.high, -back.low))
    assert there.value == pytest.approx(ece(*theirs).value - ece(*ours).value)
    assert there.low > 0


def test_brier_by_hand() -> None:
    assert calibration.brier(np.array([1.0, 0.5]), np.array([False, True])).value == pytest.approx(
        (1 + 0.25) / 2
    )


# --- table and figure
# ------------------------------------------------------------------------------------------------


def rows(
    model: str, wrong: float, confidence: float, *, seed: int = 0, n: int = 200, **cell: Any
) -> pd.DataFrame:
    """Images of which the first share `wrong` is misclassified, all at one confidence."""
    axes = {
        "dataset": "signs",
        "model": model,
        "seed": seed,
        "attack": "clean",
        "eps": 0.0,
        "steps": 0,
        "lambda_": 0.0,
        **cell,
    }
    energy = np.linspace(-9, -3, n)
    measured = {
        "index": range(n),
        "success": np.arange(n) < wrong * n,
        "energy": energy,
        "max_logit": math.log(confidence) - energy,
    }
    return pd.DataFrame(measured).assign(split="test", **axes)


def files(folder: Path, *frames: pd.DataFrame) -> dict[str, list[str]]:
    for number, frame in enumerate(frames):
        axes = ("eps", "steps", "lambda_")
        write_rows(folder / f"{number}.parquet", frame, unit="image", axes=axes)
    paths = [str(folder / f"{number}.parquet") for number in range(len(frames))]
    return {"scores": paths, "clean": paths}


def spec(**objectives: dict[str, Any]) -> dict[str, Any]:
    plain = {"kind": "standard", "norm": "linf", "eps": 0.0, "sigma": 0.0}
    models = {
        name: {"dataset": "signs", "merged": [], "objective": plain | own}
        for name, own in objectives.items()
    }
    return {"models": models, "attacks": {"pgd": {"sweep": {"steps": [0, 10]}}}, "options": {}}


STUDY = spec(
    signs_standard={},
    signs_robust={"kind": "adversarial", "eps": 8 / 255},
    signs_quasi={"kind": "adversarial", "norm": "l2", "eps": 0.01},
)
SWEEP = ((0.1, 0, 0.2), (0.1, 10, 0.95), (0.05, 10, 0.5))  # eps, steps, share that is fooled
MADE = [
    rows("signs_standard", 0.1, 0.99),
    *[
        rows("signs_standard", wrong, 0.9, attack="pgd", eps=eps, steps=steps)
        for eps, steps, wrong in SWEEP
    ],
    rows("signs_robust", 0.25, 0.7),
    rows("signs_robust", 0.4, 0.7, attack="pgd", eps=math.inf, steps=10),
]


def made(folder: Path, *frames: pd.DataFrame, study: dict[str, Any] = STUDY) -> Any:
    return table.make(files(folder, *frames), spec=study, paper=pd.DataFrame(), absent=" Gone.")


def test_the_table_has_a_row_per_net_with_prices_and_gains(tmp_path: Path) -> None:
    found = made(tmp_path, *MADE)
    assert not found.rows.isna().any().any()
    standard, robust = found.rows.to_dict("records")  # signs_quasi has no rows
    assert standard["accuracy"] == pytest.approx(0.9)
    assert (standard["accuracy_pgd"], standard["eps_pgd"], standard["steps_pgd"]) == (
        pytest.approx(0.05),
        0.1,
        10,
    )
    assert [one["ece"] for one in (standard, robust)] == pytest.approx([0.09, 0.05])
    assert standard["brier"] == pytest.approx(0.9 * 0.01**2 + 0.1 * 0.99**2)
    assert (standard["training"], robust["training"]) == (
        "standard",
        ("adversarial, L_inf ball of 8/255"),
    )
    first, second = found.printed()
    assert first[:4] == ["signs", "signs_standard", "standard", "200"]
    assert second[5].endswith("at unbounded")
    assert found.note.endswith("over images. Data: signs. Gone.")


def test_the_table_leaves_empty_what_was_not_attacked(tmp_path: Path) -> None:
    found = made(tmp_path, rows("signs_quasi", 0.1, 0.9))
    assert not found.rows.isna().any().any()
    (line,) = found.printed()
    assert (line[2], line[5]) == ("adversarial, L2 ball of 0.01", "")


def test_the_table_takes_repetitions_for_repetitions(tmp_path: Path) -> None:
    found = made(
        tmp_path,
        *[
            rows("signs_standard", wrong, 0.9, seed=seed)
            for seed, wrong in enumerate((0.1, 0.2, 0.3))
        ],
    )
    (row,) = found.rows.to_dict("records")
    assert (row["n"], row["seeds"], row["over"][:8]) == (200, 3, "3 seeds ")
    assert (row["accuracy"], row["ece"]) == pytest.approx((0.8, (0 + 0.1 + 0.2) / 3))


def test_a_table_without_clean_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="clean images"):
        made(tmp_path, MADE[1])


def test_the_figure_draws_a_panel_per_net_and_says_what_is_absent(tmp_path: Path) -> None:
    with styled():
        picture = figure.draw(files(tmp_path, *MADE), spec=STUDY, absent=" Gone.")
        write(picture, tmp_path / "figure.png")
    upper = picture.figure.axes[:3]
    assert [axis.get_title().split(" [")[0] for axis in upper[:2]] == [
        "signs\nECE 9.0%",
        ("signs (robust net)\nECE 5.0%"),
    ]
    # accuracy, and the gap on top of it
    assert [bar.get_height() for bar in upper[0].patches] == pytest.approx([0.9, 0.09])
    assert [text.get_text() for text in upper[2].texts] == ["signs_quasi: no rows"]
    assert (tmp_path / "figure.png").stat().st_size > 5000
    assert picture.caption.endswith("Gone.")


def test_more_nets_than_fit_side_by_side_go_to_the_next_line(tmp_path: Path) -> None:
    names = [f"net_{number}" for number in range(5)]
    study = spec(**{name: {} for name in names})
    picture = figure.draw(
        files(tmp_path, *[rows(name, 0.1, 0.9) for name in names]), spec=study, absent=""
    )
    assert sum(bool(axis.get_title()) for axis in picture.figure.axes) == 5
    assert len(picture.figure.axes) == 2 * 2 * 4
