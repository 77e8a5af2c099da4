"""The matrix that the page opens with: claims by data set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from robustgen.report.chapters import Chapter, Outline
from robustgen.report.verdicts import counts, short


def matrix(
    judged: list[dict[str, Any]], outline: Outline, order: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Per chapter its work, a row per claim that has a cell, and the data sets on which its claims
    have cells, in the given order.
    """
    there = [claim for claim in judged if claim["cells"]]
    return [
        _group(chapter, claims, list(order)) | {"work": outline.author(chapter)}
        for chapter, claims in by_chapter(there, outline)
    ]


def by_chapter(
    judged: list[dict[str, Any]], outline: Outline
) -> list[tuple[Chapter, list[dict[str, Any]]]]:
    """The chapters that have claims, each with these."""
    used = [(outline.of_claim(claim), claim) for claim in judged]
    return [
        (chapter, [claim for other, claim in used if other.id == chapter.id])
        for chapter in outline.in_order(chapter for chapter, _ in used)
    ]


def anchor(claim: dict[str, Any]) -> str:
    """Where the claim stands on the page."""
    return "claim-" + re.sub(r"[^\w-]", "-", str(claim["id"]))


def label(claim: dict[str, Any]) -> str:
    """The claim in a few words: its own, or else those of its id."""
    return str(claim.get("short") or str(claim["id"]).replace("_", " "))


def _group(chapter: Chapter, claims: list[dict[str, Any]], order: list[str]) -> dict[str, Any]:
    found = dict.fromkeys(cell["dataset"] for one in claims for cell in one["cells"])
    datasets = sorted(found, key=lambda name: order.index(name) if name in order else len(order))
    rows = [_row(claim, datasets) for claim in claims]
    return {"chapter": chapter, "datasets": datasets, "rows": rows}


def _row(claim: dict[str, Any], datasets: list[str]) -> dict[str, Any]:
    return {
        "claim": claim,
        "label": label(claim),
        "cells": [_cell(claim, dataset) for dataset in datasets],
    }


def _cell(claim: dict[str, Any], dataset: str) -> dict[str, Any] | None:
    """The verdicts of a claim on a data set: the value where there is one cell, else how many cells
    have each verdict; None where there is no cell.
    """
    lines = [cell for cell in claim["printed"] if cell["dataset"] == dataset]
    if not lines:
        return None
    if len(lines) == 1:
        (number,) = (cell["value"] for cell in claim["cells"] if cell["dataset"] == dataset)
        return {"dataset": dataset, "lines": lines, "chips": [(lines[0]["verdict"], short(number))]}
    counted = counts([{"cells": lines}])
    chips = [(verdict, str(count)) for verdict, count in counted.items() if count]
    return {"dataset": dataset, "lines": lines, "chips": chips}
