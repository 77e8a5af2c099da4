"""The data sets and nets that the study's outputs rest on."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from robustgen.core import kinds
from robustgen.core.literals import tree
from robustgen.core.refusal import Refused
from robustgen.report.built import built
from robustgen.study.facts import facts, history
from robustgen.study.flow import Job
from robustgen.study.graph import START
from robustgen.study.plan import Plan
from robustgen.tables.table import budget

LICENCE = {"source", "licence", "terms"}  # of a download's receipt


def datasets(plan: Plan, jobs: list[Job]) -> list[dict[str, Any]]:
    """Every data set in use: what it is, its hash, its images per class and split."""
    return [_dataset(plan, job.name) for job in jobs if job.rule == "load_data"]


def nets(plan: Plan, jobs: list[Job]) -> list[dict[str, Any]]:
    """Every training run: net, recipe, and the epoch that was kept with its accuracies."""
    return [_net(plan, *job.name.split("/seed")) for job in jobs if job.rule == "train"]


def really_used(plan: Plan, jobs: list[Job]) -> str:
    """One sentence on the data and on whether published numbers can be held against the results."""
    names = [job.name for job in jobs if job.rule == "load_data"]
    printed = {name: plan.study.datasets[name].published for name in names}
    comparable = [f"{name} ({work})" for name, work in printed.items() if work]
    if comparable:
        return (
            f"Data: {', '.join(names)}. Published numbers stand beside ours for "
            f"{', '.join(comparable)} only."
        )
    return (
        f"Data really used: {', '.join(names) or 'none'}. They are not the data of the papers, "
        "so no published number is comparable with any number on this page; only the direction of "
        "effects is."
    )


def _dataset(plan: Plan, name: str) -> dict[str, Any]:
    folder, entry = Path(plan.dataset(name)), plan.study.datasets[name]
    pool, splits = (facts(folder / file) for file in ("pool.json", "splits.json"))
    found: dict[str, list[int]] = splits.get("class_counts", {})
    counts = {split: found[split] for split in ("train", "validation", "test") if split in found}
    receipts = [facts(Path(path)) for path in plan.receipts(name)]
    return {
        "name": name,
        "what": described(entry.kind),
        "licences": [receipt for receipt in receipts if receipt.keys() >= LICENCE],
        "sha256": pool.get(
            "sha256", "unknown: the data set was not loaded, or pool.json cannot be read"
        ),
        "shape": " x ".join(str(side) for side in pool.get("shape", [])),
        "eps": ", ".join(budget(eps) for eps in entry.eps),
        "evaluate": entry.evaluate,
        "splits": {split: sum(images) for split, images in counts.items()},
        "classes": list(zip(splits.get("names", []), *counts.values(), strict=False))
        if counts
        else [],
    }


def described(kind: str) -> str:
    """The first sentence of a data module, ours or the user's own, read without importing it."""
    path = kinds.find("data", kind)
    try:
        text = ast.get_docstring(tree(path)) if path else None
    except Refused:
        text = None
    return (
        " ".join(text.split("\n\n")[0].split())
        if text
        else (f"Data of the module {kind}, which says nothing of itself.")
    )


def _net(plan: Plan, model: str, seed: str) -> dict[str, Any]:
    entry = plan.study.models[model]
    epochs = history(Path(plan.history(model, seed)))
    costs = facts(Path(plan.graph.weights(model, seed)).with_name("costs.json"))
    kept = next(
        (row for row in epochs if row["epoch"] == str(costs.get("best_epoch"))),
        epochs[-1] if epochs else {},
    )
    net, differs = built(plan, model, seed)
    judged = kept.get("judged_accuracy")
    return {
        "model": model,
        "seed": seed,
        "dataset": entry.dataset,
        "net": net,
        "differs": differs,
        "training": plan.objective(model)["kind"],
        "epochs": plan.study.recipes[entry.recipe].epochs if entry.recipe else 0,
        "start": entry.parts.get(START, ""),
        "kept": kept.get("epoch", ""),
        "clean": percent(kept.get("validation_accuracy")),
        "attacked": percent(judged) if judged != kept.get("validation_accuracy") else "",
    }


def percent(share: str | None) -> str:
    """A share of a csv file as a percentage."""
    return f"{100 * float(share):.1f} %" if share else ""
