"""The bench of MAGIC: that a flat batch and loops over images end at the same objectives."""

from __future__ import annotations

import pytest

from robustgen.bench import benches
from robustgen.bench.rows import Disagreement
from robustgen.bench.settings import Settings

SETTINGS = Settings(images=1, threads=1, precision="fp32")


def test_a_flat_batch_and_both_loops_end_at_the_same_objectives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = benches.load("magic")
    small = {"SOURCES": 2, "STARTS": 2, "STEPS": 3, "TURNS": 1, "WIDTH": 4, "PATCH_WIDTH": 4}
    for name, value in small.items():
        monkeypatch.setattr(bench, name, value)
    live, cached = bench.pairs(SETTINGS)
    for row in (live, cached):
        assert row["agreement"]["largest_difference"] < 1e-4
        assert row["n"] == 4
    fast, slow = {**live, "ratio": 4.0}, {**live, "ratio": 1.5}
    assert len(benches.judge({"magic": [fast]})) == 1
    said = benches.judge({"magic": [slow]})
    assert any(
        "1.50 times the speed of the loop, as published, less than 2.0" in one for one in said
    )
    wrong = {**cached, "agreement": {**cached["agreement"], "mean_difference": 0.02}}
    with pytest.raises(Disagreement, match="one of the two is wrong"):
        benches.judge({"magic": [live, wrong]})
