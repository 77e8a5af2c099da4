"""Files that are either whole or absent, and formats whose reading executes nothing."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from robustgen.core.refusal import Refused

if TYPE_CHECKING:
    import numpy as np


class BadFile(Refused):
    """A file is missing, damaged or of the wrong form; the message says which and what to do."""


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and is removed when it does not."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, path)
    except SafetensorError as error:  # how that library tells a full disk
        raise Refused(f"{path} could not be written ({error}); free space or permissions, then run again.") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as the whole content of `path`."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as JSON with sorted keys."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def read_json(path: str | Path) -> Any:
    """The value that a JSON file holds."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadFile(f"{path} does not exist; run the job that makes it.") from error
    except ValueError as error:
        raise BadFile(f"{path} is not valid JSON ({error}); delete it and run again.") from error


def write_arrays(path: str | Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, str] | None = None) -> None:
    """Write named arrays as safetensors, with text metadata."""
    import numpy as np
    from safetensors.numpy import save_file

    with atomic(path) as temporary:
        whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        save_file(whole, temporary, metadata=dict(meta) if meta else None)


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """The named arrays of a safetensors file."""
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise BadFile(f"{path} does not exist; run the job that makes it.") from error
    except SafetensorError as error:
        raise BadFile(f"{path} is not a whole safetensors file ({error}); delete it and run again.") from error


def read_meta(path: str | Path) -> dict[str, str]:
    """The text metadata of a safetensors file; empty where the file is absent or damaged."""
    from safetensors import safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}
    except (FileNotFoundError, SafetensorError):
        return {}
