"""How much a job computes, told from the study alone, so that the speed of other jobs foretells its time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from robustgen.attacks.sweep import Sweep
from robustgen.core.files import read_json
from robustgen.core.literals import constant
from robustgen.core.plan import Plan
from robustgen.nets.classifier import NetSpec
from robustgen.nets.flops import flops

FORWARD, BOTH = 1, 3  # cost of a forward pass, and of a forward and backward pass, in forward passes
RULES = ("train", "attack", "score")


class Work:
    """The work of a study's jobs in floating point operations; None where a data set's size is not known yet."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.study = plan, plan.study
        self.per_image: dict[str, int] = {}

    def of(self, rule: str, wildcards: dict[str, str]) -> float | None:
        """The operations of a job; None for what is no pass through a net, or not known."""
        if rule not in RULES or wildcards["model"] not in self.study.models:
            return None
        model = wildcards["model"]
        match rule:
            case "train":
                passes = self._training(model)
            case "attack":
                passes = self._evaluated(model) * self._attack(model, wildcards["attack"])
            case _:
                passes = self._evaluated(model) * self.cells(model, wildcards["attack"])
        return None if passes is None else passes * self._flops(model)

    def images(self, model: str, attack: str) -> int:
        """The bytes of an attack's images."""
        size, channels = self._dataset(model).size, self._channels(model)
        return int(self._evaluated(model)) * self.cells(model, attack) * channels * size * size * 4

    def cells(self, model: str, attack: str) -> int:
        """How many versions of each image an attack job holds; one of natural images."""
        return len(self._sweep(model, attack).cells()) if attack in self.study.attacks else 1

    def _training(self, model: str) -> float | None:
        recipe, count = self.study.recipes[self.study.models[model].recipe], self._train_images(model)
        if count is None:
            return None
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

    def _facts(self, model: str) -> dict[str, Any]:
        """What is known of a model's data once it is loaded, by this study or another one."""
        name = self.study.models[model].dataset
        own = Path(self.plan.dataset(name)) / "pool.json"
        return dict(read_json(own)) if own.exists() else {}

    def _channels(self, model: str) -> int:
        return int(self._facts(model).get("shape", (0, 3))[1])

    def _train_images(self, model: str) -> int | None:
        known = constant("data", self._dataset(model).kind, "TRAIN_TEST")
        counts = self._facts(model).get("parts", known)
        return int(counts[0]) if counts else None

    def _flops(self, model: str) -> int:
        if model not in self.per_image:
            entry, dataset = self.study.models[model], self._dataset(model)
            classes = len(self._facts(model).get("names", range(10)))
            spec = NetSpec(
                entry.net, self._channels(model), classes, dataset.size, dataset.mean, dataset.std, dict(entry.options)
            )
            self.per_image[model] = flops(spec)
        return self.per_image[model]
