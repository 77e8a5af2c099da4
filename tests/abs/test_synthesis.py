"""The classifier by inference: its gradients, its random numbers, its passes and who may use it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from made_abs import SIDE, classifier, images, networks, spec
from robustgen.abs import eabs
from robustgen.abs.candidates import candidates
from robustgen.abs.inference import Inference
from robustgen.abs.synthesis import Synthesis
from robustgen.core.refusal import Refused

K = 3
pytestmark = pytest.mark.usefixtures("one_thread")
SWITCHES = [(a, d, v) for a in (True, False) for d in (True, False) for v in (True, False)]


def seeded(model: Synthesis, seed: int = 7) -> Synthesis:
    model.reseed(torch.Generator().manual_seed(seed))
    return model


# --- gradients ------------------------------------------------------------------------------------


def test_the_gradient_of_a_score_is_minus_twice_the_error_of_the_reconstruction() -> None:
    """With z* held fixed d/dx l_k = 2 (x - G_k(z*)), and scores are -l_k."""
    model, x = classifier(K, variational=False), images(4).requires_grad_()
    made = model.look(x.detach())["reconstructions"]
    scores = model(x)
    for k in range(K):
        (found,) = torch.autograd.grad(scores[:, k].sum(), x, retain_graph=True)
        torch.testing.assert_close(found, -2 * (x.detach() - made[:, k]), rtol=0, atol=1e-6)


def test_of_several_draws_and_runs_the_gradient_is_the_mean() -> None:
    """Of two runs of three draws: -2 (x - mean of the six reconstructions), which are those that
    the decoder gives in these runs.
    """
    model, x = classifier(K, samples=3, runs=2), images(4).requires_grad_()
    made: list[Tensor] = []
    model.decoder.register_forward_hook(lambda *_: made.append(_[2].detach()))
    (found,) = torch.autograd.grad(model(x)[:, 1].sum(), x)
    final = torch.stack([*made[4:7], *made[11:14]])  # 1 + 3 of the search come before each three
    assert len(made) == 14
    torch.testing.assert_close(found, -2 * (x.detach() - final.mean(dim=0)[:, 1]))


def precise(variational: bool, steps: int) -> Synthesis:
    """A classifier in double precision, whose encoder's latents are the start."""
    net = networks(K).double()
    sizes = {"count": 2, "noisy": variational, "pixels": SIDE**2, "most": 1.0}
    known = candidates(net, net.decoder, **sizes)
    known.offsets.fill_(1e6)
    infer = Inference(net, net.decoder, known, variational=variational)
    told = {"at_once": 99, "steps": steps, "lr": 0.05, "samples": 2, "gradient": "unrolled"}
    return Synthesis(infer, net.decoder, told)


def gradient(model: Synthesis, x: Tensor, along: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad((seeded(model)(x) * along).sum(), x)[0]


@pytest.mark.parametrize("variational", [True, False])
def test_the_unrolled_gradient_is_that_of_the_whole_inference(variational: bool) -> None:
    """By central differences with the same random numbers, in double precision, along the direction
    in which the detached gradient differs most from it.
    """
    x, weights = images(2).double(), torch.tensor([1.0, -2.0, 0.5]).double()
    model = precise(variational, steps=3)
    unrolled = gradient(model, x, weights)
    detached = gradient(model.view(gradient="detached"), x, weights)
    along = (unrolled - detached) / (unrolled - detached).norm()
    h = 1e-6
    with torch.no_grad():
        ends = [float((seeded(model)(x + s * h * along) * weights).sum()) for s in (1, -1)]
    true = (ends[0] - ends[1]) / (2 * h)
    assert float((unrolled * along).sum()) == pytest.approx(true, rel=1e-4)
    assert abs(float((detached * along).sum()) - true) > 0.01 * abs(true)


def test_both_gradients_belong_to_the_same_scores() -> None:
    model, x = classifier(K), images(3).requires_grad_()
    detached, unrolled = (seeded(model.view(gradient=one))(x) for one in ("detached", "unrolled"))
    torch.testing.assert_close(detached, unrolled)


def test_the_gradient_stays_finite_where_latents_have_none() -> None:
    """A decoder that ignores its latents: zeros under Adam's root."""
    model = classifier(K, adversarial=False, beta=0.0).view(gradient="unrolled")
    model.infer.decoder.weight.data.zero_()
    x = images(2).requires_grad_()
    assert torch.autograd.grad(model(x).sum(), x)[0].isfinite().all()


# --- random numbers and parts ---------------------------------------------------------------------


def test_the_same_generator_gives_the_same_bytes_and_another_one_others() -> None:
    model, x = classifier(K), images(5)
    one, again, other = (seeded(model, seed)(x) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert model.stochastic
    seen = [seeded(model, 1).look(x) for _ in range(2)]
    assert all(torch.equal(seen[0][name], seen[1][name]) for name in seen[0])


def test_a_point_has_no_random_numbers() -> None:
    model, x = classifier(K, variational=False), images(5)
    assert not model.stochastic
    assert torch.equal(seeded(model, 1)(x), seeded(model, 2)(x))


@pytest.mark.parametrize("told", [{}, {"adversarial": False, "discriminative": False}])
def test_how_many_are_inferred_at_a_time_changes_no_score(told: dict[str, Any]) -> None:
    """Seven images in parts of one, of three and one, of all; draws of a variational model depend
    on the parts.
    """
    x = images(7)
    one, *others = (classifier(K, variational=False, at_once=n, **told)(x) for n in (1, 3 * K, 999))
    for other in others:
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-3)


def test_classes_share_their_draws() -> None:
    """Where all decoders are one and the encoder is shared, the scores of all classes are equal in
    spite of the noise.
    """
    of = spec(K)
    net = networks(K)
    for tensor in (*net.decoder.parameters(), *net.decoder.buffers()):
        if tensor.ndim:
            first = tensor.data.chunk(K)[0]
            tensor.data.copy_(torch.cat([first] * K))
    model = nn.Sequential(nn.Identity(), net)
    z = seeded(eabs.freeze(model, {}, spec=of, dtype=torch.float32, device="cpu"))(images(4))
    torch.testing.assert_close(z, z[:, :1].expand_as(z), rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(("a", "d", "v"), SWITCHES)
def test_all_eight_models_answer_and_show_what_they_found(a: bool, d: bool, v: bool) -> None:
    model = classifier(K, adversarial=a, discriminative=d, variational=v)
    x = images(2)
    seen = model.look(x)
    assert set(eabs.SHOWS) | {"scores"} == set(seen)
    assert seen["reconstructions"].shape == (2, K, 1, SIDE, SIDE)
    assert seen["means"].shape == seen["log_variances"].shape == (2, K, 3)
    wanted = ((x[:, None] - seen["reconstructions"]) ** 2).sum(dim=(2, 3, 4))
    torch.testing.assert_close(seen["costs"], wanted)
    assert ((seen["log_variances"] == 0).all()) == (not v)
    assert model(x).isfinite().all()


# --- settings and passes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "told", [{"steps": 4, "samples": 2, "runs": 3}, {"steps": 0}, {"variational": False}]
)
def test_the_passes_that_are_told_are_those_that_are_counted(told: dict[str, Any]) -> None:
    """In passes of all K decoders: the encoder's start is decoded once, each step forwards and
    backwards, each draw once more.
    """
    model, x = classifier(K, **told), images(5)
    with torch.no_grad():
        model(x)
    spent = model.passes.forwards + 2 * model.passes.backwards
    assert spent / len(x) / K == eabs.passes(spec(K, **told).options, K)


def test_gradients_through_inference_count_and_others_cost_none() -> None:
    """Back through 3 steps and 2 draws of each of two runs, for 3 classes of 5 images, beside the
    gradients that the steps themselves took; nothing is kept for a gradient that nobody can ask.
    """
    for gradient, more in (("detached", 0), ("unrolled", 2 * (3 + 2))):
        model = classifier(K, steps=3, samples=2, runs=2).view(gradient=gradient)
        x = images(5).requires_grad_()
        torch.autograd.grad(model(x).sum(), x)
        assert model.passes.backwards == 5 * K * (2 * 3 + more)
        with torch.no_grad():
            assert not model.look(x)["means"].requires_grad


def test_a_view_has_other_settings_and_the_same_networks_numbers_and_passes() -> None:
    model = classifier(K)
    view = model.view(steps=7, runs=2)
    assert (view.settings.steps, view.settings.runs, view.settings.lr) == (7, 2, 0.05)
    assert (view.infer, view.generator, view.passes) == (model.infer, model.generator, model.passes)
    assert model.settings.steps == 3
    with pytest.raises(Refused, match="no setting stepps; it has steps, lr, samples, runs, grad"):
        model.view(stepps=1)
    with pytest.raises(Refused, match="gradient must be one of detached, unrolled, not 'best'"):
        model.view(gradient="best")
