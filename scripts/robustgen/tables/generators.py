"""The generators: FID, KID and Inception score of their samples, beside those that An Ju's thesis
gives in section 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgen.core.rows import read_rows, with_axes
from robustgen.stats.intervals import mean
from robustgen.stats.per_image import bounds
from robustgen.tables.table import Table, data_said, text

NEEDS = ("samples",)
OPTIONS: dict[str, dict[str, object]] = {}
NUMBERS = {"fid": 2, "kid": 4, "inception_score": 2}
FAMILIES = {"cgan": "cGAN", "fq_biggan": "FQ-BigGAN"}
NOTE = (
    "FID and KID of n samples, n / K of each class, from as many real test images; the Inception "
    "score is of the same samples. FID grows as n gets small and depends on the features, which "
    "are named with a hash of their weights. Brackets: Student's 95 % intervals over seeds, where "
    "there are several. Published: section 3.3 of the thesis, which does not say on how many "
    "samples; its Inception score of the cGAN is low for its FID."
)


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per generator."""
    found = read_rows([path for path in files["samples"] if path.endswith(".parquet")])
    rows = with_axes(pd.DataFrame(list(_rows(found, spec, paper))), ())
    columns = {
        "data set": text("dataset"),
        "generator": text("model"),
        "n": text("n"),
        "FID": _number("fid"),
        "KID": _number("kid"),
        "Inception score": _number("inception_score"),
        "features": lambda row: f"{row['extractor']} ({row['extractor_sha256']})",
        "resize": text("resize"),
    }
    if not rows.empty and (rows["published"] != "").any():
        columns["published FID / IS"] = text("published")
    return Table("Samples of the generators", NOTE + data_said(spec) + absent, rows, columns)


def _number(name: str) -> Any:
    def print_(row: pd.Series) -> str:
        value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
        digits = NUMBERS[name]
        told = "" if abs(low) == float("inf") else f" [{low:.{digits}f}, {high:.{digits}f}]"
        return f"{value:.{digits}f}{told}"

    return print_


def _rows(
    found: pd.DataFrame, spec: dict[str, Any], paper: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    for model, facts in spec["models"].items():
        mine = found[found["model"] == model]
        if mine.empty:
            continue
        first = mine.iloc[0]
        named = {"dataset": facts["dataset"], "model": model, "n": int(first["n"])}
        numbers: dict[str, Any] = {}
        for name in NUMBERS:
            numbers |= bounds(name, mean(mine[name].to_numpy()))
        told = {name: first[name] for name in ("extractor", "resize", "extractor_sha256")}
        yield named | numbers | told | {"published": _published(paper, facts)}


def _published(paper: pd.DataFrame, facts: dict[str, Any]) -> str:
    """`FID / IS` of the thesis; empty where it has none."""
    mine = paper[(paper["table"] == "text:3.3") & (paper["dataset"] == facts["published"])]
    mine = mine[mine["row"] == FAMILIES.get(facts["family"], "")]
    values = [mine[mine["column"] == column]["value"] for column in ("FID", "IS")]
    return " / ".join(str(one.iloc[0]) for one in values) if all(map(len, values)) else ""
