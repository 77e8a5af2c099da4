"""Sizes of images that a data set cannot give: one sentence before anything is read whole or filled
with black.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robustgen.core.refusal import Refused
from robustgen.data.formats import crops
from robustgen.data.sets import (
    belgiumts,
    cifar10,
    dfg,
    digits,
    gtsrb,
    imagenette,
    mnist,
    npz,
    signs,
    supertraffic,
    svhn,
)

HUGE = 10_000_000


@pytest.mark.parametrize("size", [0, -1])
@pytest.mark.parametrize(
    "data", [belgiumts, cifar10, dfg, digits, gtsrb, imagenette, mnist, signs, supertraffic, svhn]
)
def test_a_size_without_pixels_is_refused_by_every_data_set(
    tmp_path: Path, data: object, size: int
) -> None:
    with pytest.raises(
        Refused, match=(r"size must be a whole number of at least|set its size to \d+")
    ):
        data.load(size=size, root=str(tmp_path), options={})  # type: ignore[attr-defined]


@pytest.mark.parametrize("data", [digits, signs])
def test_a_drawn_image_that_passes_the_memory_is_refused(data: object) -> None:
    with pytest.raises(
        Refused,
        match=(
            rf": \d+ images of {HUGE} x {HUGE} pixels take \d+ GiB of memory, .*; set a lower size"
        ),
    ):
        data.load(size=HUGE, root=None, options={})  # type: ignore[attr-defined]


def test_crops_that_pass_the_memory_are_refused_before_they_are_read(tmp_path: Path) -> None:
    listed = [crops.Crop(tmp_path / "none.png", key, part) for key in "ab" for part in (0, 1)]
    with pytest.raises(Refused, match=r"gtsrb: 4 images of 10000000 x 10000000 pixels"):
        crops.to_pool(listed, names={"a": "a", "b": "b"}, size=HUGE, data="gtsrb")


def photographs(root: Path, folder: str, side: int) -> None:
    """Two photographs of each class and part, of which one is far smaller than the other."""
    for part in imagenette.PARTS:
        for wnid in imagenette.CLASSES:
            (root / folder / part / wnid).mkdir(parents=True)
            for name, height in (("a", side), ("b", side), ("c", side // 4)):
                Image.fromarray(np.full((height, side + 9, 3), 99, np.uint8)).save(
                    root / folder / part / wnid / f"{name}.JPEG"
                )


def test_a_crop_for_which_most_photographs_are_too_small_is_refused_and_a_few_are_padded(
    tmp_path: Path,
) -> None:
    photographs(tmp_path, "own photos", 24)
    pool = imagenette.load(size=24, root=str(tmp_path), options={"folder": "own photos"})
    assert (pool.images[0].min() > 90, pool.images[2, 0, :, 0].tolist()) == (
        True,
        [0] * 9 + [99] * 6 + [0] * 9,
    )
    with pytest.raises(
        Refused,
        match=(r"own photos have a shorter side of at most 24 pixels, .*; set size to 24 or less"),
    ):
        imagenette.load(size=25, root=str(tmp_path), options={"folder": "own photos"})


def test_a_damaged_photograph_of_imagenette_is_named(tmp_path: Path) -> None:
    photographs(tmp_path, imagenette.FOLDER, 16)
    path = tmp_path / imagenette.FOLDER / "val/n03888257/b.JPEG"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(
        Refused, match=(r"n03888257/b.JPEG is no readable image .*; delete it and get it again")
    ):
        imagenette.load(size=16, root=str(tmp_path), options={})
    path.write_bytes(b"GIF89a")
    with pytest.raises(Refused, match=r"n03888257/b.JPEG is no readable image"):
        imagenette.load(size=16, root=str(tmp_path), options={})


def test_prepared_images_of_another_size_name_the_size_to_set(tmp_path: Path) -> None:
    for part in npz.PARTS:
        np.savez(
            tmp_path / f"{part}.npz",
            images=np.arange(64, dtype=np.uint8).reshape(4, 4, 4),
            labels=np.arange(4) % 2,
        )
    with pytest.raises(Refused, match="prepare them as 8 x 8, or set the data set's size to 4"):
        npz.load(size=8, root=str(tmp_path), options={"folder": "."})


def test_a_map_that_is_missing_or_a_folder_says_which_option_names_it(tmp_path: Path) -> None:
    with pytest.raises(
        Refused,
        match=(r"none.csv is missing; supertraffic needs it: put it there, or set options.map"),
    ):
        supertraffic.load(
            size=32,
            root=str(tmp_path),
            options={"map": str(tmp_path / "none.csv"), "sources": ["gtsrb"]},
        )
    with pytest.raises(Refused, match="is no table of text"):
        supertraffic.load(
            size=32, root=str(tmp_path), options={"map": str(tmp_path), "sources": ["gtsrb"]}
        )
