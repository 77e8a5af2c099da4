"""Score rows with the columns of detectors' measures beside them, and what of them a detector
learns from.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from robustgen.core.option_faults import settled
from robustgen.core.options import declared
from robustgen.core.refusal import Refused
from robustgen.core.rows import axes_of, cell_of, joined, read_rows, with_axes
from robustgen.detect.contract import seen
from robustgen.detect.types import Validation

IMAGE = ("split", "index")


def read(scores: str | Path, measured: Mapping[str, str | Path]) -> pd.DataFrame:
    """Score rows, and the columns `<detector>.<column>` of each detector's measure of the same
    images.
    """
    rows = read_rows(scores)
    for name, path in measured.items():
        rows = beside(rows, read_rows(path), name, f"{path}")
    return rows


def beside(rows: pd.DataFrame, measured: pd.DataFrame, name: str, path: str) -> pd.DataFrame:
    """The rows with the columns of a measure, refused unless both are of the same images in the
    same order.
    """
    keys = [*cell_of(rows), *IMAGE]
    if cell_of(measured) != cell_of(rows) or not _same(rows, measured, keys):
        raise Refused(
            f"{path} is not measured on the images that were scored; make the scores and the "
            "measure again."
        )
    columns = {
        f"{name}.{column}": measured[column].to_numpy()
        for column in measured
        if column not in (*keys, "unit")
    }
    return with_axes(pd.concat([rows, pd.DataFrame(columns)], axis=1), axes_of(rows))


def filled(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a detector with its name and all of its options; wrong ones are refused."""
    options = settled("detectors", settings["kind"], settings.get("options", {}))
    return {**settings, "name": name, "options": options}


def of_split(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of a split."""
    return rows[rows["split"] == name]


def learnt(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Validation images, of which the detector of that name may also know the attack and whether
    it fools the net.
    """
    return seen(of_split(rows, "validation"), name, *cell_of(rows), "index", "success")


def validation(
    clean: pd.DataFrame, others: Mapping[str, pd.DataFrame], settings: dict[str, Any]
) -> Validation:
    """What a detector learns from: clean images, and those of the attacks that its options name."""
    name, named = settings["name"], _named(settings)
    lacking = sorted({attack for several in named.values() for attack in several} - set(others))
    if lacking:
        raise Refused(
            f"Detector {name} learns from {', '.join(lacking)}, of which no rows are given; score "
            "that attack first."
        )
    parts = {
        option: joined([learnt(others[attack], name) for attack in attacks])
        for option, attacks in named.items()
    }
    return Validation(learnt(clean, name), parts)


def _named(settings: dict[str, Any]) -> dict[str, list[str]]:
    """Option -> the attacks that it names."""
    known, options = declared("detectors", settings["kind"]) or {}, settings["options"]
    given = {name: options.get(name) for name, option in known.items() if option.type == "attack"}
    return {
        name: [value] if isinstance(value, str) else list(value)
        for name, value in given.items()
        if value is not None
    }


def _same(rows: pd.DataFrame, measured: pd.DataFrame, keys: list[str]) -> bool:
    """Whether both are of the same images in the same order."""
    if len(rows) != len(measured) or not set(keys) <= set(rows) & set(measured):
        return False
    return all((rows[key].to_numpy() == measured[key].to_numpy()).all() for key in keys)
