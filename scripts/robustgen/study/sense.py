"""What a well-formed configuration may still get wrong: settings that contradict each other or that
nothing would use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from robustgen.attacks.takes import EPS, STEPS
from robustgen.core.option_faults import problems
from robustgen.core.options import ENTRIES, Option
from robustgen.core.options import declared as declared_options
from robustgen.core.rows import CLEAN
from robustgen.core.words import nearest, shown
from robustgen.study import sense_attacks, sense_data, sense_models
from robustgen.study.plan import SORTS, declared
from robustgen.study.schema import Output, Study
from robustgen.study.settings import STEPS_TAKEN
from robustgen.study.stages import RULES

MEASURED = ("models", "attacks", "measures")  # the lists that select files of measures
LISTS = ("datasets", "models", "attacks", "detectors", "measures")  # that an output selects from


@dataclass(frozen=True)
class Place:
    """Where options are given to a kind."""

    path: str
    room: str
    kind: str
    options: Mapping[str, Any]


def contradictions(study: Study) -> Iterator[str]:
    """A sentence for each of them."""
    yield from _options(study)
    yield from sense_data.contradictions(study)
    yield from sense_models.contradictions(study)
    yield from sense_attacks.contradictions(study)
    yield from _names(study)
    yield from _selections(study)


def _options(study: Study) -> Iterator[str]:
    for place in _places(study):
        known = declared_options(place.room, place.kind)
        options = _left(study, place)
        elsewhere = (*(options.keys() - place.options.keys()), *_told_of(place))
        for name, said in problems(options, known) if known is not None else ():
            if name not in elsewhere:
                yield f"{place.path}.options.{name}: {said}"
        for name, option in (known or {}).items():
            yield from _entries(study, f"{place.path}.options.{name}", option, options.get(name))


def _told_of(place: Place) -> tuple[str, ...]:
    """Options of which other checks speak."""
    return sense_models.FROM_DATA if place.room == "models" else ()


def _left(study: Study, place: Place) -> Mapping[str, Any]:
    """The options of an entry, those that an attack sweeps among them."""
    if place.room != "attacks":
        return place.options
    swept = study.attacks[place.path.partition(".")[2]].sweep
    first = {axis: values[0] for axis, values in swept.items() if axis not in (EPS, STEPS)}
    return {**first, **place.options}


def _entries(study: Study, path: str, option: Option, value: Any) -> Iterator[str]:
    """What is wrong with the entries that an option names."""
    if option.type not in ENTRIES or value is None or not option.fits(value):
        return
    target = ENTRIES[option.type]
    known = getattr(study, target)
    for name in [value] if isinstance(value, str) else value:
        if name not in known:
            yield f"{path}: {name!r} is not defined in {target}{nearest(name, known)}"


def _places(study: Study) -> Iterator[Place]:
    """Every place where options are given."""
    rooms: dict[str, Mapping[str, Any]] = {
        "data": study.datasets,
        "models": study.models,
        "attacks": study.attacks,
        "detectors": study.detectors,
        "measures": study.measures,
    }
    for room, entries in rooms.items():
        start = "datasets" if room == "data" else room
        for name, entry in entries.items():
            yield Place(f"{start}.{name}", room, entry.kind, entry.options)
    for name, recipe in study.recipes.items():
        yield Place(f"recipes.{name}", "trainers", recipe.trainer, recipe.options)
        if goal := recipe.objective:
            yield Place(f"recipes.{name}.objective", "objectives", goal.kind, goal.options)
    for room, outputs in (("tables", study.tables), ("figures", study.figures)):
        for name, output in outputs.items():
            yield Place(f"{room}.{name}", room, output.kind or name, output.options)


def _names(study: Study) -> Iterator[str]:
    if not study.outputs:
        yield "outputs: is empty, so that nothing would be made; name tables and figures."
    yield from (f"left_out.{name}: {said}" for name, said in _left_out(study))
    if CLEAN in study.attacks:
        yield f"attacks.{CLEAN}: the name stands for clean images; choose another."
    for name in study.tables.keys() & study.figures.keys():
        yield f"figures.{name}: a table bears the same name; choose another."
    for name in study.measures.keys() & study.detectors.keys():
        yield f"measures.{name}: a detector bears the same name; choose another."
    for place, entries in (("tables", study.tables), ("figures", study.figures)):
        for name in entries.keys() & set(RULES):
            yield (
                f"{place}.{name}: the name stands for a rule, which may be asked for by it "
                "too; choose another."
            )


def _left_out(study: Study) -> Iterator[tuple[str, str]]:
    """What is wrong with the outputs that a study says it leaves out."""
    known = {**study.tables, **study.figures}
    for name in study.left_out:
        if name in study.outputs:
            yield name, "stands in outputs too; take it out of one of the two."
        elif name not in known:
            yield name, f"is defined neither in tables nor in figures{nearest(name, known)}"


def _selections(study: Study) -> Iterator[str]:
    for place, entries in (("tables", study.tables), ("figures", study.figures)):
        for name, entry in entries.items():
            yield from (f"{place}.{name}.{said}" for said in _selection(study, place, name, entry))


def _selection(study: Study, place: str, name: str, entry: Output) -> Iterator[str]:
    kind = entry.kind or name
    sorts = declared(place, kind)
    parts = sorted({part for sort in sorts for part in SORTS.get(sort, MEASURED)})
    for part in LISTS:
        given = getattr(entry, part)
        optional = part == "measures" or (part == "attacks" and not _asks(sorts, part))
        if name in study.outputs and part in parts and not given and not optional:
            yield f"{part}: is empty, but the entry stands in outputs; name what it is to show."
        elif "." not in kind and part not in parts and given:
            shows = " and ".join(parts)
            yield f"{part}: is not used by kind {kind}, which shows {shows}; leave it out."
    yield from (f"measures: {said}" for said in _measures(study, name, entry, sorts))
    counts = (study.attacks[attack].sweep.get(STEPS, STEPS_TAKEN) for attack in entry.attacks)
    steps = sorted({count for swept in counts for count in swept})
    for option, form in (declared_options(place, kind) or {}).items():
        asked = entry.options.get(option)
        if form.among == "steps" and steps and form.fits(asked) and asked not in steps:
            swept = ", ".join(map(str, steps))
            yield (
                f"options.{option}: no attack that it shows takes {shown(asked)} steps; they "
                f"take {swept}."
            )


def _measures(study: Study, name: str, entry: Output, sorts: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with the measures that an output selects, and with those that it lacks."""
    kinds = {one: study.measures[one].kind for one in entry.measures}
    asked = [sort for sort in sorts if sort not in SORTS]
    for one, kind in kinds.items() if asked else ():
        if kind not in asked:
            yield f"{one} is of kind {kind}, and must be of kind {' or '.join(asked)}."
    for sort in asked if name in study.outputs else ():
        if sort in study.measures or sort in study.detectors or sort in kinds.values():
            continue
        lacking = [option for option, _ in problems({}, declared_options("measures", sort) or {})]
        why = f"it must be told its {' and '.join(lacking)}" if lacking else ""
        if "." in sort:
            why = "files bear the name of an entry"
        if why:
            yield f"define one of kind {sort} in `measures` and name it here, for {why}."


def _asks(sorts: tuple[str, ...], part: str) -> bool:
    """Whether a sort that is no measure selects by that list."""
    return any(part in SORTS.get(sort, ()) for sort in sorts)
