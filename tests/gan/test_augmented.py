"""DiffAugment: what each change does to images, and its draws."""

from __future__ import annotations

import pytest
import torch

from made_gan import normal
from robustgen.core.refusal import Refused
from robustgen.gan.augmented import CHANGES, augmented, colour, cutout, translation


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", ["colour", "translation", "cutout"])
def test_the_same_generator_gives_the_same_images_and_another_one_others(name: str) -> None:
    x = normal(8, 3, 16, 16)
    assert torch.equal(augmented(x, [name], source(1)), augmented(x, [name], source(1)))
    assert not torch.equal(augmented(x, [name], source(1)), augmented(x, [name], source(2)))


def test_none_is_the_identity_and_draws_nothing() -> None:
    x, numbers = normal(2, 3, 16, 16), source()
    assert augmented(x, ["none"], numbers) is x
    assert torch.equal(torch.rand(3, generator=numbers), torch.rand(3, generator=source()))


def test_translation_moves_content_by_up_to_an_eighth_and_leaves_zeros() -> None:
    """Each image is one of the 5 x 5 shifts by up to 2 of 16 pixels."""
    x = normal(100, 2, 16, 16)
    found, seen = translation(x, source()), set()
    padded = torch.nn.functional.pad(x, (2, 2, 2, 2))
    for image, wide in zip(found, padded, strict=True):
        fits = [
            (i, j)
            for i in range(5)
            for j in range(5)
            if torch.equal(image, wide[:, i : i + 16, j : j + 16])
        ]
        assert len(fits) == 1
        seen |= set(fits)
    assert len(seen) == 25


def test_cutout_leaves_a_square_of_half_the_side_or_less_at_the_edge() -> None:
    x = torch.ones(200, 3, 16, 16)
    zeros = cutout(x, source()) == 0
    rows, columns = (zeros[:, 0].any(dim=axis).sum(dim=1) for axis in (2, 1))
    assert torch.equal(zeros[:, 0].sum(dim=(1, 2)), rows * columns)  # a rectangle
    assert rows.max() == 8
    assert columns.max() == 8
    assert rows.min() >= 4  # its centre lies inside


def test_colour_keeps_differences_of_places_up_to_two_factors() -> None:
    """Contrast scales deviations from an image's mean; saturation those of channels from grey. Of
    a grey image, saturation does nothing: a x + b remains, with a in [1/2, 3/2].
    """
    grey = normal(50, 1, 6, 6).expand(-1, 3, -1, -1)
    found = colour(grey, source())
    spread = found.std(dim=(1, 2, 3)) / grey.std(dim=(1, 2, 3))
    assert spread.min() >= 0.5
    assert spread.max() <= 1.5
    a = spread[:, None, None, None]
    rest = found - a * grey
    torch.testing.assert_close(rest, rest[:, :1, :1, :1].expand_as(rest), atol=1e-5, rtol=0)
    shift = (found.mean(dim=(1, 2, 3)) - grey.mean(dim=(1, 2, 3))).abs()
    assert shift.max() <= 0.5


@pytest.mark.parametrize("name", CHANGES)
def test_gradients_flow_to_the_pixels_that_remain(name: str) -> None:
    x = normal(2, 3, 16, 16).requires_grad_()
    augmented(x, [name], source()).square().sum().backward()
    assert (x.grad != 0).float().mean() > 0.5


def test_an_unknown_change_is_one_sentence() -> None:
    with pytest.raises(Refused, match=r"no 'blur'; a policy is a list out of none, colour"):
        augmented(normal(1, 3, 8, 8), ["blur"], source())
