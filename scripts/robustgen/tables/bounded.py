"""Accuracy of several models of one data set under bounded perturbations in two norms: tables 2.2
to 2.5 of An Ju's thesis.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.core.refusal import Refused
from robustgen.core.rows import read_rows, with_axes
from robustgen.stats.mcnemar import LEVEL
from robustgen.stats.robust import EVERY, WORST, accuracies, compared, wrong_within
from robustgen.tables.published_bounded import PROTOCOL, of_line
from robustgen.tables.table import Format, Table, budget, data_said, text

NEEDS = ("scores",)
OPTIONS = {
    "linf": {
        "type": "number",
        "several": True,
        "above": 0,
        "rising": True,
        "default": [],
        "means": "Budgets in L_inf; those of the attacks in it that have one where left out.",
    },
    "l2": {
        "type": "number",
        "several": True,
        "above": 0,
        "rising": True,
        "default": [],
        "means": "Budgets in L_2; those of the attacks in it that have one where left out.",
    },
}
NORMS = {"linf": "L_inf", "l2": "L_2", "": ""}
NOTE = (
    "Accuracy in percent: share of fresh draws that are right, averaged over test images; a model "
    "without randomness has one draw. An attack breaks an image where the model errs on what it "
    "made and that lies within the budget; DeepFool, DDN and the like seek the nearest image and "
    "may end beyond it. All: per image the worst of the attacks in a norm that are made on the "
    "model itself, the clean image among them. All attacks: in both norms at their largest "
    "budgets, images made on other models among them. Both are over the images that all of these "
    "attacks met, and n is the least of the models'. Brackets: 95 % intervals over images "
    "(Clopper-Pearson), or over seeds where there are several."
)


def make(
    files: dict[str, list[str]], *, spec: dict[str, Any], paper: pd.DataFrame, absent: str
) -> Table:
    """Clean accuracy, then by norm and budget each attack and the worst of all; a column per
    model.
    """
    one_data_set(spec)
    wrong = wrong_within(read_rows(files["scores"]), spec)
    rows = accuracies(wrong)
    models = [model for model in spec["models"] if model in rows]
    for model in models:
        rows[f"{model}_published"] = [
            of_line(paper, spec, model, norm=line.norm, eps=line.eps, attack=line.attack)
            for line in rows.itertuples()
        ]
    rows.insert(3, "n", rows[[f"{model}_n" for model in models]].min(axis=1).astype(int))
    columns: dict[str, Format] = {
        "norm": lambda row: NORMS[row["norm"]],
        "eps": eps_said,
        "attack": attack_said,
        "n": text("n"),
    }
    columns |= {model: _cell(model) for model in models}
    published = any((rows[f"{model}_published"] != "").any() for model in models)
    note = NOTE + (PROTOCOL if published else "") + _significance(compared(wrong))
    table = with_axes(rows, ("norm", "eps", "attack"))
    return Table("Accuracy under bounded perturbations", note + data_said(spec) + absent, table,
                 columns)  # fmt: skip


def one_data_set(spec: dict[str, Any]) -> str:
    """The data set of all models, which must be one for their images to be the same."""
    found = dict.fromkeys(facts["dataset"] for facts in spec["models"].values())
    if len(found) != 1:
        raise Refused(
            f"Models of {', '.join(found)} share no images; give each data set an output of its "
            "own."
        )
    return next(iter(found))


def attack_said(row: pd.Series | dict[str, Any]) -> str:
    """What a line is called: the attack, `All L_inf` or `All attacks`."""
    if row["attack"] == EVERY:
        return "All attacks"
    return f"All {NORMS[row['norm']]}" if row["attack"] == WORST else str(row["attack"])


def eps_said(row: pd.Series | dict[str, Any]) -> str:
    """A line's budget; in L_2 a plain number, for pixels are no unit of it."""
    if not row["eps"]:
        return ""
    return budget(row["eps"]) if row["norm"] == "linf" else f"{row['eps']:g}"


def _cell(model: str) -> Format:
    def print_(row: pd.Series) -> str:
        if row[model] != row[model]:
            return ""
        value, low, high = (100 * row[f"{model}{end}"] for end in ("", "_low", "_high"))
        told = f" ({row[f'{model}_published']})" if row[f"{model}_published"] else ""
        return f"{value:.1f} [{low:.1f}, {high:.1f}]{told}"

    return print_


def _significance(pairs: pd.DataFrame) -> str:
    """The sentence on which pairs of models differ in the worst cases."""
    if pairs.empty:
        return ""
    unclear = [
        f"{row['first']} and {row['second']} ({attack_said(row)}"
        + (f" at {eps_said(row)})" if row["eps"] else ")")
        for row in pairs.to_dict("records")
        if not row["p_holm"] < LEVEL
    ]
    told = f"; not so: {', '.join(unclear)}." if unclear else "."
    return (
        " Pairs of models, on the worst cases, by McNemar's exact test (an image is right where "
        "more than half of the draws are; of several seeds the first), corrected by Holm over the "
        f"pairs: different at {LEVEL:g}{told}"
    )
