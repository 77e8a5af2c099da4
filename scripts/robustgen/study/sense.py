"""What a well-formed configuration may still get wrong: settings that contradict each other or that
nothing would use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from robustgen.core.option_faults import problems
from robustgen.core.options import declared as declared_options
from robustgen.core.rows import CLEAN
from robustgen.core.words import shown
from robustgen.study import sense_attacks, sense_data, sense_models
from robustgen.study.flow import RULES
from robustgen.study.named import SORTS
from robustgen.study.plan import declared
from robustgen.study.schema import Output, Study

Place = tuple[str, str, str, Mapping[str, Any]]  # path of the entry, room, kind, options


def contradictions(study: Study) -> Iterator[str]:
    """A sentence for each of them."""
    yield from _options(study)
    yield from sense_data.contradictions(study)
    yield from sense_models.contradictions(study)
    yield from sense_attacks.contradictions(study)
    yield from _names(study)
    yield from _selections(study)


def _options(study: Study) -> Iterator[str]:
    for path, room, kind, options in _kinds(study):
        known = declared_options(room, kind)
        for name, said in problems(options, known) if known is not None else ():
            if not (room == "models" and name in sense_models.FROM_DATA):
                yield f"{path}.options.{name}: {said}"


def _kinds(study: Study) -> Iterator[Place]:
    """Every entry that has options."""
    yield from (
        (f"datasets.{name}", "data", entry.kind, entry.options)
        for name, entry in study.datasets.items()
    )
    yield from (
        (f"models.{name}", "models", entry.net, entry.options)
        for name, entry in study.models.items()
    )
    yield from (
        (f"attacks.{name}", "attacks", entry.kind, entry.options)
        for name, entry in study.attacks.items()
    )
    yield from (
        (f"detectors.{name}", "detectors", entry.kind, entry.options)
        for name, entry in study.detectors.items()
    )
    yield from (
        (f"tables.{name}", "tables", entry.kind or name, entry.options)
        for name, entry in study.tables.items()
    )
    yield from (
        (f"figures.{name}", "figures", entry.kind or name, entry.options)
        for name, entry in study.figures.items()
    )


def _names(study: Study) -> Iterator[str]:
    if not study.outputs:
        yield "outputs: is empty, so that nothing would be made; name tables and figures."
    if CLEAN in study.attacks:
        yield f"attacks.{CLEAN}: the name stands for clean images; choose another."
    for name in study.tables.keys() & study.figures.keys():
        yield f"figures.{name}: a table bears the same name; choose another."
    for place, entries in (("tables", study.tables), ("figures", study.figures)):
        for name in entries.keys() & set(RULES):
            yield (
                f"{place}.{name}: the name stands for a rule, which may be asked for by it "
                "too; choose another."
            )


def _selections(study: Study) -> Iterator[str]:
    for place, entries in (("tables", study.tables), ("figures", study.figures)):
        for name, entry in entries.items():
            yield from (f"{place}.{name}.{said}" for said in _selection(study, place, name, entry))


def _selection(study: Study, place: str, name: str, entry: Output) -> Iterator[str]:
    kind = entry.kind or name
    parts = sorted({part for sort in declared(place, kind) for part in SORTS[sort]})
    for part in ("datasets", "models", "attacks", "detectors"):
        if name in study.outputs and part in parts and not getattr(entry, part):
            yield f"{part}: is empty, but the entry stands in outputs; name what it is to show."
        elif "." not in kind and part not in parts and getattr(entry, part):
            yield (
                f"{part}: is not used by kind {kind}, which shows {' and '.join(parts)}; leave "
                "it out."
            )
    steps = sorted({count for attack in entry.attacks for count in study.attacks[attack].steps})
    for option, form in (declared_options(place, kind) or {}).items():
        asked = entry.options.get(option)
        if form.among == "steps" and steps and form.fits(asked) and asked not in steps:
            swept = ", ".join(map(str, steps))
            yield (
                f"options.{option}: no attack that it shows takes {shown(asked)} steps; they "
                f"take {swept}."
            )
