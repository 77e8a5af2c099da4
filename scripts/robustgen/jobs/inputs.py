"""What jobs read: images under an attack, by split and cell, and a job's share of the work."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN
from robustgen.core.tensors import read_arrays, read_meta
from robustgen.data.store import Images, read_split
from robustgen.nets.spec import Model


@dataclass(frozen=True)
class Version:
    """The images of a split as one cell of an attack left them; clean images are one cell."""

    cell: dict[str, Any]  # axis -> value
    images: np.ndarray | None  # float32 [n,c,h,w]; none where they are the clean ones
    counts: np.ndarray  # [n,2], forward and backward passes
    warning: str | None = None  # what the attack warned of; None where it never does


@dataclass(frozen=True)
class Attacked:
    """The images of an attack, by split and cell."""

    parts: dict[str, Images]
    versions: dict[str, list[Version]]  # split -> its cells
    axes: list[str]


def read_attacked(
    data: Path, splits: dict[str, int], images: Path | None, *, attack: str = CLEAN
) -> Attacked:
    """The clean images of each split and what an attack made of them; `images` is its file."""
    if images is None:
        parts = {name: read_split(data, name, limit) for name, limit in splits.items()}
        return Attacked(parts, clean_versions(parts), [])
    arrays, meta = read_arrays(images), read_meta(images)
    cells, axes, warnings = (json.loads(meta[name]) for name in ("cells", "axes", "warnings"))
    versions = {
        name: [
            Version(cell, arrays[f"{name}.{n}"], arrays[f"{name}.counts"][n], warnings[name][n])
            for n, cell in enumerate(cells)
        ]
        for name in splits
    }
    parts = {name: read_split(data, name, arrays[f"{name}.counts"].shape[1]) for name in splits}
    return Attacked(parts, versions, axes)


def clean_versions(parts: dict[str, Images]) -> dict[str, list[Version]]:
    """The one version of each split's images that is the clean one."""
    return {name: [Version({}, None, np.zeros((len(part), 2)))] for name, part in parts.items()}


def told(model: Model) -> dict[str, Any]:
    """What a model and its parts are beside their files: part of the key of what is computed from
    them, for a kind without weights is its options alone.
    """
    own = {name: getattr(model, name) for name in ("kind", "options", "size", "mean", "std")}
    return own | {"parts": {role: told(part) for role, part in model.parts.items()}}


def share(items: Sequence[str], part: str | None) -> list[str]:
    """The items of a part `3/8` of a job, every eighth from the third on; all where none is named.

    A part leaves shards and no output; the job without a part gathers them.
    """
    if part is None:
        return list(items)
    try:
        number, count = map(int, part.split("/"))
    except ValueError:
        number, count = 0, 0
    if not 1 <= number <= count:
        raise Refused(f"A part of a job is written as 3/8, the third of eight, not {part!r}.")
    return list(items)[number - 1 :: count]
