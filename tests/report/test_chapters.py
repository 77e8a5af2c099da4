"""Chapters of the page: what belongs to each, in the project's own file and in small ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from robustgen.core.refusal import Refused
from robustgen.report.chapters import MOST, OWN, Chapter, Outline, outline
from robustgen.stats import rules
from robustgen.study import yamls

CONFIGS = [ROOT / "config" / f"{name}.yaml" for name in ("config", "demo", "workstation")]
CLAIMS = rules.read(ROOT / "config/claims.yaml")
SMALL = Outline(
    works={"w": "Work"},
    chapters=(
        Chapter(id="late", work="w", title="Late", sections=("5.3",), outputs=("table_5_*",)),
        Chapter(id="rest", work="w", title="Rest", outputs=("table_1", "fig_5_a")),
    ),
)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_output_of_the_project_stands_in_one_chapter(path: Path) -> None:
    config = yamls.read_map(path)
    names = [*config.get("tables", {}), *config.get("figures", {})]
    held = {name: [one.id for one in outline().chapters if one.shows(name)] for name in names}
    assert {name: ids for name, ids in held.items() if len(ids) != 1} == {}


def test_every_claim_of_the_project_stands_in_one_chapter() -> None:
    found = outline()
    for claim in CLAIMS:
        told = [
            one.id for one in found.chapters if one.work == claim.work and one.tells(claim.place)
        ]
        assert len(told) <= 1, claim.id
        assert found.of_claim(vars(claim)) != OWN, claim.id


def test_what_the_file_names_exists() -> None:
    found, figures = outline(), yamls.read_map(CONFIGS[0])["figures"]
    told = {claim.id: claim for claim in CLAIMS}
    named = [name for one in found.chapters for name in one.story]
    assert len(named) <= MOST
    for chapter in found.chapters:
        assert chapter.work in found.works
        assert all(name in figures and chapter.shows(name) for name in chapter.story)
        for sentence in chapter.paragraph:
            assert found.of_claim(vars(told[sentence.claim])) == chapter


@pytest.mark.parametrize(
    ("work", "place", "chapter"),
    [
        ("w", "section 5.3, MAGIC", "late"),
        ("w", "our question to section 5.3", "late"),
        ("w", "sections 5.3.1 and 4.2", "late"),
        ("w", "section 5.31", "rest"),
        ("w", "section 5", "rest"),
        ("w", "table 5.3", "rest"),
        ("another", "section 5.3", "own"),
    ],
)
def test_a_claim_belongs_to_the_section_of_its_place(work: str, place: str, chapter: str) -> None:
    assert SMALL.of_claim({"work": work, "place": place}).id == chapter


def test_an_output_that_no_chapter_names_is_the_users_own() -> None:
    names = ("table_5_1", "fig_5_a", "fig_5_b", "mine")
    assert [SMALL.of_output(name).id for name in names] == ["late", "rest", "own", "own"]
    assert SMALL.in_order([OWN, SMALL.chapters[1]]) == [SMALL.chapters[1], OWN]


@pytest.mark.parametrize(
    ("chapter", "said"),
    [
        ({"id": "a", "work": "w", "title": "t", "tittle": "t"}, "chapters.0.tittle"),
        ({"id": "a", "work": "w"}, "chapters.0.title"),
        (
            {"id": "a", "work": "w", "title": "t", "paragraph": [{"claim": "c", "says": "no."}]},
            "chapters.0.paragraph.0.says",
        ),
        ({"id": "own", "work": "w", "title": "t"}, "chapters: .*the id own is taken"),
    ],
)
def test_mistakes_in_the_file_are_told_with_their_place(
    tmp_path: Path, chapter: dict[str, Any], said: str
) -> None:
    path = tmp_path / "report.yaml"
    path.write_text(str({"works": {}, "chapters": [chapter]}), encoding="utf-8")
    with pytest.raises(Refused, match=f"report.yaml: {said}"):
        outline(path)
