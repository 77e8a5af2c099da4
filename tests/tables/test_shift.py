"""Harmless shifts by hand: false alarms and accuracy by corruption and severity, in table and
figure.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from detections import detection, spec, statistics
from robustgen.core.refusal import Refused
from robustgen.figures import shift as figure
from robustgen.figures.style import styled
from robustgen.stats import intervals
from robustgen.tables import shift

PAPER = pd.DataFrame()


def written(folder: Path) -> dict[str, list[str]]:
    """Four images; at threshold 5 one clean image is flagged, of fog at severity 2 three."""
    cells = [
        statistics("clean", [0.0, 9.0, 1.0, 2.0], corruption="", severity=0),
        statistics("shifts", [0.0, 9.0, 5.0, 2.0], corruption="fog", severity=1),
        statistics(
            "shifts", [9.0, 9.0, 5.0, 2.0], success=[1, 1, 0, 0], corruption="fog", severity=2
        ),
        statistics("shifts", [0.0] * 4, corruption="blur", severity=1),
        statistics("clean", [0.0] * 4, detector="lid", corruption="", severity=0),
        statistics("shifts", [7.0] * 4, detector="lid", corruption="fog", severity=1),
    ]
    return {"detect": detection(folder, *cells)}


def test_the_clean_row_comes_first_and_each_shift_has_one(tmp_path: Path) -> None:
    table = shift.make(written(tmp_path), spec=spec("net", shifts={}), paper=PAPER, absent=" Gone.")
    found = table.rows.set_index(["corruption", "severity"])
    assert list(found.index) == [("clean", 0), ("fog", 1), ("fog", 2), ("blur", 1)]
    assert found["energy"].tolist() == [0.25, 0.5, 0.75, 0.0]
    assert tuple(found.loc[("fog", 2), ["energy", "energy_low", "energy_high"]]) == (
        intervals.share(3, 4)
    )
    assert found["accuracy"].tolist() == [1.0, 1.0, 0.5, 1.0]
    assert found["lid"].iloc[:2].tolist() == [0.0, 1.0]
    assert found["n"].tolist() == [4] * 4
    assert table.printed()[2][:3] == ["net", "fog", "2"]
    assert table.printed()[2][-1] == ""  # lid saw no fog of severity 2
    assert table.note.endswith("Data: signs. Gone.")


def test_rows_without_the_axes_are_refused(tmp_path: Path) -> None:
    cells = [statistics(name, [0.0], severity=1) for name in ("clean", "shifts")]
    with pytest.raises(Refused, match="no axis corruption; let the attack's entry sweep"):
        shift.make(
            {"detect": detection(tmp_path, *cells)},
            spec=spec("net", shifts={}),
            paper=PAPER,
            absent="",
        )


def test_the_figure_has_a_panel_per_corruption_with_lines_from_clean_on(tmp_path: Path) -> None:
    with styled():
        picture = figure.draw(written(tmp_path), spec=spec("net", shifts={}), absent=" Gone.")
    fog, blur = picture.figure.axes
    assert [axis.get_title().splitlines()[0] for axis in (fog, blur)] == ["fog", "blur"]
    lines = {lines.get_label(): lines.lines[0] for lines in fog.containers}
    assert list(lines) == ["energy", "lid", "accuracy"]
    assert lines["energy"].get_ydata().tolist() == [0.25, 0.5, 0.75]
    assert [round(x) for x in lines["energy"].get_xdata()] == [0, 1, 2]
    assert lines["accuracy"].get_ydata().tolist() == [1.0, 1.0, 0.5]
    assert lines["accuracy"].get_linestyle() == "--"
    assert picture.caption.endswith(" Gone.")
