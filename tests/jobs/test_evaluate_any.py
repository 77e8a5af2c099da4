"""x"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from made import random
from robustgen.core.refusal import Refused
from robustgen.jobs.evaluate import evaluate

pytestmark = pytest.mark.usefixtures("one_thread")
FIT = {"fit": "pgd", "noise": "noise"}


def small() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(48), nn.Linear(48, 3))


IMAGES, LABELS = random(12, 3, 4, 4), torch.arange(12) % 3
PAIR = {"validation": (random(20, 3, 4, 4, seed=1), torch.arange(20) % 3), "device": "cpu"}


def test_a_module_is_left_as_it_was() -> None:
    """In training mode its norms would learn from the very images that are evaluated."""
    net = small().train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = evaluate(net, IMAGES, LABELS, **PAIR)
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(one.requires_grad for one in net.parameters())
    z = net.eval()(IMAGES).detach()
    test = found.scores[found.scores["split"] == "test"]
    np.testing.assert_allclose(test[["z_0", "z_1", "z_2"]], z, rtol=1e-6)


def test_bytes_and_arrays_are_images_too() -> None:
    coarse = (IMAGES * 255).byte()
    ours = evaluate(small(), coarse.numpy(), LABELS.numpy(), **PAIR)
    theirs = evaluate(small(), coarse / 255, LABELS, **PAIR)
    pd.testing.assert_frame_equal(ours.scores, theirs.scores)


def test_without_attacks_there_are_clean_scores_alone() -> None:
    found = evaluate(small(), IMAGES, LABELS, **PAIR, detectors={"energy": {"kind": "energy"}})
    assert set(found.scores["attack"]) == {"clean"}
    assert (len(found.statistics), len(found.thresholds), found.images) == (0, 0, {})


def test_an_unbounded_radius_is_written_as_in_a_configuration() -> None:
    entry = {"kind": "foolbox", "norm": "l2", "options": {"name": "DDN"}}
    attacks = {"ddn": entry | {"sweep": {"eps": "unbounded", "steps": 5}}}
    found = evaluate(small(), IMAGES, LABELS, **PAIR, attacks=attacks)
    assert set(found.scores["eps"]) == {0, np.inf}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"attacks": {"a": {"sweep": {}}}}, "Attack a needs a `kind`"),
        ({"attacks": {"a": {"kind": "pgd", "eps": [0.1]}}}, "given as kind, .*, not 'eps'"),
        ({"attacks": {"a": {"kind": "pgd", "sweep": {"eps": 0.1}}}}, "Attack a takes steps"),
        ({"attacks": {"a": {"kind": "pgd", "sweep": {"steps": 2}}}}, "needs a budget"),
        (
            {"attacks": {"a": {"kind": "evade_learnt", "options": {"detector": "lid"}}}},
            "must be told what is learnt, which only the files of a study hold",
        ),
        ({"attacks": {"clean": {"kind": "noise"}}}, "name of unattacked images"),
        ({"detectors": {"d": {"kind": "energy", "k": 2}}}, "Detector d is given as"),
        (
            {"detectors": {"d": {"kind": "lid", "options": FIT}}},
            "Detector d looks at layers, which this classifier does not show",
        ),
        ({"validation": (IMAGES, LABELS + 1)}, "labels are 0 to 2; validation labels go from 1"),
        ({"validation": (IMAGES, LABELS[:3])}, "The 12 validation images need a label each"),
        ({"validation": (IMAGES * 2, LABELS)}, r"Images must lie in \[0,1\]"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        evaluate(small(), IMAGES, LABELS, **PAIR | changes)


def test_a_function_that_gives_no_scores_is_refused() -> None:
    with pytest.raises(Refused, match=r"gives scores \[n,K\]"):
        evaluate(lambda x: x, IMAGES, LABELS, **PAIR)
