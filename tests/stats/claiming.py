"""A claim with plain settings, rows for it, and its verdicts."""

from pathlib import Path
from typing import Any

import pandas as pd

from robustgen.stats import claims
from robustgen.stats.rules import Claim

CLAIMS = Path(__file__).resolve().parents[2] / "config" / "claims.yaml"


def claim(**others: Any) -> Claim:
    plain: dict[str, Any] = {
        "id": "falls",
        "work": "w",
        "place": "p",
        "sentence": "s",
        "family": "standard",
        "attack": "pgd",
        "statistic": "energy_change",
        "direction": "below",
        "margin": 0.0,
        "min_n": 4,
    }
    return Claim(**{**plain, **others})


def net(family: str = "standard", **others: Any) -> dict[str, Any]:
    return {
        "dataset": "digits",
        "objective": family,
        "family": family,
        "kind": "resnet",
        "options": {"width": 16},
        **others,
    }


def judged(rule: Claim, frame: pd.DataFrame, **models: dict[str, Any]) -> list[dict[str, Any]]:
    return claims.judge(rule, frame, models or {"plain": net()})


PAIR = {"plain": net(), "robust": net("adversarial")}


ENTRY = (
    "- {id: a, work: w, place: p, sentence: s, family: standard, attack: pgd, statistic: auroc, "
    "direction: above, "
    "margin: 0, min_n: 1}\n"
)
