"""The measure of samples: its row against the functions that it names, pictures, refusals."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from made_gan import Affine, Means, tinted
from robustgen.core.refusal import Refused
from robustgen.core.seeds import generator, seed_of
from robustgen.data.store import Images
from robustgen.gan.samples import measure
from robustgen.measures.frechet import frechet
from robustgen.measures.inception_score import inception_score
from robustgen.measures.kid import kid
from robustgen.measures.types import Context

CONTEXT = Context(partial(seed_of, 1, seed=0), {}, batch=7, device="cpu")


def images(count: int = 20) -> Images:
    part = tinted(count, 16, seed=3)
    return Images(part.images.numpy(), part.labels.numpy(), np.arange(count), ("red", "blue"))


def test_the_row_compares_as_many_samples_of_each_class_as_real_images() -> None:
    made, real = Affine(size=16, latent=4), images()
    found = measure(made, real, options={"images": 15, "shown": 3}, context=CONTEXT)
    (row,) = found.rows.to_dict("records")
    z = torch.randn((15, 4), generator=generator(CONTEXT.seed(use="samples")))
    fake = Means()(made(z, torch.from_numpy(real.labels[:15])))
    a = Means()(torch.from_numpy(real.images[:15]) / 255).features.double().numpy()
    b = fake.features.double().numpy()
    assert row["fid"] == pytest.approx(frechet(a, b), rel=1e-6)
    assert row["kid"] == pytest.approx(kid(a, b), rel=1e-6)
    assert row["inception_score"] == pytest.approx(inception_score(fake.logits.numpy()), rel=1e-6)
    assert (row["n"], row["extractor"], row["resize"]) == (15, "surrogate of means", "none")
    assert set(found.arrays) == {"samples"}
    pictures = found.arrays["samples"]
    assert pictures.shape == (2, 3, 3, 16, 16)
    assert pictures.dtype == np.uint8
    z = torch.randn((6, 4), generator=generator(CONTEXT.seed(use="pictures")))
    x = made(z, torch.tensor([0, 0, 0, 1, 1, 1])).reshape(pictures.shape)
    assert np.abs(pictures / 255 - x.numpy()).max() < 1 / 255


def test_fewer_test_images_are_all_taken_and_progress_is_passed_on() -> None:
    made = Affine(size=16, latent=4)
    made.progress = torch.full((2, 2, 1, 3, 16, 16), 7, dtype=torch.uint8)
    found = measure(made, images(9), options={"images": 5000, "shown": 1}, context=CONTEXT)
    assert found.rows["n"].tolist() == [9]
    assert (found.arrays["progress"] == 7).all()


def test_what_is_no_generator_is_one_sentence() -> None:
    with pytest.raises(Refused, match="measures models that give a generator alone"):
        measure(nn.Identity(), images(), options={"images": 5, "shown": 1}, context=CONTEXT)
