"""What a study consists of, as a pure function of its configuration: files and what makes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from robustgen.core.literals import constant, literal
from robustgen.core.options import filled
from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN
from robustgen.core.seeds import seed_of
from robustgen.study.schema import Output, Study
from robustgen.study.settings import Settings

SORTS = {  # sort of files that an output is made from -> the lists of its entry that select them
    "scores": ("models", "attacks"),
    "clean": ("models",),
    "detect": ("models", "attacks", "detectors"),
    "history": ("models",),
    "data": ("datasets",),
}


class Plan(Settings):
    """What each output of a study is made from, and what its jobs are told."""

    # --- what jobs are told -----------------------------------------------------------------------

    def told(self, model: str, seed: int | str, attack: str) -> dict[str, Any]:
        """What an attack is told beside the images, by what its kind needs: the score rows of clean
        images (`clean`), or all that a detector which learns is fitted on (`learnt`).
        """
        needs = constant("attacks", self.study.attacks[attack].kind, "NEEDS")
        clean = {"clean": self.scores(model, seed, CLEAN)} if "clean" in needs else {}
        learnt = {"learnt": self._learnt(model, seed, attack)} if "learnt" in needs else {}
        return clean | learnt

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

    def told_files(self, model: str, seed: int | str, attack: str) -> list[str]:
        """The files of rows that an attack is told of."""
        told = self.told(model, seed, attack)
        rows = told.get("learnt", {}).get("rows", {}).values()
        clean = [told["clean"]] if "clean" in told else []
        return [*clean, *(path for files in rows for path in files.values())]

    def detectors(self, model: str, attack: str) -> dict[str, dict[str, Any]]:
        """The detectors that some output shows on a model under an attack, with all settings."""
        return {name: self.detector(name) for name in self._shown(model).get(attack, {})}

    def detect_inputs(
        self, model: str, seed: int | str, attack: str
    ) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """(attack -> score rows of those that detectors learn from, detector -> attack -> rows of
        its measure) behind the detectors of a model under an attack.
        """
        learnt = {n: list(self.learnt_from(n).values()) for n in self.detectors(model, attack)}
        others = dict.fromkeys(one for names in learnt.values() for one in names)
        rows = {
            name: {
                one: self.measured(model, seed, one, name)[0]
                for one in dict.fromkeys([CLEAN, attack, *names])
            }
            for name, names in learnt.items()
            if self.measured_with(name)
        }
        return {one: self.scores(model, seed, one) for one in others}, rows

    def _shown(self, model: str) -> dict[str, dict[str, None]]:
        """Attack -> the detectors that some output shows on a model under it."""
        return self._detected.get(model, {})

    @cached_property
    def _detected(self) -> dict[str, dict[str, dict[str, None]]]:
        by_model: dict[str, dict[str, dict[str, None]]] = {}
        for entry in self._entries("detect"):
            for model, attack, name in product(entry.models, entry.attacks, entry.detectors):
                by_model.setdefault(model, {}).setdefault(attack, {})[name] = None
        return by_model

    # --- outputs ----------------------------------------------------------------------------------

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

    def model_facts(self) -> str:
        """What claims must know of each model."""
        names = ("dataset", "kind", "options", "parts")
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
            "options": filled("models", entry.kind, entry.options),
            "family": self.family(model),
            "parts": dict(entry.parts),
            "part_objectives": {role: self.objective(one) for role, one in entry.parts.items()},
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

    def made(self, name: str) -> str:
        """The file that stands for a table (csv) or figure (png)."""
        room = self._room(name)
        return f"{self.root}/{room}/{name}.{'csv' if room == 'tables' else 'png'}"

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

    # --- files of outputs -------------------------------------------------------------------------

    def needs(self, name: str) -> dict[str, list[str]]:
        """The files that a table or figure is made from, by sort; its NEEDS says which sorts."""
        entry, sorts = self.entry(name), declared(self._room(name), self.kind(name))
        return {sort: list(dict.fromkeys(self._sort(sort, entry))) for sort in sorts}

    def judged(self) -> dict[str, list[str]]:
        """The rows behind all outputs, by sort: scores, those that detectors were judged on among
        them, and each kind of measure.
        """
        scored = [e for sort in ("scores", "clean", "detect") for e in self._entries(sort)]
        files = {"scores": [path for entry in scored for path in self._sort("scores", entry)]}
        for sort in dict.fromkeys(s for sorts in self._declared.values() for s in sorts):
            if sort not in SORTS:
                paths = (p for entry in self._entries(sort) for p in self._sort(sort, entry))
                files[sort] = [path for path in paths if path.endswith(".parquet")]
        return {sort: list(dict.fromkeys(paths)) for sort, paths in files.items()}

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
    """The NEEDS of a module of tables or figures; none of one that computes all that it shows."""
    if literal(room, kind, "NEEDS") is not None:
        return constant(room, kind, "NEEDS")
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
