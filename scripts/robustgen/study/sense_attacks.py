"""What attacks and detectors may get wrong: settings that an attack would refuse or not use."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from robustgen.attacks.takes import EPS, STEPS, Taken, taken
from robustgen.core.literals import literal
from robustgen.core.option_faults import problems
from robustgen.core.options import ENTRIES, declared, filled
from robustgen.core.words import nearest
from robustgen.study.fields import UNBOUNDED
from robustgen.study.schema import Attack, Detector, Study
from robustgen.study.sense_data import too_large


def contradictions(study: Study) -> Iterator[str]:
    """A sentence for each of them."""
    for name, attack in study.attacks.items():
        yield from (f"attacks.{name}.{said}" for said in _attack(attack))
        yield from (f"attacks.{name}.{said}" for said in _circle(study, name, attack))
    for name, detector in study.detectors.items():
        yield from (f"detectors.{name}.{said}" for said in _detector(study, detector))


def _attack(attack: Attack) -> Iterator[str]:
    said = [said for uses in _uses(attack) for said in _unused(attack, uses)]
    yield from dict.fromkeys(said)
    for place, eps in enumerate(attack.sweep.get(EPS, ())):
        if attack.norm == "linf" and (why := too_large(eps)):
            yield f"sweep.eps.{place}: {why}"
    yield from _axes(attack)


def _uses(attack: Attack) -> Iterator[Taken]:
    """What an attack takes, by each value of an option that it sweeps and that decides it."""
    takes = literal("attacks", attack.kind, "TAKES")
    option = next(iter(takes)) if isinstance(takes, dict) else ""
    for value in attack.sweep.get(option, (attack.options.get(option),)):
        options = {**attack.options, **({option: value} if option else {})}
        if uses := taken(attack.kind, filled("attacks", attack.kind, options)):
            yield uses


def _unused(attack: Attack, uses: Taken) -> Iterator[str]:
    yield from _norm(attack, uses)
    yield from _eps(attack, uses)
    yield from _steps(attack, uses)


def _norm(attack: Attack, uses: Taken) -> Iterator[str]:
    if uses.norms and attack.norm not in uses.norms:
        yield (
            f"norm: {uses.label} is an attack in {uses.norms[0]}, not in {attack.norm}; write "
            f"norm: {uses.norms[0]}."
        )


def _eps(attack: Attack, uses: Taken) -> Iterator[str]:
    given = attack.sweep.get(EPS)
    if EPS in uses.names and inf in (given or ()):
        yield (
            f"sweep.eps: {uses.label} needs a budget; write numbers such as 8/255, not {UNBOUNDED}."
        )
    elif "nearest" in uses.names and given != (inf,):
        yield (
            f"sweep.eps: {uses.label} seeks the smallest perturbation and has no budget; write "
            f"eps: [{UNBOUNDED}]."
        )
    elif not {EPS, "nearest"} & set(uses.names) and given:
        yield f"sweep.eps: {uses.label} has no budget; leave it out."


def _steps(attack: Attack, uses: Taken) -> Iterator[str]:
    given = list(attack.sweep.get(STEPS, ()))
    if not given:
        return
    if uses.steps is not None:
        if given != [uses.steps]:
            yield (
                f"sweep.steps: {uses.label} always takes {uses.steps}; write steps: "
                f"[{uses.steps}], not {given}."
            )
    elif STEPS not in uses.names:
        yield f"sweep.steps: {uses.label} takes no steps; leave them out."
    elif given == [0]:
        yield f"sweep.steps: {uses.label} does nothing in 0 steps; add a step count above 0."
    elif 0 in given and "start" not in uses.names:
        yield f"sweep.steps: {uses.label} cannot be shown after 0 steps; take 0 out of {given}."


def _axes(attack: Attack) -> Iterator[str]:
    """What is wrong with swept options."""
    known = declared("attacks", attack.kind)
    first = {axis: values[0] for axis, values in attack.sweep.items() if axis not in (EPS, STEPS)}
    for axis, values in attack.sweep.items():
        if axis in (EPS, STEPS):
            continue
        if axis in attack.options:
            yield f"options.{axis}: is swept; leave it out here, or take it out of sweep."
        elif known is not None and axis not in known:
            yield f"sweep.{axis}: is no axis of this kind{nearest(axis, (EPS, STEPS, *known))}"
        elif known is not None and known[axis].type in ENTRIES:
            yield f"sweep.{axis}: names entries, which cannot be swept; write an attack for each."
        elif known is not None:
            told = ({**first, **attack.options, axis: value} for value in values)
            wrong = (said for one in told for name, said in problems(one, known) if name == axis)
            yield from (f"sweep.{axis}: {said}" for said in dict.fromkeys(wrong))


def _circle(study: Study, name: str, attack: Attack) -> Iterator[str]:
    """Whether an attack knows a detector that learns from it."""
    for option, form in (declared("attacks", attack.kind) or {}).items():
        detector = study.detectors.get(str(attack.options.get(option)))
        if form.type == "detector" and detector and name in detector.options.values():
            yield (
                f"options.{option}: {attack.options[option]} learns from this very attack; name "
                "another detector."
            )


def _detector(study: Study, detector: Detector) -> Iterator[str]:
    """Whether two of the attacks that a detector learns from are one, or leave out the images that
    it learns from.
    """
    known = declared("detectors", detector.kind) or {}
    seen: dict[str, str] = {}
    for name in (name for name, option in known.items() if option.type == "attack"):
        value = detector.options.get(name)
        if isinstance(value, str) and value in seen:
            yield f"options.{name}: {value} is named by {seen[value]} too; name another attack."
        elif isinstance(value, str):
            seen[value] = name
            if value in study.attacks and not study.attacks[value].validation:
                yield (
                    f"options.{name}: {value} leaves out the validation images that detectors "
                    "learn from; take `validation: false` out of its entry."
                )
