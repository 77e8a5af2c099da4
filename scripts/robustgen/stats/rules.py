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
from robustgen.stats import named
from robustgen.study import yamls

SCORES = "scores"
FACTS = ("dataset", "kind", "options", "objective", "family")  # of a model, as `same` names them
FORM = {
    **{
        name: Option(f"The claim's {name}.")
        for name in ("id", "work", "place", "sentence", "family", "statistic")
    },
    "short": Option("The claim in a few words, for the report's matrix.", default=None),
    "attack": Option("The attack, or clean.", default=None),
    "measure": Option("The measure whose rows are judged.", default=SCORES),
    "direction": Option("On which side of the margin the claim lies.", one_of=("above", "below")),
    "margin": Option("The margin.", type="number"),
    "min_n": Option("Images that a verdict asks for.", type="whole number", least=1),
    "min_success": Option(
        "Success that the attack must have.", type="number", least=0, most=1, default=0.0
    ),
}
AGAINST = {
    "attack": Option("Another attack on the same net.", default=None),
    "family": Option("The family of the net that it is held against.", default=None),
    "part": Option("The role of the part of the model that it is held against.", default=None),
    "largest": Option("The axis at whose largest value it is held against itself.", default=None),
    "same": Option("What both nets share.", one_of=FACTS, several=True, default=("dataset",)),
}
PARTS = ("not_tested", "against", "at")  # keys that hold a map
RIVALS = ("attack", "family", "part", "largest")  # of which `against` names one


class NotMeasured(Exception):
    """A statistic has no value on these rows; the message says why."""


@dataclass(frozen=True)
class Against:
    """What a claim is held against: another attack on the same net, a net of another family, a part
    of the model, or the same attack at the largest value of an axis.
    """

    attack: str | None = None
    family: str | None = None
    part: str | None = None
    largest: str | None = None
    same: tuple[str, ...] = ("dataset",)  # facts in which both nets agree


@dataclass(frozen=True)
class Claim:
    """One entry of config/claims.yaml."""

    id: str
    work: str
    place: str
    sentence: str
    family: str  # of the nets it speaks of
    statistic: str  # a function of stats/statistics*.py, or a dotted name
    direction: str  # above | below
    margin: float
    min_n: int
    short: str | None = None  # the sentence in a few words
    attack: str | None = None  # clean: unattacked images; None where a measure knows no attack
    measure: str = SCORES  # whose rows are judged
    # of the attack (and of the one it is held against); below, the claim does not apply
    min_success: float = 0.0
    against: Against | None = None  # clean images of the same net where it is None
    # axis -> the one value at which it is judged; at each value, and at the last step, where empty
    at: dict[str, float | str] = field(default_factory=dict)
    # data set -> reason, decided beforehand
    not_tested: dict[str, str] = field(default_factory=dict)

    @property
    def rival(self) -> str | None:
        """The attack that the claim is held against."""
        return self.against.attack if self.against else None


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
    return [_claim(entry) for entry in entries]


def _claim(entry: dict[str, Any]) -> Claim:
    if "against" not in entry:
        return Claim(**entry)
    other = {"same": AGAINST["same"].default, **entry["against"]}
    against = Against(**{**other, "same": tuple(other["same"])})
    return Claim(**{**entry, "against": against})


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
    plain = {str(name): value for name, value in entry.items() if name not in PARTS}
    yield from (f"{name}: {said}" for name, said in problems(plain, FORM, noun="key"))
    if "attack" not in entry and "measure" not in entry:
        yield "attack: is missing; name an attack, clean, or a measure."
    if isinstance(name := entry.get("statistic"), str) and (why := named.unknown(name)):
        yield f"statistic: {why.rstrip('.?')}{'?' if why.endswith('?') else '.'}"
    if "against" in entry:
        yield from _faults_against(entry["against"])
    reasons = entry.get("not_tested", {})
    if not isinstance(reasons, dict) or not all(
        isinstance(text, str) for pair in reasons.items() for text in pair
    ):
        yield f"not_tested: must map data sets to reasons, not {shown(reasons)}."
    at = entry.get("at", {})
    if not isinstance(at, dict) or not all(
        isinstance(axis, str) and type(value) in (int, float, str) for axis, value in at.items()
    ):
        yield f"at: must map axes to one value each, such as {{steps: 50}}, not {shown(at)}."


def _faults_against(against: Any) -> Iterator[str]:
    if not isinstance(against, dict):
        yield f"against: must be a map such as {{attack: pgd}}, not {shown(against)}."
        return
    given = {str(name): value for name, value in against.items()}
    for name, said in problems(given, AGAINST, noun="key"):
        yield f"against.{name}: {said}"
    if len(given.keys() & set(RIVALS)) != 1:
        yield (
            "against: names one thing: an attack, a family, a part of the model, or the axis whose "
            "largest value is meant."
        )
    elif "family" not in given and "same" in given:
        yield "against.same: belongs to a family; leave it out."
