"""Distances of sets of features against closed forms and pytorch-fid."""

from __future__ import annotations

import numpy as np
import pytest

from robustgen.core.refusal import Refused
from robustgen.measures.frechet import frechet
from robustgen.measures.inception_score import inception_score
from robustgen.measures.kid import kid

RNG = np.random.default_rng(0)


def test_two_gaussians_on_a_line() -> None:
    """In one dimension it is (m_a - m_b)^2 + (s_a - s_b)^2."""
    a, b = RNG.normal(1, 2, (500, 1)), RNG.normal(4, 3, (700, 1))
    expected = (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
    assert frechet(a, b) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("d", [3, 20])
def test_it_agrees_with_pytorch_fid_where_covariances_have_full_rank(d: int) -> None:
    fid = pytest.importorskip("pytorch_fid.fid_score")
    a, b = RNG.normal(size=(200, d)) @ RNG.normal(size=(d, d)), RNG.normal(0.3, 2, (150, d))
    moments = [m for x in (a, b) for m in (x.mean(axis=0), np.cov(x, rowvar=False))]
    theirs = fid.calculate_frechet_distance(*moments)
    assert frechet(a, b) == pytest.approx(theirs, rel=1e-6)


def test_both_sides_give_the_same() -> None:
    """n = 30 images of 40 features by their products, and the same with zeros appended to 29
    features, which are computed by covariances.
    """
    a, b = RNG.normal(size=(30, 29)), RNG.normal(1, 2, (30, 29))
    wide = [np.hstack([x, np.zeros((30, 11))]) for x in (a, b)]
    assert frechet(*wide) == pytest.approx(frechet(a, b), rel=1e-9)


@pytest.mark.parametrize("least", [0.1, 1e-7, 0.0])
def test_covariances_that_commute(least: float) -> None:
    """Features that spread by s and by t along the same orthogonal directions have S_a = V s^2 V^T
    and S_b = V t^2 V^T, and the distance is sum (s - t)^2, also where images are fewer than
    directions and where s = t is next to nothing, or nothing, in some.
    """
    n, d = 20, 30
    v = np.linalg.qr(RNG.normal(size=(d, n - 1)))[0].T
    s, t = (np.append(RNG.uniform(1, 3, n - 4), [least] * 3) for _ in range(2))
    a, b = (_uncorrelated(n) * spread @ v for spread in (s, t))
    assert frechet(a, b) == pytest.approx(((s - t) ** 2).sum(), rel=1e-9)
    assert frechet(a[::-1], np.vstack([b, b])) == pytest.approx(
        ((s - t * np.sqrt((2 * n - 2) / (2 * n - 1))) ** 2).sum(), rel=1e-9
    )


def test_images_that_are_all_the_same_have_no_spread() -> None:
    a, b = np.ones((5, 40)), RNG.normal(size=(6, 40))
    expected = ((b.mean(axis=0) - 1) ** 2).sum() + b.var(axis=0, ddof=1).sum()
    assert frechet(a, b) == pytest.approx(expected, rel=1e-9)
    assert frechet(a, 3 * a) == pytest.approx(160)


def _uncorrelated(n: int) -> np.ndarray:
    """n images of n - 1 features with mean 0 and covariance 1."""
    images = RNG.normal(size=(n, n - 1))
    return np.linalg.qr(images - images.mean(axis=0))[0] * np.sqrt(n - 1)


def test_a_set_has_no_distance_from_itself_and_sets_that_make_no_sense_are_refused() -> None:
    a = RNG.normal(size=(10, 30))
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)
    for wrong, sentence in ((a[:1], "2 images"), (a[:, :3], "must be"), (a * np.nan, "NaN")):
        with pytest.raises(Refused, match=sentence):
            frechet(a, wrong)


def test_kid_by_a_loop_over_pairs() -> None:
    a, b = RNG.normal(size=(5, 3)), RNG.normal(1, 1, (4, 3))

    def k(x: np.ndarray, y: np.ndarray) -> float:
        return float((x @ y / 3 + 1) ** 3)

    inside = [
        np.mean([k(x, y) for i, x in enumerate(s) for j, y in enumerate(s) if i != j])
        for s in (a, b)
    ]
    across = np.mean([k(x, y) for x in a for y in b])
    assert kid(a, b) == pytest.approx(sum(inside) - 2 * across)
    with pytest.raises(Refused, match="2 images"):
        kid(a, b[:1])


def test_the_inception_score_of_certain_and_of_undecided_images() -> None:
    """K certain images, one of each class, have score K; images that all look alike have 1."""
    assert inception_score(50 * np.eye(4)) == pytest.approx(4)
    assert inception_score(np.ones((6, 4))) == pytest.approx(1)
