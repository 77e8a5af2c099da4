"""Claims as the page tells them: the sentence, its rule in words, its cells, and the count of
verdicts.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from robustgen.core.rows import CLEAN
from robustgen.stats.claims import INCONCLUSIVE, NOT_REPRODUCED, NOT_TESTED, REPRODUCED
from robustgen.stats.statistics import STATISTICS
from robustgen.study import facts
from robustgen.study.schema import Study
from robustgen.tables.table import budget

WORKS = {
    "beadini-masi-2023": (
        "Beadini & Masi 2023, Exploring the Connection between Robust and Generative Models"
    ),
    "ju-2021": (
        "Ju 2021, Generative Models as a Robust Alternative for Image Classification: Progress "
        "and Challenge"
    ),
}
MARKS = {  # verdict -> (class of its badge, mark)
    REPRODUCED: ("yes", "✓"),
    NOT_REPRODUCED: ("no", "✗"),
    INCONCLUSIVE: ("open", "≈"),
    NOT_TESTED: ("untested", "○"),
}


def claims(path: Path, study: Study) -> list[dict[str, Any]] | None:
    """The judged claims, each with its rule in words and its cells as printed; None where none are
    there to be read.
    """
    return [
        claim
        | {
            "rule": rule(claim),
            "counts": counts([claim]),
            "printed": [_cell(claim, c, study) for c in claim["cells"]],
        }
        for claim in facts.claims(path)
    ] or None


def by_work(judged: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Title of the work -> its claims."""
    works = dict.fromkeys(claim["work"] for claim in judged)
    return {
        WORKS.get(work, work): [claim for claim in judged if claim["work"] == work]
        for work in works
    }


def counts(judged: list[dict[str, Any]]) -> dict[str, int]:
    """How many cells have each verdict, in the order of MARKS."""
    found = Counter(cell["verdict"] for claim in judged for cell in claim["cells"])
    return {verdict: found[verdict] for verdict in [*MARKS, *sorted(found.keys() - MARKS.keys())]}


def rule(claim: dict[str, Any]) -> str:
    """What is measured, on which side of which margin it must lie, and when the rule applies."""
    function = STATISTICS.get(claim["statistic"])
    measured = " ".join((function.__doc__ or "").split()) if function else f"{claim['statistic']}."
    images = "on natural images" if claim["attack"] == CLEAN else f"under {claim['attack']}"
    success = (
        f" of which {claim['attack']} fools at least {claim['min_success']:.0%}"
        if claim.get("min_success")
        else ""
    )
    return (
        f"{measured} It must lie {claim['direction']} {claim['margin']:g}, for nets of "
        f"{claim['objective']} training "
        f"{images}{_against(claim)}, with at least {claim['min_n']} images{success}."
    )


def _against(claim: dict[str, Any]) -> str:
    """What the claim is held against, where it is another attack or another net."""
    if claim.get("against_net"):
        return (
            f", held against the net of the same architecture and {claim['against_net']} training"
        )
    return f", held against {claim['against']} at the same budget" if claim.get("against") else ""


def _cell(claim: dict[str, Any], cell: dict[str, Any], study: Study) -> dict[str, Any]:
    return cell | {
        "eps": _budget(claim, cell["eps"], study),
        "value": number(cell["value"], cell["low"], cell["high"]),
    }


def _budget(claim: dict[str, Any], eps: float | str, study: Study) -> str:
    """The budget of a cell as the page prints it; an unbounded one is a word already."""
    if claim["attack"] == CLEAN:
        return "natural"
    attack = study.attacks.get(claim["attack"])
    if attack and attack.norm == "l2":
        return f"{eps if isinstance(eps, str) else format(eps, 'g')} (L2)"
    return eps if isinstance(eps, str) else budget(eps)


def number(value: float | None, low: float | None, high: float | None) -> str:
    """A value with its interval, with three digits after the point, or one where it is large."""
    if value is None or low is None or high is None:
        return ""
    digits = 3 if max(abs(value), abs(low), abs(high)) < 10 else 1
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
