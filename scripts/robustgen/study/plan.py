"""What a study consists of, as a pure function of its configuration: files and what makes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from robustgen.attacks.takes import EPS, STEPS, taken
from robustgen.core.kinds import module_name
from robustgen.core.literals import constant, literal, module
from robustgen.core.options import declared as declared_options
from robustgen.core.options import filled
from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN
from robustgen.core.seeds import seed_of
from robustgen.data.download.sources import data_root, read_register
from robustgen.study.graph import Graph
from robustgen.study.schema import Dataset, Measure, Objective, Output, Study
from robustgen.training.types import Objective as DEFAULT

STEPS_TAKEN = (40,)  # where an attack that takes steps names none
OWN_WEIGHTS = "own weights"  # in the place of an objective, of which nothing is known
SORTS = {  # sort of files that an output is made from -> the lists of its entry that select them
    "scores": ("models", "attacks"),
    "clean": ("models",),
    "detect": ("models", "attacks", "detectors"),
    "history": ("models",),
    "data": ("datasets",),
}


class Plan:
    """Settings and files of one study; `results` is the folder that holds all studies."""

    def __init__(self, study: Study, results: str = "results") -> None:
        self.study = study
        self.root = f"{results}/{study.study}"
        self.graph = Graph(study, self.root)

    # --- models --------------------------------------------------------------------------------

    def objective(self, model: str) -> dict[str, Any]:
        """What a model's training minimises: its kind, and all settings of it."""
        name = self.study.models[model].recipe
        if not name:
            return {"kind": OWN_WEIGHTS}
        found = self.study.recipes[name].objective or Objective(kind=DEFAULT.kind)
        return {"kind": found.kind, **filled("objectives", found.kind, found.options)}

    def family(self, model: str) -> str:
        """By which name claims speak of a model."""
        return self.study.models[model].family or str(self.objective(model)["kind"])

    def recipe(self, model: str) -> dict[str, Any]:
        """The training recipe of a model with all settings filled in; empty where it has none."""
        name = self.study.models[model].recipe
        if not name:
            return {}
        plain = self.study.recipes[name].model_dump(exclude_none=True)
        if goal := plain.get("objective"):
            goal["options"] = filled("objectives", goal["kind"], goal["options"])
        return plain | {"options": filled("trainers", plain["trainer"], plain["options"])}

    def training_modules(self, model: str) -> list[str]:
        """The modules that a model's training loads by name."""
        found = self.graph.modules(model, training=True)
        if name := self.study.models[model].recipe:
            found.append(module_name("trainers", self.study.recipes[name].trainer))
            found.append(module_name("objectives", str(self.objective(model)["kind"])))
        return found

    def own_weights(self, model: str) -> str:
        """The file of weights that a model's entry names, by path or by a source; "" for none."""
        told = self.study.models[model].weights or ""
        files = [row.file for row in read_register() if row.source == told and row.url]
        return str(data_root(self.study.data.root) / files[0]) if files else told

    def evaluated(self, model: str, attack: str = CLEAN) -> dict[str, int]:
        """How many images of each split are scored, clean or under an attack."""
        found = self._dataset(model).evaluate.model_dump(exclude={"reference"})
        most = self.study.attacks[attack].images if attack in self.study.attacks else None
        return {split: min(n, most or n) for split, n in found.items()}

    def reference(self, model: str) -> int:
        """With how many training images measures compare."""
        return self._dataset(model).evaluate.reference

    def _dataset(self, model: str) -> Dataset:
        return self.study.datasets[self.study.models[model].dataset]

    # --- attacks -------------------------------------------------------------------------------

    def made_on(self, model: str, attack: str) -> str:
        """The model on which the images of an attack are made that are shown for `model`."""
        return self.study.attacks[attack].made_on or model

    def sweep_of(self, model: str, attack: str) -> dict[str, Any]:
        """An attack's sweep on a model, with the budgets of its data set where it names none."""
        entry, dataset = self.study.attacks[attack], self._dataset(model)
        uses = taken(entry.kind, filled("attacks", entry.kind, entry.options))
        sweep = {axis: list(values) for axis, values in entry.sweep.items()}
        own: dict[str, list[Any]] = {}
        if uses is None or EPS in uses.names:
            own[EPS] = list(dataset.eps if entry.norm == "linf" else dataset.eps_l2)
        if uses is None or STEPS in uses.names:
            own[STEPS] = list(STEPS_TAKEN)
        options = {
            name: self.dataset(value) if name in self._named(entry.kind, "dataset") else value
            for name, value in filled("attacks", entry.kind, entry.options).items()
            if name not in sweep
        }
        swept = {"sweep": own | sweep, "options": options}
        return {"kind": entry.kind, "norm": entry.norm, **swept}

    def told(self, model: str, seed: int | str, attack: str) -> dict[str, Any]:
        """What an attack is told beside the images, by what its kind needs: the score rows of clean
        images (`clean`), or all that a detector which learns is fitted on (`learnt`).
        """
        needs = constant("attacks", self.study.attacks[attack].kind, "NEEDS")
        clean = {"clean": self.scores(model, seed, CLEAN)} if "clean" in needs else {}
        learnt = {"learnt": self._learnt(model, seed, attack)} if "learnt" in needs else {}
        return clean | learnt

    def attack_modules(self, attack: str) -> list[str]:
        """The modules that an attack's job loads by name: its kind, and the detectors it knows."""
        entry = self.study.attacks[attack]
        named = [entry.options.get(option) for option in self._named(entry.kind, "detector")]
        found = [self.study.detectors[str(name)].kind for name in named if name]
        own = module_name("attacks", entry.kind)
        return [own, *(module_name("detectors", kind) for kind in found)]

    def _learnt(self, model: str, seed: int | str, attack: str) -> dict[str, Any]:
        entry = self.study.attacks[attack]
        (option,) = self._named(entry.kind, "detector")
        name = str(entry.options[option])
        rows = {
            one: {
                "scores": self.scores(model, seed, one),
                "measured": self.measured(model, seed, one, name)[0],
            }
            for one in (CLEAN, *self.learnt_from(name).values())
        }
        return {
            "settings": {"name": name, **self.detector(name)},
            "rows": rows,
            "data": self.graph.data(model),
            "reference": self.reference(model),
            "seed": seed_of(self.study.seed, seed=int(seed), model=model, use=name),
            "batch": self.study.compute.batch,
        }

    def other_data(self, attack: str) -> list[str]:
        """The data sets that an attack's options name."""
        entry = self.study.attacks[attack]
        names = self._named(entry.kind, "dataset")
        return [str(entry.options[name]) for name in names if entry.options.get(name)]

    def _named(self, kind: str, type_: str, room: str = "attacks") -> list[str]:
        """The options of a kind that name entries of a type."""
        known = declared_options(room, kind) or {}
        return [name for name, option in known.items() if option.type == type_]

    # --- detectors and measures ----------------------------------------------------------------

    def detectors(self, model: str, attack: str) -> dict[str, dict[str, Any]]:
        """The detectors that some output shows on a model under an attack, with all settings."""
        return {name: self.detector(name) for name in self._shown(model).get(attack, {})}

    def detector(self, name: str) -> dict[str, Any]:
        """The settings of a detector."""
        entry = self.study.detectors[name]
        options = filled("detectors", entry.kind, entry.options)
        return {"kind": entry.kind, "fpr": entry.fpr, "options": options}

    def learnt_from(self, name: str) -> dict[str, str]:
        """Option -> attack, of the attacks that a detector learns from."""
        settings = self.detector(name)
        options = self._named(settings["kind"], "attack", "detectors")
        return {option: found for option in options if (found := settings["options"].get(option))}

    def measure(self, name: str) -> Measure:
        """A measure: of its own entry, of the detector of that name, or a kind as by default."""
        if name in self.study.measures:
            return self.study.measures[name]
        if name not in self.study.detectors:
            return Measure(kind=name)
        entry = self.study.detectors[name]
        names = constant("measures", entry.kind, "MEASURED_BY")
        options = {option: entry.options[option] for option in names if option in entry.options}
        return Measure(kind=entry.kind, options=options, jobs=entry.jobs)

    def measure_options(self, name: str) -> dict[str, Any]:
        """The options that a measure is handed."""
        entry = self.measure(name)
        told = filled("measures", entry.kind, entry.options)
        names = constant("measures", entry.kind, "MEASURED_BY") or tuple(told)
        return {option: told[option] for option in names if option in told}

    def measure_attacks(self, model: str, name: str) -> dict[str, dict[str, Any]]:
        """The sweeps of the attacks that a measure's options name."""
        told = self.measure_options(name)
        options = self._named(self.measure(name).kind, "attack", "measures")
        named = [told[option] for option in options if told.get(option)]
        names = [one for value in named for one in ([value] if isinstance(value, str) else value)]
        return {attack: self.sweep_of(model, attack) for attack in names}

    def measure_modules(self, model: str, name: str) -> list[str]:
        """The modules that a measure of a model loads by name: its own, those of the model and its
        parts, and those of the attacks that it follows.
        """
        attacks = [self.study.attacks[one].kind for one in self.measure_attacks(model, name)]
        own = module_name("measures", self.measure(name).kind)
        followed = dict.fromkeys(module_name("attacks", kind) for kind in attacks)
        return [own, *self.graph.modules(model), *followed]

    def measured_with(self, detector: str) -> bool:
        """Whether a detector looks into a model, by a measure of its own."""
        found = module("detectors", self.study.detectors[detector].kind)
        return found is not None and "measure" in found.names

    def _shown(self, model: str) -> dict[str, dict[str, None]]:
        """Attack -> the detectors that some output shows on a model under it."""
        return self._detected.get(model, {})

    @cached_property
    def _detected(self) -> dict[str, dict[str, dict[str, None]]]:
        found: dict[str, dict[str, dict[str, None]]] = {}
        for entry in self._entries("detect"):
            for model, attack, name in product(entry.models, entry.attacks, entry.detectors):
                found.setdefault(model, {}).setdefault(attack, {})[name] = None
        return found

    # --- outputs -------------------------------------------------------------------------------

    def entry(self, name: str) -> Output:
        """The entry of a table or figure."""
        return self.study.tables.get(name) or self.study.figures[name]

    def kind(self, name: str) -> str:
        """The module that makes a table or figure."""
        return self.entry(name).kind or name

    def output(self, name: str) -> str:
        """A table or figure: its own settings, and what it must know of what it shows."""
        entry = self.entry(name)
        spec = {
            "options": filled(self._room(name), self.kind(name), entry.options),
            "models": {model: self._facts(model) for model in entry.models},
            "attacks": {attack: self.attack_facts(attack) for attack in entry.attacks},
            "detectors": {detector: self.detector(detector) for detector in entry.detectors},
        }
        return json.dumps(spec)  # in the order of the configuration: that of rows and panels

    def attack_facts(self, attack: str) -> dict[str, Any]:
        """What an output must know of an attack."""
        entry = self.study.attacks[attack]
        plain = entry.model_dump(mode="json", exclude={"jobs"})
        return plain | {"options": filled("attacks", entry.kind, entry.options)}

    def model_facts(self) -> str:
        """What claims must know of each model."""
        names = ("dataset", "kind", "options")
        return json.dumps(
            {
                name: {key: getattr(entry, key) for key in names}
                | {"objective": self.objective(name)["kind"], "family": self.family(name)}
                for name, entry in self.study.models.items()
            }
        )

    def _facts(self, model: str) -> dict[str, Any]:
        entry = self.study.models[model]
        return {
            "dataset": entry.dataset,
            "merged": list(self.merged(entry.dataset)),
            "published": self._dataset(model).published,
            "objective": self.objective(model),
            "kind": entry.kind,
            "options": entry.options,
            "family": self.family(model),
            "parts": dict(entry.parts),
        }

    def own_modules(self) -> list[str]:
        """The modules of the user's own that the study's entries name."""
        study = self.study
        entries = (study.datasets, study.models, study.attacks, study.detectors, study.measures)
        used = [entry.kind for part in entries for entry in part.values()]
        used += [recipe.trainer for recipe in study.recipes.values()]
        used += [one.objective.kind for one in study.recipes.values() if one.objective]
        used += [self.kind(name) for name in (*study.tables, *study.figures)]
        return sorted({kind for kind in used if "." in kind})

    def _room(self, name: str) -> str:
        return "tables" if name in self.study.tables else "figures"

    def _entries(self, sort: str) -> list[Output]:
        """The outputs that are made from files of a sort."""
        return [self.entry(name) for name in self.study.outputs if sort in self.needs_of(name)]

    def needs_of(self, name: str) -> tuple[str, ...]:
        """The sorts of files that an output is made from."""
        return self._declared[name]

    @cached_property
    def _declared(self) -> dict[str, tuple[str, ...]]:
        """The sorts of files that each output is made from."""
        return {n: declared(self._room(n), self.kind(n)) for n in self.study.outputs}

    # --- data ----------------------------------------------------------------------------------

    def dataset(self, dataset: str) -> str:
        """The folder of a data set in the one form."""
        return f"{self.root}/data/{dataset}"

    def sources(self, dataset: str) -> tuple[str, ...]:
        """The downloads that a data set needs: those that it asks for, else its module's SOURCES;
        none for an own folder.
        """
        entry = self.study.datasets[dataset]
        if "folder" in entry.options:
            return ()
        return tuple(entry.options.get("sources", constant("data", entry.kind, "SOURCES")))

    def merged(self, dataset: str) -> tuple[str, ...]:
        """The sources that a data set is merged of; none for one that is not merged."""
        several = constant("data", self.study.datasets[dataset].kind, "SOURCES")[1:]
        return self.sources(dataset) if several else ()

    def lists(self, dataset: str) -> tuple[str, ...]:
        """The files of the project that a data set is made with, such as a label map: its own,
        else its module's LISTS.
        """
        entry = self.study.datasets[dataset]
        found = constant("data", entry.kind, "LISTS")
        return (str(entry.options["map"]),) if found and "map" in entry.options else found

    def receipts(self, dataset: str) -> list[str]:
        """The receipts of the downloads that a data set is read from; none for an embedded one."""
        return [f"{self.root}/sources/{source}.json" for source in self.sources(dataset)]

    def weights_receipts(self, model: str) -> list[str]:
        """The receipt of the download that a model's weights are read from, where they are one."""
        told = self.study.models[model].weights
        named = any(row.source == told for row in read_register()) if told else False
        return [f"{self.root}/sources/{told}.json"] if named else []

    # --- files ---------------------------------------------------------------------------------

    def history(self, model: str, seed: int | str) -> str:
        """The history of a training run."""
        return f"{self.root}/training/{model}/seed{seed}/history.csv"

    def images(self, model: str, seed: int | str, attack: str) -> str:
        """The images of an attack that are shown for a model."""
        made = self.made_on(model, attack)
        return f"{self.root}/attacks/{made}/seed{seed}/{attack}/images.safetensors"

    def scores(self, model: str, seed: int | str, attack: str) -> str:
        """Score rows, one per image and cell."""
        return f"{self.root}/measures/{model}/seed{seed}/{attack}/scores.parquet"

    def measured(self, model: str, seed: int | str, attack: str, measure: str) -> list[str]:
        """The rows and the arrays of a measure."""
        folder = f"{self.root}/measures/{model}/seed{seed}/{attack}/{measure}"
        return [f"{folder}/rows.parquet", f"{folder}/arrays.safetensors"]

    def detected(self, model: str, seed: int | str, attack: str) -> list[str]:
        """The detectors' statistics per image, and their thresholds."""
        folder = f"{self.root}/detect/{model}/seed{seed}/{attack}"
        return [f"{folder}/{name}.parquet" for name in ("statistics", "thresholds")]

    def made(self, name: str) -> str:
        """The file that stands for a table (csv) or figure (png)."""
        room = self._room(name)
        return f"{self.root}/{room}/{name}.{'csv' if room == 'tables' else 'png'}"

    def told_files(self, model: str, seed: int | str, attack: str) -> list[str]:
        """The files of rows that an attack is told of."""
        told = self.told(model, seed, attack)
        rows = told.get("learnt", {}).get("rows", {}).values()
        clean = [told["clean"]] if "clean" in told else []
        return [*clean, *(path for files in rows for path in files.values())]

    def detect_inputs(
        self, model: str, seed: int | str, attack: str
    ) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """(attack -> score rows of those that detectors learn from, detector -> attack -> rows of
        its measure) behind the detectors of a model under an attack.
        """
        learnt = {n: list(self.learnt_from(n).values()) for n in self.detectors(model, attack)}
        others = dict.fromkeys(one for found in learnt.values() for one in found)
        rows = {
            name: {
                one: self.measured(model, seed, one, name)[0]
                for one in dict.fromkeys([CLEAN, attack, *found])
            }
            for name, found in learnt.items()
            if self.measured_with(name)
        }
        return {one: self.scores(model, seed, one) for one in others}, rows

    def needs(self, name: str) -> dict[str, list[str]]:
        """The files that a table or figure is made from, by sort; its NEEDS says which sorts."""
        entry, sorts = self.entry(name), declared(self._room(name), self.kind(name))
        return {sort: list(dict.fromkeys(self._sort(sort, entry))) for sort in sorts}

    def judged(self) -> dict[str, list[str]]:
        """The rows behind all outputs, by sort: scores, those that detectors were judged on among
        them, and each kind of measure.
        """
        scored = [e for sort in ("scores", "clean", "detect") for e in self._entries(sort)]
        found = {"scores": [path for entry in scored for path in self._sort("scores", entry)]}
        for sort in dict.fromkeys(s for sorts in self._declared.values() for s in sorts):
            if sort not in SORTS:
                paths = (p for entry in self._entries(sort) for p in self._sort(sort, entry))
                found[sort] = [path for path in paths if path.endswith(".parquet")]
        return {sort: list(dict.fromkeys(paths)) for sort, paths in found.items()}

    def _sort(self, sort: str, entry: Output) -> Iterator[str]:
        runs = list(product(entry.models, self.study.seeds))
        match sort:
            case "scores":
                for run, attack in product(runs, (CLEAN, *entry.attacks)):
                    yield self.scores(*run, attack)
            case "clean":
                yield from (self.scores(*run, CLEAN) for run in runs)
            case "detect":
                for run, attack in product(runs, entry.attacks):
                    yield from self.detected(*run, attack)
            case "history":
                yield from (self.history(*run) for run in runs)
            case "data":
                yield from (f"{self.dataset(dataset)}/splits.json" for dataset in entry.datasets)
            case kind:
                yield from self._measures(kind, entry)

    def _measures(self, kind: str, entry: Output) -> Iterator[str]:
        """The files of the measures of a kind that an output shows."""
        on_attack = literal("measures", kind, "ON", "attack") == "attack"
        attacks = (CLEAN, *entry.attacks) if on_attack else (CLEAN,)
        runs = product(entry.models, self.study.seeds, attacks, self.measures_of(kind, entry))
        for run in runs:
            yield from self.measured(*run)

    def measures_of(self, kind: str, entry: Output) -> list[str]:
        """The measures of a kind that an output selects; that of the kind's name by default."""
        chosen = [name for name in entry.measures if self.measure(name).kind == kind]
        return chosen or [kind]


def declared(room: str, kind: str) -> tuple[str, ...]:
    """The NEEDS of a module of tables or figures."""
    found = constant(room, kind, "NEEDS")
    if found:
        return found
    raise Refused(
        f"{kind} of {room} must declare NEEDS, the sorts of files it is made from, as "
        'NEEDS = ("scores",).'
    )


def plan_of(study: Study, folder: Path) -> Plan:
    """The plan of a study whose results lie in `folder`."""
    if folder.name != study.study:
        raise Refused(
            f"{folder} holds the results of study {study.study!r}; rename the folder to "
            f"{study.study}."
        )
    return Plan(study, folder.parent.as_posix())
