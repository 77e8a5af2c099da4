"""What the page tells of the files of a study: nets by their weights, and files that are absent,
garbage or of another form.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import write_report
from robustgen.core.files import write_json
from robustgen.core.options import filled
from robustgen.core.tensors import write_arrays
from robustgen.report.data import described
from robustgen.report.page import page
from robustgen.study.facts import unreadable
from test_report import CONFIG, FOLDER, Reader, read, results  # noqa: F401

GARBAGE = b'\xff\xfe\x00\x9d, "\x00\n\xc3('
FACTS = {  # file -> another valid JSON than the one that its job writes
    "data/digits/pool.json": {"shape": 3},
    "data/digits/splits.json": {"class_counts": {"test": "many"}},
    "training/net/seed0/costs.json": {"versions": [1]},
    "training/net/seed0/history.csv": None,
    "claims/verdicts.json": [{"work": "beadini-masi-2023", "cells": []}],
    "benchmarks/train/net/seed0.tsv": None,
}
DEFAULTS = filled("models", "resnet", {})
SPEC: dict[str, Any] = {
    "kind": "resnet",
    "channels": 1,
    "classes": 10,
    "size": 32,
    "mean": [0.5],
    "std": [0.25],
    "options": {**DEFAULTS, "width": 4},
}
WIDE = {**SPEC, "options": {**DEFAULTS, "width": 8}}
WEIGHTS = FOLDER / "training/net/seed0/weights.safetensors"


@pytest.mark.usefixtures("results")
def test_files_of_garbage_are_named_and_cost_only_what_they_tell() -> None:
    for path in FACTS:
        (FOLDER / path).write_bytes(GARBAGE)
    words = read().words
    assert "Files that could not be read" in words
    assert [path for path in FACTS if f"{path} is not" not in words] == []
    assert "Energies" in words


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("seven", [False, True])
def test_json_of_another_form_is_named_too(seven: bool) -> None:
    others = {path: 7 if seven else value for path, value in FACTS.items() if value is not None}
    for path, value in others.items():
        write_json(FOLDER / path, value)
    words = read().words
    assert [path for path in others if f"{path} is not what its job writes" not in words] == []


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize(
    "rows", ["loss\n0.5\n", "epoch,loss\n1\n", "epoch,judged_accuracy\n1,half\n"]
)
def test_a_history_without_epochs_or_numbers_is_named(rows: str) -> None:
    (FOLDER / "training/net/seed0/history.csv").write_text(rows)
    assert (
        "training/net/seed0/history.csv is not what its job writes (an epoch without"
    ) in read().words


@pytest.mark.usefixtures("results")
def test_a_history_of_other_metrics_has_a_page() -> None:
    """Its columns are whatever a trainer measures; weights brought along have none."""
    for rows in ("epoch,elbo\n1,-3.5\n", "epoch\n"):
        (FOLDER / "training/net/seed0/history.csv").write_text(rows)
        words = read().words
        assert "history.csv is not what its job writes" not in words
        assert "net resnet" in words


@pytest.mark.usefixtures("results")
def test_a_whole_study_has_no_such_list() -> None:
    for path in FOLDER.rglob("costs.json"):
        path.write_text(path.read_text() or "{}")  # the toy study leaves the other jobs' empty
    assert unreadable(FOLDER) == []
    assert "could not be read" not in read().words


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("rows", [[["net"]], ["text"], [7]])
def test_a_table_of_another_form_costs_only_itself(rows: list[Any]) -> None:
    write_json(
        FOLDER / "tables/energy_by_steps.json",
        {"title": "Energies", "columns": ["net", "E"], "rows": rows},
    )
    assert "rows and headings do not fit" in read().words


@pytest.mark.usefixtures("results")
def test_absent_files_leave_a_page() -> None:
    for path in FACTS:
        (FOLDER / path).unlink()
        assert "Energies" in read().words


def test_a_page_is_made_from_a_folder_with_nothing_but_a_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data set is one that is downloaded, and no receipt is there."""
    monkeypatch.chdir(tmp_path)
    write_json(FOLDER / "config.json", CONFIG | {"datasets": {"digits": {"kind": "cifar10"}}})
    write_report.main(["--config", str(FOLDER / "config.json"), "--out", "report.html"])
    words = Reader(Path("report.html").read_text(encoding="utf-8")).words
    assert "unknown: the data set was not loaded" in words
    assert "No job has left its costs yet." in words


@pytest.mark.usefixtures("results")
def test_costs_are_told_where_no_job_says_its_device() -> None:
    (FOLDER / "training/net/seed0/costs.json").unlink()
    assert "1 job took 1 min 00 s" in read().words  # as Snakemake measured it


# --- nets -----------------------------------------------------------------------------------------


def words_on(spec: Any, options: dict[str, Any]) -> str:
    """The page's words where the weights say `spec` and the configuration asks for `options`."""
    write_arrays(
        WEIGHTS, {"w": np.zeros(1)}, {"spec": spec if isinstance(spec, str) else json.dumps(spec)}
    )
    model = CONFIG["models"]["net"] | {"options": options}
    return Reader(page(CONFIG | {"models": {"net": model}}, FOLDER)).words


def net(kind: str, width: int) -> str:
    """The beginning of the net's row, which names every option."""
    blocks = list(DEFAULTS["blocks"])
    return f"net {kind}, blocks {blocks}, width {width}, stem_stride {DEFAULTS['stem_stride']}"


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize(
    ("spec", "options", "kind", "width", "said"),
    [
        (SPEC, {"width": 4}, "resnet", 4, ""),
        (SPEC, {"width": 8}, "resnet", 4, (
            "These weights were made with width 4; the configuration says width 8."
        )),
        (WIDE, {}, "resnet", 8, (
            f"These weights were made with width 8; the configuration says width "
            f"{DEFAULTS['width']}."
        )),
        ({**SPEC, "kind": "cnn", "size": 28}, {"width": 4}, "cnn", 4,
         "These weights were made with kind cnn and size 28; the configuration says kind resnet "
         "and size 32."),
        ({**SPEC, "options": {**SPEC["options"], "old": 3}}, {"width": 4}, "resnet", 4, (
            "These weights were made with old 3; the configuration says old as by default."
        )),
        ({**SPEC, "mean": [0.5] * 3, "std": [0.2] * 3}, {"width": 4}, "resnet", 4,
         "These weights were made with std 0.2; the configuration says std 0.25."),
        ("{", {"width": 8}, "resnet", 8, ""),
        ([1], {"width": 8}, "resnet", 8, ""),
    ],
)  # fmt: skip
def test_a_net_is_told_by_its_weights(
    spec: Any, options: dict[str, Any], kind: str, width: int, said: str
) -> None:
    words = words_on(spec, options)
    assert net(kind, width) in words
    assert said in words
    assert bool(said) == ("These weights" in words)


@pytest.mark.usefixtures("results")
def test_a_net_without_weights_is_told_by_the_configuration() -> None:
    WEIGHTS.unlink()
    model = CONFIG["models"]["net"] | {"options": {"width": 8}}
    assert net("resnet", 8) in Reader(page(CONFIG | {"models": {"net": model}}, FOLDER)).words


# --- data -----------------------------------------------------------------------------------------


def test_a_data_module_is_told_by_its_first_sentence_ours_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_lab").mkdir()
    (tmp_path / "my_lab/leaves.py").write_text(
        '"""Leaves from\nmy garden.\n\nMore."""\nraise SystemExit("never run")\n'
    )
    (tmp_path / "my_lab/silent.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert described("digits").startswith("Handwritten digits")
    assert described("my_lab.leaves") == "Leaves from my garden."
    for module in ("my_lab.silent", "my_lab.gone", "no_lab.data"):
        assert described(module) == f"Data of the module {module}, which says nothing of itself."
