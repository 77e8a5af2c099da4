"""The sections of the page, one per chapter: its claims, figures and tables."""

from __future__ import annotations

from typing import Any

from robustgen.report.chapters import Outline
from robustgen.report.matrix import by_chapter
from robustgen.report.prose import paragraph

Item = dict[str, Any]  # a table or figure, or a claim, as the page shows it


def sections(
    outline: Outline,
    judged: list[Item],
    tables: list[Item],
    figures: list[Item],
    left_out: dict[str, str],
) -> list[Item]:
    """Per chapter that holds something: its work, claims, paragraph, tables, figures, and the
    outputs that the study leaves out.
    """
    claims = {chapter.id: mine for chapter, mine in by_chapter(judged, outline)}
    names = [item["name"] for item in (*tables, *figures)]
    used = [outline.of_output(name) for name in (*names, *left_out)]
    used += [outline.of_claim(claim) for claim in judged]
    return [
        {
            "chapter": chapter,
            "work": outline.works.get(chapter.work, chapter.work),
            "claims": claims.get(chapter.id, []),
            "paragraph": paragraph(chapter, claims.get(chapter.id, [])),
            "tables": [one for one in tables if outline.of_output(one["name"]) == chapter],
            "figures": [one for one in figures if outline.of_output(one["name"]) == chapter],
            "left_out": {n: why for n, why in left_out.items() if outline.of_output(n) == chapter},
        }
        for chapter in outline.in_order(used)
    ]


def story(outline: Outline, figures: list[Item]) -> list[Item]:
    """The figures that the page opens with, as far as they exist."""
    found = {figure["name"]: figure for figure in figures}
    return [
        found[name] | {"chapter": outline.of_output(name)}
        for name in outline.story
        if name in found
    ]
