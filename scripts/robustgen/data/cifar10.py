"""CIFAR-10 from its python batches, read without executing what they hold."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from robustgen.core.refusal import Refused
from robustgen.data.pool import TEST, TRAIN, Pool

FOLDER = "cifar-10-batches-py"
BATCHES = {**{f"data_batch_{k}": TRAIN for k in range(1, 6)}, "test_batch": TEST}
NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RECONSTRUCT = np.empty(0).__reduce__()[0]
SAFE = {  # all that the official files name; anything else is refused
    ("numpy.core.multiarray", "_reconstruct"): RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): RECONSTRUCT,  # its name since numpy 2
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


def load(*, size: int, root: str | None, options: Mapping[str, object]) -> Pool:
    """50,000 training and 10,000 test images from <root>/cifar-10-batches-py, where torchvision puts them."""
    if size != 32 or options:
        raise Refused("cifar10 has images of 32 pixels and takes no options; set datasets.cifar10.size to 32.")
    if not root:
        raise Refused(f"cifar10 needs its files: set data.root or ROBUSTGEN_DATA to the folder that holds {FOLDER}.")
    parts = [(_read(Path(root) / FOLDER / name), part) for name, part in BATCHES.items()]
    images = np.concatenate([batch[b"data"] for batch, _ in parts]).reshape(-1, 3, 32, 32)
    labels = np.concatenate([np.array(batch[b"labels"], dtype=np.int64) for batch, _ in parts])
    part = np.concatenate([np.full(len(batch[b"labels"]), value, dtype=np.uint8) for batch, value in parts])
    return Pool(images=images, labels=labels, part=part, names=NAMES)


class Reader(pickle.Unpickler):
    """An unpickler that knows arrays and nothing else, so that a doctored file cannot run code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in SAFE:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return SAFE[module, name]


def _read(path: Path) -> dict[bytes, Any]:
    try:
        found: dict[bytes, Any] = Reader(io.BytesIO(path.read_bytes()), encoding="bytes").load()
    except FileNotFoundError as error:
        raise Refused(f"{path} is missing; put the official cifar-10-python archive's files there.") from error
    except (pickle.UnpicklingError, EOFError, ValueError) as error:
        raise Refused(f"{path} is not an official CIFAR-10 batch ({error}); delete it and get it again.") from error
    return found
