"""The matrix of claims, and the paragraphs that are written from verdicts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustgen.report.chapters import Chapter, Outline, Sentence
from robustgen.report.matrix import anchor, matrix
from robustgen.report.prose import filled, paragraph
from robustgen.report.verdicts import MARKS, told
from test_verdicts import CELL, CLAIM, STUDY

UNMEASURED = dict.fromkeys(("value", "low", "high", "p", "p_claim", "p_work"))
UNTESTED = CELL | UNMEASURED | {"verdict": "not tested at this scale", "why": "too few"}
CHAPTER = Chapter(
    id="c",
    work="w",
    title="C",
    paragraph=(
        Sentence(claim="falls", says="It falls by {values}."),
        Sentence(claim="gone", says="{values}"),
    ),
)
OUTLINE = Outline(works={"w": "Work"}, chapters=(CHAPTER,))


def judged(*cells: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A claim with these cells, as the page tells it."""
    return told(
        CLAIM | {"place": "section 1", "cells": [CELL | cell for cell in cells]} | more, STUDY
    )


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([*MARKS, "lost"])), min_size=1))
def test_no_verdict_is_hidden(pairs: list[tuple[str, str]]) -> None:
    """On each data set the marks count every cell; where there is one, its mark stands alone."""
    claim = judged(*({"dataset": name, "verdict": verdict} for name, verdict in pairs))
    (group,) = matrix([claim], OUTLINE)
    (row,) = group["rows"]
    assert group["datasets"] == list(dict.fromkeys(name for name, _ in pairs))
    for name, cell in zip(group["datasets"], row["cells"], strict=True):
        verdicts = [verdict for other, verdict in pairs if other == name]
        assert {verdict for verdict, _ in cell["chips"]} == set(verdicts)
        if len(verdicts) > 1:
            assert {verdict: int(said) for verdict, said in cell["chips"]} == {
                verdict: verdicts.count(verdict) for verdict in verdicts
            }
        else:
            assert cell["chips"] == [(verdicts[0], "-1.500")]


def test_a_claim_without_a_cell_on_a_data_set_has_none_there() -> None:
    """The second claim has its only cell on another data set."""
    other = judged({"dataset": "signs"}, id="other")
    (group,) = matrix([judged({}), other], OUTLINE)
    assert group["datasets"] == ["digits", "signs"]
    assert [[cell is None for cell in row["cells"]] for row in group["rows"]] == [
        [False, True],
        [True, False],
    ]


def test_an_anchor_is_one_word_whatever_the_id() -> None:
    assert anchor({"id": "a b<c>"}) == "claim-a-b-c-"


# --- paragraphs -----------------------------------------------------------------------------------


def said(unit: str, *cells: dict[str, Any]) -> str:
    """The filled sentence without its words."""
    sentence = Sentence.model_validate({"claim": "falls", "says": "{values}", "unit": unit})
    return filled(sentence, judged(*cells))


def at(value: float, **more: Any) -> dict[str, Any]:
    """A cell with an interval of one tenth on each side."""
    return {"value": value, "low": value - 0.1, "high": value + 0.1, **more}


def test_a_sentence_lists_up_to_three_cells_from_the_lowest_value_up() -> None:
    cells = at(0.4), at(-0.5, dataset="signs", n=7), UNTESTED
    assert said("", *cells) == (
        "-0.500 [-0.600, -0.400] (signs, 8/255, n = 7) and "
        "0.400 [0.300, 0.500] (digits, 8/255, n = 300)"
    )


def test_of_more_cells_a_sentence_tells_the_extremes() -> None:
    cells = [at(value) for value in (0.3, -0.2, 0.9, 0.1)]
    assert re.fullmatch(
        r"-0\.200 \[.*\) to 0\.900 \[.*\), the extremes of 4 cells", said("", *cells)
    )


def test_nets_are_named_where_a_data_set_has_several() -> None:
    assert "(net, 8/255" in said("", at(0.1), at(0.2, model="other"))
    assert "(other, 8/255" in said("", at(0.1), at(0.2, model="other"))


@pytest.mark.parametrize(
    ("unit", "printed"), [("%", "25.0 % [15.0, 35.0]"), ("points", "+25.0 points [+15.0, +35.0]")]
)
def test_shares_are_told_in_percent_or_points(unit: str, printed: str) -> None:
    assert said(unit, at(0.25)).startswith(printed)


def test_a_paragraph_tells_what_was_measured_and_every_claim_that_failed() -> None:
    """`falls` has a sentence, `gone` one but no value, `fails` none but a cell that speaks against
    it; the counts are over the five cells.
    """
    claims = [
        judged({}, {}, UNTESTED),
        judged(UNTESTED, id="gone"),
        judged({"verdict": "not reproduced"}, id="fails"),
    ]
    found = paragraph(CHAPTER, claims)
    assert [one.text[:12] for one in found["sentences"]] == ["It falls by "]
    assert (found["claims"], found["cells"]) == (3, 5)
    assert {name: n for name, n in found["counts"].items() if n} == {
        "reproduced": 2, "not reproduced": 1, "not tested at this scale": 2,
    }  # fmt: skip
    assert [claim["id"] for claim in found["failed"]] == ["fails"]
    assert found["untested"] == [("too few", 2)]


def test_a_failed_claim_with_a_sentence_is_not_listed_twice() -> None:
    found = paragraph(CHAPTER, [judged({"verdict": "not reproduced"})])
    assert len(found["sentences"]) == 1
    assert found["failed"] == []
