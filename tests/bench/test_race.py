"""The bench: contenders, rows and what it refuses."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

from robustgen.bench import race as bench
from robustgen.bench.contenders import Budget, Contender, contenders
from robustgen.core.refusal import Refused

pytestmark = pytest.mark.usefixtures("one_thread")


def tiny(**changes: object) -> list[str]:
    given = {
        "images": 8,
        "batch": 4,
        "steps": 2,
        "rounds": 1,
        "width": 8,
        "train": 64,
        "threads": 1,
        **changes,
    }
    return [word for name, value in given.items() for word in (f"--{name}", str(value))]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], None]:
    """The command `scripts/bench.py`, which writes its results before it judges them."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "scripts"))
    monkeypatch.delitem(sys.modules, "bench", raising=False)
    from bench import main

    return main


def test_bench_compares_four_peers_and_writes_rows(
    command: Callable[[list[str]], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command([*tiny(), "--only", "pgd", "--out", str(tmp_path / "bench.json")])
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert {row["name"].split(",")[0] for row in rows} == {"torchattacks", "foolbox"}
    assert len(rows) == 4
    for row in rows:
        assert set(row) == {"name", "ours", "peer", "ratio", "n", "agreement", "machine"}
        assert row["n"] == 8
        assert (
            row["agreement"]["loss_ratio"]
            == row["agreement"]["loss_ours"] / row["agreement"]["loss_peer"]
        )
    assert len({len(line) for line in capsys.readouterr().out.splitlines()[:5]}) == 1


def test_bench_fails_loudly_where_a_peer_is_stronger(
    command: Callable[[list[str]], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def uneven(model: nn.Module, own: nn.Module, given: Budget) -> list[Contender]:
        strong = contenders(model, own, replace(given, eps=1.0, step=0.5))[0]
        return [Contender("robustgen", lambda x, _: x), Contender("a peer", strong.run)]

    monkeypatch.setattr(bench, "contenders", uneven)
    with pytest.raises(bench.Disagreement, match=r"is below 99% of .*, that of a peer"):
        command([*tiny(), "--out", str(tmp_path / "bench.json")])
    assert (tmp_path / "bench.json").exists()


def test_ratio_is_the_median_of_the_turns_and_slowness_is_only_a_warning() -> None:
    rows = bench.compare(
        {"robustgen": [4.0, 9.0, 20.0], "P, as used": [2.0, 3.0, 20.0]},
        {"robustgen": 1.0, "P, as used": 1.0},
        {},
    )
    assert rows[0]["ratio"] == 2.0
    assert bench.warnings(rows) == ["Warning: 2.00 times the speed of P, as used, less than 2.5."]
    bench.judge(rows)


def test_a_loss_that_is_no_number_is_no_agreement() -> None:
    rows = bench.compare(
        {"robustgen": [1.0], "P": [1.0]}, {"robustgen": float("nan"), "P": 1.0}, {}
    )
    with pytest.raises(bench.Disagreement):
        bench.judge(rows)


def test_bench_refuses_empty_settings(command: Callable[[list[str]], None], tmp_path: Path) -> None:
    with pytest.raises(Refused, match="at least 1 for --images"):
        command([*tiny(images=0), "--out", str(tmp_path / "bench.json")])
