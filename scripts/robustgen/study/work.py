"""How large a job is, told from the study alone, so that the time of comparable jobs foretells its
own.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from robustgen.attacks.cells import Sweep
from robustgen.attacks.takes import STEPS
from robustgen.core.kinds import kinds
from robustgen.core.literals import constant, literal, module
from robustgen.core.options import filled
from robustgen.core.rows import CLEAN
from robustgen.nets.flops import cost
from robustgen.nets.spec import Spec
from robustgen.study.facts import facts
from robustgen.study.plan import Plan
from robustgen.study.sense_data import parts
from robustgen.study.stages import STAGES, Axes

COLOURS = 3  # channels of a data set that is not loaded yet, where its module names no other number
FORWARD, BOTH = 1, 3  # a forward pass, and a forward and backward pass, in forward passes


class Work:
    """The size of a study's jobs; None where a data set's size is not known yet."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.study = plan, plan.study
        self.per_image: dict[str, int] = {}
        self.sweeps: dict[tuple[str, str], Sweep] = {}
        self.counts: dict[tuple[str, str], int] = {}  # of the sweeps' cells

    def size(self, rule: str, axes: Axes) -> float | None:
        """What a job's time grows with: operations in networks, images in data sets and detectors,
        rows in what is shown.
        """
        if rule not in STAGES or not self._knows(axes):
            return None
        if STAGES[rule].nets:
            return self.operations(rule, axes)
        if "dataset" in axes:
            return self._all_images(axes["dataset"])
        if "attack" in axes:
            rows = self._evaluated(axes["model"], axes["attack"])
            return rows * (1 + self.cells(axes["model"], axes["attack"]))
        if "name" in axes:
            return self._shown(axes["name"])
        return sum(self._shown(name) for name in self.study.outputs)

    def operations(self, rule: str, axes: Axes) -> float | None:
        """The floating point operations of a job; None for what is no pass through a network, or
        is not known.
        """
        if rule not in STAGES or not STAGES[rule].nets or not self._knows(axes):
            return None
        passes = self._passes(rule.removesuffix("_part"), axes)
        share = int(axes["part"].split("of")[1]) if "part" in axes else 1
        return None if passes is None else passes * self._flops(axes["model"]) / share

    def spec(self, model: str) -> Spec:
        """What a model is, with ten classes of images where its data set is not loaded yet."""
        entry, dataset = self.study.models[model], self._dataset(model)
        classes = len(self._facts(entry.dataset).get("names", range(10)))
        form = (self._channels(model), classes, dataset.size, dataset.mean, dataset.std)
        return Spec(entry.kind, *form, filled("models", entry.kind, entry.options))

    def images(self, model: str, attack: str) -> int:
        """The bytes of an attack's images."""
        size, channels = self._dataset(model).size, self._channels(model)
        images = int(self._evaluated(model, attack)) * self.cells(model, attack)
        return images * channels * size**2 * 4

    def cells(self, model: str, attack: str) -> int:
        """How many versions of each image an attack job holds; one of clean images."""
        if attack not in self.study.attacks:
            return 1
        if (model, attack) not in self.counts:
            self.counts[model, attack] = len(self._sweep(model, attack).cells())
        return self.counts[model, attack]

    def _knows(self, axes: Axes) -> bool:
        """Whether the study still has what a job that ran was of."""
        shown = (*self.study.tables, *self.study.figures)
        known: dict[str, Any] = {
            "dataset": self.study.datasets,
            "model": self.study.models,
            "attack": (*self.study.attacks, CLEAN),
            "measure": (*self.study.measures, *self.study.detectors, *kinds("measures")),
            "name": shown,
        }
        return all(axes[axis] in names for axis, names in known.items() if axis in axes)

    def _passes(self, rule: str, axes: Axes) -> float | None:
        """Forward passes of images through the model, as far as they are known."""
        model, attack = axes["model"], axes.get("attack", CLEAN)
        match rule:
            case "train":
                return self._training(model)
            case "attack":
                return self._evaluated(model, attack) * self._attack(model, attack)
            case "measure":
                return self._measure(axes)
            case _:
                return self._evaluated(model, attack) * self.cells(model, attack)

    def _measure(self, axes: Axes) -> float:
        """Passes of a measure: of its images, along the attacks that it follows."""
        model, name = axes["model"], axes["measure"]
        kind, options = self.plan.measure(name).kind, self.plan.measure_options(name)
        followed = self.plan.measure_attacks(model, name).values()
        steps = sum(max(sweep["sweep"].get(STEPS, [1])) for sweep in followed)
        each = literal("measures", kind, "PASSES", FORWARD) + steps * (BOTH + FORWARD)
        if literal("measures", kind, "ON", "attack") == "model":
            return (options.get("images") or self.plan.evaluated(model)["test"]) * each
        count = self._evaluated(model, axes["attack"]) * self.cells(model, axes["attack"])
        return (count + self.plan.reference(model)) * each

    def _shown(self, name: str) -> float:
        """The rows of clean and attacked test images behind a table or figure; 1 for none."""
        entry = self.plan.entry(name)
        rows = sum(
            self.plan.evaluated(model, attack)["test"] * self.cells(model, attack)
            for model in entry.models
            for attack in (CLEAN, *entry.attacks)
        )
        return max(1, rows * len(self.study.seeds))

    def _all_images(self, dataset: str) -> float | None:
        known = self._facts(dataset).get("parts") or parts(self.study.datasets[dataset])
        return None if None in known else float(sum(known))

    def _training(self, model: str) -> float | None:
        name, count = self.study.models[model].recipe, self._train_images(model)
        if name is None or count is None:  # weights of the user's own are not trained
            return None
        objective = self.plan.objective(model)
        steps = literal("objectives", objective["kind"], "INNER")  # option: steps of an attack
        inner, held = objective[steps] if steps else 0, self._dataset(model).validation
        each = (count - held) * BOTH * (1 + inner) + held * FORWARD
        return self.study.recipes[name].epochs * each

    def _attack(self, model: str, attack: str) -> float:
        """Passes per image: one trajectory serves all step counts of a kind with snapshots."""
        sweep = self._sweep(model, attack)
        defined = module("attacks", sweep.kind)
        counts = sweep.sweep.get(STEPS, (1,))
        shared = defined is not None and "snapshots" in defined.names
        steps = max(counts) if shared else sum(counts)
        repeats = constant("attacks", sweep.kind, "REPEATS")  # options that multiply the passes
        times = prod(sweep.options.get(name) or 1 for name in repeats)
        return len(sweep.trajectories()) * steps * times * BOTH

    def _sweep(self, model: str, attack: str) -> Sweep:
        if (model, attack) not in self.sweeps:
            self.sweeps[model, attack] = Sweep.of(self.plan.sweep_of(model, attack))
        return self.sweeps[model, attack]

    def _evaluated(self, model: str, attack: str = CLEAN) -> float:
        return sum(self.plan.evaluated(model, attack).values())

    def _dataset(self, model: str) -> Any:
        return self.study.datasets[self.study.models[model].dataset]

    def _facts(self, dataset: str) -> Mapping[str, Any]:
        """What is known of a data set once it is loaded."""
        return facts(Path(self.plan.dataset(dataset)) / "pool.json")

    def _channels(self, model: str) -> int:
        name = self.study.models[model].dataset
        known = literal("data", self.study.datasets[name].kind, "CHANNELS", COLOURS)
        return int(self._facts(name).get("shape", (0, known))[1])

    def _train_images(self, model: str) -> int | None:
        counts = self._facts(self.study.models[model].dataset).get("parts")
        known: int | None = counts[0] if counts else parts(self._dataset(model))[0]
        return known

    def _flops(self, model: str) -> int:
        """Operations of one image through a model's own network and those of its parts, as often
        as it passes through them.
        """
        if model not in self.per_image:
            mine = cost(self.spec(model))
            behind = sum(self._flops(part) for part in self.plan.graph.parts(model).values())
            self.per_image[model] = mine.operations + round(mine.passes * behind)
        return self.per_image[model]
