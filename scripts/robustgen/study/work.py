"""How large a job is, told from the study alone, so that the time of comparable jobs foretells its
own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from robustgen.attacks.sweep import Sweep
from robustgen.core.literals import constant
from robustgen.core.rows import CLEAN
from robustgen.nets.classifier import NetSpec
from robustgen.nets.flops import flops
from robustgen.study.facts import facts
from robustgen.study.plan import Plan

# cost of a forward pass, and of a forward and backward pass, in forward passes
FORWARD, BOTH = 1, 3
# rules whose jobs are passes through nets
NETS = ("train", "attack", "score", "gradients", "landscape")
# images of a landscape's paths, points of its planes: what its script does
FOLLOWED, MAPPED = 24, 3 * 41 * 41


class Work:
    """The size of a study's jobs; None where a data set's size is not known yet."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.study = plan, plan.study
        self.per_image: dict[str, int] = {}

    def size(self, rule: str, wildcards: dict[str, str]) -> float | None:
        """What a job's time grows with: operations in nets, images in data sets and detectors, rows
        in what is shown.
        """
        match rule:
            case "load_data" | "split_data" if wildcards["dataset"] in self.study.datasets:
                return self._all_images(wildcards["dataset"])
            case "detect" if self._knows(wildcards):
                return self._evaluated(wildcards["model"]) * (
                    1 + self.cells(wildcards["model"], wildcards["attack"])
                )
            case "make_table" | "draw_figure" if wildcards["name"] in (
                *self.study.tables,
                *self.study.figures,
            ):
                return self._shown(wildcards["name"])
            case "judge_claims":
                return sum(self._shown(name) for name in self.study.outputs)
            case _:
                return self.of(rule, wildcards)

    def of(self, rule: str, wildcards: dict[str, str]) -> float | None:
        """The floating point operations of a job; None for what is no pass through a net, or not
        known.
        """
        if rule not in NETS or not self._knows(wildcards):
            return None
        passes = self._passes(rule, wildcards["model"], wildcards.get("attack", CLEAN))
        return None if passes is None else passes * self._flops(wildcards["model"])

    def images(self, model: str, attack: str) -> int:
        """The bytes of an attack's images."""
        size, channels = self._dataset(model).size, self._channels(model)
        return int(self._evaluated(model)) * self.cells(model, attack) * channels * size * size * 4

    def cells(self, model: str, attack: str) -> int:
        """How many versions of each image an attack job holds; one of natural images."""
        return len(self._sweep(model, attack).cells()) if attack in self.study.attacks else 1

    def _knows(self, wildcards: dict[str, str]) -> bool:
        """Whether the study still has the model and the attack of a job that ran."""
        return wildcards["model"] in self.study.models and wildcards.get("attack", CLEAN) in (
            *self.study.attacks,
            CLEAN,
        )

    def _passes(self, rule: str, model: str, attack: str) -> float | None:
        match rule:
            case "train":
                return self._training(model)
            case "attack":
                return self._evaluated(model) * self._attack(model, attack)
            case "gradients":
                return self.plan.evaluated(model)["test"] * BOTH
            case "landscape":
                steps = sum(max(sweep["steps"]) for sweep in self.plan.followed(model).values())
                return FOLLOWED * steps * (BOTH + FORWARD) + MAPPED * FORWARD
            case _:
                return self._evaluated(model) * self.cells(model, attack)

    def _shown(self, name: str) -> float:
        """The rows of clean and attacked test images behind a table or figure; 1 where there are
        none.
        """
        entry = self.plan.entry(name)
        cells = {
            model: 1 + sum(self.cells(model, attack) for attack in entry.attacks)
            for model in entry.models
        }
        rows = sum(self.plan.evaluated(model)["test"] * count for model, count in cells.items())
        return max(1, rows * len(self.study.seeds))

    def _all_images(self, dataset: str) -> float | None:
        counts = self._facts(dataset).get("parts") or constant(
            "data", self.study.datasets[dataset].kind, "TRAIN_TEST"
        )
        return float(sum(counts)) or None

    def _training(self, model: str) -> float | None:
        name, count = self.study.models[model].recipe, self._train_images(model)
        if name is None or count is None:  # weights of the user's own are not trained
            return None
        recipe = self.study.recipes[name]
        objective, held = recipe.objective, self._dataset(model).validation
        inner = objective.steps if objective.kind == "adversarial" else 0
        return recipe.epochs * ((count - held) * BOTH * (1 + inner) + held * FORWARD)

    def _attack(self, model: str, attack: str) -> float:
        sweep = self._sweep(model, attack)
        shared = sweep.kind == "pgd"  # one trajectory serves all step counts
        steps = max(sweep.steps) if shared else sum(sweep.steps)
        return len(sweep.trajectories()) * steps * sweep.restarts * sweep.eot * BOTH

    def _sweep(self, model: str, attack: str) -> Sweep:
        return Sweep.of(self.plan.sweep_of(model, attack))

    def _evaluated(self, model: str) -> float:
        return sum(self.plan.evaluated(model).values())

    def _dataset(self, model: str) -> Any:
        return self.study.datasets[self.study.models[model].dataset]

    def _facts(self, dataset: str) -> dict[str, Any]:
        """What is known of a data set once it is loaded."""
        return facts(Path(self.plan.dataset(dataset)) / "pool.json")

    def _channels(self, model: str) -> int:
        return int(self._facts(self.study.models[model].dataset).get("shape", (0, 3))[1])

    def _train_images(self, model: str) -> int | None:
        known = constant("data", self._dataset(model).kind, "TRAIN_TEST")
        counts = self._facts(self.study.models[model].dataset).get("parts", known)
        return int(counts[0]) if counts else None

    def _flops(self, model: str) -> int:
        if model not in self.per_image:
            entry, dataset = self.study.models[model], self._dataset(model)
            classes = len(self._facts(entry.dataset).get("names", range(10)))
            spec = NetSpec(
                entry.net,
                self._channels(model),
                classes,
                dataset.size,
                dataset.mean,
                dataset.std,
                dict(entry.options),
            )
            self.per_image[model] = flops(spec)
        return self.per_image[model]
