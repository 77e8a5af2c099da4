"""The benches: found by their files, told apart in one list, each judged by its own rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from robustgen.bench import benches
from robustgen.bench.rows import Disagreement, Row, table
from robustgen.bench.settings import Settings
from robustgen.core.refusal import Refused


def row(name: str, *, loss: float = 1.0) -> Row:
    agreement = {"loss_ours": loss, "loss_peer": 1.0, "loss_ratio": loss}
    return Row(name=name, ours=6.0, peer=2.0, ratio=3.0, n=4, agreement=agreement, machine={})


def test_a_module_of_the_folder_is_a_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "pgd" in benches.names()
    for file in ("__init__.py", "mine.py", "notes.md"):
        (tmp_path / file).touch()
    monkeypatch.setattr(benches, "FOLDER", tmp_path)
    assert benches.names() == ["mine"]


def test_rows_of_one_name_in_two_benches_are_told_apart() -> None:
    rows = benches.flat({"a": [row("peer")], "b": [row("peer")]})
    assert [one["name"] for one in rows] == ["peer (a)", "peer (b)"]
    assert {len(line) for line in table(rows).splitlines()} == {len(table(rows).splitlines()[0])}


def test_pgd_is_judged_by_its_losses() -> None:
    said = benches.judge({"pgd": [row("P, as used"), row("Q, as used")]})
    assert said == ["The mean loss of our images is 1.0000, of the peers' 1.0000 to 1.0000."]
    with pytest.raises(Disagreement, match="below 99%"):
        benches.judge({"pgd": [row("P, as used", loss=0.98)]})


def test_empty_settings_are_refused() -> None:
    with pytest.raises(Refused, match="at least 1 for --images, --threads"):
        Settings(images=0, threads=0)


def test_a_loop_over_classes_gives_the_scores_of_the_flat_batch() -> None:
    measured = {
        "smoothing": benches.load("smoothing").pairs(
            Settings(images=16, batch=2, width=4, train=64, threads=1, precision="fp32")
        )
    }
    (found,) = measured["smoothing"]
    assert found["n"] == 4
    assert found["agreement"]["largest_difference"] < 1e-4
    assert benches.judge(measured)[0].startswith("Scores of the flat batch and of the loop over")
    found["agreement"]["largest_difference"] = 0.1
    with pytest.raises(Disagreement, match="one of the two is wrong"):
        benches.judge(measured)


def test_grouped_decoders_give_the_scores_of_loops_over_classes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In fp32 to rounding, by the loop over decoders with live norms and by that over folded ones;
    a slow ratio is said and nothing more, other scores are refused.
    """
    settings = Settings(images=1, threads=1, precision="fp32")
    bench = benches.load("abs")
    monkeypatch.setitem(bench.TOLD, "steps", 3)
    measured = {"abs": bench.pairs(settings)}
    live, folded = measured["abs"]
    assert (live["n"], folded["n"]) == (bench.TURNS, bench.TURNS)
    for found in (live, folded):
        assert found["agreement"]["largest_difference"] < 1e-4
        assert found["agreement"]["other_predictions"] == 0
        found["ratio"] = 9.0
    assert len(benches.judge(measured)) == 2
    live["ratio"] = 2.9
    assert benches.judge(measured)[1] == (
        "Warning: 2.90 times the speed of the loop, live norms in fp32, less than 3.0."
    )
    for name, value in (("mean_difference", 0.02), ("other_predictions", 2)):
        agreement = {**folded["agreement"], name: value}
        with pytest.raises(Disagreement, match="one of the two is wrong"):
            benches.judge({"abs": [live, {**folded, "agreement": agreement}]})


def test_what_an_image_costs_in_passes_is_what_inference_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One step and two draws of ten decoders: 2 + 2 forward passes each and one backward; the
    unrolled gradient goes back once more through the step and both draws.
    """
    bench = benches.load("abs_costs")
    monkeypatch.setitem(bench.TOLD, "steps", 1)
    monkeypatch.setitem(bench.TOLD, "candidates", 20)
    settings = Settings(images=1, threads=1, precision="fp32")
    measured = {"abs_costs": bench.pairs(settings)}
    cost = {row["name"]: row["agreement"] for row in measured["abs_costs"]}
    passes = {name: (one["forwards"], one["backwards"]) for name, one in cost.items()}
    assert passes["CNN, a pass"] == (1, 0)
    assert passes["ABS, a pass"] == passes["E-ABS without V, a pass"] == (30, 10)
    assert passes["E-ABS, a pass"] == passes["E-ABS, input gradient, detached"] == (40, 10)
    assert passes["E-ABS, input gradient, unrolled"] == (40, 10 + 30)
    assert passes["E-ABS, PGD of 2 steps, EOT 5"] == (400, 100)
    said = benches.judge(measured)
    assert len(said) == 2 + len(cost)
    assert said[2].startswith("CNN, a pass")
    assert all(one["least"] <= one["seconds"] <= one["most"] for one in cost.values())
    cost["E-ABS, a pass"]["forwards"] += 1
    with pytest.raises(Disagreement, match="41 forward and 10 backward passes per image, and"):
        benches.judge(measured)
