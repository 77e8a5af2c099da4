"""CIFAR-10 and Imagenette: tiny files in the original formats, and the real ones where ROBUSTGEN_DATA has them."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import ROOT
from robustgen.core.refusal import Refused
from robustgen.data import cifar10, imagenette

REAL = Path(os.environ.get("ROBUSTGEN_DATA", ROOT / "no data"))


def batches(root: Path, n: int = 10) -> np.ndarray:
    """Six batches of n images as the official archive pickles them; gives all pixels."""
    folder = root / cifar10.FOLDER
    folder.mkdir()
    pixels = np.random.Generator(np.random.PCG64(0)).integers(0, 256, (6 * n, 3072), dtype=np.uint8)
    for k, name in enumerate(cifar10.BATCHES):
        part = {b"data": pixels[k * n : (k + 1) * n], b"labels": [i % 10 for i in range(n)]}
        (folder / name).write_bytes(pickle.dumps(part, protocol=3))
    return pixels


def test_cifar10_gives_the_pixels_and_labels_of_its_batches(tmp_path: Path) -> None:
    pixels = batches(tmp_path)
    pool = cifar10.load(size=32, root=str(tmp_path), options={})
    assert (pool.images == pixels.reshape(-1, 3, 32, 32)).all()
    assert pool.labels.tolist() == [i % 10 for i in range(10)] * 6
    assert pool.part.tolist() == [0] * 50 + [1] * 10


class Evil:
    """Writes a file when it is unpickled by a careless reader."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (os.system, (f"touch {self.path}",))


def test_a_doctored_batch_is_refused_without_being_executed(tmp_path: Path) -> None:
    batches(tmp_path)
    (tmp_path / cifar10.FOLDER / "data_batch_3").write_bytes(pickle.dumps(Evil(tmp_path / "executed"), protocol=3))
    with pytest.raises(Refused, match="data_batch_3 is not an official CIFAR-10 batch"):
        cifar10.load(size=32, root=str(tmp_path), options={})
    assert not (tmp_path / "executed").exists()


def test_a_truncated_and_a_missing_batch_are_named(tmp_path: Path) -> None:
    batches(tmp_path)
    batch = tmp_path / cifar10.FOLDER / "test_batch"
    batch.write_bytes(batch.read_bytes()[:-100])
    with pytest.raises(Refused, match="test_batch is not an official"):
        cifar10.load(size=32, root=str(tmp_path), options={})
    batch.unlink()
    with pytest.raises(Refused, match="test_batch is missing"):
        cifar10.load(size=32, root=str(tmp_path), options={})


def test_no_root_and_another_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="ROBUSTGEN_DATA"):
        cifar10.load(size=32, root=None, options={})
    with pytest.raises(Refused, match="32 pixels"):
        cifar10.load(size=64, root=str(tmp_path), options={})


@pytest.mark.skipif(not (REAL / cifar10.FOLDER).exists(), reason="ROBUSTGEN_DATA does not hold CIFAR-10")
def test_the_real_cifar10_has_its_counts() -> None:
    pool = cifar10.load(size=32, root=str(REAL), options={})
    assert np.bincount(pool.labels[pool.part == 0]).tolist() == [5000] * 10
    assert np.bincount(pool.labels[pool.part == 1]).tolist() == [1000] * 10


@pytest.mark.parametrize("shape", [(160, 200), (213, 160), (151, 150), (120, 150), (90, 101)])
def test_the_crop_is_torchvisions_centre_crop(tmp_path: Path, shape: tuple[int, int]) -> None:
    from torchvision.transforms.functional import center_crop

    pixels = np.random.Generator(np.random.PCG64(1)).integers(0, 256, (*shape, 3), dtype=np.uint8)
    path = tmp_path / "image.png"
    Image.fromarray(pixels).save(path)
    expected = np.asarray(center_crop(Image.open(path), [150, 150]))
    assert (imagenette._crop(path, 150).transpose(1, 2, 0) == expected).all()


def test_imagenette_reads_its_folders_and_names_a_missing_one(tmp_path: Path) -> None:
    for part in imagenette.PARTS:
        for wnid in imagenette.CLASSES:
            folder = tmp_path / imagenette.FOLDER / part / wnid
            folder.mkdir(parents=True)
            Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(folder / "a.JPEG")
    pool = imagenette.load(size=32, root=str(tmp_path), options={})
    assert pool.images.shape == (20, 3, 32, 32)
    assert pool.labels.tolist() == [*range(10), *range(10)]
    (folder / "a.JPEG").unlink()
    with pytest.raises(Refused, match=r"holds no \.JPEG file"):
        imagenette.load(size=32, root=str(tmp_path), options={})
