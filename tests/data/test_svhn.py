"""SVHN and MATLAB's format: tiny files, compared with scipy's and torchvision's readers, and
damaged ones.
"""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from robustgen.core.refusal import Refused
from robustgen.data.formats.mat5 import read_arrays
from robustgen.data.sets import svhn

STREAM = np.random.Generator(np.random.PCG64(5))


def write_svhn(
    root: Path,
    files: tuple[str, ...] = ("train", "test", "extra"),
    *,
    zipped: bool = True,
    **changed: object,
) -> dict[str, np.ndarray]:
    """SVHN's files; gives the images as they stand there.

    `changed` replaces what the test file holds.
    """
    images = {name: STREAM.integers(0, 256, (32, 32, 3, 20), dtype=np.uint8) for name in files}
    for name, pixels in images.items():
        held = {"X": pixels, "y": (np.arange(20, dtype=np.uint8)[:, None] % 10) + 1}
        savemat(
            root / f"{name}_32x32.mat",
            {**held, **(changed if name == "test" else {})},
            do_compression=zipped,
        )
    return images


@pytest.mark.parametrize("zipped", [True, False])
def test_svhn_agrees_with_torchvisions_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zipped: bool
) -> None:
    from torchvision.datasets import SVHN

    monkeypatch.setattr(SVHN, "_check_integrity", lambda self: True)
    write_svhn(tmp_path, zipped=zipped)
    pool = svhn.load(size=32, root=str(tmp_path), options={"sources": ["svhn", "svhn_extra"]})
    for place, split in enumerate(("train", "test", "extra")):
        theirs, ours = SVHN(tmp_path, split=split), slice(20 * place, 20 * place + 20)
        assert (pool.images[ours] == theirs.data).all()
        assert pool.labels[ours].tolist() == theirs.labels.tolist()
    assert pool.part.tolist() == [0] * 20 + [1] * 20 + [0] * 20
    assert pool.names[pool.labels[9]] == "zero"


def test_svhn_reads_the_extra_part_only_where_it_is_asked_for(tmp_path: Path) -> None:
    images = write_svhn(tmp_path, ("train", "test"))
    pool = svhn.load(size=32, root=str(tmp_path), options={})
    assert len(pool) == 40
    assert (pool.images[3] == images["train"][..., 3].transpose(2, 0, 1)).all()
    with pytest.raises(Refused, match=r"extra_32x32.mat is missing"):
        svhn.load(size=32, root=str(tmp_path), options={"sources": ["svhn", "svhn_extra"]})


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"X": np.zeros((32, 32, 20), np.uint8)}, "holds no X of bytes"),
        ({"X": np.zeros((32, 32, 3, 20))}, "holds no X of bytes"),
        ({"y": np.ones((19, 1), np.uint8)}, "holds no y with one number for each of the 20 images"),
        ({"y": np.full((20, 1), 11, np.uint8)}, "whole numbers from 1 to 10"),
        ({"y": np.zeros((20, 1), np.uint8)}, "whole numbers from 1 to 10"),
        ({"y": np.full((20, 1), np.nan)}, "whole numbers from 1 to 10"),
        ({"y": np.ones((20, 1), complex)}, "holds no y"),
        ({"y": np.full((20, 1), 1.5)}, "whole numbers from 1 to 10"),
        ({"y": np.array([["a"]] * 20, dtype=object)}, "holds no y"),
    ],
)
def test_svhn_refuses_arrays_of_another_form(
    tmp_path: Path, changed: dict[str, object], sentence: str
) -> None:
    write_svhn(tmp_path, **changed)
    with pytest.raises(Refused, match=sentence):
        svhn.load(size=32, root=str(tmp_path), options={})


@pytest.mark.parametrize("damage", [b"", b"no MATLAB file", pickle.dumps([1]), "half"])
def test_svhn_refuses_a_damaged_file(tmp_path: Path, damage: bytes | str) -> None:
    write_svhn(tmp_path)
    path = tmp_path / "test_32x32.mat"
    path.write_bytes(damage if isinstance(damage, bytes) else path.read_bytes()[:30_000])
    with pytest.raises(Refused, match=r"test_32x32.mat is no readable MATLAB file"):
        svhn.load(size=32, root=str(tmp_path), options={})


def test_a_damaged_mat_file_is_read_or_refused_but_never_breaks(tmp_path: Path) -> None:
    write_svhn(tmp_path, zipped=False)
    path, refused = tmp_path / "test_32x32.mat", 0
    whole = path.read_bytes()
    # what is not pixels
    frame = [k for k in range(len(whole)) if 120 < k < 200 or k > len(whole) - 90]
    for _ in range(400):
        damaged = bytearray(whole)
        damaged[STREAM.choice(frame)] = STREAM.integers(256)
        path.write_bytes(damaged)
        try:
            svhn.load(size=32, root=str(tmp_path), options={})
        except Refused:
            refused += 1
    assert refused > 150


@pytest.mark.parametrize(
    "array",
    [np.arange(6.0).reshape(2, 3), np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(1)],
)
def test_arrays_of_matlab_are_scipys(tmp_path: Path, array: np.ndarray) -> None:
    held = {
        "a": array,
        "text": "abc",
        "cells": np.array([[1], ["b"]], dtype=object),
        "record": {"b": 1},
        "long_name": array,
    }
    savemat(tmp_path / "a.mat", held)
    found, theirs = read_arrays(tmp_path / "a.mat"), loadmat(tmp_path / "a.mat")
    assert sorted(found) == ["a", "long_name"]
    for name, ours in found.items():
        assert ours.dtype == theirs[name].dtype
        assert (ours == theirs[name]).all()


def test_a_matrix_that_matlab_has_stored_in_smaller_numbers_is_read(tmp_path: Path) -> None:
    flags, lengths, name = (
        struct.pack("<IIII", 6, 8, 6, 0),
        struct.pack("<IIii", 5, 8, 3, 1),
        b"\1\0\1\0y\0\0\0",
    )
    # doubles as bytes, within the tag
    content = flags + lengths + name + b"\2\0\3\0" + bytes([1, 10, 3, 0])
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    (tmp_path / "a.mat").write_bytes(head + struct.pack("<II", 14, len(content)) + content)
    assert read_arrays(tmp_path / "a.mat")["y"].tolist() == [[1.0], [10.0], [3.0]]
    assert loadmat(tmp_path / "a.mat")["y"].tolist() == [[1], [10], [3]]


@pytest.mark.parametrize(
    "sources", ["svhn", [], ["svhn", "svhn"], ["mnist"], ["svhn_extra"], [["svhn"]], None]
)
def test_svhn_refuses_wrong_sources(tmp_path: Path, sources: object) -> None:
    with pytest.raises(Refused, match="svhn: sources must"):
        svhn.load(size=32, root=str(tmp_path), options={"sources": sources})
