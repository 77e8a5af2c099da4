"""CIFAR-10, CIFAR-100 and Imagenette: tiny files in the original formats; and the real files where
ROBUSTGEN_DATA has them.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from conftest import ROOT
from robustgen.core.refusal import Refused
from robustgen.data.sets import cifar10, cifar100, fashion_mnist, imagenette, mnist, npz

REAL = Path(os.environ.get("ROBUSTGEN_DATA", ROOT / "no data"))
KEYS = {cifar10: b"labels", cifar100: b"fine_labels"}
CIFARS = pytest.mark.parametrize("cifar", [cifar10, cifar100], ids=["cifar10", "cifar100"])


class Python2(pickle._Pickler):
    """Pickles as the official archives were: texts and bytes alike are Python 2's strings."""

    dispatch: ClassVar = {**pickle._Pickler.dispatch}

    def save_string(self, held: str | bytes) -> None:
        raw = held.encode() if isinstance(held, str) else held
        self.write(pickle.BINSTRING + struct.pack("<i", len(raw)) + raw)
        self.memoize(held)

    dispatch[str] = dispatch[bytes] = save_string


def pickled(held: object) -> bytes:
    """The bytes of an official pickle."""
    file = io.BytesIO()
    Python2(file, protocol=2).dump(held)
    return file.getvalue()


def batches(root: Path, cifar: ModuleType, n: int = 10) -> tuple[np.ndarray, list[int]]:
    """Batches of n images as the official archive pickles them; gives all pixels and labels."""
    folder = root / cifar.FOLDER
    folder.mkdir()
    count, kinds = len(cifar.BATCHES), len(cifar.NAMES)
    pixels = np.random.Generator(np.random.PCG64(0)).integers(
        0, 256, (count * n, 3072), dtype=np.uint8
    )
    labels = [(7 * i) % kinds for i in range(count * n)]
    for k, name in enumerate(cifar.BATCHES):
        here = slice(k * n, (k + 1) * n)
        part = {
            b"data": pixels[here],
            KEYS[cifar]: labels[here],
            b"filenames": [b"a.png"] * n,
            b"coarse_labels": [0] * n,
        }
        (folder / name).write_bytes(pickled(part))
    return pixels.reshape(-1, 3, 32, 32), labels


def rewrite(root: Path, change: Callable[[dict[bytes, object]], object]) -> None:
    """The test batch of CIFAR-10 again, after `change` has been at what it holds."""
    path = root / cifar10.FOLDER / "test_batch"
    held = pickle.loads(path.read_bytes(), encoding="bytes")
    path.write_bytes(pickled(change(held) or held))


@CIFARS
def test_cifar_gives_the_pixels_and_labels_of_its_batches(
    tmp_path: Path, cifar: ModuleType
) -> None:
    pixels, labels = batches(tmp_path, cifar)
    pool = cifar.load(size=32, root=str(tmp_path), options={})
    assert (pool.images == pixels).all()
    assert pool.labels.tolist() == labels
    assert pool.part.tolist() == [part for part in cifar.BATCHES.values() for _ in range(10)]


@CIFARS
def test_cifar_agrees_with_torchvisions_reader(
    tmp_path: Path, cifar: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision import datasets

    peer = {cifar10: datasets.CIFAR10, cifar100: datasets.CIFAR100}[cifar]
    monkeypatch.setattr(peer, "_check_integrity", lambda self: True)
    monkeypatch.setattr(peer, "_load_meta", lambda self: None)
    batches(tmp_path, cifar)
    pool = cifar.load(size=32, root=str(tmp_path), options={})
    for part, train in ((0, True), (1, False)):
        theirs = peer(tmp_path, train=train, download=False)
        assert (pool.images[pool.part == part] == theirs.data.transpose(0, 3, 1, 2)).all()
        assert pool.labels[pool.part == part].tolist() == theirs.targets


def test_cifar100_has_a_hundred_names_in_alphabetical_order() -> None:
    assert len(set(cifar100.NAMES)) == 100
    assert list(cifar100.NAMES) == sorted(cifar100.NAMES)


class Evil:
    """Writes a file when it is unpickled by a careless reader."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (os.system, (f"touch {self.path}",))


class Forged:
    """An array of objects over made-up addresses, which numpy's own constructor would accept."""

    def __reduce__(self) -> tuple:
        return (np.ndarray, ((10, 3072), np.dtype("O"), b"A" * 8 * 10 * 3072))


def test_a_doctored_batch_is_refused_without_being_executed(tmp_path: Path) -> None:
    batches(tmp_path, cifar10)
    (tmp_path / cifar10.FOLDER / "data_batch_3").write_bytes(
        pickle.dumps(Evil(tmp_path / "executed"), protocol=3)
    )
    with pytest.raises(
        Refused,
        match=(r"data_batch_3 is not an official batch of CIFAR-10 \(it names posix.system\)"),
    ):
        cifar10.load(size=32, root=str(tmp_path), options={})
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda held: held.update({b"data": Forged()}), "no array of bytes"),
        (
            lambda held: held.update({b"data": held[b"data"][:, :-1]}),
            ("no array of bytes with rows of 3072"),
        ),
        (
            lambda held: held.update({b"data": held[b"data"].astype(np.float32)}),
            "no array of bytes",
        ),
        (lambda held: held.update({b"data": [1, 2]}), "no array of bytes"),
        (lambda held: held.pop(b"data") is None, "no array of bytes"),
        (lambda held: held[b"labels"].pop() * 0, "no list of 10 whole numbers from 0 to 9"),
        (
            lambda held: held[b"labels"].__setitem__(3, 10),
            ("no list of 10 whole numbers from 0 to 9"),
        ),
        (lambda held: held[b"labels"].__setitem__(3, 1.0), "no list of 10 whole numbers"),
        (lambda held: [held], "it holds list, no dictionary"),
    ],
)
def test_a_batch_of_another_shape_is_refused(
    tmp_path: Path, change: Callable[..., object], sentence: str
) -> None:
    batches(tmp_path, cifar10)
    rewrite(tmp_path, change)
    with pytest.raises(
        Refused, match=(f"test_batch is not an official batch of CIFAR-10 .*{sentence}")
    ):
        cifar10.load(size=32, root=str(tmp_path), options={})


def test_a_damaged_batch_is_read_or_refused_but_never_breaks(tmp_path: Path) -> None:
    batches(tmp_path, cifar10, n=1)
    path = tmp_path / cifar10.FOLDER / "test_batch"
    whole, stream = path.read_bytes(), np.random.Generator(np.random.PCG64(1))
    frame = [k for k in range(len(whole)) if k < 150 or k > len(whole) - 150]  # what is not pixels
    refused = 0
    for _ in range(400):
        damaged = bytearray(whole)
        damaged[stream.choice(frame)] = stream.integers(256)
        path.write_bytes(damaged)
        try:
            cifar10.load(size=32, root=str(tmp_path), options={})
        except Refused:
            refused += 1
    assert refused > 200


def test_a_truncated_and_a_missing_batch_are_named(tmp_path: Path) -> None:
    batches(tmp_path, cifar10)
    batch = tmp_path / cifar10.FOLDER / "test_batch"
    batch.write_bytes(batch.read_bytes()[:-100])
    with pytest.raises(Refused, match="test_batch is not an official"):
        cifar10.load(size=32, root=str(tmp_path), options={})
    batch.unlink()
    with pytest.raises(Refused, match="test_batch is missing"):
        cifar10.load(size=32, root=str(tmp_path), options={})


@CIFARS
def test_no_root_another_size_and_options_are_refused(tmp_path: Path, cifar: ModuleType) -> None:
    with pytest.raises(
        Refused,
        match=(
            "needs its files: set data.root or ROBUSTGEN_DATA to the folder that holds "
            f"{cifar.FOLDER}"
        ),
    ):
        cifar.load(size=32, root=None, options={})
    with pytest.raises(Refused, match="32 pixels"):
        cifar.load(size=64, root=str(tmp_path), options={})
    with pytest.raises(Refused, match=r"no option coarse; it (has none|knows only classes)"):
        cifar.load(size=32, root=str(tmp_path), options={"coarse": True})


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


def test_imagenette_refuses_no_root_and_unknown_options(tmp_path: Path) -> None:
    with pytest.raises(
        Refused, match=(r"imagenette needs its files: .* or let `make data` fetch them")
    ):
        imagenette.load(size=32, root=None, options={})
    with pytest.raises(Refused, match="no option crop; it knows only folder"):
        imagenette.load(size=32, root=str(tmp_path), options={"crop": 1})


def real(place: str) -> pytest.MarkDecorator:
    """Skips a test where the real files are not at hand."""
    return pytest.mark.skipif(
        not (REAL / place).exists(), reason=(f"ROBUSTGEN_DATA does not hold {place}")
    )


@real(cifar10.FOLDER)
def test_the_real_cifar10_has_its_counts() -> None:
    pool = cifar10.load(size=32, root=str(REAL), options={})
    assert np.bincount(pool.labels[pool.part == 0]).tolist() == [5000] * 10
    assert np.bincount(pool.labels[pool.part == 1]).tolist() == [1000] * 10


@real(mnist.FOLDER)
def test_the_real_mnist_has_its_counts_and_begins_as_everyone_knows() -> None:
    pool = mnist.load(size=28, root=str(REAL), options={})
    assert np.bincount(pool.part).tolist() == [60_000, 10_000]
    assert pool.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert pool.labels[60_000:60_005].tolist() == [7, 2, 1, 0, 4]
    # the mean by which everyone normalises
    assert round(float(pool.images[:60_000].mean()) / 255, 4) == 0.1307
    assert round(float(pool.images[:60_000].std()) / 255, 4) == 0.3081


@real(fashion_mnist.FOLDER)
def test_the_real_fashion_mnist_has_its_counts() -> None:
    pool = fashion_mnist.load(size=28, root=str(REAL), options={})
    assert np.bincount(pool.labels[pool.part == 0]).tolist() == [6000] * 10
    assert np.bincount(pool.labels[pool.part == 1]).tolist() == [1000] * 10
    assert pool.names[pool.labels[0]] == "Ankle boot"
    assert round(float(pool.images[:60_000].mean()) / 255, 4) == 0.2860


@real("gtsrb10/train.npz")
def test_the_prepared_gtsrb10_is_read_as_your_own_data() -> None:
    pool = npz.load(size=32, root=str(REAL), options={"folder": "gtsrb10"})
    assert pool.images.shape == (10_000, 3, 32, 32)
    assert np.bincount(pool.part).tolist() == [8000, 2000]
    assert pool.names[9] == "class 9"
    with np.load(REAL / "gtsrb10/test.npz", allow_pickle=False) as file:
        assert (pool.images[8000:].transpose(0, 2, 3, 1) == file["images"]).all()


def test_chosen_classes_are_kept_in_their_order(tmp_path: Path) -> None:
    """Their images are those of the whole set, and labels follow the list."""
    batches(tmp_path, cifar10)
    whole = cifar10.load(size=32, root=str(tmp_path), options={})
    chosen = ["dog", "cat"]
    few = cifar10.load(size=32, root=str(tmp_path), options={"classes": chosen})
    assert few.names == ("dog", "cat")
    for label, name in enumerate(chosen):
        mine = whole.labels == whole.names.index(name)
        np.testing.assert_array_equal(few.images[few.labels == label], whole.images[mine])
        np.testing.assert_array_equal(few.part[few.labels == label], whole.part[mine])
    with pytest.raises(Refused, match="cifar10: classes must be"):
        cifar10.load(size=32, root=str(tmp_path), options={"classes": ["wolf"]})
