"""PreActResNet18 by the names, shapes and sums of the two public checkpoints that it is for.

Names and shapes are written by the rule of RobustBench's architectures/resnet.py; the real files
are not here. What the net computes is computed again by hand from the tensors of the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from made_models import images_of
from robustgen.core.options import declared, filled
from robustgen.core.refusal import Refused
from robustgen.nets import own, preact, weights
from robustgen.nets.classifier import Plain
from robustgen.nets.spec import Spec
from test_nets import batch, parameters

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2471, 0.2435, 0.2616)
WONG = {"final_norm": False, "shortcut": "input"}
KIREEV = {"final_norm": True, "shortcut": "activated"}
NORM = ("weight", "bias", "running_mean", "running_var")
State = dict[str, Tensor]


def spec_of(**options: Any) -> Spec:
    return Spec("preact", channels=3, classes=10, size=32, mean=MEAN, std=STD, options=options)


def norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    numbers = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{number}": (width,) for number in numbers} | {
        f"{name}.num_batches_tracked": ()
    }


def shapes(*, final_norm: bool) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a PreActResNet18's state_dict, in their order."""
    found: dict[str, tuple[int, ...]] = {"conv1.weight": (64, 3, 3, 3)}
    inside = 64
    for layer, outside in enumerate((64, 128, 256, 512), start=1):
        for number in range(2):
            block = f"layer{layer}.{number}"
            found |= norm(f"{block}.bn1", inside)
            found |= {f"{block}.conv1.weight": (outside, inside, 3, 3)}
            found |= norm(f"{block}.bn2", outside)
            found |= {f"{block}.conv2.weight": (outside, outside, 3, 3)}
            if inside != outside:
                found |= {f"{block}.shortcut.0.weight": (outside, inside, 1, 1)}
            inside = outside
    found |= norm("bn", 512) if final_norm else {}
    return found | {"linear.weight": (10, 512), "linear.bias": (10,)}


def random(*, final_norm: bool) -> State:
    """Tensors of those shapes, with norms of statistics and scales of their own."""
    generator = torch.Generator().manual_seed(3)

    def drawn(name: str, shape: tuple[int, ...]) -> Tensor:
        if not shape:
            return torch.tensor(7)
        if len(shape) > 1:  # keeps the size of what passes
            return torch.randn(shape, generator=generator) * (2 / shape[1:].numel()) ** 0.5
        low = 0.5 if name.endswith(("weight", "running_var")) else -0.3
        return low + torch.rand(shape, generator=generator)

    wanted = shapes(final_norm=final_norm)
    return {name: drawn(name, torch.Size(shape)) for name, shape in wanted.items()}


def activated(state: State, name: str, x: Tensor) -> Tensor:
    """ReLU of a batch norm in evaluation mode: (x - mean) / sqrt(var + 1e-5) * weight + bias."""
    scale, bias, mean, var = (state[f"{name}.{part}"].reshape(-1, 1, 1) for part in NORM)
    return ((x - mean) / (var + 1e-5).sqrt() * scale + bias).clamp(min=0)


def by_hand(state: State, x: Tensor, *, final_norm: bool, shortcut: str) -> Tensor:
    """The logits, from the tensors alone: each block is conv2(relu(bn2(conv1(a)))) + s, where
    a = relu(bn1(x)), and s is x, or the 1 x 1 convolution of x or of a.
    """
    x = (x - torch.tensor(MEAN).reshape(3, 1, 1)) / torch.tensor(STD).reshape(3, 1, 1)
    x = functional.conv2d(x, state["conv1.weight"], padding=1)
    for block in (f"layer{layer}.{number}" for layer in (1, 2, 3, 4) for number in (0, 1)):
        stride = 2 if block in ("layer2.0", "layer3.0", "layer4.0") else 1
        a, s = activated(state, f"{block}.bn1", x), x
        if f"{block}.shortcut.0.weight" in state:
            taken = a if shortcut == "activated" else x
            s = functional.conv2d(taken, state[f"{block}.shortcut.0.weight"], stride=stride)
        h = functional.conv2d(a, state[f"{block}.conv1.weight"], stride=stride, padding=1)
        h = activated(state, f"{block}.bn2", h)
        x = functional.conv2d(h, state[f"{block}.conv2.weight"], padding=1) + s
    x = activated(state, "bn", x) if final_norm else x
    return x.mean((2, 3)) @ state["linear.weight"].T + state["linear.bias"]


def checkpoint(path: Path, options: dict[str, Any]) -> State:
    """A file as the authors wrote it: Wong's is the state_dict, Kireev's keeps it under `last`."""
    state = random(final_norm=options["final_norm"])
    held = {"best": {}, "last": state, "epoch": 150} if options == KIREEV else state
    torch.save(held, path)
    return state


@pytest.fixture(scope="module", params=[WONG, KIREEV], ids=["wong", "kireev"])
def brought(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], State, nn.Sequential]:
    """Options, the tensors of a checkpoint, and the net with them."""
    options, path = request.param, tmp_path_factory.mktemp("weights") / "theirs.pt"
    state = checkpoint(path, options)
    spec = spec_of(**options)
    return options, state, own.bring(path, spec, images_of(spec), keys={})


def test_the_names_and_shapes_are_those_of_the_checkpoints() -> None:
    for options in (WONG, KIREEV):
        net = preact.build(channels=3, classes=10, size=32, **options)
        found = {name: tuple(value.shape) for name, value in net.state_dict().items()}
        wanted = shapes(final_norm=options["final_norm"])
        assert list(found.items()) == list(wanted.items())


def test_preactresnet18_has_as_many_parameters_as_by_hand() -> None:
    """3 x 3 convolutions w w 9, two numbers per normalised channel, 1 x 1 shortcuts, linear."""
    convolutions, norms, shortcuts = 9 * 3 * 64 + 4 * 9 * 64 * 64, 4 * 2 * 64, 0
    for width in (64, 128, 256):
        convolutions += 9 * 2 * width * width + 3 * 9 * 4 * width * width
        norms += 2 * width + 3 * 2 * 2 * width
        shortcuts += 2 * width * width
    total = convolutions + norms + shortcuts + 512 * 10 + 10
    assert parameters(preact.build(channels=3, classes=10, size=32)) == total == 11_171_146


def test_a_checkpoint_loads_without_a_map_and_computes_what_it_says(
    brought: tuple[dict[str, Any], State, nn.Sequential],
) -> None:
    options, state, model = brought
    x = batch(4)
    expected = by_hand(state, x, **options)
    with torch.no_grad():
        found = model(x)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


def test_each_option_changes_the_scores(
    brought: tuple[dict[str, Any], State, nn.Sequential],
) -> None:
    """Else the comparison by hand could not tell the two blocks apart."""
    options, state, model = brought
    other = "input" if options["shortcut"] == "activated" else "activated"
    x = batch(2)
    found = by_hand(state, x, final_norm=options["final_norm"], shortcut=other)
    assert (found - model(x)).abs().max() > 0.1 * found.abs().max()


def test_the_frozen_net_has_one_norm_per_block_less_and_computes_the_same(
    brought: tuple[dict[str, Any], State, nn.Sequential],
) -> None:
    options, _, model = brought
    frozen, x = Plain(model), batch(4)
    expected = model(x)
    assert ((frozen(x) - expected).abs().max() / expected.abs().max()).item() < 1e-5
    norms = [sum(isinstance(m, nn.BatchNorm2d) for m in net.modules()) for net in (model, frozen)]
    assert norms == [16 + options["final_norm"], 8 + options["final_norm"]]


def test_a_look_shows_what_the_blocks_give_before_the_next_norm(
    brought: tuple[dict[str, Any], State, nn.Sequential],
) -> None:
    """64 x 32 x 32, 128 x 16 x 16, 256 x 8 x 8, 512 x 4 x 4, signed; then scores."""
    options, state, model = brought
    frozen, x = Plain(model), batch(2)
    shown = frozen.look(x)
    assert [layer.shape[1] for layer in shown["layers"]] == [65536, 32768, 16384, 8192, 10]
    assert all((layer < 0).any() for layer in shown["layers"][:4])
    assert torch.equal(shown["scores"], frozen(x))
    last = shown["layers"][3].reshape(2, 512, 4, 4)
    last = activated(state, "bn", last) if options["final_norm"] else last
    torch.testing.assert_close(shown["features"], last.mean((2, 3)), rtol=1e-4, atol=1e-4)


def test_a_final_norm_in_the_file_and_not_in_the_net_is_told(tmp_path: Path) -> None:
    """RobustBench would drop it silently; here the map must say so."""
    state = random(final_norm=True)
    torch.save(state, tmp_path / "w.pt")
    spec = spec_of(**WONG)
    with pytest.raises(Refused, match=r"it has bn\.bias, .* which the net has not"):
        own.bring(tmp_path / "w.pt", spec, images_of(spec), keys={})
    model = own.bring(tmp_path / "w.pt", spec, images_of(spec), keys={"bn.": ""})
    torch.testing.assert_close(
        model(batch(1)), by_hand(state, batch(1), **WONG), rtol=1e-3, atol=0.1
    )


def test_its_options_are_those_that_it_declares() -> None:
    known = declared("models", "preact") or {}
    assert known["shortcut"].words() == "one of input, activated"
    assert not known["final_norm"].fits(1)
    options = filled("models", "preact", {"blocks": [1, 1], "width": 4, "stem_stride": 2})
    net = weights.untrained(spec_of(**options))[1]
    assert [layer.shape[1:] for layer in net.eval().layers(torch.zeros(1, 3, 32, 32))] == [
        (4, 16, 16),
        (8, 8, 8),
    ]
    assert (net.linear.in_features, net.dropout.p) == (8 * 2 * 2, 0.0)
