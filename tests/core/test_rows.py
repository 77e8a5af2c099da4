"""Rows: what is written comes back with its unit and its axes, rows of several attacks are joined,
draws are averaged per image, and what would narrow an interval is refused.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from robustgen.core import rows
from robustgen.core.refusal import Refused


def table(n: int = 20) -> pd.DataFrame:
    return pd.DataFrame(
        {"model": ["a"] * n, "index": np.arange(n), "energy": np.linspace(-3, 5, n)}
    )


def test_rows_come_back_with_their_unit(tmp_path: Path) -> None:
    rows.write_rows(tmp_path / "r.parquet", table(), unit="image")
    pd.testing.assert_frame_equal(
        rows.read_rows(tmp_path / "r.parquet"), table().assign(unit="image")
    )


def test_several_files_are_read_one_below_the_other(tmp_path: Path) -> None:
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, n in zip(paths, (2, 3), strict=True):
        rows.write_rows(path, table(n), unit="set")
    found = rows.read_rows(iter(paths))
    assert (found["index"].tolist(), found.index.tolist()) == ([0, 1, 0, 1, 2], [0, 1, 2, 3, 4])


@pytest.mark.parametrize("hole", [np.nan, None])
def test_a_missing_value_is_refused_with_its_column_and_nothing_is_written(
    hole: float | None, tmp_path: Path
) -> None:
    wrong = table().assign(margin=[1.0] * 19 + [hole])
    with pytest.raises(Refused, match="hold missing or NaN values in margin;"):
        rows.write_rows(tmp_path / "r.parquet", wrong, unit="image")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "values",
    [[{"a": 1}] * 20, [[1]] * 20, ["a", 1] * 10, [object()] * 20],
    ids=lambda values: repr(values[0])[:7],
)
def test_values_of_no_plain_type_are_refused_with_their_column(
    values: list[Any], tmp_path: Path
) -> None:
    with pytest.raises(
        Refused, match=("hold values of no one plain type in odd; give texts or numbers")
    ):
        rows.write_rows(tmp_path / "r.parquet", table().assign(odd=values), unit="image")
    assert list(tmp_path.iterdir()) == []


def test_texts_whole_numbers_and_truths_are_plain_even_as_objects(tmp_path: Path) -> None:
    for values in (["a", "b"], [1, 2], [True, False], [0.5, 1.5]):
        rows.write_rows(
            tmp_path / "r.parquet",
            table(2).assign(plain=pd.Series(values, dtype=object)),
            unit="image",
        )
        assert rows.read_rows(tmp_path / "r.parquet")["plain"].tolist() == values


TWICE = ["validation"] * 20 + ["test"] * 20


@pytest.mark.parametrize(
    ("unit", "axes", "keys", "columns", "once"),
    [
        ("image", ["eps"], [], {}, False),
        ("image", ["eps", "steps"], [], {"steps": [0] * 20 + [5] * 20}, True),
        ("image", ["eps", "steps"], [], {"steps": [0, 5, 5, 5] * 10}, False),
        ("image", ["eps"], [], {"steps": [0] * 20 + [5] * 20}, False),  # measured, no axis
        ("image", ["eps", "name"], [], {"name": ["a"] * 20 + ["b"] * 20}, True),
        ("image", ["eps"], [], {"split": TWICE}, True),
        ("image", ["eps"], [], {"draw": [0] * 20 + [1] * 20}, True),
        ("image", ["eps"], ["variant"], {"variant": ["T = 1"] * 20 + ["T = 2"] * 20}, True),
        ("image", ["eps"], [], {"variant": ["T = 1"] * 20 + ["T = 2"] * 20}, False),
        ("image", ["a", "b"], [], {"a": [0.0] * 20 + [0.5] * 20, "b": 1.0}, True),
        ("image x class", ["eps"], [], {"class": [0] * 20 + [1] * 20}, True),
        ("image x class", ["eps"], [], {}, False),
        ("set", ["eps"], [], {}, True),
    ],
)
def test_an_image_stands_once_in_a_cell(
    unit: str,
    axes: list[str],
    keys: list[str],
    columns: dict[str, Any],
    once: bool,
    tmp_path: Path,
) -> None:
    """A cell is IDENTITY and the axes; split, draw, class and `keys` tell its rows apart."""
    doubled = pd.concat([table(), table()], ignore_index=True).assign(eps=0.1, **columns)
    path = tmp_path / "r.parquet"
    if once:
        rows.write_rows(path, doubled, unit=unit, axes=axes, keys=keys)
        return
    words = r"r\.parquet hold an image twice \(model a, eps 0\.1, .*index \d+.*; list each setting"
    with pytest.raises(Refused, match=words):
        rows.write_rows(path, doubled, unit=unit, axes=axes, keys=keys)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_unit_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(
        Refused, match="is one of image, image x class, set, epoch, pair, not 'pixel'"
    ):
        rows.write_rows(tmp_path / "r.parquet", table(), unit="pixel")


def test_equal_rows_are_equal_bytes(tmp_path: Path) -> None:
    for name in ("one.parquet", "two.parquet"):
        rows.write_rows(tmp_path / name, table().copy(), unit="image")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


# --- axes -----------------------------------------------------------------------------------------


def swept(axes: dict[str, list[Any]], attack: str = "pgd") -> pd.DataFrame:
    """Rows of one image per cell."""
    n = len(next(iter(axes.values()))) if axes else 1
    identity = {"dataset": "d", "model": "a", "seed": 0, "attack": attack}
    frame = pd.DataFrame(identity | axes | {"index": 0, "energy": np.arange(n) - 1.5})
    return rows.with_axes(frame, axes)


def test_axes_are_written_with_the_rows_and_read_again(tmp_path: Path) -> None:
    frame = swept({"eps": [0.1, 0.2], "lambda_": [0.0, 1.2]})
    rows.write_rows(tmp_path / "a", frame, unit="image")  # its own axes
    rows.write_rows(tmp_path / "b", frame, unit="image", axes=["eps"])  # others
    assert rows.axes_of(rows.read_rows(tmp_path / "a")) == ["eps", "lambda_"]
    assert rows.axes_of(rows.read_rows(tmp_path / "b")) == ["eps"]
    assert rows.cell_of(frame) == ["dataset", "model", "seed", "attack", "eps", "lambda_"]
    assert rows.axes_of(table()) == []


def test_axes_outlive_what_statistics_do_with_rows() -> None:
    frame = swept({"eps": [0.1, 0.2], "steps": [1, 2]})
    parts = [part for _, part in frame.groupby("eps")]
    for changed in (
        frame[frame["eps"] > 0.1],
        frame.assign(x=1),
        parts[0],
        pd.concat(parts),
        frame.merge(frame, on=["eps", "steps"]),
    ):
        assert rows.axes_of(changed) == ["eps", "steps"]


def test_joined_rows_have_the_axes_of_all_and_zero_or_an_empty_text_where_one_lacks_some() -> None:
    pgd = swept({"eps": [0.1], "steps": [5]})
    corrupted = swept({"severity": [3], "corruption": ["blur"]}, "corruption")
    clean = swept({}, "clean")
    found = rows.joined([clean, pgd, corrupted])
    axes = ["eps", "steps", "severity", "corruption"]
    assert rows.axes_of(found) == axes
    assert list(found) == ["dataset", "model", "seed", "attack", *axes, "index", "energy"]
    assert found[["attack", *axes]].to_numpy().tolist() == [
        ["clean", 0.0, 0, 0, ""],
        ["pgd", 0.1, 5, 0, ""],
        ["corruption", 0.0, 0, 3, "blur"],
    ]
    assert [found[axis].dtype.kind for axis in axes[:3]] == ["f", "i", "i"]
    assert found.index.tolist() == [0, 1, 2]


def test_no_rows_are_joined_to_none() -> None:
    assert len(rows.joined([])) == 0


def test_files_with_other_axes_are_read_together(tmp_path: Path) -> None:
    rows.write_rows(tmp_path / "a", swept({}, "clean"), unit="image")
    rows.write_rows(tmp_path / "b", swept({"eps": [0.1], "lambda_": [1.2]}), unit="image")
    found = rows.read_rows([tmp_path / "a", tmp_path / "b"])
    assert found[["eps", "lambda_"]].to_numpy().tolist() == [[0, 0], [0.1, 1.2]]
    assert rows.cell_of(found)[-2:] == ["eps", "lambda_"]


# --- draws ----------------------------------------------------------------------------------------


def drawn() -> pd.DataFrame:
    """Two images of three draws; the first is fooled in two of them, the second in none."""
    frame = pd.DataFrame(
        {
            "dataset": "d",
            "model": "a",
            "seed": 0,
            "attack": "pgd",
            "eps": 0.1,
            "split": "test",
            "index": [7, 8] * 3,
            "draw": [0, 0, 1, 1, 2, 2],
            "label": [1, 2] * 3,
            "prediction": [3, 2, 1, 2, 4, 2],
            "energy": [1.0, 4.0, 2.0, 5.0, 6.0, 9.0],
            "success": [True, False, False, False, True, False],
            "unit": "image",
        }
    )
    return rows.with_axes(frame, ["eps"])


def test_draws_are_averaged_per_image() -> None:
    """energy: (1 + 2 + 6) / 3 = 3 and (4 + 5 + 9) / 3 = 6; success: 2 of 3, and none. The
    prediction is that of the first draw, for the mean of classes means nothing.
    """
    found = rows.averaged(drawn())
    assert found["index"].tolist() == [7, 8]
    assert found["energy"].tolist() == [3.0, 6.0]
    assert found["success"].tolist() == pytest.approx([2 / 3, 0])
    assert found["prediction"].tolist() == [3, 2]
    assert found["label"].tolist() == [1, 2]
    assert found["label"].dtype.kind == "i"
    assert list(found) == [name for name in drawn() if name != "draw"]
    assert rows.axes_of(found) == ["eps"]


def test_cells_splits_and_classes_are_averaged_apart() -> None:
    frame = pd.concat([drawn(), drawn().assign(eps=0.2, energy=0.0)], ignore_index=True)
    frame = rows.with_axes(frame, ["eps"])
    assert rows.averaged(frame)["energy"].tolist() == [3.0, 6.0, 0.0, 0.0]
    split = pd.concat([drawn(), drawn().assign(split="validation")], ignore_index=True)
    assert len(rows.averaged(rows.with_axes(split, ["eps"]))) == 4


def test_rows_without_draws_stay_as_they_are() -> None:
    frame = drawn().query("draw == 0").drop(columns="draw")
    assert rows.averaged(frame) is frame


def test_draws_are_rows_of_the_file_and_read_only_where_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    rows.write_rows(path, drawn().drop(columns="unit"), unit="image")
    assert rows.read_rows(path, draws=True)["draw"].tolist() == [0, 0, 1, 1, 2, 2]
    assert rows.read_rows(path)["energy"].tolist() == [3.0, 6.0]


def test_truths_of_some_files_and_means_of_others_are_read_together_as_numbers(
    tmp_path: Path,
) -> None:
    sure = drawn().query("draw == 0").drop(columns=["draw", "unit"]).assign(model="sure")
    rows.write_rows(tmp_path / "sure", sure, unit="image")
    rows.write_rows(tmp_path / "drawn", drawn().drop(columns="unit"), unit="image")
    assert rows.read_rows(tmp_path / "sure")["success"].dtype == bool
    found = rows.read_rows([tmp_path / "sure", tmp_path / "drawn"])
    assert found["success"].tolist() == pytest.approx([1, 0, 2 / 3, 0])
