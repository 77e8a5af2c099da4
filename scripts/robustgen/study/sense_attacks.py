"""What attacks and detectors may get wrong together: settings that an attack would refuse or would
not use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from robustgen.core.literals import constant, literal
from robustgen.core.options import filled
from robustgen.study.fields import UNBOUNDED
from robustgen.study.schema import Attack, Detector, Study
from robustgen.study.sense_data import too_large

IGNORABLE = {"step": "step", "rel_step": "step"} | {
    name: name for name in ("restarts", "random_start", "target", "eot", "weight")
}


@dataclass(frozen=True)
class Taken:
    """What an attack uses of an entry, as its module declares it in TAKES and STEPS."""

    label: str
    names: tuple[str, ...]
    steps: int | None  # the one step count that it can have


def contradictions(study: Study) -> Iterator[str]:
    """A sentence for each of them."""
    for name, attack in study.attacks.items():
        yield from (f"attacks.{name}.{said}" for said in _attack(attack))
    for name, detector in study.detectors.items():
        yield from (f"detectors.{name}.{said}" for said in _detector(detector))


def _attack(attack: Attack) -> Iterator[str]:
    taken = _taken(attack)
    if taken:
        yield from _norm(attack, taken)
        yield from _steps(attack, taken)
        yield from _unused(attack, taken)
    for place, eps in enumerate(attack.eps or ()):
        if attack.norm == "linf" and (why := too_large(eps)):
            yield f"eps.{place}: {why}"


def _taken(attack: Attack) -> Taken | None:
    """What an attack uses; None where its module does not say so."""
    found = literal("attacks", attack.kind, "TAKES")
    if not isinstance(found, dict):
        return Taken(f"kind {attack.kind}", tuple(found), None) if found else None
    (option, by_value), *_ = found.items()
    value = str(filled("attacks", attack.kind, attack.options)[option])
    steps = literal("attacks", attack.kind, "STEPS", {})
    return (
        Taken(f"{value} of kind {attack.kind}", by_value[value], steps.get(value))
        if value in by_value
        else None
    )


def _norm(attack: Attack, taken: Taken) -> Iterator[str]:
    norms = [norm for norm in ("linf", "l2") if norm in taken.names]
    unbounded = float("inf") in (attack.eps or ())
    if attack.norm not in norms:
        yield (
            f"norm: {taken.label} is an attack in {norms[0]}, not in {attack.norm}; write "
            f"norm: {norms[0]}."
        )
    elif "eps" in taken.names and unbounded:
        yield f"eps: {taken.label} needs a budget; write numbers such as 8/255, not {UNBOUNDED}."
    elif "eps" not in taken.names and attack.eps != (float("inf"),):
        yield (
            f"eps: {taken.label} seeks the smallest perturbation and has no budget; write eps: "
            f"[{UNBOUNDED}]."
        )


def _steps(attack: Attack, taken: Taken) -> Iterator[str]:
    given = list(attack.steps)
    if taken.steps is not None and given != [taken.steps]:
        yield (
            f"steps: {taken.label} always takes {taken.steps}; write steps: [{taken.steps}], "
            f"not {given}."
        )
    elif (
        taken.steps is None
        and "steps" not in taken.names
        and given not in ([0], [1])
        and attack.steps != _default("steps")
    ):
        yield f"steps: {taken.label} takes no steps; write steps: [1], not {given}."
    elif "steps" in taken.names and given == [0]:
        yield f"steps: {taken.label} does nothing in 0 steps; add a step count above 0."
    elif "steps" in taken.names and 0 in given and "random_start" not in taken.names:
        yield f"steps: {taken.label} cannot be shown after 0 steps; take 0 out of {given}."


def _unused(attack: Attack, taken: Taken) -> Iterator[str]:
    for setting, name in IGNORABLE.items():
        if name not in taken.names and getattr(attack, setting) != _default(setting):
            yield f"{setting}: is not used by {taken.label}; leave it out."


def _default(setting: str) -> object:
    return Attack.model_fields[setting].default


def _detector(detector: Detector) -> Iterator[str]:
    for asked in constant("detectors", detector.kind, "ASKS"):
        if getattr(detector, asked) is None:
            yield f"{asked}: is empty; a detector of kind {detector.kind} learns from that attack."
    if detector.fit is not None and detector.fit == detector.noise:
        yield (
            f"noise: {detector.noise} is what the detector learns to flag; name an attack of "
            "kind noise."
        )
    taken = literal("detectors", detector.kind, "TAKES")
    for setting in ("temperatures", "fit", "noise") if taken is not None else ():
        if (
            setting not in taken
            and getattr(detector, setting) != Detector.model_fields[setting].default
        ):
            yield f"{setting}: is not used by kind {detector.kind}; leave it out."
