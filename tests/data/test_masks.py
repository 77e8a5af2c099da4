"""Masks of objects: those of signs, those of one's own files, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from load_data import main as load
from robustgen.core.refusal import Refused
from robustgen.data.own import option_files
from robustgen.data.pool import TEST, TRAIN, Pool
from robustgen.data.sets import npz, signs
from robustgen.data.signs.boards import SIDE, templates
from robustgen.data.signs.camera import place_sign
from robustgen.data.signs.scenes import draw_scene
from robustgen.data.store import read_split
from robustgen.synthesis.first import first
from split_data import main as split

FEW = {"train": 200, "test": 20}


def pool(masks: np.ndarray | None) -> Pool:
    return Pool(
        images=np.arange(48, dtype=np.uint8).reshape(3, 1, 4, 4),
        labels=np.array([0, 1, 2]),
        part=np.array([TRAIN, TRAIN, TEST], dtype=np.uint8),
        names=("one", "two", "three"),
        masks=masks,
    )


def corner(count: int = 3, side: int = 4) -> np.ndarray:
    """Masks whose first k + 1 pixels are 1."""
    found = np.zeros((count, side * side), np.uint8)
    for k in range(count):
        found[k, : k + 1] = 1
    return found.reshape(count, side, side)


# --- the pool -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("masks", "said"),
    [
        (corner(2), r"masks must have the shape \[3, 4, 4\], one of each image's size"),
        (corner(3, side=8), r"size, not \[3, 8, 8\]"),
        (
            2 * corner(),
            r"masks must be 0 \(beside the object\) and 1 \(on it\), 0 to 1; found 0 to",
        ),
        (corner() > 0, "masks must be uint8 with 3 axes, not bool with 3"),
        (corner()[:, None], "masks must be uint8 with 3 axes, not uint8 with 4"),
    ],
)
def test_masks_that_do_not_fit_are_refused(masks: np.ndarray, said: str) -> None:
    with pytest.raises(Refused, match=said):
        pool(masks)


def test_a_choice_of_classes_keeps_each_image_with_its_mask() -> None:
    chosen = pool(corner()).of(("three", "two"))
    assert chosen.masks is not None
    assert chosen.masks.sum(axis=(1, 2)).tolist() == [2, 3]
    assert pool(None).of(("three", "two")).masks is None


def test_the_hash_of_a_pool_leaves_masks_out() -> None:
    assert pool(corner()).sha256 == pool(None).sha256
    assert "masks" not in pool(None).arrays()


# --- signs ----------------------------------------------------------------------------------------


def test_the_mask_of_a_sign_is_where_the_board_covers_half_a_pixel() -> None:
    """The second image of the training part, drawn again by its own seed: four samples per pixel,
    of which two or more hit the board.
    """
    found = signs.load(size=32, root=None, options=FEW)
    scene = draw_scene([np.random.PCG64(np.random.SeedSequence((signs.SEED, TRAIN, 1)))])
    sign = place_sign(scene, found.labels[1:2], templates=templates(), size=32)
    assert found.masks is not None
    assert (found.masks[1] == (sign[0, ..., 3] >= 0.5)).all()
    assert 0.1 < found.masks.mean() < 0.7
    assert found.masks.any(axis=(1, 2)).all()


def test_a_square_board_seen_from_the_front_fills_the_square_of_its_width() -> None:
    """`parking` has the half-width 0.82; at radius 0.5 in the middle of 64 pixels it covers the
    pixels whose centres lie within 0.41 of the middle: 26 of them across.
    """
    scene = draw_scene([np.random.PCG64(0)])
    still = {name: 0.0 * value for name, value in scene.items()}
    still |= {"radius": 0.5 + still["radius"], "squeeze": 1.0 + still["squeeze"]}
    sign = place_sign(still, np.array([8]), templates=templates(), size=64)
    assert SIDE == 160
    assert ((sign[0, ..., 3] >= 0.5).sum(axis=0).max(), (sign[..., 3] >= 0.5).sum()) == (26, 676)


def test_a_split_of_a_study_reads_its_masks(tmp_path: Path) -> None:
    told = ["--kind", "signs", "--size", "32", "--options", '{"train": 200, "test": 20}']
    load([*told, "--out", str(tmp_path / "pool.safetensors")])
    name = ["--dataset", "signs", "--pool", str(tmp_path / "pool.safetensors")]
    split([*name, "--validation", "60", "--seed", "0", "--out", f"{tmp_path}/splits.safetensors"])
    images, whole = read_split(tmp_path, "test"), signs.load(size=32, root=None, options=FEW)
    assert images.masks is not None
    assert whole.masks is not None
    assert (images.masks == whole.masks[images.index]).all()
    part, chosen = first(images, 3), images.at(np.array([2, 0]))
    assert part.masks is not None
    assert chosen.masks is not None
    assert (part.masks == images.masks[:3]).all()
    assert (chosen.masks == images.masks[[2, 0]]).all()
    assert chosen.index.tolist() == images.index[[2, 0]].tolist()
    assert replace(images, masks=None).at(slice(2)).masks is None


# --- files of one's own ---------------------------------------------------------------------------


def written(root: Path, **masks: np.ndarray) -> Pool:
    """The pool of an npz data set of three images in each part, with masks in the parts named."""
    folder = root / "mine"
    folder.mkdir(exist_ok=True)
    images, labels = np.full((3, 4, 4), 200, np.uint8), np.array([0, 1, 1])
    for part in npz.PARTS:
        more = {"masks": masks[part]} if part in masks else {}
        np.savez(folder / f"{part}.npz", images=images, labels=labels, **more)
    return npz.load(size=4, root=str(root), options={"folder": "mine"})


def test_masks_may_stand_beside_the_images_of_an_npz_data_set(tmp_path: Path) -> None:
    found = written(tmp_path, train=corner(), test=corner()[::-1] > 0)
    assert found.masks is not None
    assert found.masks.sum(axis=(1, 2)).tolist() == [1, 2, 3, 3, 2, 1]
    assert written(tmp_path).masks is None


@pytest.mark.parametrize(
    ("masks", "said"),
    [
        ({"train": corner()}, "one part has masks and the other has none; give both"),
        ({"train": corner(), "test": 255 * corner()}, r"test.npz: masks must be uint8 \[3, 4, 4\]"),
        ({"train": corner(side=2), "test": corner()}, r"train.npz: .* these are uint8 \[3, 2, 2\]"),
        ({"train": corner() / 1, "test": corner()}, r"these are float64 .*\(masks > 0\)"),
        (
            {"train": corner(), "test": np.array([print] * 3, dtype=object)},
            "test.npz has no plain array masks",
        ),
    ],
)
def test_masks_of_ones_own_that_do_not_fit_are_refused(
    tmp_path: Path, masks: dict[str, np.ndarray], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        written(tmp_path, **masks)


def test_files_in_a_folder_that_an_option_names_are_inputs(tmp_path: Path) -> None:
    (tmp_path / "3.png").write_bytes(b"x")
    told = {"masks": str(tmp_path), "steps": 3}
    assert option_files("measures", "magic", told) == (tmp_path / "3.png",)
    assert option_files("measures", "magic", {"masks": None}) == ()
    assert option_files("measures", "gradients", told) == ()
