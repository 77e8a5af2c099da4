"""FID of reconstructions by the right and by a wrong class: table 3.3 of An Ju's thesis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgen.core.rows import read_rows, with_axes
from robustgen.stats.inverted import AXES, error, per_image, spearman
from robustgen.stats.per_image import bounds, mean_of
from robustgen.tables.published_inversion import NOTE as PUBLISHED
from robustgen.tables.published_inversion import method, published
from robustgen.tables.table import Table, data_said, interval, text

NEEDS = ("inversion_fid", "inversions")
OPTIONS: dict[str, dict[str, object]] = {}
COLUMNS = {"fid_in": "FID in-domain", "fid_out": "FID out-of-domain", "fid_gap": "FID gap"}
NUMBERS = (*COLUMNS, "kid_gap")
NOTE = (
    "In-domain: FID of the reconstructions of test images by their own class from the real images "
    "of that class; out-of-domain: of as many test images of other classes by that class. Each is "
    "computed per class on n images a side and averaged over classes. KID is the unbiased kernel "
    "distance on the same sets. FID grows as n gets small, so that only the gap can be compared "
    "with other n. Brackets: Student's 95 % intervals over classes, or over seeds."
)


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model and setting of the search."""
    found = {sort: read_rows([p for p in files[sort] if p.endswith(".parquet")]) for sort in NEEDS}
    rows = with_axes(pd.DataFrame(list(_rows(found, spec, paper))), AXES)
    columns = {
        "data set": text("dataset"),
        "method": text("method"),
        "metric": text("metric"),
        "lambda": lambda row: f"{row['lambda_']:g}",
        "steps": text("steps"),
        "n": text("n"),
        "FID in-domain": interval("fid_in"),
        "FID out-of-domain": interval("fid_out"),
        "gap": interval("fid_gap"),
        "KID gap": interval("kid_gap", 4),
    }
    if not rows.empty and (rows["fid_gap_published"] != "").any():
        columns["published in / out / gap"] = lambda row: " / ".join(
            row[f"{name}_published"] for name in COLUMNS
        )
    note = NOTE + _features(found["inversion_fid"]) + _correlation(rows)
    note += (PUBLISHED if len(columns) > 10 else "") + data_said(spec) + absent
    return Table("Reconstructions in and out of the domain", note, rows, columns)


def _rows(
    found: dict[str, pd.DataFrame], spec: dict[str, Any], paper: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    sets, inverted = found["inversion_fid"], found["inversions"]
    for model, facts in spec["models"].items():
        errors = dict(list(inverted[inverted["model"] == model].groupby(AXES)))
        for setting, cell in sets[sets["model"] == model].groupby(AXES, sort=False):
            same = errors[setting]
            named = {
                "dataset": facts["dataset"],
                "model": model,
                "method": method(facts["family"], plus=setting[AXES.index("plus")]),
                **dict(zip(AXES, setting, strict=True)),
                "metric": same["metric"].iloc[0],
                "n": int(cell["n"].min()),
                "error": error(per_image(same)).value,
            }
            numbers: dict[str, Any] = {}
            for name in NUMBERS:
                numbers |= bounds(name, mean_of(cell, name))
            for name, column in COLUMNS.items():
                numbers[f"{name}_published"] = published(paper, facts, "3_3", named, column)
            yield named | numbers


def _features(sets: pd.DataFrame) -> str:
    """The sentence on the features that FID is of."""
    if sets.empty:
        return ""
    names = ["extractor", "resize", "extractor_sha256"]
    pairs = sets[names].drop_duplicates().itertuples(index=False)
    said = [
        f"{one.extractor} (resize: {one.resize}; weights {one.extractor_sha256})" for one in pairs
    ]
    return f" Features: {'; '.join(said)}."


def _correlation(rows: pd.DataFrame) -> str:
    """The sentence on errors and gaps over the table's lines."""
    value = spearman(rows["error"], rows["fid_gap"]) if len(rows) > 2 else float("nan")
    if value != value:
        return ""
    return (
        f" Spearman's correlation of error rate and FID gap over the {len(rows)} lines: "
        f"{value:.2f} (the thesis' 18 lines: 0.94)."
    )
