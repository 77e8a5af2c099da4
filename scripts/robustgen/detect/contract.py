"""What a detector is handed and what it must answer: only what a detector in use could know, and
one number per image.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import isnan
from numbers import Real
from traceback import walk_tb
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.contracts import Broken, blamed
from robustgen.core.values import form
from robustgen.detect.types import Fitted
from robustgen.measures.natural import NAMES

VIEWS = ("", "all", "successful")


def seen(rows: pd.DataFrame, name: str, *more: str) -> pd.DataFrame:
    """The columns of rows that the detector of that name may know of images in use, and `more` of
    those that it learns from.

    What it may know is measured without the label, the clean image and the attack: the prediction,
    the scores z_k, their energy, largest one and margin, and the columns `<name>.<column>` of the
    detector's own measure.
    """
    known = re.compile(rf"prediction|{'|'.join(NAMES)}|z_\d+|{re.escape(name)}\..*")
    columns = [column for column in rows if known.fullmatch(str(column)) or column in more]
    return rows[columns].reset_index(drop=True)


@contextmanager
def asking(entry: dict[str, Any], rows: pd.DataFrame) -> Iterator[None]:
    """Name the detector where it breaks its contract, and the columns of `rows` where it asks for
    others.
    """
    with blamed(f"Detector {entry['name']} of kind", entry["kind"]):
        try:
            yield
        except (KeyError, AttributeError) as error:
            if not _of_a_frame(error):
                raise
            asked, there = " ".join(str(error).split()), ", ".join(map(str, rows))
            raise Broken(
                f"it asks for a column that it is not handed ({asked}); there are {there}."
            ) from error


def _of_a_frame(error: KeyError | AttributeError) -> bool:
    """Whether it was a table of rows that lacked something."""
    if isinstance(error, AttributeError):
        return isinstance(error.obj, pd.DataFrame)
    return any(
        str(frame.f_globals.get("__name__")).startswith("pandas.")
        for frame, _ in walk_tb(error.__traceback__)
    )


def checked(answer: Any, protocol: str) -> list[Fitted]:
    """What a detector's `sound` or `paper` gave, checked."""
    if (
        not isinstance(answer, list)
        or not answer
        or not all(isinstance(one, Fitted) for one in answer)
    ):
        raise Broken(
            f"{protocol} must return a list of robustgen.detect.types.Fitted, not {form(answer)}."
        )
    for one in answer:
        _check(one, protocol)
    if protocol == "sound" and not any(one.shown for one in answer):
        raise Broken(
            "one of the Fitted that sound returns must stand in tables: give it shown='all' or "
            "shown='successful'."
        )
    return answer


def statistic(one: Fitted, rows: pd.DataFrame) -> np.ndarray:
    """The statistic [n] of rows that hold what the detector may know."""
    found = np.asarray(one.statistic(rows))
    if found.shape != (len(rows),) or found.dtype.kind not in "fiu":
        raise Broken(f"a statistic must be numbers [{len(rows)}], one per row, not {form(found)}.")
    if not np.isfinite(found).all():
        raise Broken(
            f"its statistic is infinite or NaN for {int((~np.isfinite(found)).sum())} of "
            f"{len(rows)} images."
        )
    return found


def _check(one: Fitted, protocol: str) -> None:
    """Refuse a Fitted whose fields are not what tables and statistics take them for."""
    if one.protocol != protocol:
        raise Broken(
            f"{protocol} must return Fitted of protocol {protocol!r}, not {one.protocol!r}."
        )
    if not isinstance(one.rule, str) or not isinstance(one.variant, str):
        raise Broken(
            f"a Fitted's rule and variant are texts, not {one.rule!r} and {one.variant!r}."
        )
    if one.shown not in VIEWS:
        raise Broken(f"a Fitted's shown is all, successful or empty, not {one.shown!r}.")
    if not isinstance(one.threshold, Real) or isnan(one.threshold):
        raise Broken(f"a threshold must be a number, maybe infinite, not {one.threshold!r}.")
    if not callable(one.statistic):
        raise Broken(f"a Fitted's statistic is a function of rows, not {form(one.statistic)}.")
