"""Outputs of which some files could not be made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import make_table
from conftest import ROOT
from robustgen.core.refusal import Refused
from robustgen.tables.inputs import of_what_exists
from test_inference import SPEC, made


def test_an_error_for_want_of_files_names_them_and_one_without_is_a_defect() -> None:
    said = r"\(KeyError: 'model'\)\. Missing, see their logs: a/b\."
    with pytest.raises(Refused, match=said), of_what_exists(["a/b"]):
        raise KeyError("model")
    with pytest.raises(KeyError), of_what_exists([]):
        raise KeyError("model")
    with pytest.raises(Refused, match=r"^Lower eps\.$"), of_what_exists(["a/b"]):
        raise Refused("Lower eps.")


def test_a_table_without_any_of_its_scores_says_so(tmp_path: Path) -> None:
    """Of the two sorts of rows that table 4 is made of, passes are there and scores are not."""
    made(tmp_path, 20)
    lost = "results/study/measures/net/seed0/aa/scores.parquet"
    files = {"scores": [lost], "inference_passes": [str(tmp_path / "passes.parquet")]}
    call = ["--kind", "inference", "--spec", json.dumps(SPEC), "--files", json.dumps(files)]
    call += ["--paper", str(ROOT / "config/paper.csv"), "--out", str(tmp_path / "table.csv")]
    with pytest.raises(Refused, match=r"of what exists .* measures/net/seed0/aa\."):
        make_table.main(call)
    assert not (tmp_path / "table.csv").exists()


def test_a_table_without_passes_is_made_of_its_scores(tmp_path: Path) -> None:
    made(tmp_path, 20)
    files = {"scores": [str(tmp_path / "scores.parquet")], "inference_passes": ["results/a/b/c"]}
    call = ["--kind", "inference", "--spec", json.dumps(SPEC), "--files", json.dumps(files)]
    call += ["--paper", str(ROOT / "config/paper.csv"), "--out", str(tmp_path / "table.csv")]
    make_table.main(call)
    assert "| around |" in (tmp_path / "table.md").read_text(encoding="utf-8")
