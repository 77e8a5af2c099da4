"""Accuracy against one setting of an attack: runs for EOT, restarts or steps, tables 2.7 to 2.9 of
An Ju's thesis.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgen.core.rows import axes_of, read_rows, with_axes
from robustgen.stats.cells import STEPS, at_last_step, images
from robustgen.stats.holm import holm
from robustgen.stats.intervals import over_seeds, paired_share_difference
from robustgen.stats.per_image import accuracy, bounds, by_image
from robustgen.tables.cells import number, words
from robustgen.tables.published_abs import OTHER, of_budget
from robustgen.tables.table import Format, Table, data_said, percent, text

NEEDS = ("scores",)
OPTIONS = {
    "axis": {
        "one_of": ("eot", "restarts", "steps"),
        "means": "The swept setting, of which the largest is held against each other one.",
    },
}
NAMES = {"eot": "runs for EOT", "restarts": "random starts", "steps": "steps"}
PUBLISHED = (
    " Published: tables 2.7 to 2.9, whose eps is not printed (8/255 is assumed), on 1000 images, "
    f"steps on 200. {OTHER}: other settings are held fixed here than there (2.7: 5 restarts; 2.8: "
    "100 steps, 3 runs; 2.9: 20 restarts, 3 runs). The text says that fewer runs for EOT look more "
    "robust; its table says the contrary."
)


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """One row per model, attack and value of the axis, in the order of the values."""
    scores, axis = read_rows(files["scores"]), spec["options"]["axis"]
    rows = with_axes(pd.DataFrame(list(_rows(scores, axis, spec, paper))), (axis, "setting"))
    columns: dict[str, Format] = {
        "model": text("model"),
        "attack": lambda row: f"{row['attack']} ({row['setting']})",
        NAMES[axis]: lambda row: number(axis, row[axis]),
        "n": text("n"),
        "accuracy %": percent("accuracy"),
        "more than at the largest, points": _unless_largest(percent("more")),
        "p": _unless_largest(lambda row: f"{row['p_holm']:.3g}"),
    }
    published = not rows.empty and bool((rows["published"] != "").any())
    columns |= {"published %": text("published")} if published else {}
    note = (
        "Accuracy: share of fresh draws that are right, averaged over test images. More than at "
        "the largest: accuracy minus that at the largest value, image by image, with a two-sided "
        "p-value against no difference, corrected by Holm over the values; where it is about 0 "
        "the attack has enough. Brackets: 95 % intervals over images (Clopper-Pearson; of "
        "differences Agresti-Min), or over seeds where there are several."
        f"{PUBLISHED if published else ''}{data_said(spec)}"
    )
    return Table(f"Accuracy by {NAMES[axis]} of the attack", note + absent, rows, columns)


def _rows(
    scores: pd.DataFrame, axis: str, spec: dict[str, Any], paper: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    axes = axes_of(scores)
    if axis not in axes:
        return
    test = scores[(scores["split"] == "test") & scores["attack"].isin(list(spec["attacks"]))]
    test = test if axis == STEPS else at_last_step(test)
    others = [name for name in axes if name != axis]
    for (model, attack, *_), rows in test.groupby(["model", "attack", *others], sort=False):
        if model not in spec["models"] or axis not in spec["attacks"][attack]["sweep"]:
            continue
        facts, entry, first = spec["models"][model], spec["attacks"][attack], rows.iloc[0]
        named = {"dataset": facts["dataset"], "model": model, "attack": attack}
        named["setting"] = words(first, others)
        for one in _compared(rows, axis):
            told = {"axis": axis, "number": one[axis], "eps": float(first.get("eps", 0))}
            cell = of_budget(paper, name=model, model=facts, entry=entry, **told)
            yield {**named, **one, "published": cell}


def _compared(rows: pd.DataFrame, axis: str) -> list[dict[str, Any]]:
    """One row per value of the axis, each but the largest held against that."""
    wrong = {value: by_image(part) for value, part in rows.groupby(axis, sort=True)}
    *smaller, largest = wrong
    found = [
        {axis: value, "n": images(one), "largest": value == largest}
        | bounds("accuracy", accuracy(one))
        | _more(one, wrong[largest])
        for value, one in wrong.items()
    ]
    corrected = [*holm([row["p"] for row in found[: len(smaller)]]), 1.0]
    return [row | {"p_holm": p} for row, p in zip(found, corrected, strict=True)]


def _more(wrong: pd.Series, largest: pd.Series) -> dict[str, float]:
    """How much more accurate a model is than at the largest value, on the images of both."""
    both = 1 - pd.concat([wrong, largest], axis=1, join="inner")
    pairs = [part.to_numpy(float).T for _, part in both.groupby(level="seed")]
    found = over_seeds([paired_share_difference(*pair) for pair in pairs])[0]
    return bounds("more", found) | {"p": found.p(0.0)}


def _unless_largest(print_: Format) -> Format:
    return lambda row: "" if row["largest"] else print_(row)
