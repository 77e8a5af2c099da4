"""Prepared arrays of one's own: what they give, and one sentence for each way in which they are not
as they must be.
"""

from __future__ import annotations

import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from robustgen.core.refusal import Refused
from robustgen.data.sets import npz

STREAM = np.random.Generator(np.random.PCG64(3))


def write_npz(root: Path, **changed: object) -> np.ndarray:
    """A prepared set in `root`/mine; gives the training images.

    `changed` replaces what the test file holds.
    """
    folder = root / "mine"
    folder.mkdir()
    images = STREAM.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    held = {"images": images, "labels": np.array([0, 1, 2, 0, 1, 2], np.int32), "more": np.zeros(1)}
    np.savez(folder / "train.npz", **held)
    np.savez(folder / "test.npz", **{**held, **changed})
    return images


def test_npz_gives_the_arrays_in_colour_and_in_grey(tmp_path: Path) -> None:
    images = write_npz(tmp_path)
    pool = npz.load(size=16, root=str(tmp_path), options={"folder": "mine"})
    assert (pool.images[:6].transpose(0, 2, 3, 1) == images).all()
    assert (pool.labels.tolist(), pool.part.tolist()) == ([0, 1, 2] * 4, [0] * 6 + [1] * 6)
    assert pool.names == ("class 0", "class 1", "class 2")
    for name in npz.PARTS:
        np.savez_compressed(
            tmp_path / f"mine/{name}.npz",
            images=images[..., 0],
            labels=np.arange(6, dtype=np.uint8) % 3,
        )
    grey = npz.load(
        size=16, root=str(tmp_path), options={"folder": "mine", "names": ["a", "b", "c"]}
    )
    assert (grey.images[6:, 0] == images[..., 0]).all()
    assert grey.names == ("a", "b", "c")


PIXELS = STREAM.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
ARRAYS = [  # what the test file holds instead, and what is said of it
    (
        {"images": np.array([[1], [2]], dtype=object)},
        ("is no .npz file with the plain arrays .*Object arrays cannot be loaded"),
    ),
    (
        {"labels": np.array([print] * 6, dtype=object)},
        ("is no .npz file with the plain arrays .*allow_pickle=False"),
    ),
    (
        {"images": PIXELS / 255},
        (r"not float64 \[6, 16, 16, 3\]: write np.rint\(images \* 255.0\).astype\(np.uint8\)\."),
    ),
    ({"images": PIXELS > 9}, r"not bool .*: write np.rint\(images \* 255.0\).astype\(np.uint8\)\."),
    ({"images": PIXELS.astype(int)}, r"not int64 .*: write np.rint\(images\).astype\(np.uint8\)\."),
    ({"images": PIXELS / 99 - 1}, r"they lie in \[-1, 1.576\], undo their normalisation first"),
    ({"images": np.full((6, 16, 16, 3), np.nan)}, "they hold NaN or infinity, fix that first"),
    (
        {"images": PIXELS.transpose(0, 3, 1, 2)},
        (r"\[6, 3, 16, 16\]: .*write images.transpose\(0, 2, 3, 1\)\."),
    ),
    (
        {"images": PIXELS.transpose(0, 3, 1, 2) / 255},
        (r"write images.transpose\(0, 2, 3, 1\) and then np.rint\(images \* 255"),
    ),
    ({"images": PIXELS[:, None, :, :, 0]}, r"write images\[:, 0\]\."),
    ({"images": PIXELS[..., :1]}, r"write images\[..., 0\]\."),
    ({"images": PIXELS[..., [0, 1, 2, 0]]}, r"write images\[..., :3\]\."),
    ({"images": PIXELS[:0]}, "there is no image"),
    (
        {"images": PIXELS[:, :8, :8]},
        ("images of 8 x 8 pixels, .* prepare them as 16 x 16, or set the data set's size to 8"),
    ),
    (
        {"images": PIXELS[:, :8]},
        ("images of 8 x 16 pixels, which are not resized; prepare them as 16 x 16\\."),
    ),
    ({"images": PIXELS[..., 0]}, "one part is in colour and the other is not"),
    ({"images": PIXELS // 128}, "test.npz: images hold no value above 1, .* multiply them by 255"),
    ({"labels": np.zeros(5, np.int64)}, "labels must be 6 whole numbers"),
    ({"labels": np.arange(6.0)}, r"not float64 \[6\]: write labels.astype\(np.int64\)"),
    (
        {"labels": np.array(list("abcabc"))},
        (r"not <U1 \[6\]: write np.unique\(labels, return_inverse=True\)\[1\]"),
    ),
    (
        {"labels": np.eye(3, dtype=int)[[0, 1, 2, 0, 1, 2]]},
        (r"not int64 \[6, 3\]: write labels.argmax\(axis=1\)"),
    ),
    ({"labels": np.zeros((6, 1), int)}, r"write labels\[:, 0\]"),
    (
        {"labels": np.full(6, -1)},
        ("labels start at 0, these are -1 to 2; number the classes from 0 on"),
    ),
    (
        {"labels": np.array([0, 1, 3] * 2)},
        ("Both parts need images of every class, but .*train.npz has 0 to 2, .* has 0, 1, 3;"),
    ),
    (
        {"labels": np.array([0, 1] * 3)},
        ("train.npz has 0 to 2, .*test.npz has 0 to 1; add images, or leave"),
    ),
    (
        {"labels": np.array([0, 1, 3_000_000_000] * 2)},
        "labels have no gap, these are 0, 1, 2, 3000000000; number the 4 classes 0",
    ),
    (
        {"labels": np.array([0, 1, 2**64 - 1] * 2, np.uint64)},
        ("labels start at 0, these are 0, 1, 18446744073709551615"),
    ),
]


@pytest.mark.parametrize(("changed", "sentence"), ARRAYS)
def test_npz_refuses_arrays_of_another_form(
    tmp_path: Path, changed: dict[str, object], sentence: str
) -> None:
    write_npz(tmp_path, **changed)
    with pytest.raises(Refused, match=sentence):
        npz.load(size=16, root=str(tmp_path), options={"folder": "mine"})


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([1, 2, 3, 4, 1, 2], "labels start at 0, these are 1 to 4; subtract 1"),
        ([0, 0, 0, 0, 0, 0], "all images have the label 0; a data set needs at least two classes"),
        ([0, 2, 5, 0, 2, 5], "labels have no gap, these are 0, 2, 5; number the 3 classes 0 to 2"),
        ([0, *range(2, 14)], "these are 0, 2, 3, 4, 5, 6, 7, ..., 13; number"),
        ([0, 3_000_000_000] * 3, "these are 0, 3000000000; number the 2 classes 0 to 1"),
    ],
)
def test_labels_are_the_numbers_from_0_without_a_gap_and_cost_no_memory(
    tmp_path: Path, labels: list[int], sentence: str
) -> None:
    (tmp_path / "mine").mkdir()
    images = STREAM.integers(0, 256, (len(labels), 4, 4), dtype=np.uint8)
    for name in npz.PARTS:
        np.savez(tmp_path / f"mine/{name}.npz", images=images, labels=np.array(labels))
    tracemalloc.start()
    with pytest.raises(Refused, match=sentence) as refused:
        npz.load(size=4, root=str(tmp_path), options={"folder": "mine"})
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
    assert f"{tmp_path}/mine/train.npz and {tmp_path}/mine/test.npz: " in str(refused.value)


def test_a_missing_file_of_ones_own_is_named_with_the_way_to_write_it(tmp_path: Path) -> None:
    write_npz(tmp_path)
    (tmp_path / "mine/test.npz").unlink()
    with pytest.raises(
        Refused,
        match=(r"mine/test.npz is missing.* numpy.savez\(path, .*data.root and options.folder"),
    ) as refused:
        npz.load(size=16, root=str(tmp_path), options={"folder": "mine"})
    with pytest.raises(Refused, match="holds mine") as no_root:
        npz.load(size=16, root=None, options={"folder": "mine"})
    assert "make data" not in f"{refused.value} {no_root.value}"


class Evil:
    """Writes a file when it is unpickled by a careless reader."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


def test_a_pickle_that_poses_as_npz_is_not_executed(tmp_path: Path) -> None:
    write_npz(tmp_path)
    (tmp_path / "mine/test.npz").write_bytes(pickle.dumps(Evil(tmp_path / "executed")))
    with pytest.raises(Refused, match=r"test.npz is no .npz file with the plain arrays"):
        npz.load(size=16, root=str(tmp_path), options={"folder": "mine"})
    np.save(tmp_path / "mine/test.npy", np.zeros(3))
    (tmp_path / "mine/test.npy").rename(tmp_path / "mine/test.npz")
    with pytest.raises(Refused, match=r"test.npz is no .npz file with the plain arrays"):
        npz.load(size=16, root=str(tmp_path), options={"folder": "mine"})
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "npz: folder must be a text"),
        ({"folder": 3}, "npz: folder must be a text"),
        ({"folder": "yours"}, "yours/train.npz is missing; npz needs it"),
        ({"folder": "mine", "file": "a"}, "npz has no option file; it knows only folder, names"),
        ({"folder": "mine", "names": "abc"}, "npz: names must be a list"),
        (
            {"folder": "mine", "names": ["a", "b"]},
            ("names lists 2 classes, the labels in .*mine have 3; give each class one name"),
        ),
        (
            {"folder": "mine", "names": list("abcd")},
            ("names lists 4 classes, the labels in .*mine have 3"),
        ),
        ({"folder": "mi\0ne"}, "npz: folder must be a text"),
        ({"folder": "mine", "names": ["a", "b", 3]}, "names must be a tuple of non-empty strings"),
    ],
)
def test_npz_refuses_wrong_options(
    tmp_path: Path, options: dict[str, object], sentence: str
) -> None:
    write_npz(tmp_path)
    with pytest.raises(Refused, match=sentence):
        npz.load(size=16, root=str(tmp_path), options=options)
