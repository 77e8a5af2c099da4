"""What the entries of a study say, with all that they leave to defaults filled in."""

from __future__ import annotations

from typing import Any

from robustgen.attacks.takes import EPS, STEPS, taken
from robustgen.core.kinds import module_name
from robustgen.core.literals import constant, module
from robustgen.core.options import declared as declared_options
from robustgen.core.options import filled
from robustgen.core.rows import CLEAN
from robustgen.data.download.sources import data_root, read_register
from robustgen.study.paths import Paths
from robustgen.study.schema import Dataset, Measure, Objective
from robustgen.training.types import Objective as DEFAULT

STEPS_TAKEN = (40,)  # where an attack that takes steps names none
OWN_WEIGHTS = "own weights"  # in the place of an objective, of which nothing is known


class Settings(Paths):
    """The settings of a study's models, attacks, detectors, measures and data sets."""

    # --- models -----------------------------------------------------------------------------------

    def objective(self, model: str) -> dict[str, Any]:
        """What a model's training minimises: its kind, and all settings of it."""
        name = self.study.models[model].recipe
        if not name:
            return {"kind": OWN_WEIGHTS}
        entry = self.study.recipes[name].objective or Objective(kind=DEFAULT.kind)
        return {"kind": entry.kind, **filled("objectives", entry.kind, entry.options)}

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
        modules = self.graph.modules(model, training=True)
        if name := self.study.models[model].recipe:
            modules.append(module_name("trainers", self.study.recipes[name].trainer))
            modules.append(module_name("objectives", str(self.objective(model)["kind"])))
        return modules

    def own_weights(self, model: str) -> str:
        """The file of weights that a model's entry names, by path or by a source; "" for none."""
        told = self.study.models[model].weights or ""
        files = [row.file for row in read_register() if row.source == told and row.url]
        return str(data_root(self.study.data.root) / files[0]) if files else told

    def evaluated(self, model: str, attack: str = CLEAN) -> dict[str, int]:
        """How many images of each split are scored, clean or under an attack."""
        counts = self._dataset(model).evaluate.model_dump(exclude={"reference"})
        entry = self.study.attacks.get(attack)
        if entry and not entry.validation:
            del counts["validation"]
        most = entry.images if entry else None
        return {split: min(n, most or n) for split, n in counts.items()}

    def reference(self, model: str) -> int:
        """With how many training images measures compare."""
        return self._dataset(model).evaluate.reference

    def _dataset(self, model: str) -> Dataset:
        return self.study.datasets[self.study.models[model].dataset]

    # --- attacks ----------------------------------------------------------------------------------

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

    def attack_facts(self, attack: str) -> dict[str, Any]:
        """What an output must know of an attack."""
        entry = self.study.attacks[attack]
        plain = entry.model_dump(mode="json", exclude={"jobs"})
        return plain | {"options": filled("attacks", entry.kind, entry.options)}

    def view(self, model: str, attack: str) -> dict[str, Any]:
        """The settings of a model's inference under an attack, those that its kind offers."""
        offered = declared_options("models", self.study.models[model].kind, "VIEWS") or {}
        view = self.study.attacks[attack].view
        return {name: value for name, value in view.items() if name in offered}

    def batch(self, attack: str) -> int:
        """How many images are attacked at a time."""
        return self.study.attacks[attack].batch or self.study.compute.batch

    def attack_modules(self, attack: str) -> list[str]:
        """The modules that an attack's job loads by name: its kind, and the detectors it knows."""
        entry = self.study.attacks[attack]
        named = [entry.options.get(option) for option in self._named(entry.kind, "detector")]
        found = [self.study.detectors[str(name)].kind for name in named if name]
        own = module_name("attacks", entry.kind)
        return [own, *(module_name("detectors", kind) for kind in found)]

    def other_data(self, attack: str) -> list[str]:
        """The data sets that an attack's options name."""
        entry = self.study.attacks[attack]
        names = self._named(entry.kind, "dataset")
        return [str(entry.options[name]) for name in names if entry.options.get(name)]

    def _named(self, kind: str, type_: str, room: str = "attacks") -> list[str]:
        """The options of a kind that name entries of a type."""
        known = declared_options(room, kind) or {}
        return [name for name, option in known.items() if option.type == type_]

    # --- detectors and measures -------------------------------------------------------------------

    def detector(self, name: str) -> dict[str, Any]:
        """The settings of a detector."""
        entry = self.study.detectors[name]
        options = filled("detectors", entry.kind, entry.options)
        return {"kind": entry.kind, "fpr": entry.fpr, "options": options}

    def learnt_from(self, name: str) -> dict[str, str]:
        """Option -> attack, of the attacks that a detector learns from."""
        settings = self.detector(name)
        options = self._named(settings["kind"], "attack", "detectors")
        return {option: value for option in options if (value := settings["options"].get(option))}

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

    def made_from(self, model: str, seed: int | str, name: str) -> dict[str, list[str]]:
        """Measure -> its rows and arrays, of those that a measure of a model is made from."""
        return {one: self.measured(model, seed, CLEAN, one) for one in self.behind(name)}

    def behind(self, name: str) -> tuple[str, ...]:
        """The measures that a measure is made from."""
        return constant("measures", self.measure(name).kind, "MADE_FROM")

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
        declared = module("detectors", self.study.detectors[detector].kind)
        return declared is not None and "measure" in declared.names

    # --- data -------------------------------------------------------------------------------------

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
        lists = constant("data", entry.kind, "LISTS")
        return (str(entry.options["map"]),) if lists and "map" in entry.options else lists

    def receipts(self, dataset: str) -> list[str]:
        """The receipts of the downloads that a data set is read from; none for an embedded one."""
        return [f"{self.root}/sources/{source}.json" for source in self.sources(dataset)]

    def weights_receipts(self, model: str) -> list[str]:
        """The receipt of the download that a model's weights are read from, where they are one."""
        told = self.study.models[model].weights
        named = any(row.source == told for row in read_register()) if told else False
        return [f"{self.root}/sources/{told}.json"] if named else []
