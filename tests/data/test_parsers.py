"""MNIST's format: tiny files, compared with torchvision's readers, and damaged ones."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from robustgen.core import kinds
from robustgen.core.refusal import Refused
from robustgen.data.options import read_choices
from robustgen.data.sets import fashion_mnist, mnist

STREAM = np.random.Generator(np.random.PCG64(3))
IDX = pytest.mark.parametrize("data", [mnist, fashion_mnist], ids=["mnist", "fashion_mnist"])
COUNTS = {"train": 30, "t10k": 20}


def idx(array: np.ndarray) -> bytes:
    """An array as an idx file of bytes."""
    return (
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.tobytes()
    )


def write_idx(root: Path, data: ModuleType, *, zipped: bool) -> dict[str, np.ndarray]:
    """The four files; gives the images by their part."""
    folder, images = root / data.FOLDER, {}
    folder.mkdir(parents=True)
    for name, count in COUNTS.items():
        images[name] = STREAM.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) * 3 % 10).astype(np.uint8)
        for file, array in (
            (f"{name}-images-idx3-ubyte", images[name]),
            ((f"{name}-labels-idx1-ubyte"), labels),
        ):
            raw = idx(array)
            (folder / f"{file}{'.gz' if zipped else ''}").write_bytes(
                gzip.compress(raw) if zipped else raw
            )
    return images


@IDX
@pytest.mark.parametrize("zipped", [True, False])
def test_idx_files_give_their_pixels_zipped_or_not(
    tmp_path: Path, data: ModuleType, zipped: bool
) -> None:
    images = write_idx(tmp_path, data, zipped=zipped)
    pool = data.load(size=28, root=str(tmp_path), options={})
    assert pool.images.shape == (50, 1, 28, 28)
    assert (pool.images[:, 0] == np.concatenate([*images.values()])).all()
    assert pool.labels.tolist() == [k * 3 % 10 for count in COUNTS.values() for k in range(count)]
    assert pool.part.tolist() == [0] * 30 + [1] * 20


@IDX
def test_idx_files_are_read_as_torchvision_does(tmp_path: Path, data: ModuleType) -> None:
    from torchvision import datasets

    peer = {mnist: datasets.MNIST, fashion_mnist: datasets.FashionMNIST}[data]
    write_idx(tmp_path, data, zipped=False)
    pool = data.load(size=28, root=str(tmp_path), options={})
    for part, train in ((0, True), (1, False)):
        theirs = peer(tmp_path, train=train, download=False)
        assert (pool.images[pool.part == part][:, 0] == theirs.data.numpy()).all()
        assert pool.labels[pool.part == part].tolist() == theirs.targets.tolist()
    if data is fashion_mnist:
        assert list(pool.names) == theirs.classes


IMAGES = idx(np.zeros((20, 28, 28), np.uint8))
LABELS = idx(np.zeros(20, np.uint8))


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        (
            "images-idx3",
            gzip.compress(b"\0\0\x09\x03" + IMAGES[4:]),
            ("does not begin as an idx file of bytes with 3 axes"),
        ),
        (
            "images-idx3",
            gzip.compress(LABELS),
            ("does not begin as an idx file of bytes with 3 axes"),
        ),
        ("images-idx3", gzip.compress(IMAGES[:9]), "does not begin as an idx file"),
        ("images-idx3", gzip.compress(IMAGES[:-1]), "announces 15680 values but holds fewer"),
        ("images-idx3", gzip.compress(IMAGES + b"\0"), "announces 15680 values but holds more"),
        (
            "images-idx3",
            gzip.compress(IMAGES[:4] + b"\xff" * 12 + IMAGES[16:]),
            ("announces .* values but holds fewer"),
        ),
        ("images-idx3", gzip.compress(IMAGES)[:-20], "no whole gzip file"),
        ("images-idx3", gzip.compress(IMAGES)[:-8] + bytes(8), "no whole gzip file"),
        ("images-idx3", IMAGES, "no whole gzip file"),
        ("images-idx3", b"", "does not begin as an idx file"),
        (
            "images-idx3",
            gzip.compress(idx(np.zeros((20, 28, 27), np.uint8))),
            (r"must be \[20,28,28\] by their labels"),
        ),
        (
            "labels-idx1",
            gzip.compress(idx(np.zeros(19, np.uint8))),
            (r"must be \[19,28,28\] by their labels"),
        ),
        (
            "labels-idx1",
            gzip.compress(idx(np.full(20, 10, np.uint8))),
            ("labels must be the positions of the class names, 0 to 9"),
        ),
    ],
)
def test_a_damaged_idx_file_is_refused(
    tmp_path: Path, file: str, content: bytes, sentence: str
) -> None:
    write_idx(tmp_path, mnist, zipped=True)
    (tmp_path / mnist.FOLDER / f"t10k-{file}-ubyte.gz").write_bytes(content)
    with pytest.raises(Refused, match=sentence):
        mnist.load(size=28, root=str(tmp_path), options={})


def test_mnist_names_a_missing_file_a_missing_root_another_size_and_options(tmp_path: Path) -> None:
    write_idx(tmp_path, mnist, zipped=True)
    (tmp_path / mnist.FOLDER / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(Refused, match=r"t10k-labels-idx1-ubyte.gz is missing; mnist needs it"):
        mnist.load(size=28, root=str(tmp_path), options={})
    with pytest.raises(
        Refused, match=(r"mnist needs its files: .*holds MNIST/raw, or let `make data` fetch them")
    ):
        mnist.load(size=28, root=None, options={})
    with pytest.raises(Refused, match=r"mnist has images of 28 pixels, .* not 32"):
        mnist.load(size=32, root=str(tmp_path), options={})
    with pytest.raises(Refused, match="mnist has no option train"):
        mnist.load(size=28, root=str(tmp_path), options={"train": 5})


def test_choices_keep_their_order_and_truth_is_no_number() -> None:
    assert read_choices([3, 1], known=range(43), name="classes") == [3, 1]
    with pytest.raises(Refused, match=r"out of 0 to 42, not \[True\]"):
        read_choices([True], known=range(43), name="classes")


@pytest.mark.parametrize("kind", kinds.kinds("data"))
def test_every_kind_names_its_sources_in_a_literal(kind: str) -> None:
    from robustgen.data.download.sources import read_register

    module = kinds.load("data", kind)
    assert set(module.SOURCES) <= {row.source for row in read_register()}
    assert "\nSOURCES: tuple[str, ...] = (" in Path(module.__file__).read_text(encoding="utf-8")
