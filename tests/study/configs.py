"""A small configuration, the same with a mistake, and what is said of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from robustgen.study import config
from robustgen.study.config import ConfigError

EVALUATE = {"reference": 200, "validation": 100, "test": 100}


def small() -> dict[str, Any]:
    """A whole configuration without a mistake."""
    return {
        "study": "small",
        "outputs": ["table_1", "fig_2b"],
        "datasets": {"digits": {"kind": "digits", "eps": ["8/255"], "evaluate": EVALUATE}},
        "recipes": {"short": {"epochs": 2}},
        "models": {"plain": {"dataset": "digits", "recipe": "short"}},
        "attacks": {"pgd": {"steps": [0, 5], "step": "1/255"}},
        "detectors": {"energy": {"kind": "energy"}},
        "tables": {"table_1": {"models": ["plain"], "attacks": ["pgd"], "detectors": ["energy"]}},
        "figures": {"fig_2b": {"kind": "by_steps", "models": ["plain"], "attacks": ["pgd"]}},
    }


def changed(path: str, value: Any) -> dict[str, Any]:
    """`small()` with one key changed or added."""
    raw = copy.deepcopy(small())
    *way, last = path.split(".")
    block = raw
    for part in way:
        block = block.setdefault(part, {})
    block[last] = value
    return raw


def problems(raw: dict[str, Any]) -> list[str]:
    """The lines of the refusal, its heading left out."""
    with pytest.raises(ConfigError) as caught:
        config.checked(raw)
    heading, *lines = str(caught.value).splitlines()
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    assert heading == f"The configuration has {count}:"
    return [line.removeprefix("  - ") for line in lines]
