"""The agreement of input gradients with a denoiser's score: nets whose energy is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from denoisers import MEAN, OfGaussian
from robustgen.core.refusal import Refused
from robustgen.core.seeds import generator
from robustgen.measures.types import Measured
from robustgen.nets.classifier import Classifier, Wrapped
from robustgen.synthesis import score_agreement
from robustgen.synthesis.energies import gradients
from robustgen.synthesis.score_agreement import cosine, measure
from robustgen.synthesis.synthesizer import Synthesizer
from synthesizing import CLASSES, context, images, options, plain, synthesizer_of


def quadratic(x: Tensor) -> Tensor:
    """Logits -|x - m|^2 / 2 of every class: -grad E(x) = -grad E(x,y) = m - x."""
    return -(x - MEAN).square().flatten(1).sum(dim=1, keepdim=True).expand(-1, CLASSES) / 2


def away(x: Tensor) -> Tensor:
    return -quadratic(x)


def of(net: Classifier) -> Synthesizer:
    parts = {"net": net, "judge": plain(1), "denoiser": OfGaussian()}
    return Synthesizer(parts, classes=CLASSES)


def measured(net: Classifier, **told: object) -> Measured:
    return measure(of(net), images(), options=options(score_agreement, **told), context=context())


def test_a_net_whose_energy_is_that_of_the_images_agrees_wholly() -> None:
    """m - x is a positive multiple of the score (m - x) / (s^2 + sigma^2): cosine 1 at every sigma,
    and -1 for the net whose energy falls where that of the images rises.
    """
    for net, wanted in ((quadratic, 1), (away, -1)):
        rows = measured(Wrapped(net)).rows
        assert rows["marginal"].tolist() == pytest.approx([wanted] * 72, abs=1e-6)
        assert rows["joint"].tolist() == pytest.approx([wanted] * 72, abs=1e-6)
        assert rows["sigma"].tolist() == [0.05] * 24 + [0.1] * 24 + [0.25] * 24
        assert rows["left_out"].eq(0).all()


def test_gradients_of_a_linear_net_by_hand() -> None:
    """z = W x: grad E(x) = -sum_k p_k w_k and grad E(x,y) = -w_y."""
    w = torch.randn(CLASSES, 3 * 64, generator=torch.Generator().manual_seed(0))
    x, y = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(1)), torch.arange(5) % 3
    marginal, joint = gradients(Wrapped(lambda image: image.flatten(1) @ w.T), x, y)
    p = (x.flatten(1) @ w.T).softmax(dim=1)
    torch.testing.assert_close(marginal.flatten(1), -p @ w)
    torch.testing.assert_close(joint.flatten(1), -w[y])


def test_the_cosines_are_those_of_the_noisy_images_and_the_noise_is_that_of_all_nets() -> None:
    """With fresh noise of the same seed: cos(w_y, m - x - sigma xi) and cos(-xi, m - x - sigma xi)
    of the images unclamped.
    """
    part, w = images(), torch.randn(CLASSES, 192, generator=torch.Generator().manual_seed(3))
    rows = measured(Wrapped(lambda image: image.flatten(1) @ w.T), sigmas=[0.5], images=20).rows
    seed = context().seed(use="score noise", sigma=0.5)
    x, y = (one[:20] for one in part.tensors())
    xi = torch.randn(x.shape, generator=generator(seed))
    score = (MEAN - x - 0.5 * xi).flatten(1)
    wanted = torch.cosine_similarity(w[y], score)
    assert rows["joint"].tolist() == pytest.approx(wanted.tolist(), abs=1e-5)
    wanted = torch.cosine_similarity(-xi.flatten(1), score)
    assert rows["clean"].tolist() == pytest.approx(wanted.tolist(), abs=1e-5)
    assert rows["index"].tolist() == part.index[:20].tolist()


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_a_cosine_does_not_depend_on_size(scale: float) -> None:
    a, b = torch.randn(2, 4, 3, 2, 2, generator=torch.Generator().manual_seed(0)).unbind()
    wanted = torch.cosine_similarity(a.flatten(1), b.flatten(1)).double()
    torch.testing.assert_close(cosine(scale * a, b), wanted)
    assert cosine(a, 0 * b).isnan().all()
    assert cosine(a, b / 0).isnan().all()


def test_images_without_a_direction_are_left_out_and_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The logits are constant in images brighter than 0.5 in the mean, and NaN in none."""

    def half(x: Tensor) -> Tensor:
        bright = x.mean(dim=(1, 2, 3)) > MEAN
        return torch.where(bright[:, None], 0 * quadratic(x), quadratic(x))

    rows = measured(Wrapped(half), sigmas=[0.1]).rows
    assert 0 < len(rows) < 24
    assert rows["left_out"].eq(24 - len(rows)).all()
    assert f"{24 - len(rows)} of 24 images" in capsys.readouterr().err
    with pytest.raises(Refused, match="Every input gradient is zero"):
        measured(Wrapped(lambda x: 0 * quadratic(x)))


def test_batches_and_nets_with_weights() -> None:
    found = synthesizer_of(denoiser=OfGaussian())
    rows = measure(found, images(), options=options(score_agreement), context=context()).rows
    assert len(rows) == 72
    assert rows[["marginal", "joint"]].abs().max().max() <= 1


def test_what_cannot_be_measured_is_one_sentence() -> None:
    told = options(score_agreement)
    with pytest.raises(Refused, match="needs the part `denoiser`"):
        measure(synthesizer_of(), images(), options=told, context=context())
    with pytest.raises(Refused, match="have no gradient in the image"):
        measured(Wrapped(lambda x: quadratic(x).detach()))
    with pytest.raises(Refused, match="kind synthesizer alone"):
        measure(plain(0), images(), options=told, context=context())
