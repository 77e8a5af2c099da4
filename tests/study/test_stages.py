"""The one table of stages against Snakemake's dry run, the profiles and the digests of code; and
the guard that nothing between the configuration and the kinds knows a kind by its name.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from conftest import ROOT, Copy
from robustgen.core import kinds
from robustgen.run.dryrun import pending
from robustgen.study.config import load
from robustgen.study.flow import Job, jobs
from robustgen.study.plan import Plan
from robustgen.study.stages import RULES, STAGES

Named = tuple[str, tuple[tuple[str, str], ...]]  # rule, and its wildcards in order of their names
NETS = {name for name, stage in STAGES.items() if stage.nets}
LOOKS = re.compile(r"scripts/robustgen/report/\w+\.(html|css|js)|config/report\.yaml")
TELLING = """

_code = code


def code(script, *modules):
    with open("codes.jsonl", "a") as file:
        print(json.dumps([script, *modules]), file=file)
    return _code(script, *modules)
"""


class DryRun:
    """The tiny study as Snakemake would run it, with an attack and a detector in three parts."""

    def __init__(self, copy: Copy) -> None:
        self.copy = copy
        copy.edit("tests/tiny.yaml", "pgd: {sweep:", "pgd: {jobs: 3, sweep:")
        copy.edit("tests/tiny.yaml", "lid: {options:", "lid: {jobs: 3, options:")
        copy.edit(
            "workflow/rules/common.smk",
            "\n\n@cache\ndef checksums",
            f"{TELLING}\n\n@cache\ndef checksums",
        )
        self.said = copy.snakemake("--dry-run").stdout
        self.plan = Plan(
            load(*(copy.folder / one for one in ("config/config.yaml", "tests/tiny.yaml")))
        )
        self.jobs = {named(job.rule, dict(job.axes)): job for job in jobs(self.plan)}
        lines = (copy.folder / "codes.jsonl").read_text().splitlines()
        self.codes = sorted({tuple(json.loads(line)) for line in lines})

    def inputs(self) -> dict[Named, set[str]]:
        """The inputs of each job, as Snakemake tells them."""
        found: dict[Named, set[str]] = {}
        for block in re.split(r"\n(?=(?:local)?rule \w+:)", self.said)[1:]:
            lines = [line.strip() for line in block.splitlines()]
            told = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
            axes = told.get("wildcards", "")
            wildcards = dict(pair.split("=", 1) for pair in axes.split(", ") if pair)
            rule = lines[0].split()[1].rstrip(":")
            found[named(rule, wildcards)] = set(filter(None, told.get("input", "").split(", ")))
        return found


def named(rule: str, wildcards: dict[str, str]) -> Named:
    return rule, tuple(sorted(wildcards.items()))


@pytest.fixture(scope="module")
def dry(make_copy: Callable[[], Copy]) -> DryRun:
    return DryRun(make_copy())


# --- Snakemake ------------------------------------------------------------------------------------


def test_the_jobs_of_the_table_are_those_of_snakemake(dry: DryRun) -> None:
    theirs = Counter(job.rule for job in pending(dry.said))
    assert theirs == Counter(job.rule for job in dry.jobs.values())
    assert {"attack_part", "score_part", "measure_part"} <= set(theirs)
    assert theirs["attack_part"] == theirs["score_part"] == 3
    assert {named(job.rule, job.wildcards) for job in pending(dry.said)} == set(dry.jobs)


def test_every_job_makes_the_files_that_the_table_says_and_its_seal(dry: DryRun) -> None:
    for job in pending(dry.said):
        mine = dry.jobs[named(job.rule, job.wildcards)]
        assert set(job.files) == {*mine.files, mine.seal}, mine.name


def test_every_job_waits_for_the_inputs_that_the_table_says(dry: DryRun) -> None:
    theirs = dry.inputs()
    for key, mine in dry.jobs.items():
        told = {path for path in theirs[key] if not LOOKS.fullmatch(path)}
        assert told == set(mine.inputs), mine.name


def test_what_is_split_waits_for_each_of_its_parts(dry: DryRun) -> None:
    net = {"model": "signs_standard", "seed": "0", "attack": "pgd"}
    folder = "results/tiny/parts/{}/signs_standard/seed0/pgd/{}/costs.json"
    for rule in ("attack", "score"):
        parts = {folder.format(rule, f"{one}of3") for one in (1, 2, 3)}
        assert parts <= set(dry.jobs[named(rule, net)].inputs)
        whole = dry.jobs[named(rule, {**net, "attack": "he_pgd"})].inputs
        assert not any("/parts/" in path for path in whole)
    lid = dry.jobs[named("measure", {**net, "measure": "lid"})].inputs
    assert folder.format("measure", "lid/2of3") in lid


def test_every_input_is_a_file_of_another_job_or_one_of_the_project(dry: DryRun) -> None:
    made = {path for job in dry.jobs.values() for path in job.files}
    outside = {path for job in dry.jobs.values() for path in job.inputs} - made
    assert outside == {"config/paper.csv", "config/claims.yaml"}


# --- where jobs run -------------------------------------------------------------------------------


def test_a_cluster_is_asked_for_resources_for_exactly_the_stages_with_nets() -> None:
    profile = yaml.safe_load((ROOT / "workflow/profiles/slurm/config.yaml").read_text())
    assert set(profile["set-resources"]) == NETS
    gpu = profile["site"]["gpu_partition"]
    assert {entry["slurm_partition"] for entry in profile["set-resources"].values()} == {gpu}


def test_the_other_stages_run_where_snakemake_does() -> None:
    text = (ROOT / "Snakefile").read_text().split("localrules:")[1].split("\n\n")[0]
    local = {name.strip(" ,") for name in text.splitlines() if name.strip()}
    assert local == set(RULES) - NETS


# --- code -----------------------------------------------------------------------------------------

# room -> a kind of it that the tiny study uses, and the scripts that load it by name
LOADED = {
    "data": ("signs", {"load_data"}),
    "models": ("resnet", {"train", "attack", "score", "measure"}),
    "measures": ("trajectories", {"measure"}),
    "attacks": ("evade", {"attack"}),
    "objectives": ("standard", {"train"}),
    "trainers": ("supervised", {"train"}),
    "detectors": ("energy", {"detect"}),
    "tables": ("matrix", {"make_table"}),
    "figures": ("spread", {"draw_figure"}),
}
DIGESTS = """
import json, sys
from pathlib import Path
from robustgen.core import kinds
from robustgen.core.digest import digest

calls = [json.loads(line) for line in sys.argv[1].splitlines()]

def all_of():
    return [digest(f"scripts/{script}.py", *modules) for script, *modules in calls]

told = {}
for room, kind in json.loads(sys.argv[2]).items():
    path, before = kinds.find(room, kind), all_of()
    text = path.read_text()
    path.write_text(text + "\\nCHANGED = 1\\n")
    told[room] = sorted({call[0] for call, a, b in zip(calls, before, all_of()) if a != b})
    path.write_text(text)
print(json.dumps(told))
"""


def test_a_change_of_a_kinds_module_is_in_the_digest_of_every_job_that_loads_it(
    dry: DryRun,
) -> None:
    assert set(LOADED) == set(kinds.FUNCTIONS)
    chosen = json.dumps({room: kind for room, (kind, _) in LOADED.items()})
    calls = "\n".join(json.dumps(call) for call in dry.codes)
    command = ("env", "PYTHONPATH=scripts", "python", "-c", DIGESTS, calls, chosen)
    found = dry.copy.run(*command)
    for room, scripts in json.loads(found.stdout).items():
        assert set(scripts) >= LOADED[room][1], room


def test_a_rule_tells_the_modules_that_its_jobs_load_by_name(dry: DryRun) -> None:
    def of(script: str) -> set[str]:
        return {name for call in dry.codes if call[0] == script for name in call[1:]}

    nets = {kinds.module_name("models", "resnet")}
    followed = {kinds.module_name("attacks", "pgd")}
    asked = ("trajectories", "plane", "gradients", "lid", "kd_bu")
    measures = {kinds.module_name("measures", kind) for kind in asked}
    attacks = {dry.plan.study.attacks[dict(job.axes)["attack"]].kind for job in made(dry, "attack")}
    study = dry.plan.study
    detectors = {study.detectors[name].kind for one in study.shown() for name in one.detectors}
    assert of("score") == nets
    assert of("measure") == nets | measures | followed
    assert of("attack") == nets | {kinds.module_name("attacks", kind) for kind in attacks}
    assert of("detect") == {kinds.module_name("detectors", kind) for kind in detectors}
    assert of("train") == {*nets, *dry.plan.training_modules("signs_standard")}
    assert all(name.startswith("robustgen.stats.statistics") for name in of("judge_claims"))
    assert of("judge_claims")


def made(dry: DryRun, rule: str) -> list[Job]:
    return [job for job in dry.jobs.values() if job.rule == rule]


# --- no name of a kind ----------------------------------------------------------------------------

PACKAGE = ROOT / "scripts/robustgen"
KNOWN = {kind for room in kinds.FUNCTIONS for kind in kinds.kinds(room)}
# words that name something else too: the file, the word, and what it is there
ALLOWED = {
    ("study/plan.py", "history"): "a sort of files that outputs are made from",
    ("study/sense_models.py", "history"): "the same sort",
    ("report/ranking.py", "adversarial"): "a column of tables with an accuracy under attack",
    ("core/meter.py", "torchattacks"): "a library, whose version is noted beside costs",
    ("core/meter.py", "foolbox"): "a library, whose version is noted beside costs",
}
GUARDED = [
    *(
        path
        for name in ("core", "study", "jobs", "report")
        for path in (PACKAGE / name).rglob("*.py")
    ),
    PACKAGE / "training/loop.py",
]
RULE_FILES = [ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def literals(path: Path) -> Iterator[str]:
    """The texts in a Python file that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (node for node in ast.walk(tree) if isinstance(node, DOCUMENTED))
    firsts = (node.body[0] for node in documented if node.body)
    docs = {id(first.value) for first in firsts if isinstance(first, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


@pytest.mark.parametrize("path", GUARDED, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_between_the_configuration_and_the_kinds_names_a_kind(path: Path) -> None:
    place = str(path.relative_to(PACKAGE))
    allowed = {word for file, word in ALLOWED if file == place}
    assert {text for text in literals(path) if text in KNOWN} == allowed


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_no_rule_names_a_kind(path: Path) -> None:
    words = re.findall(r"""["'](\w+)["']""", path.read_text(encoding="utf-8"))
    assert set(words) & KNOWN == set()
