"""Claims as the page tells them: the sentence, its rule in words, its cells, and the count of
verdicts.
"""

from __future__ import annotations

from collections import Counter
from math import inf
from pathlib import Path
from typing import Any

from robustgen.core.rows import CLEAN
from robustgen.stats.claims import INCONCLUSIVE, NOT_REPRODUCED, NOT_TESTED, REPRODUCED
from robustgen.stats.named import statistic
from robustgen.study import facts
from robustgen.study.schema import Study
from robustgen.tables.cells import number as number_on
from robustgen.tables.cells import words

P_VALUES = ("p", "p_claim", "p_work")  # plain, and corrected for being many
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
    return [told(claim, study) for claim in facts.claims(path)] or None


def told(claim: dict[str, Any], study: Study) -> dict[str, Any]:
    """A claim with its rule in words, the count of its verdicts, and its cells as printed."""
    printed = [_cell(claim, cell, study) for cell in claim["cells"]]
    return claim | {"rule": rule(claim), "counts": counts([claim]), "printed": printed}


def counts(judged: list[dict[str, Any]]) -> dict[str, int]:
    """How many cells have each verdict, in the order of MARKS."""
    counts = Counter(cell["verdict"] for claim in judged for cell in claim["cells"])
    return {verdict: counts[verdict] for verdict in [*MARKS, *sorted(counts.keys() - MARKS.keys())]}


def rule(claim: dict[str, Any]) -> str:
    """What is measured, on which side of which margin it must lie, and when the rule applies."""
    attack = claim["attack"] or CLEAN
    images = "on clean images" if attack == CLEAN else f"under {attack}"
    images += "".join(f" at {axis} {value}" for axis, value in (claim.get("at") or {}).items())
    success = (
        f" of which {attack} fools at least {claim['min_success']:.0%}"
        if claim.get("min_success")
        else ""
    )
    side = f"It must lie {claim['direction']} {claim['margin']:g}"
    return (
        f"{_measured(claim['statistic'])} {side}, for nets of family {claim['family']} "
        f"{images}{_against(claim)}, with at least {claim['min_n']} images{success}."
    )


def _measured(name: str) -> str:
    """What a statistic measures, as its docstring says; its name where there is none to be read."""
    try:
        said = statistic(name).__doc__
    except Exception:  # of the user's own, which may be gone or broken by now
        said = None
    return " ".join((said or f"{name}.").split())


def _against(claim: dict[str, Any]) -> str:
    """What the claim is held against, where it is another attack or another net."""
    match claim.get("against"):
        case {"part": str(part)}:
            return f", held against the {part} model that it is made of"
        case {"family": str(family), "same": same}:
            return f", held against the net of family {family} with the same {_listed(same)}"
        case {"attack": str(attack)}:
            return f", held against {attack} at the same budget"
        case {"largest": str(axis)}:
            return f", held against the same attack at the largest {axis}"
    return ""


def _listed(names: list[str]) -> str:
    """`dataset, kind and options`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _cell(claim: dict[str, Any], cell: dict[str, Any], study: Study) -> dict[str, Any]:
    return cell | {
        "eps": setting(claim["attack"], cell["axes"], study),
        "value": number(cell["value"], cell["low"], cell["high"]),
        **{name: p_value(cell[name]) for name in P_VALUES},
    }


def setting(name: str | None, axes: dict[str, Any], study: Study) -> str:
    """The budget and the other axes of a cell of an attack as the page prints them."""
    if name is None:
        return ", ".join(_axis(*pair) for pair in axes.items()) or CLEAN
    if name == CLEAN:
        return CLEAN
    attack, eps = study.attacks.get(name), axes.get("eps")
    if not attack or attack.norm != "l2" or not eps:
        return words({"eps": 0, **axes}, axes)
    plain = isinstance(eps, str) or eps == inf
    budget_ = number_on("eps", eps) if plain else f"{eps:g}"
    others = {axis: value for axis, value in axes.items() if axis != "eps"}
    return ", ".join(filter(None, (f"{budget_} (L2)", words(others, others))))


def _axis(axis: str, value: Any) -> str:
    """An axis of a measure: `lambda 0.1`, `plus` or `no plus`."""
    if isinstance(value, bool):
        return axis if value else f"no {axis}"
    return words({axis: value}, [axis], zeros=True)


def p_value(p: float | None) -> str:
    """A p-value with three digits after the point; empty where nothing was measured."""
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def number(value: float | None, low: float | None, high: float | None) -> str:
    """A value with its interval, with three digits after the point, or one where it is large."""
    if value is None or low is None or high is None:
        return ""
    digits = 3 if max(abs(value), abs(low), abs(high)) < 10 else 1
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def short(value: float | None) -> str:
    """A value alone, as `number` prints it; empty where nothing was measured."""
    return number(value, value, value).split(" ")[0]
