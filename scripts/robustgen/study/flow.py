"""The jobs that a study's outputs need, each with its files, its inputs, its log and its seal."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from robustgen.core import seals
from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN
from robustgen.study.plan import Plan
from robustgen.study.schema import Study

ORDER = (
    "fetch", "load_data", "split_data", "train", "attack", "score", "detect", "gradients",
    "landscape", "make_table", "draw_figure", "judge_claims", "write_config", "write_report",
)  # fmt: skip
RULES = ("all", "data", *ORDER)  # all that a target may name beside tables and figures
PAPER, CLAIMS = "config/paper.csv", "config/claims.yaml"


@dataclass(frozen=True)
class Job:
    """One job: `name` is what its wildcards stand for, as in the names of its log and benchmark."""

    rule: str
    name: str
    files: tuple[str, ...]
    inputs: tuple[str, ...]
    log: str
    seal: str

    @property
    def absent(self) -> list[str]:
        """The files of this job that do not exist."""
        return [path for path in self.files if not Path(path).exists()]

    @property
    def lacking(self) -> list[str]:
        """The inputs that do not exist."""
        return [path for path in self.inputs if not Path(path).exists()]

    @property
    def logged(self) -> bool:
        """Whether its log says anything."""
        return Path(self.log).is_file() and Path(self.log).stat().st_size > 0


def plan_of(study: Study, folder: Path) -> Plan:
    """The plan of a study whose results lie in `folder`."""
    if folder.name != study.study:
        raise Refused(
            f"{folder} holds the results of study {study.study!r}; rename the folder to "
            f"{study.study}."
        )
    return Plan(study, folder.parent.as_posix())


def jobs(plan: Plan) -> list[Job]:
    """All jobs behind the study's report, by rule in the order of the flow."""
    todo = deque([_report(plan)])
    found: dict[tuple[str, str], Job] = {}
    while todo:
        job = todo.popleft()
        if (job.rule, job.name) not in found:
            found[job.rule, job.name] = job
            todo.extend(maker for path in job.inputs if (maker := _maker(plan, path)))
    return sorted(found.values(), key=lambda job: ORDER.index(job.rule))


def behind(found: list[Job], paths: Iterable[str]) -> list[Job]:
    """Those of the jobs that make these files, and all that they rest on; in the order in which
    they were given.
    """
    maker = {path: job for job in found for path in (*job.files, job.seal)}
    todo, needed = list(paths), set()
    while todo:
        job = maker.get(todo.pop())
        if job and job not in needed:
            needed.add(job)
            todo += job.inputs
    return [job for job in found if job in needed]


def _maker(plan: Plan, path: str) -> Job | None:
    """The job that makes a file of the study; None for a file from outside it."""
    if not path.startswith(f"{plan.root}/"):
        return None
    *folders, file = path.removeprefix(f"{plan.root}/").split("/")
    room, axes = folders[0] if folders else "", folders[1:]
    seed = axes[1].removeprefix("seed") if len(axes) > 1 else ""
    match room:
        case "data":
            return _split(plan, axes[0]) if file.startswith("splits.") else _load(plan, axes[0])
        case "training":
            return _train(plan, axes[0], seed)
        case "attacks":
            return _attack(plan, axes[0], seed, axes[2])
        case "measures":
            return _score(plan, axes[0], seed, axes[2])
        case "synthesis":
            return _synthesis(plan, axes[0], seed, axes[2])
        case "detect":
            return _detect(plan, axes[0], seed, axes[2])
        case "sources":
            return _fetch(plan, Path(file).stem)
        case "tables" | "figures":
            return _output(plan, Path(file).stem)
        case "claims":
            return _claims(plan)
        case _:
            return _config(plan)


def _job(plan: Plan, rule: str, name: str, files: list[str], inputs: list[str]) -> Job:
    place = f"{rule}/{name}" if name else rule
    log, seal = f"{plan.root}/logs/{place}.log", f"{plan.root}/{seals.FOLDER}/{place}.json"
    return Job(rule, name, tuple(files), tuple(inputs), log, seal)


def _pool(plan: Plan, dataset: str) -> list[str]:
    return [f"{plan.dataset(dataset)}/{name}" for name in ("pool.safetensors", "pool.json")]


def _data(plan: Plan, model: str) -> list[str]:
    dataset = plan.study.models[model].dataset
    return [*_pool(plan, dataset), f"{plan.dataset(dataset)}/splits.safetensors"]


def _fetch(plan: Plan, source: str) -> Job:
    return _job(plan, "fetch", source, [f"{plan.root}/sources/{source}.json"], [])


def _load(plan: Plan, dataset: str) -> Job:
    made = [*_pool(plan, dataset), f"{plan.dataset(dataset)}/costs.json"]
    return _job(plan, "load_data", dataset, made, plan.fetched(dataset))


def _split(plan: Plan, dataset: str) -> Job:
    made = [f"{plan.dataset(dataset)}/{name}" for name in ("splits.safetensors", "splits.json")]
    return _job(plan, "split_data", dataset, made, _pool(plan, dataset))


def _train(plan: Plan, model: str, seed: str) -> Job:
    start = plan.study.models[model].start_from
    inputs = [*_data(plan, model), *([plan.weights(start, seed)] if start else [])]
    made = [plan.weights(model, seed), plan.history(model, seed)]
    return _job(plan, "train", f"{model}/seed{seed}", _with_costs(made), inputs)


def _attack(plan: Plan, model: str, seed: str, attack: str) -> Job:
    natural = [plan.scores(model, seed, CLEAN)] if plan.knows_natural(attack) else []
    inputs = [*_data(plan, model), plan.weights(model, seed), *natural]
    return _job(
        plan,
        "attack",
        f"{model}/seed{seed}/{attack}",
        [plan.attack_record(model, seed, attack)],
        inputs,
    )


def _score(plan: Plan, model: str, seed: str, attack: str) -> Job:
    attacked = [] if attack == CLEAN else [plan.attack_record(model, seed, attack)]
    inputs = [*_data(plan, model), plan.weights(model, seed), *attacked]
    return _job(
        plan,
        "score",
        f"{model}/seed{seed}/{attack}",
        _with_costs([plan.scores(model, seed, attack)]),
        inputs,
    )


def _detect(plan: Plan, model: str, seed: str, attack: str) -> Job:
    inputs = [
        plan.scores(model, seed, name) for name in (CLEAN, attack, *plan.learnt_from(model, attack))
    ]
    return _job(
        plan, "detect", f"{model}/seed{seed}/{attack}", plan.detected(model, seed, attack), inputs
    )


def _synthesis(plan: Plan, model: str, seed: str, rule: str) -> Job:
    made = plan.gradients(model, seed) if rule == "gradients" else plan.landscapes(model, seed)
    return _job(
        plan,
        rule,
        f"{model}/seed{seed}/{rule}",
        _with_costs(made),
        [*_data(plan, model), plan.weights(model, seed)],
    )


def _output(plan: Plan, name: str) -> Job:
    needed = [path for paths in plan.needs(name).values() for path in paths]
    made = Path(plan.made(name))
    if name in plan.study.tables:
        files = [made.with_suffix(end).as_posix() for end in (".csv", ".md", ".tex", ".json")]
        return _job(plan, "make_table", name, files, [*needed, PAPER])
    files = [made.with_suffix(end).as_posix() for end in (".png", ".pdf", ".json")]
    return _job(plan, "draw_figure", name, files, needed)


def _with_costs(made: list[str]) -> list[str]:
    return [*made, Path(made[0]).with_name("costs.json").as_posix()]


def _config(plan: Plan) -> Job:
    return _job(plan, "write_config", "", [f"{plan.root}/config.json"], [])


def _report(plan: Plan) -> Job:
    made = [plan.made(name) for name in plan.study.outputs]
    inputs = [*made, f"{plan.root}/claims/verdicts.json", f"{plan.root}/config.json"]
    return _job(plan, "write_report", "", [f"{plan.root}/report.html"], inputs)


def _claims(plan: Plan) -> Job:
    return _job(
        plan, "judge_claims", "", [f"{plan.root}/claims/verdicts.json"], [*plan.scored(), CLAIMS]
    )
