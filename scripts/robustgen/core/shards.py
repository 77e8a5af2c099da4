"""Long per-image work in shards that survive a kill: a second run takes up what the first
one left.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from robustgen.core.files import BadFile
from robustgen.core.progress import progress
from robustgen.core.tensors import read_arrays, read_meta, write_arrays

if TYPE_CHECKING:
    import numpy as np

Arrays = dict[str, "np.ndarray"]
Keep = Callable[[str, Callable[[], Arrays]], Arrays]


def sharded(
    items: list[str], *, beside: str | Path, key: str, compute: Callable[[str], Arrays], what: str
) -> Iterator[Arrays]:
    """compute(item) for every item, or what an earlier run with the same key has left of it."""
    folder = shard_folder(beside)
    for item in progress(items, total=len(items), what=what):
        path = folder / f"{item}.safetensors"
        arrays = _kept(path, key)
        if arrays is None:
            write_arrays(path, arrays := compute(item), {"key": key})
        yield arrays


def stages(beside: str | Path, item: str, key: str) -> Keep:
    """A function of a name and of what computes arrays: it gives those arrays, or what an earlier
    run with the same key has left of that stage of an item.
    """
    folder = shard_folder(beside) / f"{item}.stages"

    def keep(name: str, compute: Callable[[], Arrays]) -> Arrays:
        path = folder / f"{name}.safetensors"
        arrays = _kept(path, key)
        if arrays is None:
            write_arrays(path, arrays := compute(), {"key": key})
        return arrays

    return keep


def _kept(path: Path, key: str) -> Arrays | None:
    """What a shard holds; None where it is absent, damaged or of other work."""
    try:
        return read_arrays(path) if read_meta(path).get("key") == key else None
    except BadFile:
        return None


def shard_folder(beside: str | Path) -> Path:
    """The undeclared folder beside an output that holds its shards."""
    return Path(beside).parent / f".{Path(beside).stem}.shards"


def remove(beside: str | Path) -> None:
    """Remove the shards once the output they belong to is whole."""
    shutil.rmtree(shard_folder(beside), ignore_errors=True)


def file_hash(path: str | Path) -> str:
    """The sha256 of a file: part of the key of what is computed from it."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
