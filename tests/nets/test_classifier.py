"""The contract of Classifier: what counts as a pass, what can be set and seen, who may use it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import foolbox
import pytest
import torch
import torchattacks
from torch import Tensor, nn

from made_models import images_of, model_of
from robustgen.core.refusal import Refused
from robustgen.nets import weights
from robustgen.nets.classifier import Classifier, Passes, Plain, Wrapped, as_classifier
from robustgen.nets.ready import frozen, ready
from robustgen.nets.spec import Spec
from stochastic import NOISY
from test_nets import SMALL, batch, settled

Own = Callable[[str], str]  # a module's text -> its kind


def linear(x: Tensor) -> Tensor:
    """Two scores per image, the sums of its two halves."""
    return x.flatten(1).reshape(len(x), 2, -1).sum(2)


def gradient(scores: Tensor, x: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(scores.sum(), x)
    return found


# --- passes ---


def test_passes_without_gradients_count_forwards_alone() -> None:
    model, x = as_classifier(linear), batch(3)
    model(x)
    with torch.no_grad():
        model(x.clone().requires_grad_())
    with torch.inference_mode():
        model(x)
    assert model.passes == Passes(9, 0)


def test_a_gradient_counts_once_for_each_image_it_comes_back_for() -> None:
    """Two images, then three; three gradients of the second pass alone, and again."""
    model, x = as_classifier(linear), batch(3).requires_grad_()
    model(batch(2).requires_grad_())
    scores = model(x)
    torch.autograd.grad(scores.sum(), x, retain_graph=True)
    assert model.passes == Passes(5, 3)
    torch.autograd.grad(scores[:, 0].sum(), x)
    assert model.passes == Passes(5, 6)


def test_several_passes_over_one_leaf_count_each_on_its_own() -> None:
    """A hook on the leaf itself would fire once for both passes, or twice for one."""
    model, x = as_classifier(linear), batch(4).requires_grad_()
    first, second = model(x), model(x)
    gradient(first, x)
    assert model.passes == Passes(8, 4)
    gradient(second, x)
    assert model.passes == Passes(8, 8)
    gradient(model(x) + model(x), x)
    assert model.passes == Passes(16, 16)


def test_a_step_of_backward_counts_as_a_gradient_does() -> None:
    model, x = as_classifier(linear), batch(4).requires_grad_()
    model(x).sum().backward()
    assert model.passes == Passes(4, 4)
    assert torch.equal(x.grad, torch.ones_like(x))


def test_a_gradient_of_parameters_alone_is_none_of_an_image() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 2))
    model = as_classifier(net)
    model(batch(2)).sum().backward()
    assert model.passes == Passes(2, 0)


def test_a_classifier_inside_another_counts_its_own_passes() -> None:
    inner = Plain(settled())
    outer, x = as_classifier(lambda x: inner(x) + inner(x)), batch(2).requires_grad_()
    gradient(outer(x), x)
    assert (outer.passes, inner.passes) == (Passes(2, 2), Passes(4, 4))


def test_passes_are_told_since_a_moment() -> None:
    model = as_classifier(linear)
    model(batch(2))
    before = model.passes.copy()
    model(batch(5))
    assert before == Passes(2, 0)
    assert model.passes - before == Passes(5, 0)


def test_a_plain_net_counts_its_looks_too() -> None:
    model, x = Plain(settled()), batch(2).requires_grad_()
    gradient(model.look(x)["features"], x)
    assert model.passes == Passes(2, 2)


# --- what can be set and seen ---


def test_a_function_becomes_a_classifier_and_a_classifier_stays_what_it_is() -> None:
    model = as_classifier(linear)
    assert isinstance(model, Wrapped)
    assert as_classifier(model) is model
    assert not model.stochastic
    assert torch.equal(model(batch(3)), linear(batch(3)))


def test_unknown_settings_of_inference_are_refused() -> None:
    model = Plain(settled())
    assert model.view() is model
    with pytest.raises(
        Refused, match=r"Plain has no settings of inference; leave `view` out \(steps, gradient\)"
    ):
        model.view(steps=3, gradient="unrolled")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_look_shows_the_layers_the_features_and_the_scores(dtype: torch.dtype) -> None:
    """Of width 8 at 32 pixels: 8 x 32 x 32, 16 x 16 x 16, 32 x 8 x 8, 64 x 4 x 4, then scores."""
    model, x = Plain(settled(), dtype=dtype), batch(2)
    shown = model.look(x)
    shapes = [tuple(layer.shape) for layer in shown["layers"]]
    assert shapes == [(2, 8192), (2, 4096), (2, 2048), (2, 1024), (2, 5)]
    assert shown["features"].shape == (2, 64)
    pooled = shown["layers"][3].reshape(2, 64, 16).mean(2)
    torch.testing.assert_close(shown["features"], pooled, rtol=1e-2, atol=1e-4)
    assert torch.equal(shown["scores"], model(x))
    assert {shown["scores"].dtype, shown["features"].dtype} == {torch.float32}


def test_every_look_has_scores_and_a_net_without_layers_says_how_to_have_them() -> None:
    bare = Plain(nn.Sequential(nn.Identity(), nn.Sequential(nn.Flatten(), nn.Linear(3072, 5))))
    x = batch(2)
    for model in (as_classifier(linear), bare):
        assert torch.equal(model.look(x)["scores"], model(x))
    with pytest.raises(Refused, match=r"Sequential has no layers, pooled, linear, by which.*form"):
        bare.look(x)["layers"]


def test_switching_by_libraries_does_not_reach_the_net() -> None:
    """A net in training mode would use the batch's own statistics, and move its running ones."""
    model, x = Plain(settled()), batch()
    expected = model(x)
    nn.Sequential(nn.Identity(), model).train()
    assert model.train() is model
    assert not any(module.training for module in model.modules())
    assert torch.equal(model(x), expected)


# --- the plain kind ---


def test_a_plain_classifier_is_the_trained_net() -> None:
    trained, x = settled(), batch(8)
    expected = trained(x)
    found = Plain(trained)(x)
    assert ((found - expected).abs() / expected.abs().max()).max() < 1e-5
    assert trained(x).equal(expected)


def test_torchattacks_takes_it_and_its_passes_are_counted() -> None:
    """Five steps are five forward and five backward passes; all images stay in the ball."""
    model, x, labels = Plain(settled()), batch(4), torch.tensor([0, 1, 2, 3])
    attack = torchattacks.PGD(model, eps=0.03, alpha=0.01, steps=5)
    found = attack(x, labels)
    assert model.passes == Passes(20, 20)
    assert (found - x).abs().max() <= 0.03 + 1e-6
    loss = nn.CrossEntropyLoss()
    assert loss(model(found), labels) > loss(model(x), labels)


def test_foolbox_takes_it() -> None:
    model, x, labels = Plain(settled()), batch(4), torch.tensor([0, 1, 2, 3])
    wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")
    assert torch.equal(wrapped(x), model(x))
    before = model.passes.copy()
    attack = foolbox.attacks.LinfPGD(steps=3, abs_stepsize=0.01)
    _, found, _ = attack(wrapped, x, labels, epsilons=0.03)
    assert (found - x).abs().max() <= 0.03 + 1e-6
    assert (model.passes - before).backwards == 12


# --- a randomised classifier of two parts, in a user's own module ---


@pytest.fixture
def noisy(own: Own, tmp_path: Path) -> Classifier:
    """The images with noise of 0.2, before a small net; as a job builds it."""
    path = tmp_path / "base.safetensors"
    weights.save(path, settled(), SMALL)
    base = model_of(tmp_path, SMALL, path=path)
    spec = Spec(own(NOISY), 3, 5, 32, SMALL.mean, SMALL.std, {"std": 0.2})
    model = model_of(tmp_path, spec, parts={"base": base, "start": base}, draws=5)
    assert model.files() == [path, path]
    found = ready(model, images_of(SMALL))
    assert type(frozen(model, dtype=torch.float32, device="cpu")) is type(found)
    return found


def test_the_same_seed_gives_the_same_scores(noisy: Classifier) -> None:
    x = batch(3)

    def draws(seed: int) -> Tensor:
        noisy.reseed(torch.Generator().manual_seed(seed))
        return torch.stack([noisy(x), noisy(x)])

    first, again, other = draws(7), draws(7), draws(8)
    assert noisy.stochastic
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first[0], first[1])


def test_its_scores_are_those_of_its_base_for_the_noisy_images(noisy: Classifier) -> None:
    """The noise is drawn again by hand, from a generator of the same seed."""
    x = batch(3)
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(7))
    noisy.reseed(torch.Generator().manual_seed(7))
    assert torch.equal(noisy(x), Plain(settled())(x + 0.2 * noise))
    assert torch.equal(noisy.view(std=0)(x), Plain(settled())(x))
    with pytest.raises(Refused, match=r"Noisy has no settings of inference.*\(steps\)"):
        noisy.view(steps=3)


def test_its_passes_are_those_of_its_base(noisy: Classifier) -> None:
    before, x = noisy.passes.copy(), batch(3).requires_grad_()
    gradient(noisy(x), x)
    assert noisy.passes - before == Passes(3, 3)
    gradient(noisy.view(std=0.5)(x), x)
    assert noisy.passes - before == Passes(6, 6)
    assert noisy.passes is noisy.base.passes


@pytest.mark.parametrize("kind", ["resnet", "preact", "vgg"])
def test_one_pass_shows_the_taps_and_the_scores_that_two_show(kind: str) -> None:
    """The scores of `tapped` are the net's own, of one pass over each image."""
    torch.manual_seed(0)
    net = weights.untrained(Spec(kind, 3, 4, 32, (0.5,) * 3, (0.25,) * 3, {"width": 4}))
    model, x = Plain(net.eval()), torch.rand(3, 3, 32, 32)
    found = model.tapped(x)
    assert model.passes == Passes(3, 0)
    torch.testing.assert_close(found.scores, model(x))
    for one, other in zip(found.taps, model.taps(x), strict=True):
        torch.testing.assert_close(one, other)


def test_a_net_without_taps_says_what_synthesis_needs() -> None:
    model = Plain(nn.Sequential(nn.Identity(), nn.Sequential(nn.Flatten(), nn.Linear(12, 2))))
    with pytest.raises(Refused, match="Sequential has no taps, pooled, linear, by which synthesis"):
        model.tapped(torch.rand(1, 3, 2, 2))
