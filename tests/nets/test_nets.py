"""The paper's ResNet10 by its numbers, the frozen copy by its logits."""

import pytest
import torch
from torch import Tensor, nn

from robustgen.core.refusal import Refused
from robustgen.nets import resnet, weights
from robustgen.nets.classifier import Normalize, Plain
from robustgen.nets.fold import ConvNorm
from robustgen.nets.spec import Spec

SMALL = Spec(
    "resnet",
    channels=3,
    classes=5,
    size=32,
    mean=(0.4, 0.5, 0.6),
    std=(0.2,) * 3,
    options={"width": 8},
)


def by_hand(channels: int, classes: int, width: int, features: int) -> int:
    """Parameters of [1,1,1,1]: 3 x 3 convolutions without bias, two numbers per normalised channel,
    1 x 1 shortcuts.
    """
    stem = 9 * channels * width + 2 * width
    first = 2 * (9 * width * width + 2 * width)
    total = stem + first + features * classes + classes
    for inside in (width, 2 * width, 4 * width):
        outside = 2 * inside
        convolutions = 9 * inside * outside + 9 * outside * outside + inside * outside
        total += convolutions + 3 * 2 * outside
    return total


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def settled(spec: Spec = SMALL, seed: int = 0) -> nn.Sequential:
    """A classifier whose norms have statistics and scales of their own, as after training; in
    evaluation mode.
    """
    torch.manual_seed(seed)
    model = weights.untrained(spec)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.3, 2.0)
    return model.eval()


def batch(n: int = 16, channels: int = 3, size: int = 32) -> Tensor:
    return torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(1))


# --- shapes ---


def test_resnet10_has_the_published_number_of_parameters() -> None:
    net = resnet.build(channels=3, classes=10, size=32)
    # the authors' "about 4.9 million"
    assert parameters(net) == by_hand(3, 10, 64, 512) == 4_903_242


def test_resnet10_for_imagenette_has_more_only_in_the_last_layer() -> None:
    net = resnet.build(channels=3, classes=10, size=150, stem_stride=2)
    assert parameters(net) == by_hand(3, 10, 64, 2048) == 4_903_242 + 10 * (2048 - 512)


def test_features_at_32_pixels_are_512() -> None:
    net = resnet.build(channels=3, classes=10, size=32)
    assert net.linear.in_features == net.eval().features(torch.zeros(1, 3, 32, 32)).shape[1] == 512


def sides(net: nn.Module, x: Tensor) -> list[int]:
    """The side of the maps after each stage."""
    found = []
    for stage in net.stages:
        stage.register_forward_hook(lambda _module, _inputs, output: found.append(output.shape[-1]))
    net.eval()(x)
    return found


def test_imagenette_passes_sides_75_38_19_10_to_2048_features() -> None:
    net = resnet.build(channels=3, classes=10, size=150, stem_stride=2, width=4)
    assert sides(net, torch.zeros(1, 3, 150, 150)) == [75, 38, 19, 10]
    assert net.linear.in_features == 2048 * 4 // 64


def test_resnet18_has_two_blocks_per_stage() -> None:
    net = resnet.build(channels=3, classes=10, size=32, blocks=(2, 2, 2, 2))
    second = sum(2 * (9 * width * width + 2 * width) for width in (64, 128, 256, 512))
    # as torch users count kuangliu's ResNet18
    assert parameters(net) == 4_903_242 + second == 11_173_962


def test_logits_are_those_of_the_layers_written_out() -> None:
    spec = Spec("resnet", 1, 3, 16, (0.5,), (0.25,), {"width": 4, "blocks": [1, 1]})
    model, x = settled(spec), batch(2, 1, 16)
    net = model[1]
    stem = net.stem[1](net.stem[0]((x - 0.5) / 0.25)).relu()
    (first,), (second,) = net.stages
    one = (first.second(first.first(stem).relu()) + stem).relu()
    two = (second.second(second.first(one).relu()) + second.shortcut(one)).relu()
    pooled = two.reshape(2, 8, 2, 4, 2, 4).mean(dim=(3, 5)).flatten(1)
    torch.testing.assert_close(model(x), pooled @ net.linear.weight.T + net.linear.bias)


def test_normalisation_is_per_channel() -> None:
    x = torch.tensor([0.4, 0.7, 0.4]).reshape(1, 3, 1, 1)
    found = Normalize(SMALL.mean, SMALL.std)(x).flatten().tolist()
    assert found == pytest.approx([0.0, 1.0, -1.0], abs=1e-6)


# --- the frozen copy ---


def test_folded_norms_give_the_same_logits() -> None:
    model, x = settled(), batch()
    expected, found = model(x), Plain(model)(x)
    assert ((found - expected).norm() / expected.norm()).item() < 1e-4
    assert (found.argmax(1) == expected.argmax(1)).all()


def test_no_norm_is_left_in_the_frozen_copy_and_all_are_left_in_the_model() -> None:
    model = settled()
    assert not any(isinstance(one, nn.BatchNorm2d | ConvNorm) for one in Plain(model).modules())
    assert sum(isinstance(one, nn.BatchNorm2d) for one in model.modules()) == 12
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_bf16_agrees_on_nearly_all_predictions_and_answers_in_fp32() -> None:
    model, x = settled(), batch(200)
    with torch.no_grad():
        expected, found = model(x), Plain(model, dtype=torch.bfloat16)(x)
    assert found.dtype == torch.float32
    assert ((found - expected).norm() / expected.norm()).item() < 0.05
    gap = expected.topk(2).values.diff().abs().flatten()
    clear = gap > 0.05 * expected.abs().max()
    assert clear.float().mean() > 0.5
    assert (found.argmax(1) == expected.argmax(1))[clear].float().mean() > 0.97


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_frozen_parameters_want_no_gradient_and_the_image_gets_one(dtype: torch.dtype) -> None:
    frozen, x = Plain(settled(), dtype=dtype), batch(4).requires_grad_()
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    (gradient,) = torch.autograd.grad(frozen(x).sum(), x)
    assert (gradient.flatten(1).norm(dim=1) > 0).all()


def test_the_input_gradient_of_the_frozen_copy_is_that_of_the_model() -> None:
    model, x = settled(), batch(4).requires_grad_()
    expected, found = (
        torch.autograd.grad(one(x)[:, 0].sum(), x)[0] for one in (model, Plain(model))
    )
    assert ((found - expected).norm() / expected.norm()).item() < 1e-4


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Refused, match=r"There is no kind 'resnett' in models; known are .*resnet"):
        weights.untrained(Spec("resnett", 3, 10, 32, (0.5,), (0.5,)))
