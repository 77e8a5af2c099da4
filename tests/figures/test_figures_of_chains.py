"""Figures of scores and chains on rows and pictures by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from robustgen.figures import agreement, chains
from robustgen.figures.style import styled, write
from rows_of_chains import files, spec


def test_agreement_has_a_line_per_net_in_each_panel(tmp_path: Path) -> None:
    with styled():
        found = agreement.draw(files(tmp_path), spec=spec(), absent=" Missing: nothing.")
        write(found, tmp_path / "figure.png")
    assert found.caption.endswith("Missing: nothing.")
    assert len(found.figure.axes) == 2
    for axis in found.figure.axes:
        lines = [one.lines[0] for one in axis.containers]
        assert lines[0].get_xdata().tolist() == [0.1, 0.25]
        assert lines[1].get_ydata().tolist() == pytest.approx([0.3, 0.3])
        assert [one.get_label() for one in axis.containers] == ["standard", "adversarial, L_2 0.05"]


def test_chains_show_pictures_of_each_net_and_the_curves_of_all(tmp_path: Path) -> None:
    with styled():
        found = chains.draw(files(tmp_path), spec=spec(each=2), absent=" Missing: nothing.")
        write(found, tmp_path / "figure.png")
    assert found.caption.endswith("Missing: nothing.")
    pictures, curves = found.figure.axes[:4], found.figure.axes[4:]
    assert [axis.images[0].get_array().shape[:2] for axis in pictures] == [(18, 27)] * 4
    assert [label.get_text() for label in pictures[0].get_xticklabels()] == ["0", "10", "20"]
    assert pictures[3].get_title() == "adversarial, L_2 0.05: E(x,y)"
    assert len(curves) == 2
    for axis in curves:
        assert [list(line.get_ydata()) for line in axis.lines] == [[-1, -5, -9]] * 2


def test_a_net_without_rows_and_a_study_without_any_say_so(tmp_path: Path) -> None:
    with styled():
        part = chains.draw(files(tmp_path, ("first",)), spec=spec(each=2), absent="")
        write(part, tmp_path / "part.png")
        empty = {"score_agreement": [], "chains": []}
        for module in (agreement, chains):
            write(module.draw(empty, spec=spec(each=2), absent=""), tmp_path / "empty.png")
    said = {text.get_text() for axis in part.figure.axes for text in axis.texts}
    assert "second: no chains" in said
