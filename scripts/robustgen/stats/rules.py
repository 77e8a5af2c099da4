"""The rules of claims, as config/claims.yaml writes them down before the runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from robustgen.core.files import BadFile
from robustgen.core.option_faults import problems
from robustgen.core.options import Option
from robustgen.core.words import shown
from robustgen.study import yamls

# of the functions in stats/statistics.py, whose import would take longer than the whole check
NAMES = (
    "energy_change", "largest_rise_between_steps", "auroc", "success_difference", "drift_ratio",
    "spread_ratio", "low_marginal_high_joint", "errors_left_clean", "accuracy_difference",
    "ece_reduction",
)  # fmt: skip
FORM = {
    **{
        name: Option(f"The claim's {name}.")
        for name in ("id", "work", "place", "sentence", "objective", "attack")
    },
    "statistic": Option("What is measured.", one_of=NAMES),
    "direction": Option("On which side of the margin the claim lies.", one_of=("above", "below")),
    "margin": Option("The margin.", type="number"),
    "min_n": Option("Images that a verdict asks for.", type="whole number", least=1),
    "min_success": Option(
        "Success that the attack must have.", type="number", least=0, most=1, default=0.0
    ),
    "against": Option("Another attack on the same net.", default=None),
    "against_net": Option("How the net was trained that it is held against.", default=None),
}


@dataclass(frozen=True)
class Claim:
    """One entry of config/claims.yaml."""

    id: str
    work: str
    place: str
    sentence: str
    objective: str  # how the nets it speaks of were trained
    attack: str  # clean: natural images
    statistic: str  # one of NAMES
    direction: str  # above | below
    margin: float
    min_n: int
    # of the attack (and of the one it is held against); below, the claim does not apply
    min_success: float = 0.0
    against: str | None = None  # another attack on the same net
    # how the net of the same kind was trained that the net is held against, under the same attack
    against_net: str | None = None
    # data set -> reason, decided beforehand
    not_tested: dict[str, str] = field(default_factory=dict)


def read(path: str | Path) -> list[Claim]:
    """The claims of a YAML file, or a BadFile with one line per problem."""
    entries = yamls.read(path)
    if not isinstance(entries, list):
        raise BadFile(f"{path}: must hold a list of claims, each of which begins with `- id:`.")
    faults = [
        f"{path}: claim {label}: {said}"
        for label, entry in _labelled(entries)
        for said in _faults(entry)
    ]
    names = [label for label, _ in _labelled(entries)]
    faults += [
        f"{path}: claim {name}: the id is given twice; choose another."
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    if faults:
        raise BadFile("\n".join(faults))
    return [Claim(**entry) for entry in entries]


def _labelled(entries: list[Any]) -> list[tuple[str, Any]]:
    """Each entry with its id, or where it stands in the list."""
    ids = [entry.get("id") if isinstance(entry, dict) else None for entry in entries]
    return [
        (str(name or f"number {place}"), entry)
        for place, (name, entry) in enumerate(zip(ids, entries, strict=True), start=1)
    ]


def _faults(entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f"must be a map of keys, not {shown(entry)}."
        return
    plain = {str(name): value for name, value in entry.items() if name != "not_tested"}
    yield from (f"{name}: {said}" for name, said in problems(plain, FORM, noun="key"))
    reasons = entry.get("not_tested", {})
    if not isinstance(reasons, dict) or not all(
        isinstance(text, str) for pair in reasons.items() for text in pair
    ):
        yield f"not_tested: must map data sets to reasons, not {shown(reasons)}."
    if entry.get("against") and entry.get("against_net"):
        yield "is held against an attack and a net; keep one of against and against_net."


class NotMeasured(Exception):
    """A statistic has no value on these rows; the message says why."""
