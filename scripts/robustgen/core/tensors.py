"""Safetensors files that know when a byte of theirs has changed: a checksum of the data stands in
the header.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from robustgen.core import seal
from robustgen.core.files import BadFile, atomic, damaged

if TYPE_CHECKING:
    import numpy as np

KEY = "seal"


def write_arrays(
    path: str | Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, str] | None = None
) -> None:
    """Write named arrays as safetensors, with text metadata."""
    import numpy as np
    from safetensors.numpy import save_file

    write_with(
        save_file,
        path,
        {name: np.ascontiguousarray(array) for name, array in arrays.items()},
        meta or {},
    )


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """The named arrays of a safetensors file."""
    from safetensors.numpy import load_file

    return read_with(load_file, path)


def write_with(
    save: Callable[..., None], path: str | Path, tensors: Mapping[str, Any], meta: Mapping[str, str]
) -> None:
    """Write tensors by a safetensors library's `save_file`, and seal them."""
    with atomic(path) as temporary:
        save(dict(tensors), temporary, metadata={**meta, KEY: seal.OPEN})
        _order(temporary)
        seal.close(temporary, at_end=False)


def read_with(load: Callable[..., Any], path: str | Path) -> Any:
    """What a safetensors library's `load_file` reads, refused where it is not what was written."""
    try:
        if seal.is_broken(Path(path), at_end=False):
            raise damaged(path, "what was written", "its checksum is another one")
        return load(path)
    except FileNotFoundError as error:
        raise BadFile(f"{path} does not exist; run the job that makes it.") from error
    except SafetensorError as error:
        raise damaged(path, "a whole safetensors file", error) from error


def read_meta(path: str | Path) -> dict[str, str]:
    """The text metadata of a safetensors file; empty where the file is absent or damaged."""
    from safetensors import safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: value for name, value in (file.metadata() or {}).items() if name != KEY}
    except (FileNotFoundError, SafetensorError):
        return {}


def _order(path: Path) -> None:
    """Put the text of a file's header in order; the library's own order differs from run to run."""
    with path.open("r+b") as file:
        header = file.read(int.from_bytes(file.read(8), "little"))
        found = json.loads(header)
        found["__metadata__"] = dict(sorted(found["__metadata__"].items()))
        file.seek(8)
        file.write(
            json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode().ljust(len(header))
        )
