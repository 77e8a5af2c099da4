"""Configurations without a mistake, the same with one, and what is said of it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from robustgen.study import config
from robustgen.study.config import ConfigError

BLANK = object()  # in the place of a value: the key is taken out
WHOLE = yaml.safe_load((Path(__file__).parent / "whole.yaml").read_text(encoding="utf-8"))
SMALL = yaml.safe_load("""
study: small
outputs: [table_1, fig_2b]
datasets:
  digits:
    kind: digits
    eps: [8/255]
    evaluate: {reference: 200, validation: 100, test: 100}
recipes:
  short: {trainer: supervised, epochs: 2}
models:
  plain: {kind: resnet, dataset: digits, recipe: short}
attacks:
  pgd: {kind: pgd, sweep: {steps: [0, 5]}, options: {step: 1/255}}
detectors:
  energy: {kind: energy}
tables:
  table_1: {models: [plain], attacks: [pgd], detectors: [energy]}
figures:
  fig_2b: {kind: by_steps, models: [plain], attacks: [pgd]}
""")


def small() -> dict[str, Any]:
    """A short configuration without a mistake."""
    return copy.deepcopy(SMALL)


def changed(path: str, value: Any, raw: dict[str, Any] | None = None) -> dict[str, Any]:
    """`small()`, or another configuration, with one key changed, added or taken out."""
    whole = copy.deepcopy(SMALL if raw is None else raw)
    *way, last = path.split(".")
    block = whole
    for part in way:
        block = block.setdefault(part, {})
    if value is BLANK:
        del block[last]
    else:
        block[last] = value
    return whole


def problems(raw: dict[str, Any]) -> list[str]:
    """The lines of the refusal, its heading left out."""
    with pytest.raises(ConfigError) as caught:
        config.checked(raw)
    heading, *lines = str(caught.value).splitlines()
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    assert heading == f"The configuration has {count}:"
    return [line.removeprefix("  - ") for line in lines]
