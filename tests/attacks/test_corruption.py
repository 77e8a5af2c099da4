"""Corruptions against their definitions, and against scipy, PIL and colorsys."""

from __future__ import annotations

import colorsys
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from norms import generator
from robustgen.attacks import corruption
from robustgen.attacks.cells import Sweep
from robustgen.attacks.sweep import run
from robustgen.attacks.types import Spec
from robustgen.core.refusal import Refused
from robustgen.data.sets import signs
from robustgen.data.store import to_float
from robustgen.nets.classifier import as_classifier

NAMES = ("noise", "blur", "brightness", "contrast", "jpeg")
SEVERITIES = (1, 2, 3, 4, 5)


def enumerated(constants: tuple[float, ...]) -> list[tuple[int, float]]:
    return list(enumerate(constants, start=1))


def corrupted(x: Tensor, name: str, severity: int, seed: int = 0) -> Tensor:
    spec = Spec(options={"corruption": name, "severity": severity})
    labels = torch.zeros(len(x)).long()
    return corruption.attack(nn.Flatten(), x, labels, spec=spec, generator=generator(seed)).images


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    """Twelve traffic signs."""
    pool = signs.load(size=32, root=None, options={"train": 50, "test": 12})
    return to_float(torch.from_numpy(pool.images[-12:]))


@pytest.mark.parametrize(("severity", "deviation"), enumerated((0.04, 0.06, 0.08, 0.09, 0.1)))
def test_noise_on_grey_has_the_deviation_of_its_severity(severity: int, deviation: float) -> None:
    """Of 65536 values the sample's deviation lies within 1.5 % (five standard errors)."""
    x = torch.full((16, 1, 64, 64), 0.5)
    found = corrupted(x, "noise", severity)
    assert float((found - x).std()) == pytest.approx(deviation, rel=0.015)
    assert float((found - x).mean()) == pytest.approx(0, abs=5 * deviation / 256)
    assert torch.equal(found, corrupted(x, "noise", severity))
    assert not torch.equal(found, corrupted(x, "noise", severity, seed=1))


@pytest.mark.parametrize(("severity", "sigma"), enumerated((0.4, 0.6, 0.7, 0.8, 1.0)))
def test_blur_is_the_normed_gaussian_of_scipy(severity: int, sigma: float) -> None:
    kernel = corruption.gaussian(sigma)
    assert float(kernel.sum()) == pytest.approx(1)
    ratio = kernel[len(kernel) // 2 + 1] / kernel[len(kernel) // 2]
    assert float(ratio) == pytest.approx(np.exp(-0.5 / sigma**2))
    flat = torch.full((1, 3, 8, 8), 0.37, dtype=torch.float64)
    torch.testing.assert_close(corrupted(flat, "blur", severity), flat)
    x = torch.rand(2, 3, 9, 11, generator=generator(), dtype=torch.float64)
    expected = gaussian_filter(x.numpy(), (0, 0, sigma, sigma), mode="nearest", truncate=4)
    torch.testing.assert_close(corrupted(x, "blur", severity), torch.from_numpy(expected))


@pytest.mark.parametrize(("severity", "added"), enumerated((0.05, 0.1, 0.15, 0.2, 0.3)))
def test_brightness_raises_the_value_of_hsv(severity: int, added: float) -> None:
    x = torch.rand(1, 3, 5, 5, generator=generator(), dtype=torch.float64)
    x[:, :, 0, 0], x[:, :, 0, 1] = 0, 1  # black and white
    found = corrupted(x, "brightness", severity)
    for old, new in zip(x[0].flatten(1).T.tolist(), found[0].flatten(1).T.tolist(), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*old)
        assert new == pytest.approx(colorsys.hsv_to_rgb(hue, saturation, min(value + added, 1)))
    grey = torch.tensor([[[[0.0, 0.5, 0.95]]]])
    expected = torch.tensor([[[[added, 0.5 + added, min(0.95 + added, 1)]]]])
    torch.testing.assert_close(corrupted(grey, "brightness", severity), expected)


@pytest.mark.parametrize(("severity", "factor"), enumerated((0.75, 0.5, 0.4, 0.3, 0.15)))
def test_contrast_draws_pixels_towards_the_mean_of_their_channel(
    severity: int, factor: float
) -> None:
    x = torch.tensor([[[[0.2, 0.4]], [[1.0, 0.0]]]])  # means 0.3 and 0.5
    near, far = 0.1 * factor, 0.5 * factor
    expected = torch.tensor([[[[0.3 - near, 0.3 + near]], [[0.5 + far, 0.5 - far]]]])
    torch.testing.assert_close(corrupted(x, "contrast", severity), expected)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("severity", "quality"), enumerated((80, 65, 58, 50, 40)))
def test_jpeg_is_that_of_pil(pictures: Tensor, severity: int, quality: int, channels: int) -> None:
    x = pictures[:3, :channels]
    found = corrupted(x, "jpeg", severity)
    for image, ours in zip(x, found, strict=True):
        buffer = BytesIO()
        pixels = (image * 255).round().byte().permute(1, 2, 0).numpy().squeeze()
        Image.fromarray(pixels, "L" if channels == 1 else "RGB").save(
            buffer, "JPEG", quality=quality
        )
        theirs = torch.from_numpy(np.array(Image.open(buffer))).reshape(32, 32, channels)
        assert torch.equal(ours, theirs.permute(2, 0, 1).float() / 255)


@pytest.mark.parametrize("name", NAMES)
def test_the_distance_rises_with_the_severity(pictures: Tensor, name: str) -> None:
    distances = [
        float((corrupted(pictures, name, severity) - pictures).flatten(1).norm(dim=1).mean())
        for severity in SEVERITIES
    ]
    assert distances[0] > 0
    assert all(a < b for a, b in pairwise(distances))


def test_a_sweep_over_both_options_has_a_cell_of_each_and_makes_no_pass(pictures: Tensor) -> None:
    sweep = Sweep("corruption", {"corruption": NAMES, "severity": SEVERITIES})
    assert sweep.axes() == ["corruption", "severity"]
    assert sweep.cells()[6] == {"corruption": "blur", "severity": 2}
    classifier, y = as_classifier(nn.Flatten()), torch.zeros(12).long()
    found = list(run(classifier, pictures, y, sweep=sweep, seed=5))
    assert len(found) == 25
    assert all((one.forwards, one.backwards) == (0, 0) for one in found)
    for cell, one in zip(sweep.cells(), found, strict=True):
        alone = corrupted(pictures, cell["corruption"], cell["severity"], seed=5)
        assert torch.equal(one.images, alone)


@pytest.mark.parametrize(
    ("sweep", "words"),
    [
        ({"severity": (0,)}, "severity .* of at least 1 and of at most 5, not 0"),
        ({"severity": (6,)}, "of at most 5, not 6"),
        ({"corruption": ("fog",)}, "must be one of noise, blur"),
        ({"eps": (0.1,)}, "Kind corruption has no budget; leave eps out"),
        ({"steps": (1,)}, "Kind corruption takes no steps; leave steps out"),
    ],
)
def test_other_severities_corruptions_and_axes_are_refused(
    sweep: dict[str, tuple[object, ...]], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        Sweep("corruption", sweep)
