"""Statistics of claims on classifiers that are judged by their accuracy."""

from __future__ import annotations

import pandas as pd

from robustgen.stats.cells import last
from robustgen.stats.intervals import Interval, share
from robustgen.stats.rules import NotMeasured


def accuracy(part: pd.DataFrame, _other: pd.DataFrame) -> Interval:
    """Accuracy at the last step: share of draws that are right, averaged over images."""
    rows = last(part)
    if rows.empty:
        raise NotMeasured("no images")
    return share(float((1 - rows["success"]).sum()), len(rows))
