"""Flags of gradient masking on rows by hand: raised, not raised and not tested."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from detections import spec
from robustgen.core.rows import with_axes, write_rows
from robustgen.stats import intervals
from robustgen.tables import flags, masking

N = 40
ENTRIES: dict[str, dict[str, Any]] = {
    "pgd": {}, "fgsm": {}, "square": {}, "of_b": {"made_on": "b"}, "cw": {"norm": "l2"},
}  # fmt: skip
LISTS = {"one_step": ["fgsm"], "black_box": ["square"]}


def cell(attack: str, fooled: int, *, eps: float = 0.1, steps: int = 40, **others: Any) -> Any:
    """The first `fooled` of N images fool the net."""
    frame = pd.DataFrame({"index": range(N), "success": np.arange(N) < fooled})
    named = {"dataset": "signs", "model": "net", "seed": 0, "attack": attack}
    axes = {"eps": eps, "steps": steps, "lambda_": 0.0, **others}
    return with_axes(frame.assign(**named, **axes, split="test"), axes)


CLEAN = cell("clean", 0, eps=0.0, steps=0)


def found(
    *cells: Any, gradients: pd.DataFrame | None = None, **options: Any
) -> dict[str, pd.DataFrame]:
    """Flag -> its rows."""
    study = {**spec("net", **ENTRIES), "options": LISTS | options}
    scores = with_axes(pd.concat([CLEAN, *cells]), CLEAN.attrs["axes"])
    rows = masking.flags(scores, study, gradients=gradients)
    return {flag: rows[rows["flag"] == flag] for flag in masking.MEANS}


def only(rows: pd.DataFrame) -> pd.Series:
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.mark.parametrize(("fooled", "verdict"), [(N, "not raised"), (N - 1, "raised")])
def test_an_unbounded_attack_must_fool_every_image(fooled: int, verdict: str) -> None:
    row = only(found(cell("cw", fooled, eps=math.inf))[masking.UNBOUNDED])
    assert (row["attack"], row["n"], row["verdict"]) == ("cw", N, verdict)
    assert (row["value"], row["value_low"], row["value_high"]) == intervals.share(fooled, N)


def test_of_a_named_attack_the_largest_budget_counts() -> None:
    cells = [cell("pgd", 5, eps=0.1), cell("pgd", N, eps=0.9)]
    row = only(found(*cells, unbounded=["pgd"])[masking.UNBOUNDED])
    assert (row["eps"], row["verdict"]) == (0.9, "not raised")


@pytest.mark.parametrize(
    ("flag", "attack", "steps"),
    [("ONE_STEP", "fgsm", 1), ("BLACK_BOX", "square", 300), ("TRANSFER", "of_b", 40)],
)
@pytest.mark.parametrize(
    ("weak", "strong", "verdict"),
    [(30, 10, "raised"), (11, 10, "not raised"), (5, 30, "not raised")],
)
def test_what_should_be_weaker_is_paired_with_the_strongest_white_box_attack(
    flag: str, attack: str, steps: int, weak: int, strong: int, verdict: str
) -> None:
    """30 of 40 against 10 of 40, of which all 10 are among the 30: difference 0.5."""
    cells = [
        cell(attack, weak, steps=steps),
        cell("pgd", strong),
        cell("pgd", strong - 5).assign(lambda_=1.2),
        cell("pgd", N, eps=0.2),  # another budget
        cell("pgd", N, steps=2),  # not its last step
        cell("cw", N, eps=0.1),  # another norm
    ]
    row = only(found(*cells)[getattr(masking, flag)])
    expected = intervals.paired_share_difference(np.arange(N) < weak, np.arange(N) < strong)
    assert (row["value"], row["value_low"], row["value_high"]) == expected
    assert (row["attack"], row["against"], row["eps"], row["n"]) == (attack, "pgd", 0.1, N)
    assert row["verdict"] == verdict


def test_only_images_that_the_net_gets_right_count() -> None:
    wrong = CLEAN.assign(success=np.arange(N) < 10)
    study = {**spec("net", cw={"norm": "l2"})}
    scores = with_axes(pd.concat([wrong, cell("cw", 20, eps=math.inf)]), CLEAN.attrs["axes"])
    row = masking.flags(scores, study).iloc[0]
    assert (row["n"], row["value"]) == (30, pytest.approx(10 / 30))


@pytest.mark.parametrize(("none", "verdict"), [(0, "not raised"), (3, "raised")])
def test_images_without_a_gradient_raise_a_flag(none: int, verdict: str) -> None:
    gradients = pd.DataFrame(
        {"index": range(N - none), "left_out": none, "model": "net", "seed": 0}
    )
    row = only(found(gradients=gradients)[masking.ZERO])
    assert (row["value"], row["value_low"], row["value_high"]) == intervals.share(none, N)
    assert (row["n"], row["verdict"]) == (N, verdict)


def test_warnings_of_autoattack_are_told() -> None:
    warned = cell("pgd", 5, warning="")
    warned.loc[0, "warning"] = "zero gradient"
    rows = found(warned)[masking.WARNED]
    assert (only(rows)["verdict"], only(rows)["why"]) == ("raised", "zero gradient")
    quiet = only(found(cell("pgd", 5).assign(warning=""))[masking.WARNED])
    assert quiet["verdict"] == "not raised"


def test_what_cannot_be_tested_says_why() -> None:
    rows = found(cell("square", 5), cell("of_b", 5, eps=0.3), one_step=[], black_box=["square"])
    said = {flag: (only(part)["verdict"], only(part)["why"]) for flag, part in rows.items()}
    assert {verdict for verdict, _ in said.values()} == {"not tested"}
    assert [why for _, why in said.values()] == [
        "no attack without a bound; options.unbounded may name one",
        "options.one_step names no attack",
        "no iterated white-box attack at this budget",
        "no iterated white-box attack at this budget",
        "the gradients of this model were not measured",
        "the rows hold no warnings of AutoAttack",
    ]


def test_the_table_prints_flags_and_leaves_untested_numbers_empty(tmp_path: Path) -> None:
    rows = pd.concat([CLEAN, cell("cw", N - 1, eps=math.inf)])
    write_rows(tmp_path / "s.parquet", rows, unit="image", axes=("eps", "steps", "lambda_"))
    study = {**spec("net", **ENTRIES), "options": LISTS}
    files = {"scores": [str(tmp_path / "s.parquet")]}
    table = flags.make(files, spec=study, paper=pd.DataFrame(), absent=" Gone.")
    first, second, *_ = table.printed()
    assert first[:7] == [
        "net",
        masking.UNBOUNDED,
        "cw",
        "",
        "unbounded",
        "40",
        "0.975 [0.868, 0.999]",
    ]
    assert first[7:] == ["raised", ""]
    assert second[2:8] == ["", "", "", "0", "", "not tested"]
    assert table.note.endswith("Data: signs. Gone.")
