"""How the table of calibration says that a model was trained."""

from __future__ import annotations

from typing import Any

import pytest

from robustgen.tables import calibration


@pytest.mark.parametrize(
    ("objective", "family", "said"),
    [
        ({"kind": "standard"}, "standard", "standard"),
        ({"kind": "standard"}, "eabs", "eabs"),  # its trainer has no objective
        (None, "mine", "mine"),
        ({"kind": "own weights"}, "wong", "own weights"),
        ({"kind": "gaussian", "sigma": 0.2}, "cnn", "gaussian, sigma 0.2"),
        (
            {"kind": "adversarial", "norm": "linf", "eps": 8 / 255},
            "adv_linf",
            "adversarial, L_inf ball of 8/255",
        ),
    ],
)
def test_training_is_told_by_the_objective_or_by_the_family(
    objective: dict[str, Any] | None, family: str, said: str
) -> None:
    assert calibration._training({"objective": objective, "family": family}) == said
