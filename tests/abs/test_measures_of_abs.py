"""What is measured of E-ABS: the parts of the likelihood bound, and the bound of eq. 2.7 where
inference is exact.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from prototypes import Prototypes, near, prototypes
from robustgen.abs import bound, explanation
from robustgen.attacks import foolbox
from robustgen.attacks.types import Spec
from robustgen.core.seeds import seed_of
from robustgen.data.store import Images
from robustgen.measures.types import Context

# foolbox's import of scipy
pytestmark = pytest.mark.filterwarnings("ignore:Please import `gaussian_filter`:DeprecationWarning")


class Exact(Prototypes):
    """Decoders without latents: each class reconstructs any image by its prototype, so that
    inference is exact and l_k = d_k^2.
    """

    def look(self, x: Tensor) -> dict[str, Any]:
        scores = self(x)
        return {"scores": scores, "costs": -scores, "priors": torch.zeros_like(scores)}


def measured(model: Exact, x: Tensor, y: Tensor) -> Any:
    images = Images(x.numpy(), y.numpy(), np.arange(len(y)), ("a", "b", "c"))
    context = Context(partial(seed_of, 0), {}, 4, "cpu")
    return bound.measure(model, images, options={"images": len(y)}, context=context).rows


def test_the_bound_of_exact_inference_is_the_radius_in_the_plane_of_two_prototypes() -> None:
    """With l_y = d_y^2 eq. 2.7 is (d_k^2 - d_y^2) / (2 d_k + 2 d_y) = (d_k - d_y) / 2, which is
    never above the distance to the plane between the prototypes, (d_k^2 - d_y^2) / (2 |p_k - p_y|),
    for |p_k - p_y| <= d_k + d_y.
    """
    model = Exact(prototypes())
    x, y = near(model.p, 9)
    found = measured(model, x, y)
    d = (x[:, None] - model.p).flatten(2).norm(dim=2)
    gaps = (d - d.gather(1, y[:, None])).scatter(1, y[:, None], torch.inf).min(dim=1)[0] / 2
    np.testing.assert_allclose(found["bound"], gaps.numpy(), rtol=1e-5)
    assert (found["prediction"] == y.numpy()).all()


def test_no_attack_finds_an_image_below_the_bound() -> None:
    model = Exact(prototypes())
    x, y = near(model.p, 9)
    spec = Spec(eps=float("inf"), steps=50, norm="l2", options={"name": "L2DeepFool"})
    attacked = foolbox.attack(model, x, y, spec=spec, generator=torch.Generator()).images
    assert (model(attacked).argmax(dim=1) != y).all()
    distance = (attacked - x).flatten(1).norm(dim=1).numpy()
    assert (distance >= measured(model, x, y)["bound"].to_numpy()).all()


def test_an_image_that_another_class_explains_better_has_the_bound_0() -> None:
    model = Exact(prototypes())
    x, y = near(model.p, 3)
    assert (measured(model, x, (y + 1) % 3)["bound"] == 0).all()


def test_the_parts_of_the_likelihood_bound_are_those_of_the_best_class() -> None:
    scores = torch.tensor([[-5.0, -2.0, -9.0], [-1.0, -4.0, -3.0]])
    costs, priors = torch.arange(6.0).reshape(2, 3), 10 + torch.arange(6.0).reshape(2, 3)
    given: Any = (None, None)
    columns = explanation.measure(*given, options={}, generator=torch.Generator())
    found = columns({"scores": scores, "costs": costs, "priors": priors}, {})
    assert found["elbo"].tolist() == [-2, -1]
    assert found["lead"].tolist() == [3, 2]
    assert found["reconstruction"].tolist() == [1, 3]
    assert found["prior"].tolist() == [11, 13]
