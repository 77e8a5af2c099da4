"""Features for FID: pytorch-fid's network from a file of its names, and a surrogate."""

from __future__ import annotations

import pytest
import torch

from robustgen.gan import features_of, inception
from robustgen.gan.types import Features
from robustgen.nets.classifier import Normalize, Plain
from robustgen.nets.resnet import build
from robustgen.nets.spec import Spec

SPEC = Spec("inception", 3, 10, 32, (0.0,), (1.0,))


def test_it_is_pytorch_fids_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same tensors in both, by the names of pytorch-fid's checkpoint, give the same features;
    images are in [0,1] in both.
    """
    from pytorch_fid import inception as fid

    torch.manual_seed(0)
    net = inception.build(channels=3, classes=10, size=32)
    for layer in net.modules():  # untrained weights would let the features vanish
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)
    state = net.state_dict()
    monkeypatch.setattr(fid, "load_state_dict_from_url", lambda *args, **options: state)
    theirs = fid.InceptionV3([3]).eval()
    ours = inception.freeze(
        torch.nn.Sequential(torch.nn.Identity(), net), {}, spec=SPEC, dtype=None, device="cpu"
    )
    x = torch.rand((2, 3, 32, 32), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found, expected = ours(x), theirs(x)[0].flatten(1)
    assert expected.std() > 1e-3
    torch.testing.assert_close(found.features, expected, rtol=1e-4, atol=1e-5)
    assert found.logits.shape == (2, 1008)
    assert ours.name == "Inception (pytorch-fid)"


def test_a_grey_image_is_seen_as_three_equal_channels() -> None:
    net = inception.build(channels=3, classes=10, size=32)
    wrapped = torch.nn.Sequential(torch.nn.Identity(), net)
    ours = inception.freeze(wrapped, {}, spec=SPEC, dtype=None, device="cpu")
    x = torch.rand((1, 1, 32, 32))
    with torch.no_grad():
        torch.testing.assert_close(ours(x).features, ours(x.expand(-1, 3, -1, -1)).features)


def test_a_surrogate_says_so_and_gives_a_classifiers_last_features() -> None:
    torch.manual_seed(0)
    net = build(channels=3, classes=4, size=16, blocks=(1, 1), width=4)
    plain = Plain(torch.nn.Sequential(Normalize((0.5,), (0.5,)), net))
    found = features_of.freeze(None, {"net": plain}, spec=SPEC, dtype=None, device="cpu")
    assert isinstance(found, Features)
    assert found.name.startswith("surrogate")
    x = torch.rand((3, 3, 16, 16))
    judged = found(x)
    torch.testing.assert_close(judged.logits, plain(x))
    torch.testing.assert_close(net.linear(judged.features), plain(x))


def test_facts_tell_networks_of_other_weights_apart() -> None:
    def facts(seed: int) -> dict[str, str]:
        torch.manual_seed(seed)
        net = build(channels=3, classes=4, size=16, blocks=(1, 1), width=4)
        plain = Plain(torch.nn.Sequential(Normalize((0.5,), (0.5,)), net))
        return features_of.FeaturesOf(plain).facts()

    assert facts(0) == facts(0)
    assert facts(0)["extractor_sha256"] != facts(1)["extractor_sha256"]
    assert set(facts(0)) == {"extractor", "resize", "extractor_sha256"}
