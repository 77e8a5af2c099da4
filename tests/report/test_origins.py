"""What the page tells of the origin of tables and figures."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from robustgen.report.origins import UNKNOWN, command, origins
from robustgen.report.page import page
from robustgen.report.provenance import again
from robustgen.study.config import checked
from robustgen.study.flow import jobs
from robustgen.study.plan import Plan, plan_of
from test_report import CONFIG, FOLDER, SCORES, Reader, results, seal  # noqa: F401

PLACE = SCORES.removeprefix("results/toy/")


def plan(**more: Any) -> Plan:
    config = CONFIG | more
    return plan_of(checked(config), Path("results") / config["study"])


@pytest.mark.usefixtures("results")
def test_an_output_names_its_files_with_the_digests_of_their_seals() -> None:
    """The digest is that of the bytes, and stays the sealed one after they are changed."""
    Path(SCORES).write_bytes(b"rows")
    seal()
    Path(SCORES).write_bytes(b"other rows")
    inputs = dict(origins(plan(), jobs(plan()))["energy_by_steps"].inputs)
    assert inputs[PLACE] == hashlib.sha256(b"rows").hexdigest()[:16]
    paper = hashlib.sha256(Path("config/paper.csv").read_bytes()).hexdigest()[:16]
    assert inputs["config/paper.csv"] == paper


@pytest.mark.usefixtures("results")
def test_a_file_without_a_seal_has_no_digest() -> None:
    (FOLDER / "seals/score/net/seed0/pgd.json").write_text("{}")
    assert dict(origins(plan(), jobs(plan()))["energy_by_steps"].inputs)[PLACE] == UNKNOWN
    words = Reader(page(CONFIG, FOLDER)).words
    assert f"{UNKNOWN} {PLACE}" in words


def test_the_command_is_that_of_the_makefile_where_it_has_one() -> None:
    """It has one for names that begin with table_ or fig_, of studies that have a file."""
    tables = {"table_9": CONFIG["tables"]["energy_by_steps"]}
    assert command(plan(study="demo", tables=tables, outputs=["table_9"]), "table_9") == (
        "make table_9 STUDY=demo"
    )
    assert command(plan(study="paper", tables=tables, outputs=["table_9"]), "table_9") == (
        "make table_9 STUDY=paper"
    )
    assert command(plan(tables=tables, outputs=["table_9"]), "table_9") == (
        "snakemake table_9 --configfile results/toy/config.json"
    )
    assert command(plan(study="demo"), "training") == (
        "snakemake training --configfile results/demo/config.json"
    )


def test_a_study_is_made_again_by_its_name_or_by_its_configuration() -> None:
    assert again({"study": "demo"}, Path("results/demo")) == "make study STUDY=demo"
    assert again({}, Path("results/paper")) == "make study STUDY=paper"
    assert again({"study": "toy"}, Path("my results/toy")) == (
        "snakemake --configfile 'my results/toy/config.json'"
    )
