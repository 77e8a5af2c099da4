"""How well models that explain images explain clean, attacked and other ones: the bound of the
likelihood and its parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgen.core.rows import axes_of, read_rows, with_axes
from robustgen.stats.cells import at_last_step, settings
from robustgen.stats.detection import bounds
from robustgen.stats.intervals import mean
from robustgen.tables.cells import named
from robustgen.tables.table import Table, data_said, interval, text

NEEDS = ("explanation",)
OPTIONS: dict[str, dict[str, object]] = {}
PARTS = ("elbo", "lead", "reconstruction", "prior")
NOTE = (
    "Of the class that explains an image best, in the units of the scores: ELBO -l_k, the bound "
    "of the log-likelihood up to a constant, with squared errors summed over pixels, as the mean "
    "over draws of the latents; its lead over the second class; reconstruction error ||x - "
    "G_k(z)||^2 and prior term at one draw. The prior term of a model with a discriminator is "
    "-beta log D(z), so that its ELBO is a bound as far as D is right; models with and without one "
    "are not to be compared by it. Means over n test images, clean where no attack is named. "
    "Whether these tell images apart: the tables of detection. Brackets: 95 % intervals "
    "(Student's) over "
)


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model and kind of images, at the attack's largest step count."""
    del paper  # nothing is published on likelihoods
    measured = read_rows([path for path in files["explanation"] if path.endswith(".parquet")])
    test = at_last_step(measured[measured["split"] == "test"])
    rows = with_axes(pd.DataFrame(list(_rows(test, spec))), axes_of(measured))
    columns = {
        "data set": text("dataset"),
        "model": text("model"),
        "images": named(axes_of(rows), rows),
        "n": text("n"),
        "ELBO": interval("elbo", 1),
        "lead over the second class": interval("lead", 1),
        "reconstruction error": interval("reconstruction", 1),
        "prior term": interval("prior"),
    }
    over = " and ".join(dict.fromkeys(rows["over"]))
    note = f"{NOTE}{over}.{data_said(spec)}{absent}"
    return Table("How well models explain images", note, rows, columns)


def _rows(test: pd.DataFrame, spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of each model, in the order of the configuration."""
    cell = settings(test)
    for model in spec["models"]:
        mine = test[test["model"] == model]
        for key, part in mine.groupby(cell, sort=False):
            found: dict[str, Any] = {"n": part["index"].nunique()}
            for name in PARTS:
                each = [mean(one[name].to_numpy()) for _, one in part.groupby("seed")]
                found |= bounds(name, each)
            yield dict(zip(cell, key, strict=True)) | found
