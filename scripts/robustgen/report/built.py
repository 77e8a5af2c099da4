"""What a net is: told by its weights file, and by the configuration only where there is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from robustgen.core.tensors import read_meta
from robustgen.study.plan import Plan

# of a file's spec; channels and classes are those of the data
SHOWN = ("kind", "size", "mean", "std", "options")


def built(plan: Plan, model: str, seed: str) -> tuple[str, str]:
    """(a net in words, a sentence where its weights differ from the configuration)."""
    node = json.loads(json.dumps(plan.graph.node(model, seed)))
    asked = {name: node[name] for name in SHOWN}
    made = spec_of(Path(plan.graph.weights(model, seed)))
    if made is None:
        return _words(asked), ""
    told = list(_differences({name: made[name] for name in SHOWN if name in made}, asked))
    if not told:
        return _words(made), ""
    ours, theirs = (" and ".join(side) for side in zip(*told, strict=True))
    return _words(made), f"These weights were made with {ours}; the configuration says {theirs}."


def spec_of(path: Path) -> dict[str, Any] | None:
    """What a weights file says of its net; None where it says nothing that can be read."""
    try:
        spec = json.loads(read_meta(path).get("spec", ""))
    except (ValueError, OSError):
        return None
    usable = isinstance(spec, dict) and "kind" in spec and isinstance(spec.get("options", {}), dict)
    return spec if usable else None


def _words(spec: dict[str, Any]) -> str:
    return ", ".join(
        [str(spec["kind"]), *(f"{name} {value}" for name, value in spec.get("options", {}).items())]
    )


def _differences(made: dict[str, Any], asked: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(what the weights were made with, what the configuration says) of each setting that
    differs.
    """
    made, asked = _flat(made), _flat(asked)
    for name in sorted(made.keys() | asked.keys()):
        old, new = (_one(spec.get(name)) for spec in (made, asked))
        if old != new:
            yield f"{name} {_said(old)}", f"{name} {_said(new)}"


def _flat(spec: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name != "options"} | spec.get(
        "options", {}
    )


def _one(value: Any) -> Any:
    """A value that stands for every channel, as the one value."""
    return (
        value[0]
        if isinstance(value, list) and value and all(one == value[0] for one in value)
        else value
    )


def _said(value: Any) -> str:
    return "as by default" if value is None else str(value)
