"""Classification by GAN inversion: tables 3.1, 3.2 and 3.5 to 3.8 of An Ju's thesis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgen.core.rows import read_rows, with_axes
from robustgen.stats.intervals import paired_share_difference
from robustgen.stats.inverted import AXES, average, error, per_image
from robustgen.stats.per_image import bounds
from robustgen.tables.published_inversion import NOTE as PUBLISHED
from robustgen.tables.published_inversion import method, published
from robustgen.tables.table import Format, Table, data_said, interval, percent, text

NEEDS = ("inversions",)
OPTIONS = {
    "published": {
        "one_of": ("", "3_1", "3_2", "3_5", "3_6", "3_7", "3_8"),
        "default": "",
        "means": "Table of the thesis whose numbers stand beside ours.",
    },
}
COLUMNS = {  # ours -> that of config/paper.csv
    "error": "error rate",
    "pixels": "in-domain L2 distance",
    "inside": "in-domain perceptual distance",
    "outside": "out-of-domain perceptual distance",
}
NOTE = (
    "Error: share of the n test images whose objective D + lambda R is least in another class; "
    "`by D alone` leaves R out of the decision. In-domain: the reconstruction by the true class, "
    "as squared difference of pixels in [-1,1] and as perceptual distance; out-of-domain: the mean "
    "perceptual distance over the other classes. Over typical: the in-domain perceptual distance "
    "over the mean distance of two test images, which makes metrics comparable. +: further codes, "
    "one for each place where a code enters the generator. Difference: of the error from that of "
    "the table's first line on the same images, in points. Passes: forwards through generator and "
    "distance for all classes of an image. Brackets: 95 % intervals over images, "
    "or over seeds where there are several."
)


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model and setting of the search."""
    found = read_rows([path for path in files["inversions"] if path.endswith(".parquet")])
    rows = with_axes(pd.DataFrame(list(_rows(found, spec, paper))), AXES)
    columns: dict[str, Format] = {
        "data set": text("dataset"),
        "method": text("method"),
        "metric": text("metric"),
        "lambda": lambda row: f"{row['lambda_']:g}",
        "steps": text("steps"),
        "n": text("n"),
        "error %": percent("error"),
        "difference": _points,
        "passes": text("passes"),
        "by D alone %": percent("by_distance"),
        "in-domain L2": interval("pixels", 1),
        "in-domain perceptual": interval("inside"),
        "over typical": lambda row: f"{row['inside'] / row['typical']:.2f}",
        "out-of-domain perceptual": interval("outside"),
    }
    for name, said in COLUMNS.items():
        if not rows.empty and (rows[f"{name}_published"] != "").any():
            columns[f"published {said}"] = text(f"{name}_published")
    note = NOTE + (PUBLISHED if len(columns) > 14 else "") + data_said(spec) + absent
    return Table("Classification by inversion of a generator", note, rows, columns)


def _rows(
    found: pd.DataFrame, spec: dict[str, Any], paper: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    first: pd.Series | None = None
    for model, facts in spec["models"].items():
        mine = found[found["model"] == model]
        for setting, cell in mine.groupby(AXES, sort=False):
            images = per_image(cell)
            named = {
                "dataset": facts["dataset"],
                "model": model,
                "method": method(facts["family"], plus=setting[AXES.index("plus")]),
                **dict(zip(AXES, setting, strict=True)),
                "metric": cell["metric"].iloc[0],
                "typical": cell["typical"].mean(),
                "passes": int(cell["passes"].iloc[0]),
                "n": images.index.get_level_values("index").nunique(),
            }
            apart = _apart(images["wrong"], first)
            first = images["wrong"] if first is None else first
            yield {
                **named,
                **_measured(images),
                **apart,
                **_published(paper, facts, spec["options"]["published"], named),
            }


def _measured(images: pd.DataFrame) -> dict[str, float]:
    numbers = bounds("error", error(images))
    numbers |= bounds("by_distance", error(images, "wrong_by_distance"))
    for name in ("pixels", "inside", "outside"):
        numbers |= bounds(name, average(images, name))
    return numbers


def _apart(mine: pd.Series, first: pd.Series | None) -> dict[str, float]:
    """The difference of errors from those of the first line on shared images; NaN for that line
    itself and where there are none.
    """
    both = pd.concat([mine, mine if first is None else first], axis=1, join="inner").to_numpy()
    if first is None or not len(both):
        return dict.fromkeys(("difference", "difference_low", "difference_high"), float("nan"))
    return bounds("difference", paired_share_difference(both[:, 0], both[:, 1]))


def _points(row: pd.Series) -> str:
    if row["difference"] != row["difference"]:
        return ""
    value, low, high = (100 * row[f"difference{end}"] for end in ("", "_low", "_high"))
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}]"


def _published(
    paper: pd.DataFrame, facts: dict[str, Any], table: str, row: dict[str, Any]
) -> dict[str, str]:
    """The thesis' numbers; an accuracy stands for an error rate where it prints that."""
    told = {
        f"{name}_published": published(paper, facts, table, row, column)
        for name, column in COLUMNS.items()
    }
    accuracy = published(paper, facts, table, row, "accuracy")
    return told | ({"error_published": f"accuracy {accuracy}"} if accuracy else {})
