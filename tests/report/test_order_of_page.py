"""The order of the page: the answer first, then the story, then a section per chapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from robustgen.core.files import write_json
from robustgen.report.page import HERE, page
from robustgen.report.shown import size
from test_report import CONFIG, FOLDER, Reader, results  # noqa: F401
from toy import CELLS, CLAIM, PIXEL

STORY = "fig_crossover"  # which config/report.yaml opens the page with


def text(**more: Any) -> str:
    """The page, in which every tag that is opened is closed."""
    found = page(CONFIG | more, FOLDER)
    assert not Reader(found).open
    return found


@pytest.mark.usefixtures("results")
def test_the_answer_comes_before_all_else() -> None:
    """The claim on figure 2 belongs to the first chapter, and the outputs of the toy study, which
    no chapter names, to the last section.
    """
    ids = Reader(text()).ids
    order = ["top", "claims", "story", "chapter-detection", "claim-falls", "chapter-own"]
    order += ["figure-training", "table-energy_by_steps", "missing", "data", "costs", "provenance"]
    assert [name for name in ids if name in order] == order


@pytest.mark.usefixtures("results")
def test_the_matrix_leads_to_the_claim_and_holds_its_values() -> None:
    """The claim has two cells on one data set, so two marks; each with its own line."""
    reader = Reader(text())
    assert reader.links.count("#claim-falls") == 2  # its name and its cell
    for line in (
        "✓ 1 reproduced ○ 1 not tested at this scale",
        "net, 8/255: -1.500 [-1.750, -1.250] , n = 300, reproduced",
        "net, 8/255: n = 300, not tested at this scale (too few images)",
    ):
        assert line in reader.words, line


@pytest.mark.usefixtures("results")
def test_a_paragraph_is_filled_from_the_verdicts_of_this_study() -> None:
    told = CLAIM | {"id": "pgd_lowers_energy", "cells": CELLS}
    write_json(FOLDER / "claims/verdicts.json", [told, CLAIM | {"cells": []}])
    words = Reader(text()).words
    assert (
        "1 of 2 claims has 2 cells of data set, net and setting in this study: "
        "1 reproduced, 1 not tested at this scale."
    ) in words
    sentence = (
        "PGD changes the energy of an image by -1.500 [-1.750, -1.250] (digits, 8/255, n = 300)."
    )
    assert sentence in words
    write_json(FOLDER / "claims/verdicts.json", [told | {"cells": CELLS[1:]}])
    words = Reader(text()).words
    assert "PGD changes the energy" not in words
    assert "1 of 1 claim has 1 cell of data set" in words


@pytest.mark.usefixtures("results")
def test_a_figure_of_the_story_stands_once_and_is_linked_from_its_chapter() -> None:
    figures = CONFIG["figures"] | {STORY: CONFIG["figures"]["training"]}
    (FOLDER / f"figures/{STORY}.png").write_bytes(PIXEL)
    write_json(FOLDER / f"figures/{STORY}.json", {"title": "Crossover", "caption": "C."})
    reader = Reader(text(figures=figures, outputs=[*CONFIG["outputs"], STORY]))
    ids = [name for name in reader.ids if name in ("story", f"figure-{STORY}", "chapter-detection")]
    assert ids == ["story", f"figure-{STORY}", "chapter-detection"]
    assert sum(link.startswith("data:image") for link in reader.links) == 2
    assert f"#figure-{STORY}" in reader.links


@pytest.mark.usefixtures("results")
def test_an_output_tells_the_command_that_makes_it_alone() -> None:
    words = Reader(text()).words
    assert "alone: snakemake training --configfile results/toy/config.json" in words
    assert "Made from 1 file" in words


@pytest.mark.usefixtures("results")
def test_what_a_study_leaves_out_is_told_in_the_chapter() -> None:
    tables = CONFIG["tables"] | {"table_4_1": CONFIG["tables"]["energy_by_steps"]}
    reader = Reader(text(tables=tables, left_out={"table_4_1": "no data."}))
    assert reader.ids.index("chapter-smoothing") < reader.ids.index("chapter-own")
    assert "table 4 1 : no data." in reader.words


def test_the_script_ends_where_its_tag_ends() -> None:
    """It stands inside the page as it is, so it must not hold the end of its own tag."""
    assert "</script" not in (HERE / "page.js").read_text(encoding="utf-8")


def test_a_png_tells_its_size(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    path.write_bytes(PIXEL)
    assert size(path) == (1, 1)


@pytest.mark.usefixtures("results")
def test_claims_without_a_cell_are_told_apart_from_the_matrix() -> None:
    """One claim of the first chapter has cells, the one of chapter 4 has none."""
    other = CLAIM | {"id": "other", "work": "ju-2021", "place": "section 4.1", "cells": []}
    write_json(FOLDER / "claims/verdicts.json", [CLAIM | {"cells": CELLS}, other])
    reader = Reader(text())
    assert "1 of 2 claims have no cell in this study" in reader.words
    assert "1 claim without a cell in this study" in reader.words
    assert reader.words.count("of data set, net and setting in this study") == 1
    assert reader.links.count("#claim-other") == 1
    assert reader.ids.index("chapter-smoothing") < reader.ids.index("claim-other")
