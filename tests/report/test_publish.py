"""What of a run is published."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Copy
from robustgen.core.refusal import Refused
from robustgen.report.compare import compare, numbers
from robustgen.report.publish import publish
from robustgen.study.estimate import past


def test_what_is_published_is_small_and_holds_no_weights_and_no_data(
    study: Copy, tmp_path: Path
) -> None:
    out = tmp_path / "published/tiny"
    publish(study.folder / "results/tiny", out)
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert {
        "tables/table_1.csv",
        "figures/fig_2a.png",
        "claims/verdicts.json",
        "costs.csv",
        "provenance.json",
    } <= found
    assert not [
        name
        for name in found
        if name.endswith((".safetensors", ".parquet")) or "fig_sheets" in name
    ]
    assert "config" not in json.loads((out / "provenance.json").read_text())
    assert sorted(job.rule for job in past([out])) == sorted(
        job.rule for job in past([study.folder / "results/tiny"])
    )
    assert compare(study.folder / "results/tiny", out).startswith(
        f"{len(numbers(out))} numbers: {len(numbers(out))} equal"
    )


def test_a_run_with_gaps_is_not_published(
    study: Copy, make_copy: Callable[[], Copy], tmp_path: Path
) -> None:
    folder = make_copy().folder / "results/tiny"
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes((study.folder / "results/tiny/config.json").read_bytes())
    with pytest.raises(
        Refused,
        match=(
            r"is not whole: load_data signs: .*pool\.safetensors does not exist; finish the run"
        ),
    ):
        publish(folder, tmp_path / "out")
