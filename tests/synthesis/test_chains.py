"""Chains on a classifier's energy: the law of a quadratic one, starts, divergence, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from robustgen.core.option_faults import settled
from robustgen.core.refusal import Refused
from robustgen.measures.types import Measured
from robustgen.nets.classifier import Classifier, Wrapped
from robustgen.synthesis import chains
from robustgen.synthesis.chains import Langevin, measure
from robustgen.synthesis.energies import ENERGIES
from robustgen.synthesis.synthesizer import Synthesizer
from synthesizing import CLASSES, context, images, options, plain, synthesizer_of

FEW: dict[str, Any] = {"chains": 9, "steps": 10, "shown": 4}
CENTRE = 0.3


def bowl(x: Tensor) -> Tensor:
    """One logit -|x - m|^2 / 2: E(x) = E(x,y) = |x - m|^2 / 2."""
    return -(x - CENTRE).square().flatten(1).sum(dim=1, keepdim=True) / 2


def measured(net: Classifier, classes: int = CLASSES, **told: Any) -> Measured:
    model = Synthesizer({"net": net, "judge": plain(1)}, classes=classes)
    return measure(model, images(), options=options(chains, **FEW | told), context=context())


@pytest.mark.parametrize("energy", ENERGIES)
def test_chains_of_a_quadratic_energy_have_its_stationary_law(energy: str) -> None:
    """With E = |x - m|^2 / 2 a step is x' - m = (1 - a/2) (x - m) + s xi: the mean is m, and the
    variance v = (1 - a/2)^2 v + s^2, so that v = s^2 / (1 - (1 - a/2)^2). With a = 0.8, s = 0.1 it
    is 0.015625; of 24,000 pixels the variance has a relative deviation of sqrt(2 / 24,000) = 0.9 %.
    """
    x, y = torch.rand(6000, 1, 2, 2, generator=torch.Generator().manual_seed(0)), None
    y = torch.zeros(len(x), dtype=torch.long)
    path = Langevin(0.8, 0.1, 30).path(
        Wrapped(bowl), ENERGIES[energy], x, y, batch=1000,
        source=torch.Generator().manual_seed(1),
    )  # fmt: skip
    *_, end = path
    assert end.mean().item() == pytest.approx(CENTRE, abs=0.003)
    assert end.var().item() == pytest.approx(0.015625, rel=0.03)


def test_a_step_is_that_of_the_equation_and_clamps_where_asked() -> None:
    x = torch.tensor([[[[0.9]]], [[[0.1]]]])
    y, seed = torch.zeros(2, dtype=torch.long), torch.Generator().manual_seed(2)
    xi = torch.randn(x.shape, generator=torch.Generator().manual_seed(2))
    free = Langevin(0.5, 3.0, 1).path(Wrapped(bowl), ENERGIES["joint"], x, y, batch=5, source=seed)
    wanted = x - 0.25 * (x - CENTRE) + 3 * xi
    torch.testing.assert_close([*free][1], wanted)
    seed = torch.Generator().manual_seed(2)
    held = Langevin(0.5, 3.0, 1, clamp=True).path(
        Wrapped(bowl), ENERGIES["joint"], x, y, batch=5, source=seed
    )
    torch.testing.assert_close([*held][1], wanted.clamp(0, 1))


def test_rows_tell_energy_judge_and_range_of_the_recorded_points() -> None:
    """Without noise the quadratic energy falls by (1 - a/2)^2 a step, to 1/4 of it with a = 1; the
    range is the largest |x - 0.5| of the start.
    """
    rows = measured(Wrapped(bowl), classes=1, noise=0.0, chains=4, steps=5).rows
    assert rows["steps"].unique().tolist() == [0, 1, 2, 3, 4, 5]
    mine = rows[rows["energy"] == "marginal"]
    value = mine.pivot(index="index", columns="steps", values="value")
    for step in range(5):
        assert value[step + 1].tolist() == pytest.approx((value[step] / 4).tolist(), rel=1e-4)
    assert (mine[mine["steps"] == 0]["range"].between(0.45, 0.5)).all()
    assert mine[mine["steps"] == 5]["range"].tolist() == pytest.approx([0.5 - CENTRE] * 4, abs=0.03)
    assert rows["diverged"].eq(0).all()


def test_rows_against_net_and_judge_by_hand() -> None:
    model = synthesizer_of(3)
    found = measure(model, images(), options=options(chains, **FEW, clamp=True), context=context())
    assert found.arrays["marks"].tolist() == [0, 2, 4, 6, 8, 10]
    pictures = found.arrays["pictures"]
    assert pictures.shape == (2, 4, 6, 3, 8, 8)
    assert found.arrays["labels"].tolist() == [0, 1, 2, 0]
    x = torch.from_numpy(pictures[1, :, 5]).float() / 255
    ends = found.rows[(found.rows["energy"] == "joint") & (found.rows["steps"] == 10)]
    assert ends["label"].tolist() == [0, 1, 2] * 3
    p = model.judge(x).softmax(dim=1)
    assert ends["confidence"][:4].tolist() == pytest.approx(p.max(dim=1).values.tolist(), abs=0.02)
    z = model.net(x).gather(1, torch.tensor([[0], [1], [2], [0]]))[:, 0]
    assert ends["value"][:4].tolist() == pytest.approx((-z).tolist(), abs=0.05)


def test_starts_and_noise_are_the_same_for_all_nets_energies_and_batches() -> None:
    """Of nets without a slope the chains are the noise alone."""

    def flat(level: float) -> Classifier:
        return Wrapped(lambda x: level + 0 * bowl(x).expand(-1, CLASSES))

    first, other = (measured(flat(level)).arrays["pictures"] for level in (0.0, 5.0))
    np.testing.assert_array_equal(first, other)
    np.testing.assert_array_equal(first[0], first[1])


def test_chains_start_at_draws_of_their_class_where_asked() -> None:
    told = options(chains, **FEW, start="class")
    wanted, start = chains.starts(synthesizer_of(), images(), told, context())
    assert wanted.tolist() == [0, 1, 2] * 3
    x, y = images().tensors()
    means = torch.stack([x[y == k].mean(dim=0) for k in range(CLASSES)])
    near = [(start[i] - means).flatten(1).norm(dim=1).argmin().item() for i in range(9)]
    assert near == wanted.tolist()


def test_a_chain_that_diverges_is_named_and_the_others_live(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The net's logits become NaN where the first pixel is above its median at the start."""
    start = chains.starts(synthesizer_of(), images(), options(chains, **FEW), context())[1]
    limit = start[:, 0, 0, 0].sort().values[-2].item()

    def sick(x: Tensor) -> Tensor:
        bad = x[:, :1, 0, 0] >= limit
        return torch.where(bad, torch.nan, 0.0) * x[:, :1, 0, 0] + 0 * bowl(x).expand(-1, CLASSES)

    rows = measured(Wrapped(sick), noise=0.0).rows
    lost = torch.nonzero(start[:, 0, 0, 0] >= limit)[:, 0].tolist()
    assert len(lost) == 2
    assert sorted(rows["index"].unique()) == sorted({*range(9)} - {*lost})
    assert rows["diverged"].eq(2).all()
    said = capsys.readouterr().err
    for name in ENERGIES:
        assert f"{name} chain {lost[0]}, {lost[1]}" in said


def test_what_cannot_run_is_one_sentence() -> None:
    with pytest.raises(Refused, match="Every marginal chain ends in NaN"):
        measured(Wrapped(lambda x: torch.nan * bowl(x).expand(-1, CLASSES)))
    with pytest.raises(Refused, match="have no gradient in the image"):
        measured(Wrapped(lambda x: bowl(x).detach().expand(-1, CLASSES)))
    for name, value in (("steps", 0), ("step", 0.0), ("noise", -1.0), ("chains", 1)):
        with pytest.raises(Refused, match=f"Option {name} of kind chains"):
            settled("measures", "chains", {name: value})
    with pytest.raises(Refused, match="Option sigmas of kind score_agreement"):
        settled("measures", "score_agreement", {"sigmas": [0.1, 0]})
