"""Signs of gradient masking (Athalye et al. 2018), each tested on the rows of one model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgen.core.rows import with_axes
from robustgen.stats.cells import images
from robustgen.stats.detection import bounds
from robustgen.stats.intervals import Interval, over_seeds, paired_share_difference, share
from robustgen.tables.forms import Form, forms, paired, right_images

LISTS = ("unbounded", "one_step", "black_box", "white_box")  # options that name attacks
RAISED, NOT_RAISED, NOT_TESTED = "raised", "not raised", "not tested"
MEANS = {
    "unbounded below 100 %": "an attack without a bound, or with a large one, leaves images right",
    "one step beats many": "success of a one-step attack minus that of the strongest iterated one",
    "black-box beats white-box": "success of a black-box attack minus that of the strongest "
    "white-box one",
    "transfer beats white-box": "success of images made on another model minus that of the "
    "strongest white-box attack",
    "zero gradients": "share of clean images whose gradient is zero in every pixel",
    "AutoAttack's warnings": "what AutoAttack itself says",
}
UNBOUNDED, ONE_STEP, BLACK_BOX, TRANSFER, ZERO, WARNED = MEANS

Row = dict[str, Any]


def flags(
    scores: pd.DataFrame, spec: dict[str, Any], *, gradients: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The flags of each model of `spec` from score rows, and from the measure of gradients where
    its rows are given.
    """
    found = [
        {"dataset": facts["dataset"], "model": model} | row
        for model, facts in spec["models"].items()
        for row in _of_model(scores[scores["model"] == model], model, spec, gradients)
    ]
    return with_axes(pd.DataFrame(found), ("eps",))


def _of_model(
    scores: pd.DataFrame, model: str, spec: dict[str, Any], gradients: pd.DataFrame | None
) -> Iterator[Row]:
    options, attacks = spec["options"], spec["attacks"]
    known = forms(right_images(scores[scores["split"] == "test"]), attacks)
    lists = {name: options.get(name) or [] for name in LISTS}
    moved = [name for name, entry in attacks.items() if entry["made_on"] not in (None, model)]
    special = {*lists["one_step"], *lists["black_box"], *moved}
    white = [one for one in known if one.attack in (lists["white_box"] or attacks.keys() - special)]
    yield from _unbounded(known, lists["unbounded"])
    for flag, names, how in (
        (ONE_STEP, lists["one_step"], "options.one_step names no attack"),
        (BLACK_BOX, lists["black_box"], "options.black_box names no attack"),
        (TRANSFER, moved, "no attack's images are made on another model"),
    ):
        yield from _beats(flag, [one for one in known if one.attack in names], white, how)
    yield _zero(gradients, model)
    yield _warned(scores)


def _unbounded(known: list[Form], names: list[str]) -> Iterator[Row]:
    """Whether attacks at their largest budget fool fewer than all images."""
    asked = [one for one in known if (one.attack in names if names else one.eps == float("inf"))]
    for one in asked:
        if one.eps == max(form.eps for form in asked if form.attack == one.attack):
            parts = [part["success"] for _, part in one.rows.groupby("seed")]
            found, _ = over_seeds([share(float(part.sum()), len(part)) for part in parts])
            yield _row(UNBOUNDED, found, found.high < 1, n=images(one.rows), ours=one)
    if not asked:
        yield _untested(UNBOUNDED, "no attack without a bound; options.unbounded may name one")


def _beats(flag: str, ours: list[Form], white: list[Form], how: str) -> Iterator[Row]:
    """Whether attacks that should be weaker fool more images than the strongest white-box one."""
    if not ours:
        yield _untested(flag, how)
    for one in ours:
        rivals = [rival for rival in white if rival.as_large_as(one) and rival.steps > 1]
        if not rivals:
            yield _untested(flag, "no iterated white-box attack at this budget", ours=one)
            continue
        best = max(rivals, key=lambda rival: rival.success)
        pairs = paired(one, best)
        if not pairs:
            yield _untested(flag, f"no images that {best.attack} attacked too", ours=one)
            continue
        found, _ = over_seeds([paired_share_difference(*pair) for pair in pairs])
        n = round(sum(len(mine) for mine, _ in pairs) / len(pairs))
        yield _row(flag, found, found.low > 0, n=n, ours=one, against=best.name)


def _zero(gradients: pd.DataFrame | None, model: str) -> Row:
    """Whether some images have no gradient at all; these are counted in `left_out`."""
    mine = None if gradients is None else gradients[gradients["model"] == model]
    if mine is None or mine.empty:
        return _untested(ZERO, "the gradients of this model were not measured")
    zeros = [(int(part["left_out"].iloc[0]), len(part)) for _, part in mine.groupby("seed")]
    found, _ = over_seeds([share(none, none + some) for none, some in zeros])
    return _row(ZERO, found, found.low > 0, n=round(sum(map(sum, zeros)) / len(zeros)))


def _warned(scores: pd.DataFrame) -> Row:
    """Whether AutoAttack warned of what it attacked, in the rows' column `warning`."""
    if "warning" not in scores:
        return _untested(WARNED, "the rows hold no warnings of AutoAttack")
    told = scores["warning"].dropna()  # rows of other attacks have none
    said = [warning for warning in dict.fromkeys(told) if warning]
    verdict = RAISED if said else NOT_RAISED
    return _untested(WARNED, "; ".join(said)) | {"n": len(told), "verdict": verdict}


def _row(
    flag: str, found: Interval, raised: bool, *, n: int, ours: Form | None = None, against: str = ""
) -> Row:
    named = {"attack": ours.name, "eps": ours.eps} if ours else {"attack": "", "eps": 0.0}
    value = {name: end for name, end in bounds("value", [found]).items() if name != "over"}
    verdict = RAISED if raised else NOT_RAISED
    return {"flag": flag, **named, "against": against, "n": n, **value, "verdict": verdict,
            "why": ""}  # fmt: skip


def _untested(flag: str, why: str, *, ours: Form | None = None) -> Row:
    nothing = Interval(float("nan"), float("nan"), float("nan"))
    return _row(flag, nothing, False, n=0, ours=ours) | {"verdict": NOT_TESTED, "why": why}
