"""Published numbers of tables 2.2 to 2.5 of the thesis beside lines of accuracy within a ball."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from robustgen.core.rows import CLEAN
from robustgen.stats.robust import EVERY, WORST, own
from robustgen.tables.published_abs import FAMILIES, MISPRINT, OTHER, column_of, name_of, value

if TYPE_CHECKING:
    import pandas as pd

TABLES = {"mnist": "2_2", "fashion_mnist": "2_3", "supertraffic10": "2_4", "svhn": "2_5"}
ATTACKS = {  # norm -> the attacks of its worst case
    "linf": ["DeepFool", "Noise", "PGD"],
    "l2": ["CW", "DDN", "DeepFool", "Noise", "PGD"],
}
STEPS = {"PGD": 80, "DeepFool": 100, "DDN": 80, "CW": 100}
PROTOCOL = (
    " In parentheses: the thesis, on 1000 images (PGD: 80 steps, 5 runs for EOT, 5 restarts on "
    "MNIST and Fashion MNIST, else 20; DeepFool 100 steps, DDN 80, CW 5 x 100); "
    f"{MISPRINT}: probably misprinted there; {OTHER}: attacked here with other steps, restarts or "
    "runs, or by other attacks in the worst case."
)


def of_line(
    paper: pd.DataFrame, spec: dict[str, Any], model: str, *, norm: str, eps: float, attack: str
) -> str:
    """The thesis' number for a line of a model, with its marks; empty where it has none."""
    facts, column, other = spec["models"][model], "clean", False
    if attack == EVERY:
        return ""
    if attack == WORST:
        column, other = column_of(norm, "All", eps), _other_attacks(spec, model, norm)
    elif attack != CLEAN:
        entry = spec["attacks"][attack]
        column = column_of(norm, name_of(entry, model), eps)
        other = differs(entry, model, facts["published"])
    row, table = FAMILIES.get(facts["family"], ""), TABLES.get(facts["published"], "")
    return value(paper, facts, table, row, column, other=other)


def _other_attacks(spec: dict[str, Any], model: str, norm: str) -> bool:
    """Whether the worst case of a norm is here of other attacks than in the thesis."""
    entries = spec["attacks"].items()
    mine = [one for name, one in entries if one["norm"] == norm and own(name, model, spec)]
    if sorted({name_of(entry, model) for entry in mine}) != ATTACKS[norm]:
        return True
    return any(differs(entry, model, spec["models"][model]["published"]) for entry in mine)


def differs(entry: dict[str, Any], model: str, dataset: str) -> bool:
    """Whether an attack of the thesis has other steps, restarts or runs for EOT here."""
    name, options = name_of(entry, model), entry["options"]
    if name in STEPS and max(entry["sweep"].get("steps", [0])) != STEPS[name]:
        return True
    if name == "CW":
        return bool(options.get("binary_search_steps") != 5)
    if name != "PGD":
        return False
    restarts = 5 if dataset in ("mnist", "fashion_mnist") else 20
    return any(
        max(entry["sweep"].get(axis, [options.get(axis, 1)])) != wanted
        for axis, wanted in (("restarts", restarts), ("eot", 5))
    )
