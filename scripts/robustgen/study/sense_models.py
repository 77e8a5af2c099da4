"""What models and recipes may get wrong: parts that do not fit, nets too deep for their images,
training that cannot work, looks that a model does not offer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from robustgen.core.literals import constant, literal
from robustgen.core.option_faults import problems
from robustgen.core.options import Option, declared, filled
from robustgen.core.words import nearest, with_article
from robustgen.data.download.sources import read_register
from robustgen.nets.spec import CLASSIFIER, gives
from robustgen.study.graph import START, Graph, has_network
from robustgen.study.plan import SORTS, Plan
from robustgen.study.schema import Model, Objective, Recipe, Study
from robustgen.study.sense_data import parts, too_large

OPTIONAL = "?"  # at the end of what a part gives that may be left out
UNSEEN = {"history", "data"}  # sorts of files that are there of models that answer nothing
FROM_DATA = ("channels", "classes", "size")  # what a net is told of its data set


@dataclass(frozen=True)
class Asked:
    """An entry whose options may ask for numbers of images."""

    path: str
    room: str
    kind: str
    options: Mapping[str, Any]


def contradictions(study: Study) -> Iterator[str]:
    """A sentence for each of them."""
    for name, recipe in study.recipes.items():
        users = [model for model in study.models.values() if model.recipe == name]
        sizes = {study.datasets[model.dataset].size for model in users}
        yield from (f"recipes.{name}.{said}" for said in _recipe(recipe, sizes))
    for name, model in study.models.items():
        yield from (f"models.{name}.{said}" for said in _model(study, name, model))
    problems: dict[str, str] = {}
    for line in _looks(study):
        problems.setdefault(line.split(": ")[0], line)  # several outputs may lack the same
    yield from problems.values()


def _recipe(recipe: Recipe, sizes: set[int]) -> Iterator[str]:
    """What is wrong with the options of a trainer and its objective, beside their own forms."""
    told = filled("trainers", recipe.trainer, recipe.options)
    known = declared("trainers", recipe.trainer) or {}
    for name, option in known.items():
        yield from (
            f"options.{name}: {said}" for said in _bounds(option, told.get(name), recipe, sizes)
        )
    if recipe.objective:
        yield from (f"objective.{said}" for said in _radius("objectives", recipe.objective))


def _radius(room: str, entry: Objective | Model) -> Iterator[str]:
    """What is wrong with the radius of a ball among an entry's options."""
    told = filled(room, entry.kind, entry.options)
    for name, option in (declared(room, entry.kind) or {}).items():
        inside = option.radius and told.get(option.radius) == "linf"
        if inside and option.fits(told.get(name)) and (why := too_large(told[name])):
            yield f"options.{name}: {why}"


def _bounds(option: Option, value: Any, recipe: Recipe, sizes: set[int]) -> Iterator[str]:
    if not option.fits(value):
        return
    if option.below_epochs and value and max(value) >= recipe.epochs:
        yield (
            f"{max(value)} lies beyond the last of {recipe.epochs} epochs, which are counted from "
            "0."
        )
    if option.below_size and sizes and value >= min(sizes):
        yield (
            f"shifts by {value} pixels leave nothing of images of {min(sizes)}; write a few "
            "pixels, such as 4."
        )


def _model(study: Study, name: str, model: Model) -> Iterator[str]:
    asked = any(name in Graph(study, "").behind(shown) for e in study.shown() for shown in e.models)
    yield from _weights(model, asked=asked)
    yield from _parts(study, name, model)
    for option in (option for option in FROM_DATA if option in model.options):
        yield f"options.{option}: comes from the data set; leave it out."
    yield from _side(model, study.datasets[model.dataset].size)
    yield from _radius("models", model)


def _weights(model: Model, *, asked: bool) -> Iterator[str]:
    """What is wrong with a model's recipe and weights; a file is looked for where an output asks
    for the model.
    """
    both = model.recipe is not None and model.weights is not None
    if not has_network(model.kind):
        for key in ("recipe", "weights"):
            if getattr(model, key) is not None:
                yield f"{key}: {model.kind} has no network of its own to train; leave it out."
    elif model.recipe is None and model.weights is None:
        yield (
            "recipe: is missing; name one of `recipes`, or a file of trained weights under "
            "`weights`."
        )
    elif both:
        yield "weights: are given beside a recipe; keep one of the two."
    elif model.weights is not None and asked and not _there(model.weights):
        yield (
            f"weights: there is no file {model.weights}, nor a source of that name in "
            "config/sources.csv; a relative path begins in the folder of the run, "
            f"{Path.cwd()}. Put the file there{_whence(model.kind)}, or train a substitute by a "
            "`recipe` in the place of `weights`."
        )
    if model.keys and model.weights is None:
        yield "keys: are not used without `weights`; leave them out."


def _whence(kind: str) -> str:
    """Where a kind's weights can be had, in brackets; empty where it does not say."""
    said = literal("models", kind, "WEIGHTS", "")
    return f" ({said})" if said else ""


def _there(weights: str) -> bool:
    return Path(weights).is_file() or any(row.source == weights for row in read_register())


def _parts(study: Study, name: str, model: Model) -> Iterator[str]:
    """What is wrong with the parts of a model."""
    roles: Mapping[str, str] = literal("models", model.kind, "PARTS", {})
    asked = {role: wanted.removesuffix(OPTIONAL) for role, wanted in roles.items()}
    trainer = study.recipes[model.recipe].trainer if model.recipe else ""
    training = {**literal("trainers", trainer, "PARTS", {}), START: ""} if trainer else {}
    needed = {**(training if trainer else {}), **asked}
    for role, wanted in needed.items():
        left_out = role == START or roles.get(role, "").endswith(OPTIONAL)
        if role not in model.parts and not left_out:
            yield f"parts.{role}: is missing; name a model that gives {with_article(wanted)}."
    for role, part in model.parts.items():
        known = {**training, **asked}
        if role == START and not trainer:
            yield f"parts.{role}: is not used without a recipe; leave it out."
        elif role not in known:
            yield f"parts.{role}: {model.kind} has no such part{nearest(role, known)}"
        elif known[role] and gives(study.models[part].kind) != known[role]:
            there, given = map(with_article, (known[role], gives(study.models[part].kind)))
            yield f"parts.{role}: must be {there}; {part} is {given}."
        elif known[role] == CLASSIFIER and study.models[part].dataset != model.dataset:
            yield (
                f"parts.{role}: {part} is of data set {study.models[part].dataset}; name a "
                f"classifier of {model.dataset}."
            )
        elif role == START and (why := _another(study, model, study.models[part])):
            yield f"parts.{role}: {part} {why}."
    if any(name in Graph(study, "").behind(part) for part in model.parts.values()):
        yield f"parts: lead back to {name} itself."


def _another(study: Study, model: Model, start: Model) -> str:
    """Why training cannot start from another model's weights; empty where it can."""
    if start.kind != model.kind:
        return f"is of kind {start.kind}, not {model.kind}"
    told, mine = (filled("models", one.kind, one.options) for one in (start, model))
    known = declared("models", model.kind) or {}
    fit = [name for name, option in known.items() if option.fits(mine.get(name))]
    if differ := [name for name in fit if told.get(name) != mine.get(name)]:
        return f"differs in {', '.join(differ)}; give both the same options"
    sets = [study.datasets[one.dataset].kind for one in (start, model)]
    there, here = (literal("data", kind, "CHANNELS") for kind in sets)
    if there and here and there != here:
        return f"takes images of {there} channels each, not {here}"
    return ""


def _side(model: Model, size: int) -> Iterator[str]:
    """Whether the last stage's output is as large as the net needs it, by its literal SIDE."""
    form, options = (
        literal("models", model.kind, "SIDE"),
        filled("models", model.kind, model.options),
    )
    known = declared("models", model.kind) or {}
    if not form:
        return
    names = [form[key] for key in ("divided_by", "halved_after_each_of") if key in form]
    if not all(known[name].fits(options[name]) for name in names):
        return
    divisor = options[form["divided_by"]] if "divided_by" in form else 1
    divisor *= 2 ** (len(options[form["halved_after_each_of"]]) - 1)
    if -(-size // divisor) < form["least"]:
        least = (form["least"] - 1) * divisor + 1
        yield (
            f"dataset: images of {size} pixels are too small for {model.kind} with these options; "
            f"it needs {least}."
        )


def _looks(study: Study) -> Iterator[str]:
    """What models lack that outputs ask of them: quantities that a measure looks at, settings of
    inference, a classifier at all; and images to compare with.
    """
    plan = Plan(study)
    for name in (name for name in study.outputs if name in {**study.tables, **study.figures}):
        entry = plan.entry(name)
        place = f"{'tables' if name in study.tables else 'figures'}.{name}"
        seen = set(plan.needs_of(name)) - UNSEEN
        wanted = {CLASSIFIER if sort in SORTS else _wanted(sort) for sort in seen}
        for model in entry.models:
            yield from (f"{place}.models: {said}" for said in _shown(study, model, wanted))
        for model, attack in product(entry.models, entry.attacks):
            yield from _under(study, model, attack, entry.models)
            yield from _known(study, model, attack)
        for model, detector in product(entry.models, entry.detectors):
            if plan.measured_with(detector):
                kind, who = study.detectors[detector].kind, f"detector {detector}"
                yield from (
                    f"models.{model}.{said}" for said in _blind(study.models[model], kind, who)
                )
                options = study.detectors[detector].options
                yield from _reference(study, study.models[model].dataset)
                where = f"detectors.{detector}"
                yield from _counts(study, model, Asked(where, "detectors", kind, options))
        sorts = [sort for sort in plan.needs_of(name) if sort not in SORTS]
        asked_for = [one for sort in sorts for one in plan.measures_of(sort, entry)]
        behind = [other for one in asked_for for other in plan.behind(one)]
        measures = list(dict.fromkeys([*asked_for, *behind]))
        for model, measure in product(entry.models, measures):
            told, who = plan.measure(measure), f"measure {measure}"
            blind = _blind(study.models[model], told.kind, who)
            yield from (f"models.{model}.{said}" for said in blind)
            asked = Asked(f"measures.{measure}", "measures", told.kind, told.options)
            yield from _counts(study, model, asked)


def _wanted(sort: str) -> str:
    """What a model must give for a kind of measure."""
    return str(literal("measures", sort, "OF", CLASSIFIER))


def _shown(study: Study, model: str, wanted: set[str]) -> Iterator[str]:
    """Whether a model gives something else than an output shows."""
    given = gives(study.models[model].kind)
    if wanted == {CLASSIFIER} and given != CLASSIFIER:
        yield f"{model} is {with_article(given)}, of which there are no scores; name a classifier."
    elif other := wanted - {given}:
        names = " or ".join(map(with_article, sorted(other)))
        yield f"{model} is {with_article(given)}; name {names}."


def _under(study: Study, model: str, attack: str, shown: Sequence[str]) -> Iterator[str]:
    """What is wrong with an attack on a model, which is shown beside others: settings of its view,
    unless they are meant for these others, and the model that it is made on.
    """
    entry = study.attacks[attack]
    other = entry.made_on
    kind = study.models[other or model].kind
    known = declared("models", kind, "VIEWS") or {}
    attacked = [kind] if other else [study.models[one].kind for one in shown]
    offered = {name for one in attacked for name in declared("models", one, "VIEWS") or {}}
    mine = {
        name: value for name, value in entry.view.items() if name in known or name not in offered
    }
    for name, said in problems(mine, known, noun=f"setting of {kind}"):
        yield f"attacks.{attack}.view.{name}: {said}"
    if other and gives(kind) != CLASSIFIER:
        given = with_article(gives(kind))
        yield f"attacks.{attack}.made_on: must be a classifier; {other} is {given}."
    if other and study.models[other].dataset != study.models[model].dataset:
        yield (
            f"attacks.{attack}.made_on: {other} is of data set {study.models[other].dataset}, and "
            f"{model}, for which it is shown, of {study.models[model].dataset}."
        )


def _known(study: Study, model: str, attack: str) -> Iterator[str]:
    """What a model does not show to an attack that looks into it or knows a detector."""
    entry = study.attacks[attack]
    name, who = entry.made_on or model, f"attack {attack}"
    on = study.models[name]
    yield from (f"models.{name}.{said}" for said in _blind(on, entry.kind, who, room="attacks"))
    for option, form in (declared("attacks", entry.kind) or {}).items():
        detector = study.detectors.get(str(entry.options.get(option)))
        if form.type == "detector" and detector:
            yield from (f"models.{name}.{said}" for said in _blind(on, detector.kind, who))


def _blind(model: Model, kind: str, who: str, room: str = "measures") -> Iterator[str]:
    """What a measure or an attack looks at and a model does not show."""
    asked, there = constant(room, kind, "LOOKS_AT"), constant("models", model.kind, "SHOWS")
    with_option: Mapping[str, str] = literal("models", model.kind, "SHOWN_WITH", {})
    options = filled("models", model.kind, model.options)
    if missing := [part for part in asked if part not in (*there, "scores")]:
        yield (
            f"kind: {model.kind} shows no {', '.join(missing)}, by which {who} looks into a model; "
            "let it show them in `look`, and name them in SHOWS."
        )
        return
    for part in asked:
        option = with_option.get(part)
        if option and not options.get(option, True):
            yield f"options.{option}: is 0, but {who} looks at {part}; write 0.2, say."


def _reference(study: Study, dataset: str) -> Iterator[str]:
    """Whether there are as many training images as a detector compares with."""
    entry, train = study.datasets[dataset], parts(study.datasets[dataset])[0]
    asked = entry.evaluate.reference
    if train is not None and entry.validation < train < asked + entry.validation:
        yield (
            f"datasets.{dataset}.evaluate.reference: {asked} images are asked for, but "
            f"{train - entry.validation} are left to train on; lower it."
        )


def _counts(study: Study, model: str, asked: Asked) -> Iterator[str]:
    """What an entry's options ask of the numbers of images."""
    dataset = study.models[model].dataset
    path, evaluate = f"datasets.{dataset}.evaluate", study.datasets[dataset].evaluate.model_dump()
    values = filled(asked.room, asked.kind, asked.options)
    for name, form in (declared(asked.room, asked.kind) or {}).items():
        bounds, value = (*form.up_to, *form.below_each), values.get(name)
        for part in (part for part in bounds if form.fits(value)):
            if value > evaluate[part] - (part in form.below_each):
                bound = "must be below" if part in form.below_each else "must not be above"
                yield (
                    f"{asked.path}.options.{name}: {bound} {path}.{part} ({evaluate[part]}), not "
                    f"{value}."
                )
