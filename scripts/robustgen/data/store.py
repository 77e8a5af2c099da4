"""The one form of every data set on disk: uint8 images, labels, names and split index files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from robustgen.core.files import BadFile, read_json
from robustgen.core.refusal import Refused
from robustgen.core.tensors import read_arrays

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Images:
    """Images of one split, their labels and their places in the data set."""

    images: np.ndarray  # uint8 [n,c,h,w], or float32 in [0,1]
    labels: np.ndarray  # int64 [n]
    index: np.ndarray  # int64 [n]
    names: tuple[str, ...]
    masks: np.ndarray | None = None  # uint8 [n,h,w], 1 on the object; none where not known

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, places: slice | np.ndarray) -> Images:
        """The images at these places of the split."""
        masks = None if self.masks is None else self.masks[places]
        one = {name: getattr(self, name)[places] for name in ("images", "labels", "index")}
        return replace(self, **one, masks=masks)

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Images as float [n,c,h,w] in [0,1], and labels."""
        import torch

        return to_float(torch.from_numpy(self.images)), torch.from_numpy(self.labels)


def read_split(folder: str | Path, name: str, limit: int | None = None) -> Images:
    """The first `limit` images (all where empty) of a split of the data set in `folder`."""
    folder = Path(folder)
    pool, index = (
        read_arrays(folder / "pool.safetensors"),
        read_arrays(folder / "splits.safetensors")[name][:limit],
    )
    if limit is not None and len(index) < limit:
        raise BadFile(
            f"{folder}: split {name} has {len(index)} images, {limit} were asked for; lower "
            "`evaluate`."
        )
    names = tuple(read_json(folder / "pool.json")["names"])
    masks = pool["masks"][index] if "masks" in pool else None
    return Images(pool["images"][index], pool["labels"][index], index, names, masks)


def to_float(images: torch.Tensor) -> torch.Tensor:
    """uint8 images as float32 in [0,1]; float ones as they are."""
    return images if images.is_floating_point() else images.float().div_(255)


def to_bytes(images: np.ndarray) -> np.ndarray:
    """Float images in [0,1] as whole numbers of 0 to 255, NaN as 0; uint8 ones as they are."""
    if images.dtype.kind != "f":
        return images
    rounded: np.ndarray = (np.nan_to_num(images).clip(0, 1) * 255).round().astype(np.uint8)
    return rounded


def check_images(images: torch.Tensor) -> None:
    """Refuse what is not a float batch [n,c,h,w] in [0,1]; the usual slip is an image that is
    normalised already.
    """
    import torch

    if images.ndim != 4 or not images.is_floating_point():
        raise Refused(
            f"Images must be float [n,c,h,w], not {images.dtype} of shape {tuple(images.shape)}."
        )
    if not len(images):
        raise Refused("There is no image in the batch; check the split's size.")
    low, high = torch.aminmax(images)
    if not (low >= 0 and high <= 1):  # NaN fails too
        raise Refused(
            f"Images must lie in [0,1], these lie in [{low:.3g}, {high:.3g}]; normalisation is "
            "the net's first layer."
        )


def bytes_of(images: torch.Tensor) -> np.ndarray:
    """Images of a tensor as whole numbers of 0 to 255."""
    return to_bytes(images.detach().cpu().numpy())
