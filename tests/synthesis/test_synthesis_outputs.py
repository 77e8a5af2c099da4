"""Tables, figures and statistics of synthesis, from measured rows of two nets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from robustgen.figures import quality, refinements, restorations, synthesized, ways
from robustgen.figures.style import styled, write
from robustgen.stats import statistics_synthesis as statistics
from robustgen.stats.rules import NotMeasured
from robustgen.synthesis import generated, generated_fid, refined, restored
from robustgen.tables import refined as refined_table
from robustgen.tables import restored as restored_table
from robustgen.tables import synthesized as synthesized_table
from robustgen.tables.synthesis_rows import average, beside
from synthesizing import NETS, Coloured, context, images, options, spec, synthesizer_of, written

SIZES: dict[str, dict[str, Any]] = {
    "generated": {"images": 12, "steps": 3},
    "restored": {"images": 6, "hole": 3, "factor": 2, "inpainting_steps": 2,
                 "super_resolution_steps": 2, "representation_steps": 2},
    "refined": {"images": 24, "steps": 2},
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The measures of two nets as files of a study."""
    folder = tmp_path_factory.mktemp("synthesis")
    found: dict[str, list[str]] = {}
    for seed, model in enumerate(NETS):
        net, told = synthesizer_of(seed, generator=Coloured()), context()
        for module in (generated, generated_fid, restored, refined):
            kind = module.__name__.rpartition(".")[2]
            size = options(module, **SIZES.get(kind, {}))
            made = module.measure(net, images(), options=size, context=told)
            told.given[kind] = made
            keys = getattr(module, "KEYS", ())
            found.setdefault(kind, []).extend(written(folder, kind, module.UNIT, keys, made, model))
    return found


@pytest.mark.parametrize(
    ("module", "lines"), [(synthesized_table, 4), (restored_table, 6), (refined_table, 2)]
)
def test_a_table_has_a_line_per_task_and_net(
    module: Any, lines: int, files: dict[str, list[str]]
) -> None:
    table = module.make(files, spec=spec(), paper=pd.DataFrame(), absent=" Missing: nothing.")
    printed = table.printed()
    assert len(printed) == lines
    assert all(cell != "nan" for line in printed for cell in line)
    assert table.rows["trained"].tolist()[:2] == ["standard", "adversarial, L_2 0.05"]
    assert "Missing: nothing." in table.note


def test_differences_from_the_first_net_are_paired() -> None:
    first = pd.DataFrame({"seed": 0, "index": [0, 1, 2], "judged": [0, 1, 1]})
    other = pd.DataFrame({"seed": 0, "index": [2, 1, 0], "judged": [1, 1, 1]})
    assert beside(other, first, "judged", shares=True).value == pytest.approx(1 / 3)
    assert beside(first, first, "judged", shares=True).value == 0
    none = beside(other.assign(index=[7, 8, 9]), first, "judged", shares=True)
    assert np.isnan(none.value)


@pytest.mark.parametrize(
    ("module", "told", "panels"),
    [
        (synthesized, {"each": 2, "classes": 3}, 4),
        (ways, {"images": 3}, 2),
        (restorations, {"images": 4}, 6),
        (refinements, {"images": 5}, 2),
        (quality, {}, 3),
    ],
)
def test_a_figure_of_synthesis_has_its_panels(
    module: Any, told: dict[str, Any], panels: int, files: dict[str, list[str]], tmp_path: Path
) -> None:
    with styled():
        found = module.draw(files, spec=spec(**told), absent=" Missing: nothing.")
        write(found, tmp_path / "figure.png")
    assert len(found.figure.axes) == panels
    assert "Missing: nothing." in found.caption


def test_statistics_by_hand() -> None:
    mine = pd.DataFrame({"index": [0, 1, 2, 3], "judged": [1, 1, 1, 0], "psnr": [3.0, 4, 5, 6],
                         "psnr_base": [1.0, 2, 3, 4], "joint": [0.4, 0.5, 0.6, 0.5]})  # fmt: skip
    other = mine.assign(judged=[0, 0, 1, 0], joint=0.1)
    assert statistics.judged(mine, other).value == 0.75
    assert statistics.judged_difference(mine, other).value == 0.5
    assert statistics.psnr_gain(mine, other).value == 2
    assert statistics.joint_difference(mine, other).value == pytest.approx(0.4)
    with pytest.raises(NotMeasured, match="no image that both nets made"):
        statistics.judged_difference(mine, other.assign(index=9))


def test_starts_of_one_source_are_averaged() -> None:
    """Two sources with two starts each: differences 0.2 and 0.4 by source, mean 0.3, n = 2."""
    rows = pd.DataFrame({"index": [0, 0, 1, 1], "start": [0, 1, 0, 1], "iou": [0.3, 0.5, 0.6, 0.6]})
    other = rows.assign(iou=[0.2, 0.2, 0.2, 0.2])
    found = statistics.iou_difference(rows, other)
    assert found.value == pytest.approx(0.3)
    assert found.low < 0.3 - 1  # Student's quantile at one degree of freedom is 12.7


def test_change_of_kid_is_paired_by_part() -> None:
    rows = pd.DataFrame({"part": [0, 1, 0, 1], "stage": ["start", "start", "end", "end"],
                         "kid": [0.3, 0.5, 0.2, 0.4]})  # fmt: skip
    assert statistics.kid_change(rows, rows).value == pytest.approx(-0.1)


def test_intervals_of_shares_stay_between_0_and_1() -> None:
    rows = pd.DataFrame({"seed": 0, "judged": [0, 1, 1], "tv": [0, 1, 1]})
    assert average(rows, "judged")[1:] == (0, 1)
    assert average(rows, "tv").low < 0
