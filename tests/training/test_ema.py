"""Moving averages by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from robustgen.core.refusal import Refused
from robustgen.training.ema import Ema


def constant(layer: nn.Linear, value: float) -> None:
    nn.init.constant_(layer.weight, value)
    nn.init.constant_(layer.bias, -value)


def test_an_average_follows_by_its_decay() -> None:
    """From 1, towards 3 and then 5 with decay 3/4: 3/4 * 1 + 1/4 * 3 = 1.5; 3/4 * 1.5 + 1/4 * 5 =
    2.375.
    """
    layer = nn.Linear(2, 1)
    constant(layer, 1.0)
    ema = Ema(layer, decay=0.75)
    for value, average in ((3.0, 1.5), (5.0, 2.375)):
        constant(layer, value)
        ema.update(layer)
        assert ema.average.weight.tolist() == [[average, average]]
        assert ema.average.bias.tolist() == [-average]
    assert ema(torch.ones(1, 2)).item() == 2 * 2.375 - 2.375


def test_buffers_are_copied_and_not_averaged() -> None:
    norm = nn.BatchNorm1d(1)
    ema = Ema(norm, decay=0.99)
    norm(torch.tensor([[0.0], [2.0]]))
    ema.update(norm)
    assert torch.equal(ema.average.running_mean, norm.running_mean)
    assert norm.running_mean.item() == pytest.approx(0.1)
    assert ema.average.num_batches_tracked.item() == 1


def test_an_average_has_memory_of_its_own_takes_no_gradient_and_stays_in_evaluation() -> None:
    layer = nn.Sequential(nn.Linear(2, 1), nn.Dropout(0.5))
    constant(layer[0], 1.0)
    ema = Ema(layer, decay=0.5).train()
    constant(layer[0], 7.0)
    assert ema.average[0].weight.tolist() == [[1.0, 1.0]]
    assert not any(parameter.requires_grad for parameter in ema.parameters())
    assert not ema.average[1].training
    assert layer.training
    assert layer[0].weight.requires_grad


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_a_decay_that_is_none_is_refused(decay: float) -> None:
    with pytest.raises(Refused, match=r"must be in \[0,1\)"):
        Ema(nn.Linear(1, 1), decay=decay)
