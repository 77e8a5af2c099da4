"""Published numbers of chapter 4 of the thesis, given only where data set, net, inference and
protocol are those of the thesis; and what a model does at inference, in words.
"""

from __future__ import annotations

from math import isclose
from typing import TYPE_CHECKING, Any

from robustgen.tables.table import budget

if TYPE_CHECKING:
    import pandas as pd

WORK = "ju-2021"
TABLES = ("table_4_1", "table_4_2", "table_4_3")
VARIATIONAL, RANDOMIZED = "variational", "randomized"
RESNET18 = {"blocks": [2, 2, 2, 2], "width": 64}
SIGMA = 0.05
WONG = "wong2020fast"  # the family of the published net
PLAIN = {
    "steps": 1,
    "sigma": SIGMA,
    "samples": 5,
    "method": "simplified",
    "kl": False,
    "hard": False,
}


def said_of(model: dict[str, Any]) -> str:
    """What a model does at inference, `1 step, d = 2/255`."""
    told = {**PLAIN, **model["options"]}
    if model["kind"] == RANDOMIZED:
        return f"randomized smoothing, sd {told['sigma']:g}"
    if model["kind"] != VARIATIONAL:
        return "none"
    extra = [name for name in ("kl", "hard") if told[name]]
    extra += [told["method"]] if told["method"] != PLAIN["method"] else []
    steps = f"{told['steps']} step{'s' if told['steps'] > 1 else ''}"
    return ", ".join([steps, f"d = {budget(told['eps'])}", *extra])


def steps_of(model: dict[str, Any]) -> int:
    """The steps of a model's inference; 0 of one that makes none."""
    return int({**PLAIN, **model["options"]}["steps"]) if model["kind"] == VARIATIONAL else 0


def table_4(
    paper: pd.DataFrame, *, spec: dict[str, Any], model: str, attack: str, eps: float
) -> dict[str, str]:
    """`clean` and `adversarial` accuracy of tables 4.1 to 4.3 for one cell; empty where the study's
    cell is another one.
    """
    entry, row = spec["attacks"].get(attack), _row(spec["models"], model, eps)
    standard = entry and entry["kind"] == "autoattack" and not entry["made_on"]
    if not row or not standard or entry["options"].get("version") != "standard":
        return {}
    dataset = spec["models"][model]["published"]
    mine = paper[(paper["work"] == WORK) & paper["table"].isin(TABLES)]
    mine = mine[(mine["dataset"] == dataset) & (mine["row"] == row)]
    adversarial = mine[mine["column"] == f"linf AutoAttack eps={budget(eps)}"]
    clean = mine[mine["column"] == "clean"]
    if adversarial.empty:
        return {}
    found = {"adversarial": str(adversarial["value"].iloc[0])}
    return found | ({"clean": str(clean["value"].iloc[0])} if len(clean) else {})


def _row(models: dict[str, Any], model: str, eps: float) -> str:
    """The name of a model's row in the thesis; empty for one that it does not have."""
    facts = models[model]
    if facts["kind"] != VARIATIONAL:
        return _base(facts)
    told, base = {**PLAIN, **facts["options"]}, models.get(facts["parts"].get("base"))
    plain = all(told[name] == value for name, value in PLAIN.items())
    if not base or not plain or not isclose(told["eps"], eps):
        return ""
    return f"{_base(base)} + variational" if _base(base) else ""


def _base(facts: dict[str, Any]) -> str:
    """The row of a base model: ResNet18 trained on clean or noisy images, or Wong et al.'s net."""
    objective = facts["objective"]
    if facts["family"] == WONG:
        return "Robust"
    if facts["kind"] != "resnet" or not RESNET18.items() <= facts["options"].items():
        return ""
    if objective["kind"] == "gaussian" and isclose(objective["sigma"], SIGMA):
        return "Bare Gaussian"
    return "Bare pretrained" if objective["kind"] == "standard" else ""
