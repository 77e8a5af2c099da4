"""Two runs side by side: equal, within chance, different."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Copy
from robustgen.core.refusal import Refused
from robustgen.report.compare import Difference, compare, numbers
from robustgen.stats.intervals import Interval


def run_with(folder: Path, *lines: str) -> Path:
    (folder / "tables").mkdir(parents=True)
    (folder / "tables/table_1.csv").write_text(
        "\n".join([("model,eps,dr,dr_low,dr_high"), *lines]) + "\n"
    )
    return folder


def test_numbers_are_equal_within_chance_or_different(tmp_path: Path) -> None:
    ours = run_with(
        tmp_path / "a",
        "m,0.1,0.5,0.4,0.6",
        "m,0.2,0.5,0.4,0.6",
        "m,0.3,0.5,0.4,0.6",
        "m,0.4,0.5,0.4,0.6",
    )
    theirs = run_with(
        tmp_path / "b",
        "m,0.1,0.5,0.4,0.6",
        "m,0.2,0.6,0.5,0.7",
        "m,0.3,0.7,0.6,0.8",
        "m,0.5,0.5,0.4,0.6",
    )
    said = compare(ours, theirs)
    assert "3 numbers: 1 equal, 1 within chance, 1 different." in said
    assert "table_1, m 0.3, dr: 0.5 [0.4, 0.6] against 0.7 [0.6, 0.8]" in said
    assert f"table_1, m 0.4, dr: only in {ours}" in said
    assert f"table_1, m 0.5, dr: only in {theirs}" in said


@pytest.mark.parametrize(
    ("ours", "theirs", "gap"),
    [
        (Interval(0.5, 0.4, 0.6), Interval(0.64, 0.54, 0.74), 0.14 / (0.02**0.5)),
        (Interval(0.64, 0.54, 0.74), Interval(0.5, 0.4, 0.6), 0.14 / (0.02**0.5)),
        # the sides that face each other
        (Interval(1.0, 0.97, 1.0), Interval(0.9, 0.8, 0.95), 0.1 / (0.03**2 + 0.05**2) ** 0.5),
        (Interval(1.0, 1.0, 1.0), Interval(0.9, 0.9, 0.9), float("inf")),
        (Interval(1.0, float("-inf"), float("inf")), Interval(0.9, 0.8, 1.0), 0.0),
    ],
)
def test_a_gap_is_counted_in_half_widths_of_the_interval_of_the_difference(
    ours: Interval, theirs: Interval, gap: float
) -> None:
    found = Difference("x", ours, theirs)
    assert found.gap == pytest.approx(gap)
    assert found.verdict == ("different" if gap > 1 else "within chance")


def test_a_run_equals_itself(study: Copy) -> None:
    folder = study.folder / "results/tiny"
    said = compare(folder, folder)
    assert (
        f"{len(numbers(folder))} numbers: {len(numbers(folder))} equal, 0 within chance, 0 "
        "different."
    ) in said
    assert len(numbers(folder)) > 50


def test_runs_without_a_common_number_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no number in common"):
        compare(run_with(tmp_path / "a", "m,1,0,0,0"), tmp_path / "b")
