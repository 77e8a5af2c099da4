"""The one table of stages: what each rule of the workflow makes, of what, and where it runs.

Rules' paths, the jobs behind an output, gaps, estimates and the outlook are read from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from robustgen.core.rows import CLEAN
from robustgen.study.plan import Plan

PAPER, CLAIMS = "config/paper.csv", "config/claims.yaml"
NAME = "[a-z][a-z0-9_]*"
PATTERNS = {"seed": "[0-9]+", "part": "[0-9]+of[0-9]+"}  # of the values of axes that are no names

Axes = dict[str, str]  # axis -> value
Inputs = dict[str, list[str]]  # what for -> files


@dataclass(frozen=True)
class Stage:
    """One rule. `folder` is that of its files, below the study's; axes stand there in braces."""

    name: str
    axes: tuple[str, ...]
    folder: str
    files: tuple[str, ...]  # the first is the one that stands for the job
    inputs: Callable[[Plan, Axes], Inputs]
    # whether it is passes through networks: on a GPU, and in a job of a cluster; a cluster's
    # controller runs all others by itself
    nets: bool = False
    passing: tuple[str, ...] = ()  # files that may be deleted once they are used

    @property
    def place(self) -> str:
        """The axes as they stand in the names of logs, seals and benchmarks."""
        return "/".join("seed{seed}" if axis == "seed" else f"{{{axis}}}" for axis in self.axes)

    def outputs(self, root: str) -> dict[str, str]:
        """The files of the stage by name, with its axes in braces."""
        folder = f"{root}/{self.folder}".rstrip("/")
        return {name_of(file): f"{folder}/{file}" for file in self.files}

    def beside(self, root: str, kind: str, end: str) -> str:
        """The log, seal or benchmark, with the axes in braces."""
        return f"{root}/{kind}/{self.name}{'/' if self.axes else ''}{self.place}.{end}"


def name_of(file: str) -> str:
    """The name of an output in a rule: `splits` for splits.safetensors, `splits_json` for another
    end than that of tensors and rows.
    """
    stem, _, end = Path(file).name.rpartition(".")
    stem = stem.strip("{}")
    return stem if end in ("safetensors", "parquet") else f"{stem}_{end}"


# --- what each stage is made of -------------------------------------------------------------------


def _nothing(_plan: Plan, _axes: Axes) -> Inputs:
    return {}


def _receipts(plan: Plan, axes: Axes) -> Inputs:
    return {"receipts": plan.receipts(axes["dataset"])}


def _pool(plan: Plan, axes: Axes) -> Inputs:
    folder = plan.dataset(axes["dataset"])
    return {"pool": [f"{folder}/pool.safetensors"], "facts": [f"{folder}/pool.json"]}


def _images(folder: str) -> list[str]:
    return [f"{folder}/{name}" for name in ("pool.safetensors", "pool.json", "splits.safetensors")]


def _model(plan: Plan, axes: Axes) -> Inputs:
    """The images of a model's data set, and the weights behind the model."""
    files = plan.graph.files(axes["model"], axes["seed"])
    return {"data": _images(plan.graph.data(axes["model"])), "model": files}


def _train(plan: Plan, axes: Axes) -> Inputs:
    model, seed = axes["model"], axes["seed"]
    return {
        "data": _images(plan.graph.data(model)),
        "parts": plan.graph.files(model, seed, trained=False),
        "receipts": plan.weights_receipts(model),
    }


def _attack_part(plan: Plan, axes: Axes) -> Inputs:
    model, seed, attack = axes["model"], axes["seed"], axes["attack"]
    others = [path for name in plan.other_data(attack) for path in _images(plan.dataset(name))]
    told = plan.told_files(model, seed, attack)
    return {**_model(plan, axes), "others": others, "told": told}


def _attack(plan: Plan, axes: Axes) -> Inputs:
    jobs_ = plan.study.attacks[axes["attack"]].jobs
    return {**_attack_part(plan, axes), "parts": _parts(plan, "attack_part", axes, jobs_)}


def _score_part(plan: Plan, axes: Axes) -> Inputs:
    return {**_model(plan, axes), "images": _attacked(plan, axes)}


def _score(plan: Plan, axes: Axes) -> Inputs:
    attack = plan.study.attacks.get(axes["attack"])
    jobs_ = attack.jobs if attack else 1
    return {**_score_part(plan, axes), "parts": _parts(plan, "score_part", axes, jobs_)}


def _measure_part(plan: Plan, axes: Axes) -> Inputs:
    given = plan.made_from(axes["model"], axes["seed"], axes["measure"]).values()
    made_from = [path for files in given for path in files]
    return {**_model(plan, axes), "images": _attacked(plan, axes), "made_from": made_from}


def _measure(plan: Plan, axes: Axes) -> Inputs:
    jobs_ = plan.measure(axes["measure"]).jobs
    return {**_measure_part(plan, axes), "parts": _parts(plan, "measure_part", axes, jobs_)}


def _attacked(plan: Plan, axes: Axes) -> list[str]:
    """The images of an attack; none for clean ones."""
    if axes["attack"] == CLEAN:
        return []
    return [plan.images(axes["model"], axes["seed"], axes["attack"])]


def _parts(plan: Plan, stage: str, axes: Axes, count: int) -> list[str]:
    """The receipts of the parts among which a job is split; none where it is not split."""
    if count == 1:
        return []
    parts = ({**axes, "part": f"{number}of{count}"} for number in range(1, count + 1))
    (receipt,) = STAGES[stage].outputs(plan.root).values()
    return [receipt.format(**part) for part in parts]


def _detect(plan: Plan, axes: Axes) -> Inputs:
    model, seed, attack = axes["model"], axes["seed"], axes["attack"]
    others, rows = plan.detect_inputs(model, seed, attack)
    return {
        "clean": [plan.scores(model, seed, CLEAN)],
        "attacked": [plan.scores(model, seed, attack)],
        "others": list(others.values()),
        "measured": [path for files in rows.values() for path in files.values()],
    }


def _table(plan: Plan, axes: Axes) -> Inputs:
    return {**plan.needs(axes["name"]), "paper": [PAPER]}


def _figure(plan: Plan, axes: Axes) -> Inputs:
    return plan.needs(axes["name"])


def _claims(plan: Plan, _axes: Axes) -> Inputs:
    return {**plan.judged(), "claims": [CLAIMS]}


def _report(plan: Plan, _axes: Axes) -> Inputs:
    root = plan.root
    made = [plan.made(name) for name in plan.study.outputs]
    return {"made": made, "told": [f"{root}/claims/verdicts.json", f"{root}/config.json"]}


MODEL, ATTACK = ("model", "seed"), ("model", "seed", "attack")
RUN = "{model}/seed{seed}"
COSTS = "costs.json"
TABLE = ("{name}.csv", "{name}.md", "{name}.tex", "{name}.json")

STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("fetch", ("source",), "sources", ("{source}.json",), _nothing),
        Stage(
            "load_data",
            ("dataset",),
            "data/{dataset}",
            ("pool.safetensors", "pool.json", COSTS),
            _receipts,
        ),
        Stage(
            "split_data",
            ("dataset",),
            "data/{dataset}",
            ("splits.safetensors", "splits.json"),
            _pool,
        ),
        Stage(
            "train",
            MODEL,
            f"training/{RUN}",
            ("weights.safetensors", "history.csv", COSTS),
            _train,
            nets=True,
        ),
        Stage(
            "attack_part",
            (*ATTACK, "part"),
            f"parts/attack/{RUN}/{{attack}}/{{part}}",
            (COSTS,),
            _attack_part,
            nets=True,
        ),
        Stage(
            "attack",
            ATTACK,
            f"attacks/{RUN}/{{attack}}",
            ("images.safetensors", "first.safetensors", COSTS),
            _attack,
            passing=("images.safetensors",),
            nets=True,
        ),
        Stage(
            "score_part",
            (*ATTACK, "part"),
            f"parts/score/{RUN}/{{attack}}/{{part}}",
            (COSTS,),
            _score_part,
            nets=True,
        ),
        Stage(
            "score",
            ATTACK,
            f"measures/{RUN}/{{attack}}",
            ("scores.parquet", COSTS),
            _score,
            nets=True,
        ),
        Stage(
            "measure_part",
            (*ATTACK, "measure", "part"),
            f"parts/measure/{RUN}/{{attack}}/{{measure}}/{{part}}",
            (COSTS,),
            _measure_part,
            nets=True,
        ),
        Stage(
            "measure",
            (*ATTACK, "measure"),
            f"measures/{RUN}/{{attack}}/{{measure}}",
            ("rows.parquet", "arrays.safetensors", COSTS),
            _measure,
            nets=True,
        ),
        Stage(
            "detect",
            ATTACK,
            f"detect/{RUN}/{{attack}}",
            ("statistics.parquet", "thresholds.parquet"),
            _detect,
        ),
        Stage("make_table", ("name",), "tables", TABLE, _table),
        Stage(
            "draw_figure",
            ("name",),
            "figures",
            ("{name}.png", "{name}.pdf", "{name}.json"),
            _figure,
        ),
        Stage("judge_claims", (), "claims", ("verdicts.json",), _claims),
        Stage("write_config", (), "", ("config.json",), _nothing),
        Stage("write_report", (), "", ("report.html",), _report),
    )
}
RULES = ("all", "data", *STAGES)  # all that a target may name beside tables and figures
