"""Tables of scores and chains on rows by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from robustgen.core.rows import write_rows
from robustgen.stats.intervals import mean, share
from robustgen.tables import agreement, chains
from robustgen.tables.table import Table
from rows_of_chains import AXES, agreeing, spec, walking


def made(module: object, folder: Path, rows: list[pd.DataFrame]) -> Table:
    name = module.NEEDS[0]  # type: ignore[attr-defined]
    paths = []
    for number, frame in enumerate(rows):
        paths.append(str(folder / f"{number}.parquet"))
        write_rows(paths[-1], frame, unit="image", axes=AXES[name])
    table: Table = module.make(  # type: ignore[attr-defined]
        {name: paths}, spec=spec(), paper=pd.DataFrame(), absent=" Missing: nothing."
    )
    assert "Missing: nothing." in table.note
    return table


def test_agreement_has_a_row_per_sigma_and_net_with_paired_differences(tmp_path: Path) -> None:
    """Cosines of the second net are 0.3, 0.4, 0.5 and 0.2 above those of the first."""
    table = made(agreement, tmp_path, [agreeing("first", 0.0), agreeing("second", 0.2)])
    rows = table.rows
    assert rows["model"].tolist() == ["first", "second"] * 2
    assert rows["sigma"].tolist() == [0.1, 0.1, 0.25, 0.25]
    second = rows.iloc[1]
    ends = [second["joint"], second["joint_low"], second["joint_high"]]
    assert ends == pytest.approx([*mean([0.3, 0.4, 0.5])])
    assert second["more"] == pytest.approx(0.2)
    assert rows["more"][0] == 0
    assert rows["left_out"].tolist() == [2, 2, 2, 2]
    assert table.printed()[1][:5] == ["0.1", "second_net", "adversarial, L_2 0.05", "3", "2"]


def test_chains_have_a_row_per_energy_and_net_with_start_and_end(tmp_path: Path) -> None:
    """Energies fall from -1 to -9; of four chains the judge agrees with 1 and with 3."""
    table = made(chains, tmp_path, [walking("first", 1), walking("second", 3)])
    rows = table.rows
    assert rows["energy"].tolist() == ["marginal"] * 2 + ["joint"] * 2
    assert rows["start"].tolist() == [-1] * 4
    assert rows["value"].tolist() == [-9] * 4
    assert rows["steps"].tolist() == [20] * 4
    assert rows["diverged"].tolist() == [1] * 4
    found = rows.loc[1, ["judged", "judged_low", "judged_high"]].tolist()
    assert found == pytest.approx([*share(3, 4)])
    assert rows.loc[3, "more"] == pytest.approx(0.5)
    assert [line[0] for line in table.printed()] == ["E(x)", "E(x)", "E(x,y)", "E(x,y)"]


@pytest.mark.parametrize("module", [agreement, chains])
def test_without_rows_a_table_is_empty(module: object, tmp_path: Path) -> None:
    assert made(module, tmp_path, []).printed() == []
