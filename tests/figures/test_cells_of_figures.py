"""Figures of energies where attacks have no rows."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.figures import cells
from robustgen.figures.style import styled


def test_a_figure_whose_attacks_have_no_rows_says_so() -> None:
    """Clean rows alone have neither a budget nor steps, as after an attack that failed."""
    scores = pd.DataFrame({"model": ["a"], "attack": ["clean"], "split": ["test"], "energy": [0.0]})
    spec: dict[str, Any] = {"models": {"a": {}}, "attacks": {"pgd": {}}, "options": {"steps": 5}}
    with styled():
        figure = cells.grid(scores, spec, panel=lambda *given: None)
    assert [text.get_text() for text in figure.axes[0].texts] == ["a: no rows"]
    assert len(cells.at_steps(scores, spec)) == 1
