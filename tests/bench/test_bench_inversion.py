"""The benches of chapter 3: that both sides compute the same, and that passes are counted."""

from __future__ import annotations

import pytest

from robustgen.bench import benches
from robustgen.bench.rows import Disagreement
from robustgen.bench.settings import Settings

SETTINGS = Settings(images=1, threads=1, precision="fp32")


def test_a_flat_batch_and_a_loop_over_classes_end_at_the_same_objectives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = benches.load("inversion")
    for name, value in (("STEPS", 4), ("TURNS", 1), ("IMAGES", 2), ("CODES", 5)):
        monkeypatch.setattr(bench, name, value)
    monkeypatch.setattr(bench, "WIDTHS", {**bench.WIDTHS, "width": 8})
    live, cached = bench.pairs(SETTINGS)
    for row in (live, cached):
        assert row["agreement"]["largest_difference"] < 1e-3
        assert row["n"] == 2
    slow = {**live, "ratio": 2.0}
    said = benches.judge({"inversion": [slow, cached]})
    assert any("2.00 times the speed of the loop, targets anew" in line for line in said)
    wrong = {**cached, "agreement": {**cached["agreement"], "mean_difference": 0.02}}
    with pytest.raises(Disagreement, match="one of the two is wrong"):
        benches.judge({"inversion": [live, wrong]})


def test_what_an_image_costs_is_its_steps_in_every_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """10 classes, 10 steps: 110 forward passes and 100 backward ones; pruned, 10 classes in steps 0
    and 1, 5 in 2 to 4, 3 in the rest, and 15 pairs compared.
    """
    from robustgen.bench.pairs import inversion

    monkeypatch.setattr(inversion, "WIDTHS", {**inversion.WIDTHS, "width": 8})
    bench = benches.load("inversion_costs")
    monkeypatch.setattr(bench, "STEPS", 10)
    rows = bench.pairs(SETTINGS)
    passes = {r["name"]: (r["agreement"]["forwards"], r["agreement"]["backwards"]) for r in rows}
    assert passes["VGG, a pass"] == (1, 0)
    assert passes["Direct"] == passes["Enc+ and Enc-D+"] == (110, 100)
    searched = 10 * 2 + 5 * 3 + 3 * 5
    assert passes["Enc, pruned"] == (searched + 15 + 10, searched)
    assert passes["Enc, input gradient, unrolled"] == (110, 200)
    assert len(bench.judge(rows)) == 2 + len(rows)


def test_a_frechet_distance_that_is_another_one_is_refused() -> None:
    bench = benches.load("frechet")
    row = {
        "name": bench.PEER, "ours": 10.0, "peer": 1.0, "ratio": 10.0, "n": 3, "machine": {},
        "agreement": {"ours": 1.0, "peer": 1.0001, "difference": 1e-4},
    }  # fmt: skip
    said = bench.judge([row])
    assert said[1].startswith("Warning: 10.0 times as fast as pytorch-fid")
    other = {**row, "agreement": {"ours": 1.0, "peer": 1.1, "difference": 0.1}}
    with pytest.raises(Disagreement, match=r"by pytorch-fid 1\.1"):
        bench.judge([other])
