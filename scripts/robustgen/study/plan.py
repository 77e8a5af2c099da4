"""What a study consists of, as a pure function of its configuration: files, their makers' settings,
their order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from itertools import product
from typing import Any

from robustgen.core import kinds
from robustgen.core.literals import constant
from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN
from robustgen.study.schema import Dataset, Objective, Output, Study

OWN_WEIGHTS = "own weights"  # in the place of an objective, of which nothing is known


class Plan:
    """Paths and settings of one study; `results` is the folder that holds all studies."""

    def __init__(self, study: Study, results: str = "results") -> None:
        self.study = study
        self.root = f"{results}/{study.study}"

    # --- settings, as JSON for a command line
    # -------------------------------------------------------------------

    def net(self, model: str) -> str:
        """The net of a model, apart from what its data set's file says."""
        entry = self.study.models[model]
        dataset = self.study.datasets[entry.dataset]
        return _json(
            net=entry.net,
            options=entry.options,
            size=dataset.size,
            mean=dataset.mean,
            std=dataset.std,
        )

    def recipe(self, model: str) -> str:
        """The training recipe of a model; empty where its weights are the user's own."""
        name = self.study.models[model].recipe
        return _json(**self.study.recipes[name].model_dump()) if name else ""

    def objective(self, model: str) -> Objective:
        """What a model's training minimises."""
        name = self.study.models[model].recipe
        return self.study.recipes[name].objective if name else Objective(kind=OWN_WEIGHTS)

    def sweep(self, model: str, attack: str) -> str:
        """An attack's sweep on a model, with the budgets of its data set where it names none."""
        return _json(**self.sweep_of(model, attack))

    def sweep_of(self, model: str, attack: str) -> dict[str, Any]:
        """The same, not yet as text."""
        entry, dataset = self.study.attacks[attack], self._dataset(model)
        own = dataset.eps if entry.norm == "linf" else dataset.eps_l2
        return entry.model_dump() | {"eps": entry.eps or own}

    def output(self, name: str) -> str:
        """A table or figure: its own settings, and what it must know of the models and attacks that
        it shows.
        """
        entry = self.entry(name)
        spec = {
            "options": entry.options,
            "models": {model: self._facts(model) for model in entry.models},
            "attacks": {
                attack: self.study.attacks[attack].model_dump() for attack in entry.attacks
            },
            "detectors": {
                detector: self.study.detectors[detector].model_dump()
                for detector in entry.detectors
            },
        }
        # in the order of the configuration, which is the order of rows and panels
        return json.dumps(spec)

    def entry(self, name: str) -> Output:
        """The entry of a table or figure."""
        return self.study.tables.get(name) or self.study.figures[name]

    def kind(self, name: str) -> str:
        """The module that makes a table or figure."""
        return self.entry(name).kind or name

    def own_modules(self) -> list[str]:
        """The modules of the user's own that the study's entries name."""
        study = self.study
        kinds_used = [
            entry.kind
            for part in (study.datasets, study.attacks, study.detectors)
            for entry in part.values()
        ]
        kinds_used += [entry.net for entry in study.models.values()]
        kinds_used += [entry.objective.kind for entry in study.recipes.values()]
        kinds_used += [self.kind(name) for name in (*study.tables, *study.figures)]
        return sorted({kind for kind in kinds_used if "." in kind})

    def trained(self) -> str:
        """What claims must know of each model: its data set, the kind of its objective, its net."""
        facts = {
            name: {
                "dataset": entry.dataset,
                "objective": self.objective(name).kind,
                "net": entry.net,
                "options": entry.options,
            }
            for name, entry in self.study.models.items()
        }
        return json.dumps(facts)

    def evaluated(self, model: str) -> dict[str, int]:
        """How many images of each split are attacked and scored."""
        return self._dataset(model).evaluate.model_dump(exclude={"reference"})

    def reference(self, model: str) -> int:
        """With how many training images measures compare."""
        return self._dataset(model).evaluate.reference

    def detectors(self, model: str, attack: str) -> dict[str, dict[str, Any]]:
        """The detectors that some output shows on a model under an attack."""
        return self._detectors.get(model, {}).get(attack, {})

    @cached_property
    def _detectors(self) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
        """Model -> attack -> detector -> its settings."""
        found: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
        for entry in self._entries("detect"):
            for model, attack, name in product(entry.models, entry.attacks, entry.detectors):
                found.setdefault(model, {}).setdefault(attack, {})[name] = self.study.detectors[
                    name
                ].model_dump()
        return found

    def measures(self, model: str, attack: str) -> dict[str, dict[str, Any]]:
        """What the scores of a model under an attack hold for detectors, apart from energies; the
        name is the detector's.
        """
        by_attack = self._detectors.get(model, {})
        shown = {name: entry for entries in by_attack.values() for name, entry in entries.items()}
        return {
            name: {"kind": entry["kind"], "options": entry["options"]}
            for name, entry in shown.items()
            if entry["kind"] in self._measured
            and (
                attack in (CLEAN, entry["fit"], entry["noise"]) or name in by_attack.get(attack, {})
            )
        }

    @cached_property
    def _measured(self) -> list[str]:
        """The kinds of detectors that look into a net."""
        return kinds.kinds("measures")

    def learnt_from(self, model: str, attack: str) -> list[str]:
        """The attacks whose scores the detectors of a model under an attack learn from."""
        found = (
            entry[use]
            for entry in self.detectors(model, attack).values()
            for use in ("fit", "noise")
        )
        return list(dict.fromkeys(name for name in found if name))

    def knows_natural(self, attack: str) -> bool:
        """Whether an attack is told the scores of natural validation images."""
        return self.study.attacks[attack].kind in self._knowing

    @cached_property
    def _knowing(self) -> set[str]:
        """The kinds of attacks that are told of natural images."""
        kinds_used = {entry.kind for entry in self.study.attacks.values()}
        return {kind for kind in kinds_used if "natural" in constant("attacks", kind, "NEEDS")}

    def followed(self, model: str) -> dict[str, dict[str, Any]]:
        """The sweeps of the attacks by which some output shows a model's energy landscape."""
        shown = [entry for entry in self._entries("landscape") if model in entry.models]
        return {attack: self.sweep_of(model, attack) for entry in shown for attack in entry.attacks}

    def _dataset(self, model: str) -> Dataset:
        return self.study.datasets[self.study.models[model].dataset]

    def _entries(self, sort: str) -> list[Output]:
        """The outputs that are made from files of a sort."""
        return [self.entry(name) for name, sorts in self._declared.items() if sort in sorts]

    @cached_property
    def _declared(self) -> dict[str, tuple[str, ...]]:
        """The sorts of files that each output is made from."""
        rooms = {
            name: "tables" if name in self.study.tables else "figures"
            for name in self.study.outputs
        }
        return {name: declared(room, self.kind(name)) for name, room in rooms.items()}

    def _facts(self, model: str) -> dict[str, Any]:
        entry = self.study.models[model]
        dataset = self.study.datasets[entry.dataset]
        return {
            "dataset": entry.dataset,
            "merged": list(self.merged(entry.dataset)),
            "published": dataset.published,
            "objective": self.objective(model).model_dump(),
            "net": entry.net,
            "options": entry.options,
        }

    # --- files ------------------------------------------------------------------------------------
    # ---------------

    def dataset(self, dataset: str) -> str:
        """Folder of a data set in the one form."""
        return f"{self.root}/data/{dataset}"

    def datasets(self) -> list[str]:
        """The data sets that some output of the study needs."""
        entries = [self.entry(name) for name in self.study.outputs]
        found = [self.study.models[model].dataset for entry in entries for model in entry.models]
        return list(
            dict.fromkeys(found + [dataset for entry in entries for dataset in entry.datasets])
        )

    def fetched(self, dataset: str) -> list[str]:
        """The receipts of the downloads that a data set is read from; none for an embedded one."""
        return [f"{self.root}/sources/{source}.json" for source in self.sources(dataset)]

    def downloads(self) -> list[str]:
        """The receipts of all downloads of the study."""
        return list(
            dict.fromkeys(
                receipt for dataset in self.datasets() for receipt in self.fetched(dataset)
            )
        )

    def sources(self, dataset: str) -> tuple[str, ...]:
        """The downloads that a data set needs: those that it asks for, else its module's SOURCES;
        none for an own folder.
        """
        entry = self.study.datasets[dataset]
        if "folder" in entry.options:
            return ()
        return tuple(entry.options.get("sources", constant("data", entry.kind, "SOURCES")))

    def merged(self, dataset: str) -> tuple[str, ...]:
        """The sources that a data set which may be merged of several is merged of; none for any
        other.
        """
        several = constant("data", self.study.datasets[dataset].kind, "SOURCES")[1:]
        return self.sources(dataset) if several else ()

    def lists(self, dataset: str) -> tuple[str, ...]:
        """The files of the project that a data set is made with, such as a label map: its own, else
        its module's LISTS.
        """
        entry = self.study.datasets[dataset]
        found = constant("data", entry.kind, "LISTS")
        return (str(entry.options["map"]),) if found and "map" in entry.options else found

    def weights(self, model: str, seed: int | str) -> str:
        """Trained weights."""
        return f"{self.root}/training/{model}/seed{seed}/weights.safetensors"

    def history(self, model: str, seed: int | str) -> str:
        """The history of a training run."""
        return f"{self.root}/training/{model}/seed{seed}/history.csv"

    def attacked(self, model: str, seed: int | str, attack: str) -> str:
        """Attacked images."""
        return f"{self.root}/attacks/{model}/seed{seed}/{attack}/images.safetensors"

    def attack_record(self, model: str, seed: int | str, attack: str) -> str:
        """What stays of an attack once its images are deleted."""
        return f"{self.root}/attacks/{model}/seed{seed}/{attack}/costs.json"

    def scores(self, model: str, seed: int | str, attack: str) -> str:
        """Energy scores, one row per image and cell."""
        return f"{self.root}/measures/{model}/seed{seed}/{attack}/scores.parquet"

    def detected(self, model: str, seed: int | str, attack: str) -> list[str]:
        """The detectors' statistics per image, and their thresholds."""
        return [
            f"{self.root}/detect/{model}/seed{seed}/{attack}/{name}.parquet"
            for name in ("statistics", "thresholds")
        ]

    def gradients(self, model: str, seed: int | str) -> list[str]:
        """Input gradients: measures per image, and some of them as pictures."""
        return [
            f"{self.root}/synthesis/{model}/seed{seed}/gradients/gradients.{end}"
            for end in ("parquet", "safetensors")
        ]

    def landscapes(self, model: str, seed: int | str) -> list[str]:
        """Energies along attacks and on planes that they span."""
        return [
            f"{self.root}/synthesis/{model}/seed{seed}/landscape/{name}.parquet"
            for name in ("landscape", "plane")
        ]

    def made(self, name: str) -> str:
        """The file that stands for a table (csv) or figure (png)."""
        return (
            f"{self.root}/tables/{name}.csv"
            if name in self.study.tables
            else (f"{self.root}/figures/{name}.png")
        )

    # --- what depends on what
    # ------------------------------------------------------------------------------------

    def needs(self, name: str) -> dict[str, list[str]]:
        """The files that a table or figure is made from, by sort; its module's NEEDS says which
        sorts.
        """
        entry, module = self.entry(name), self.kind(name)
        room = "tables" if name in self.study.tables else "figures"
        return {
            sort: list(dict.fromkeys(self._sort(sort, entry))) for sort in declared(room, module)
        }

    def scored(self) -> list[str]:
        """The scores behind all outputs, those that detectors were judged on among them."""
        entries = {
            id(entry): entry
            for sort in ("scores", "natural", "detect")
            for entry in self._entries(sort)
        }
        found = (path for entry in entries.values() for path in self._sort("scores", entry))
        return list(dict.fromkeys(found))

    def _sort(self, sort: str, entry: Output) -> Iterator[str]:
        runs = list(product(entry.models, self.study.seeds))
        match sort:
            case "scores":
                yield from (
                    self.scores(*run, attack) for run in runs for attack in (CLEAN, *entry.attacks)
                )
            case "natural":
                yield from (self.scores(*run, CLEAN) for run in runs)
            case "detect":
                for run, attack in product(runs, entry.attacks):
                    yield from self.detected(*run, attack)
            case "gradients":
                yield from (path for run in runs for path in self.gradients(*run))
            case "landscape":
                yield from (path for run in runs for path in self.landscapes(*run))
            case "history":
                yield from (self.history(*run) for run in runs)
            case "data":
                yield from (f"{self.dataset(dataset)}/splits.json" for dataset in entry.datasets)
            case _:
                raise Refused(
                    f"NEEDS names {sort!r}; sorts are scores, natural, detect, gradients, "
                    "landscape, history and data."
                )


def declared(room: str, kind: str) -> tuple[str, ...]:
    """The NEEDS of a module of tables or figures."""
    found = constant(room, kind, "NEEDS")
    if found:
        return found
    raise Refused(
        f"{kind} of {room} must declare NEEDS, the sorts of files it is made from, as NEEDS = "
        '("scores",).'
    )


def _json(**values: Any) -> str:
    return json.dumps(values, sort_keys=True)
