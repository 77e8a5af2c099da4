"""Reading a configuration and saying, in sentences and all at once, what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from robustgen.core.refusal import Refused
from robustgen.core.words import printable
from robustgen.study.named import faults, texts
from robustgen.study.schema import Study
from robustgen.study.sense import contradictions
from robustgen.study.sentences import sentences
from robustgen.study.yamls import read_map


class ConfigError(Refused):
    """The configuration is wrong; the message lists every problem."""


def load(*paths: str | Path) -> Study:
    """The study of a YAML file with overlays: maps are merged key by key, everything else is
    replaced.
    """
    merged: dict[str, Any] = {}
    for path in paths:
        try:
            merged = overlay(merged, read_map(path))
        except Refused as error:
            raise ConfigError(str(error)) from error
    return checked(merged)


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` with the values of `above`; maps are merged key by key."""
    both = dict(below)
    for key, value in above.items():
        mergeable = isinstance(value, Mapping) and isinstance(both.get(key), Mapping)
        both[key] = overlay(both[key], value) if mergeable else value
    return both


def checked(raw: Mapping[str, Any]) -> Study:
    """The typed study, or a ConfigError with one line per problem."""
    problems = list(faults(raw))
    try:
        study = Study.model_validate(dict(raw))
        problems += [*texts(raw), *contradictions(study)] if not problems else []
    except ValidationError as error:
        told = (sentences(item) for item in error.errors(include_url=False))
        problems = [said for one in told for said in one] + problems
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = (f"  - {printable(line)}" for line in problems)
        raise ConfigError("\n".join([f"The configuration has {count}:", *lines]))
    return study
