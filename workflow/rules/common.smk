import gc
import json
import sys
from dataclasses import astuple
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

# a plan is built and kept: looking for garbage at the default rate takes a fifth of its time
gc.set_threshold(1_000_000)

from robustgen.study.config import checked
from robustgen.study.current import outdated
from robustgen.core.digest import digest_of, digests, file_of, lock_lines
from robustgen.study.flow import jobs
from robustgen.core.kinds import module_name
from robustgen.study.plan import Plan
from robustgen.study.stages import CLAIMS, NAME, PATTERNS, STAGES, name_of
from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN
from robustgen.core.shards import file_hash
from robustgen.run.tuning import hash_once, unhurried
from robustgen.run.why import remember
from robustgen.study.yamls import read_map
from robustgen.data.own import option_files, own_files
from robustgen.data.download.sources import rows_of
from robustgen.stats.named import module as statistics_of
from robustgen.stats.rules import read as read_claims

try:
    for path in workflow.configfiles if workflow.is_main_process else ():
        read_map(path)  # which tells of keys that are given twice
    study = checked(config)
    claims = read_claims(CLAIMS)
    plan = Plan(study)
    for name in plan.own_modules():  # one that cannot be read is told before any job
        digests(str(file_of(name)), name)
except Refused as error:
    sys.exit(str(error))

compute = study.compute
ENVIRONMENT = str(Path(workflow.basedir) / "envs/environment.yaml")
ENVIRONMENT = ENVIRONMENT.replace("{", "{{").replace("}", "}}")  # Snakemake formats it
LOCK = lock_lines(
    Path(workflow.basedir) / "envs/requirements.lock", "torch", "torchvision", "numpy"
)
CODES = (
    {}
)  # digest -> file -> hash, remembered so that `make why` can name the file that changed


wildcard_constraints:
    **PATTERNS,
    source=NAME,
    dataset=NAME,
    model=NAME,
    attack=NAME,
    measure=NAME,
    name=NAME,


@cache
def force():
    """Have Snakemake run every job that is not current, whatever its own records say; see
    robustgen.study.current.

    Called while the graph of jobs is built, by the functions that name the inputs of rules.
    """
    if workflow.is_main_process:
        unhurried(workflow)
        hash_once()
        found = outdated(jobs(plan))
        workflow.dag.forcefiles.update(path for job in found for path in job.lasting)


def inputs(stage):
    """A function of wildcards that names the inputs of a stage, after a look at what is current."""

    def named(wildcards):
        force()
        return STAGES[stage].inputs(plan, dict(wildcards))

    return unpack(named)


def outputs(stage):
    """The outputs of a stage by name, its seal among them; images are deleted once they are used,
    unless they are to be kept."""
    found = STAGES[stage].outputs(plan.root)
    if not study.keep_images:
        passing = {name_of(file) for file in STAGES[stage].passing}
        found = {
            name: temp(path) if name in passing else path
            for name, path in found.items()
        }
    return {**found, "seal": STAGES[stage].beside(plan.root, "seals", "json")}


def log_of(stage):
    """The log of a stage."""
    return STAGES[stage].beside(plan.root, "logs", "log")


def benchmark_of(stage):
    """The benchmark of a stage."""
    return STAGES[stage].beside(plan.root, "benchmarks", "tsv")


def gpus_of(stage):
    """How many GPUs a job of a stage takes."""
    return 1 if STAGES[stage].nets and compute.device != "cpu" else 0


@cache
def code(script, *modules):
    """The digest of a script and of the modules that the configuration names for it."""
    parts = digests(str(Path(workflow.basedir) / "scripts" / f"{script}.py"), *modules)
    CODES[digest_of(parts)] = parts
    return digest_of(parts)


@cache
def checksums(dataset):
    """Path -> sha256 of the user's files that a data set is read from, so that it is read again when one changes."""
    entry = study.datasets[dataset]
    own = own_files(entry.kind, entry.options, study.data.root)
    found = sorted({*map(Path, plan.lists(dataset)), *own})
    return json.dumps({str(path): file_hash(path) for path in found if path.is_file()})


def own_weights(model):
    """Path -> sha256 of the user's own weights of a model, so that they are read again when they change."""
    path = plan.own_weights(model)
    return json.dumps({path: file_hash(path)} if path and Path(path).is_file() else {})


@cache
def own_inputs(measure):
    """Path -> sha256 of the user's files in folders that a measure's options name."""
    files = option_files(
        "measures", plan.measure(measure).kind, plan.measure_options(measure)
    )
    return json.dumps({str(path): file_hash(path) for path in files})


def flag(name, value):
    """A flag of a command with its value, a map as JSON, as one word; nothing where it is empty."""
    text = json.dumps(value, sort_keys=True) if isinstance(value, dict) else value
    return [f"{name}={text}"] if value else []


def model(wildcards, trained=True):
    """A model as a job is told of it."""
    node = plan.graph.node(wildcards.model, wildcards.seed, trained=trained)
    return json.dumps(node, sort_keys=True)


def modules(room, entries):
    """The modules of a room that named entries are of."""
    return [module_name(room, entry["kind"]) for entry in entries.values()]


def measured_by(wildcards):
    """A measure as a job is told of it: kind, options, the attacks that these name, and the measures it is made from."""
    name = wildcards.measure
    kind, options = plan.measure(name).kind, plan.measure_options(name)
    attacks = plan.measure_attacks(wildcards.model, name)
    made_from = plan.made_from(wildcards.model, wildcards.seed, name)
    told = {
        "kind": kind,
        "options": options,
        "attacks": attacks,
        "made_from": made_from,
    }
    return json.dumps(told)


def part_of(wildcards):
    """The part of a job, as its command takes it."""
    return [f"--part={wildcards.part.replace('of', '/')}"]


def standing(stage, name):
    """A file of a stage, whose shards a part leaves beside it: a pattern of wildcards."""
    return STAGES[stage].outputs(plan.root)[name]


def salvage():
    """After failures: the tables, figures and report that can be made from what exists."""
    write_config()
    shell(f"python scripts/salvage.py --config {plan.root}/config.json")


def write_config():
    """The study's configuration, as the report needs it."""
    from robustgen.core.files import write_json

    write_json(f"{plan.root}/config.json", study.model_dump(mode="json"))
