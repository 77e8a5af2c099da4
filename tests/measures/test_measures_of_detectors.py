"""Kernel densities against scikit-learn, LID against its closed form, BU against a variance by
hand, and what they refuse.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.model_selection import GridSearchCV, LeaveOneOut
from sklearn.neighbors import KernelDensity
from torch import nn

from known import generator, images, lids, net, reference
from robustgen.core.refusal import Refused
from robustgen.detect import kd_bu, supervised
from robustgen.detect.types import Validation
from robustgen.measures import density, natural
from robustgen.measures.class_density import ClassDensity
from robustgen.measures.lid import lid
from robustgen.measures.scores import distances, label_free, logits
from robustgen.measures.types import Look, PerImage, Reference
from robustgen.measures.uncertainty import dropout_masks, uncertainty


def kd_and_bu(known: Reference, passes: int = 50) -> PerImage:
    options = {"passes": passes}
    return kd_bu.measure(known.model, known, options=options, generator=generator())


# --- kernel density -------------------------------------------------------------------------------


@pytest.mark.parametrize("xp", [np, torch])
@pytest.mark.parametrize("dimension", [1, 3, 40])
def test_log_density_is_scikit_learns(xp: Any, dimension: int) -> None:
    rng = np.random.default_rng(dimension)
    points, x = rng.normal(size=(50, dimension)), rng.normal(size=(7, dimension)) + 2
    expected = KernelDensity(bandwidth=0.7).fit(points).score_samples(x)
    found = density.log_density(xp.asarray(x), xp.asarray(points), 0.7, xp)
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-9)


def test_a_far_point_has_a_finite_log_density() -> None:
    assert np.isfinite(density.log_density(np.array([[1e6]]), np.zeros((3, 1)), 0.01)).all()


def test_the_bandwidth_is_that_of_scikit_learns_leave_one_out_search() -> None:
    points = np.random.default_rng(3).normal(size=(40, 2))
    scale = np.median(np.linalg.norm(points[:, None] - points, axis=2)[~np.eye(40, dtype=bool)])
    search = GridSearchCV(
        KernelDensity(), {"bandwidth": scale * density.GRID}, cv=LeaveOneOut()
    ).fit(points)
    assert density.bandwidth([points]) == pytest.approx(search.best_params_["bandwidth"], rel=1e-6)


def test_bandwidth_grows_with_the_scale_of_the_features() -> None:
    groups = [np.random.default_rng(k).normal(size=(30, 4)) for k in range(2)]
    assert density.bandwidth([10 * group for group in groups]) == pytest.approx(
        10 * density.bandwidth(groups)
    )


def test_kd_is_the_density_under_the_predicted_class() -> None:
    known = reference()
    measure = kd_and_bu(known, passes=3)
    seen = known.first(12)
    features = np.concatenate([part["features"].numpy() for part in known.batches()]).astype(float)
    h = density.bandwidth([features[known.labels == k] for k in range(3)])
    predicted = seen["scores"].argmax(1).numpy()
    for row, value in enumerate(measure(seen, seen)["kd"]):
        trees = KernelDensity(bandwidth=h).fit(features[known.labels == predicted[row]])
        assert value == pytest.approx(
            trees.score_samples(seen["features"][row : row + 1].double().numpy())[0], rel=1e-5
        )


def test_the_density_of_a_class_is_the_same_in_torch() -> None:
    rng = np.random.default_rng(5)
    features, labels = rng.normal(size=(60, 4)), np.arange(60) % 3
    fitted = ClassDensity.fit(features, labels, ("a", "b", "c"))
    x, classes = rng.normal(size=(9, 4)), np.arange(9) % 2
    found = fitted(torch.from_numpy(x), torch.from_numpy(classes), torch)
    np.testing.assert_allclose(found.numpy(), fitted(x, classes), rtol=1e-12)


# --- Bayesian uncertainty -------------------------------------------------------------------------


def test_bu_is_the_variance_of_a_dropout_net_by_hand() -> None:
    """One feature kept with probability 1 - p: the softmax takes two values a, b, so Var = p (1 -
    p) (a - b)^2.
    """
    p, linear = 0.4, nn.Linear(1, 2)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[1.0], [-0.5]]))
        linear.bias.copy_(torch.tensor([0.2, 0.0]))
        kept = linear(torch.tensor([[2.0 / (1 - p)]])).softmax(1)[0, 0].item()
        lost = linear(torch.tensor([[0.0]])).softmax(1)[0, 0].item()
        masks = dropout_masks(200_000, 1, p=p, generator=generator())[:20_000]
        found = uncertainty(torch.tensor([[2.0]]), linear, masks).item()
    assert found == pytest.approx(p * (1 - p) * (kept - lost) ** 2, rel=0.02)


def test_masks_keep_the_mean_and_are_the_same_for_equal_seeds() -> None:
    masks = dropout_masks(2000, 30, p=0.2, generator=generator(1))
    assert masks.mean().item() == pytest.approx(1, abs=0.01)
    assert set(masks.unique().tolist()) == {0.0, 1.25}
    assert torch.equal(masks, dropout_masks(2000, 30, p=0.2, generator=generator(1)))


def test_bu_depends_neither_on_the_batch_nor_on_the_order() -> None:
    known = reference()
    measure, whole = kd_and_bu(known), known.first(20)
    alone = known.model.look(torch.from_numpy(known.images.images[7:8]).float() / 255)
    np.testing.assert_allclose(
        measure(whole, whole)["bu"][7], measure(alone, alone)["bu"][0], rtol=1e-4
    )


# --- looks, columns, distances --------------------------------------------------------------------


def test_the_layers_of_a_look_end_in_the_scores_of_the_classifier() -> None:
    model, x = net(), torch.rand(5, 1, 16, 16, generator=generator())
    seen = model.look(x)
    torch.testing.assert_close(seen["scores"], model(x), rtol=1e-4, atol=1e-5)
    assert [tuple(layer.shape) for layer in seen["layers"]] == [
        (5, 4 * 16 * 16),
        (5, 8 * 8 * 8),
        (5, 3),
    ]
    assert seen["features"].shape == (5, 8 * 2 * 2)


def test_columns_without_the_label_and_distances_by_hand() -> None:
    found = label_free(torch.tensor([[1.0, 3.0, 2.5]]))
    assert (found["max_logit"].item(), found["top_margin"].item()) == (3.0, 0.5)
    moved = distances(torch.tensor([[[[0.5, 0.1]]]]), torch.tensor([[[[0.2, 0.5]]]]))
    assert (moved["linf"][0], moved["l2"][0]) == pytest.approx((0.4, 0.5))


# --- statistics of what is unlike clean images ----------------------------------------------------


def columns(n: int = 400) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "energy": rng.normal(-10, 2, n),
        "max_logit": rng.normal(10, 2, n),
        "top_margin": rng.gamma(2, 2, n),
    }


def test_the_two_sided_statistic_is_one_at_the_central_95_percent() -> None:
    fitted = natural.TwoSided.fit({"energy": np.linspace(0, 100, 1001)})
    np.testing.assert_allclose(fitted({"energy": np.array([50.0, 2.5, 97.5, 145.0])}), [0, 1, 1, 2])


@pytest.mark.parametrize("kind", natural.STATISTICS)
def test_statistics_are_the_same_in_torch_and_can_be_differentiated(kind: str) -> None:
    fitted = natural.STATISTICS[kind].fit(columns())
    others = {name: value[:20] * 1.3 for name, value in columns().items()}
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in others.items()}
    found = fitted(tensors, torch)
    np.testing.assert_allclose(found.detach().numpy(), fitted(others), rtol=1e-9)
    (gradient,) = torch.autograd.grad(found.sum(), tensors["energy"])
    assert gradient.isfinite().all()
    assert (gradient != 0).any()


def test_the_one_class_statistic_does_not_depend_on_the_units() -> None:
    there = columns()
    scaled = {name: 100 * value + 3 for name, value in there.items()}
    ours, theirs = natural.OneClass.fit(there)(there), natural.OneClass.fit(scaled)(scaled)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_halves_share_no_image() -> None:
    one, other = natural.halves({"energy": np.arange(7)})
    assert (one["energy"].tolist(), other["energy"].tolist()) == ([0, 2, 4, 6], [1, 3, 5])


# --- bad input: a sentence each, never a NaN ------------------------------------------------------


def with_absent_class() -> None:
    kd_and_bu(reference(labels=np.arange(60) % 2))(one_of_class(2), one_of_class(2))


def one_of_class(k: int) -> Look:
    z = torch.zeros(1, 3)
    z[0, k] = 5
    return {"layers": [z], "features": torch.zeros(1, 32), "scores": z}


def with_constant_images() -> None:
    kd_and_bu(reference(images=np.zeros((60, 1, 16, 16), np.uint8)))


def with_constant_activations() -> None:
    lid(torch.ones(3, 4), torch.ones(10, 4), k=5)


def with_k_beyond_the_batch() -> None:
    known = reference()
    lids(known, k=30, batch=30)(known.first(30), known.first(30))


def with_one_image_a_class() -> None:
    density.bandwidth([np.zeros((1, 2)), np.zeros((1, 2))])


def without_dropout() -> None:
    kd_and_bu(Reference(net(dropout=0.0), images(), batch=16, device="cpu"))


def with_constant_energies() -> None:
    natural.TwoSided.fit({"energy": np.ones(100)})


def with_infinite_logits() -> None:
    logits(
        lambda x: torch.full((len(x), 3), torch.inf),
        torch.rand(4, 1, 16, 16),
        batch=2,
        device="cpu",
    )


def with_no_fooled_image() -> None:
    frame = pd.DataFrame(
        {"index": range(50), "success": False, "steps": 1, "eps": 0.1, "lid.lid_0": np.arange(50.0)}
    )
    settings = {"name": "lid", "fpr": 0.1, "options": {"fit": "pgd", "noise": "noise"}}
    known = Validation(frame, {"fit": frame, "noise": frame})
    supervised.once(known, ["lid.lid_0"], settings=settings)


def with_dependent_columns() -> None:
    same = np.arange(100.0)
    natural.OneClass.fit({"energy": -same, "max_logit": same, "top_margin": same})


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (with_absent_class, "No reference image is of class 'limit'"),
        (with_constant_images, "constant or not finite"),
        (with_constant_activations, "distances to clean images are all equal"),
        (with_k_beyond_the_batch, "asks for 31 neighbours, but its batch holds 30"),
        (with_one_image_a_class, "two reference images"),
        (without_dropout, "needs a net with dropout"),
        (with_constant_energies, "are constant"),
        (with_dependent_columns, "span no volume"),
        (with_infinite_logits, "infinite or NaN logits for 4 of 4 images"),
        (
            with_no_fooled_image,
            ("Fewer than 20 validation images that the net gets right are fooled"),
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_bad_input_is_answered_by_a_sentence(act: Callable[[], None], words: str) -> None:
    with pytest.raises(Refused, match=words):
        act()
