"""A paragraph per chapter, written from verdicts: config/report.yaml holds the sentences, and every
number in them is filled in.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from robustgen.core.rows import CLEAN
from robustgen.report.chapters import Chapter, Sentence
from robustgen.report.verdicts import counts
from robustgen.stats.claims import NOT_REPRODUCED, NOT_TESTED

LISTED = 3  # cells whose values a sentence lists; of more it tells the extremes
SIGNS = {"%": "", "points": "+"}  # unit of a share -> how it is printed: a change with its sign


@dataclass(frozen=True)
class Told:
    """A sentence with its numbers, and the claim that it tells."""

    text: str
    claim: dict[str, Any]


def paragraph(chapter: Chapter, claims: list[dict[str, Any]]) -> dict[str, Any]:
    """How many claims have cells and how these came out, the commonest reason why a cell was not
    tested with its count, a sentence for each claim that the chapter tells and that was measured,
    and the claims not told that some cell does not reproduce.
    """
    known = {claim["id"]: claim for claim in claims}
    told = [
        Told(filled(sentence, known[sentence.claim]), known[sentence.claim])
        for sentence in chapter.paragraph
        if measured(known.get(sentence.claim))
    ]
    said = {one.claim["id"] for one in told}
    failed = [claim for claim in claims if counts([claim])[NOT_REPRODUCED]]
    return {
        "claims": sum(1 for claim in claims if claim["cells"]),
        "cells": sum(len(claim["cells"]) for claim in claims),
        "counts": counts(claims),
        "untested": Counter(
            cell["why"]
            for claim in claims
            for cell in claim["cells"]
            if cell["verdict"] == NOT_TESTED
        ).most_common(1),
        "sentences": told,
        "failed": [claim for claim in failed if claim["id"] not in said],
    }


def measured(claim: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The cells of a claim that have a value, as printed; none where there is no such claim."""
    if claim is None:
        return []
    pairs = zip(claim["cells"], claim["printed"], strict=True)
    return [
        {**printed, "interval": tuple(cell[end] for end in ("value", "low", "high"))}
        for cell, printed in pairs
        if printed["value"]
    ]


def filled(sentence: Sentence, claim: dict[str, Any]) -> str:
    """The sentence with its values, each with interval, data set, setting and n."""
    cells = sorted(measured(claim), key=lambda cell: float(cell["interval"][0]))
    several = len({(cell["dataset"], cell["model"]) for cell in cells}) > len(
        {cell["dataset"] for cell in cells}
    )
    said = [_said(cell, sentence.unit, several) for cell in cells]
    if len(said) > LISTED:
        values = f"{said[0]} to {said[-1]}, the extremes of {len(said)} cells"
    else:
        values = " and ".join(filter(None, (", ".join(said[:-1]), said[-1])))
    return sentence.says.replace("{values}", values)


def _said(cell: dict[str, Any], unit: str, models: bool) -> str:
    setting = "" if cell["eps"] == CLEAN else cell["eps"]
    where = [cell["model"] if models else cell["dataset"], setting, f"n = {cell['n']}"]
    return f"{_interval(cell, unit)} ({', '.join(filter(None, where))})"


def _interval(cell: dict[str, Any], unit: str) -> str:
    if unit not in SIGNS:
        return str(cell["value"])
    value, low, high = (f"{100 * end:{SIGNS[unit]}.1f}" for end in cell["interval"])
    return f"{value} {unit} [{low}, {high}]"
