"""Models as a graph: what a job must know of a model and of all its parts, by one recursion.

The parts that a kind answers with stand in its literal PARTS, role -> what must stand there, with
a question mark behind it where the part may be left out. Other roles serve training alone: `start`,
and those that the recipe's trainer names in its PARTS.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from robustgen.core.kinds import module_name
from robustgen.core.literals import literal, module
from robustgen.core.options import filled
from robustgen.study.schema import Model, Study

START = "start"  # the role of the model whose weights training starts from


class Graph:
    """The models of a study; `root` is the folder of its results."""

    def __init__(self, study: Study, root: str) -> None:
        self.study, self.root = study, root

    def weights(self, model: str, seed: int | str) -> str:
        """The file of a model's trained weights."""
        return f"{self.root}/training/{model}/seed{seed}/weights.safetensors"

    def data(self, model: str) -> str:
        """The folder of a model's data set."""
        return f"{self.root}/data/{self.study.models[model].dataset}"

    def node(self, model: str, seed: int | str, *, trained: bool = True) -> dict[str, Any]:
        """A model as a job is told of it, with all its parts; `trained`: whether it has weights
        already, or is about to be trained, with the parts that its training needs.
        """
        entry = self.study.models[model]
        dataset = self.study.datasets[entry.dataset]
        parts = self.parts(model, training=not trained)
        return {
            "name": model,
            "kind": entry.kind,
            "options": filled("models", entry.kind, entry.options),
            "size": dataset.size,
            "mean": entry.mean or dataset.mean,
            "std": entry.std or dataset.std,
            "data": self.data(model),
            "weights": self.weights(model, seed) if trained and has_weights(entry) else None,
            "draws": entry.draws,
            "parts": {role: self.node(part, seed) for role, part in parts.items()},
        }

    def files(self, model: str, seed: int | str, *, trained: bool = True) -> list[str]:
        """The files that such a job reads of a model and its parts: weights, and facts of data."""
        return list(dict.fromkeys(_files(self.node(model, seed, trained=trained))))

    def modules(self, model: str, *, training: bool = False) -> list[str]:
        """The modules that such a job loads for a model and its parts, by name."""
        own = module_name("models", self.study.models[model].kind)
        parts = self.parts(model, training=training).values()
        return list(dict.fromkeys([own, *(name for part in parts for name in self.modules(part))]))

    def parts(self, model: str, *, training: bool = False) -> dict[str, str]:
        """Role -> model, of the parts that a model answers with, or is trained with."""
        entry = self.study.models[model]
        if training:
            return dict(entry.parts)
        roles = literal("models", entry.kind, "PARTS", {})
        return {role: part for role, part in entry.parts.items() if role in roles}

    def behind(self, model: str) -> Iterator[str]:
        """The model, and all that stand behind it, training included; a circle is cut."""
        seen, todo = set(), [model]
        while todo:
            name = todo.pop()
            if name not in seen and name in self.study.models:
                seen.add(name)
                todo += self.study.models[name].parts.values()
                yield name


def has_weights(entry: Model) -> bool:
    """Whether a model has weights of its own: trained, or brought along."""
    return entry.recipe is not None or entry.weights is not None


def has_network(kind: str) -> bool:
    """Whether a kind has a network of its own, which needs weights."""
    declared = module("models", kind)
    return declared is None or "build" in declared.names


def _files(node: dict[str, Any]) -> Iterator[str]:
    yield f"{node['data']}/pool.json"
    yield from [node["weights"]] if node["weights"] else []
    for part in node["parts"].values():
        yield from _files(part)
