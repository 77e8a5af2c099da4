"""Images of another data set: which ones, in what order, in what form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from norms import generator
from robustgen.attacks import other_images
from robustgen.attacks.cells import Sweep
from robustgen.attacks.sweep import run
from robustgen.attacks.types import Attacked, Spec
from robustgen.core.files import write_json
from robustgen.core.refusal import Refused
from robustgen.core.tensors import write_arrays
from robustgen.nets.classifier import as_classifier

SIDE = 6


def dataset(folder: Path, *, channels: int = 1, side: int = SIDE, count: int = 12) -> Path:
    """A data set whose image k has the one value 10 k everywhere; validation is the first four."""
    folder.mkdir()
    values = 10 * np.arange(count, dtype=np.uint8)
    images = np.broadcast_to(values[:, None, None, None], (count, channels, side, side)).copy()
    write_arrays(
        folder / "pool.safetensors", {"images": images, "labels": np.zeros(count, np.int64)}
    )
    write_json(folder / "pool.json", {"names": ["none"]})
    splits = {"validation": np.arange(4), "test": np.arange(4, count)}
    write_arrays(folder / "splits.safetensors", splits)
    return folder


def shown(folder: Path, x: Tensor, *, split: str = "test", start: int = 0, seed: int = 0) -> Tensor:
    options = {"dataset": str(folder), "place": (split, start)}
    labels = torch.zeros(len(x)).long()
    given = {"spec": Spec(options=options), "generator": generator(seed)}
    found: Attacked = other_images.attack(lambda x: x.flatten(1), x, labels, **given)
    return found.images


def numbers(images: Tensor) -> list[int]:
    """Which images of the data set they are."""
    return [round(float(value) * 25.5) for value in images[:, 0, 0, 0]]


def test_batches_in_turn_show_every_image_of_the_split_of_the_same_name_once(
    tmp_path: Path,
) -> None:
    folder, x = dataset(tmp_path / "other"), torch.zeros(4, 1, SIDE, SIDE)
    test = [n for start in (0, 4) for n in numbers(shown(folder, x, start=start))]
    assert sorted(test) == list(range(4, 12))
    assert test != sorted(test)
    assert sorted(numbers(shown(folder, x, split="validation"))) == list(range(4))


def test_the_order_is_fixed_and_no_matter_of_the_generator_or_the_batch(tmp_path: Path) -> None:
    folder, x = dataset(tmp_path / "other"), torch.zeros(6, 1, SIDE, SIDE)
    whole = shown(folder, x)
    assert torch.equal(whole, shown(folder, x, seed=9))
    assert torch.equal(whole[2:5], shown(folder, x[:3], start=2))


def test_too_few_images_are_refused_with_what_to_lower(tmp_path: Path) -> None:
    folder, x = dataset(tmp_path / "other"), torch.zeros(5, 1, SIDE, SIDE)
    with pytest.raises(
        Refused, match=r"8 images in its split test, and at least 9 .*lower `images"
    ):
        shown(folder, x, start=4)
    with pytest.raises(Refused, match="has no split train; name a data set that has one"):
        shown(folder, x, split="train")


def test_grey_images_are_repeated_and_colours_become_their_luminance() -> None:
    grey = torch.rand(2, 1, 4, 4, generator=generator())
    assert torch.equal(other_images.formed(grey, torch.Size((3, 4, 4))), grey.repeat(1, 3, 1, 1))
    red, green, blue = torch.eye(3).reshape(3, 1, 3, 1, 1).expand(3, 1, 3, 2, 2)
    for colour, weight in ((red, 0.299), (green, 0.587), (blue, 0.114), (red + green + blue, 1.0)):
        found = other_images.formed(colour, torch.Size((1, 2, 2)))
        torch.testing.assert_close(found, torch.full((1, 1, 2, 2), weight))


def test_larger_sizes_are_fitted_by_bilinear_interpolation() -> None:
    """Twice as large, the pixels (0, 1) of a row are sampled at -1/4, 1/4, 3/4 and 5/4."""
    row = torch.tensor([0.0, 1.0]).expand(1, 1, 2, 2)
    found = other_images.formed(row, torch.Size((1, 4, 4)))
    torch.testing.assert_close(found[0, 0, 0], torch.tensor([0, 0.25, 0.75, 1]))


@pytest.mark.parametrize("side", [5, 8, 20])
def test_sizes_are_fitted_as_by_pil(side: int) -> None:
    """PIL widens the triangle where an image shrinks, which is the antialiasing."""
    x = torch.rand(1, 1, 13, 13, generator=generator())
    image = Image.fromarray(x[0, 0].numpy()).resize((side, side), Image.Resampling.BILINEAR)
    found = other_images.formed(x, torch.Size((1, side, side)))
    torch.testing.assert_close(found[0, 0], torch.from_numpy(np.array(image)))


def test_a_sweep_shows_them_without_a_pass_and_outside_of_any_ball(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "other", channels=3, side=9)
    classifier = as_classifier(nn.Flatten())
    x = torch.ones(3, 1, SIDE, SIDE, dtype=torch.float64)
    sweep = Sweep("other_images", {}, options={"dataset": str(folder), "place": ("test", 0)})
    assert sweep.cells() == [{}]
    (found,) = run(classifier, x, torch.zeros(3).long(), sweep=sweep, seed=0)
    assert (found.images.dtype, found.images.shape) == (x.dtype, x.shape)
    assert (found.forwards, found.backwards) == (0, 0)
    with pytest.raises(Refused, match="Kind other_images has no budget; leave eps out"):
        Sweep("other_images", {"eps": (0.1,)}, options=sweep.options)
    with pytest.raises(Refused, match="hand it options place"):
        other_images.attack(
            classifier,
            x,
            x[:, 0, 0, 0].long(),
            spec=Spec(options={"dataset": "d"}),
            generator=generator(),
        )
