import json
import sys
from dataclasses import astuple
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from robustgen.study.config import checked
from robustgen.study.current import outdated
from robustgen.core.digest import digest_of, digests, file_of, lock_lines
from robustgen.study.flow import jobs
from robustgen.core.kinds import module_name
from robustgen.study.plan import Plan
from robustgen.core.refusal import Refused
from robustgen.core.rows import CLEAN
from robustgen.core.shards import file_hash
from robustgen.run.why import remember
from robustgen.study.yamls import read_map
from robustgen.data.own import own_files
from robustgen.data.download.sources import rows_of
from robustgen.stats.rules import read as read_claims

try:
    for path in workflow.configfiles if workflow.is_main_process else ():
        read_map(path)  # which tells of keys that are given twice
    study = checked(config)
    read_claims("config/claims.yaml")
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
    source="[a-z][a-z0-9_]*",
    dataset="[a-z][a-z0-9_]*",
    model="[a-z][a-z0-9_]*",
    attack="[a-z][a-z0-9_]*",
    detector="[a-z][a-z0-9_]*",
    name="[a-z][a-z0-9_]*",
    seed="[0-9]+",


@cache
def force():
    """Have Snakemake run every job that is not current, whatever its own records say; see robustgen.study.current.

    Called while the graph of jobs is built, by the functions that name the inputs of rules.
    """
    if workflow.is_main_process:
        found = outdated(jobs(plan))
        workflow.dag.forcefiles.update(path for job in found for path in job.files)


def required(paths):
    """Input files, after a look at what is current."""
    force()
    return list(paths)


@cache
def code(script, *modules):
    """The digest of a script and of the modules that the configuration names for it."""
    parts = digests(str(Path(workflow.basedir) / "scripts" / f"{script}.py"), *modules)
    CODES[digest_of(parts)] = parts
    return digest_of(parts)


def folder(wildcards):
    """Folder of a model's data set."""
    return plan.dataset(study.models[wildcards.model].dataset)


def data_files(wildcards):
    """The data set of a model, in the one form."""
    names = ("pool.safetensors", "pool.json", "splits.safetensors")
    return required(f"{folder(wildcards)}/{name}" for name in names)


def receipts(wildcards):
    """The receipts of the downloads that a data set is read from."""
    return required(plan.fetched(wildcards.dataset))


@cache
def checksums(dataset):
    """Path -> sha256 of the user's files that a data set is read from, so that it is read again when one changes."""
    entry = study.datasets[dataset]
    own = own_files(entry.kind, entry.options, study.data.root)
    found = sorted({*map(Path, plan.lists(dataset)), *own})
    return json.dumps({str(path): file_hash(path) for path in found if path.is_file()})


def own_weights(model):
    """Path -> sha256 of the user's own weights of a model, so that they are read again when they change."""
    path = study.models[model].weights
    return json.dumps({path: file_hash(path)} if path and Path(path).is_file() else {})


def flag(name, value):
    """A flag of a command with its value, as one word; nothing where the value is empty."""
    return [f"{name}={value}"] if value else []


def start_from(wildcards):
    """The weights that a model's training starts from, where it names a model."""
    start = study.models[wildcards.model].start_from
    return [plan.weights(start, wildcards.seed)] if start else []


def training_modules(model):
    """The modules that a model's training loads by name."""
    entry = study.models[model]
    names = [("nets", entry.net)]
    if entry.recipe:
        kinds = ("standard", plan.objective(model).kind)
        names += [("training.objectives", kind) for kind in kinds]
    return [module_name(*name) for name in names]


def attacked(wildcards):
    """The images of an attack; none for natural images."""
    return (
        []
        if wildcards.attack == CLEAN
        else [plan.attacked(wildcards.model, wildcards.seed, wildcards.attack)]
    )


def natural(wildcards):
    """The scores of natural images, for an attack that knows a detector."""
    if not plan.knows_natural(wildcards.attack):
        return []
    return [plan.scores(wildcards.model, wildcards.seed, CLEAN)]


def learnt_from(wildcards):
    """The scores that the detectors of a model under an attack learn from."""
    names = plan.learnt_from(wildcards.model, wildcards.attack)
    return [plan.scores(wildcards.model, wildcards.seed, name) for name in names]


def modules(room, entries):
    """The modules of a room that named entries are of."""
    return [module_name(room, entry["kind"]) for entry in entries.values()]


def kept(path):
    """Attacked images, deleted once they are scored unless they are asked for."""
    return path if study.keep_images else temp(path)


def needed(wildcards):
    """All files that a table or figure is made from."""
    return required(
        path for paths in plan.needs(wildcards.name).values() for path in paths
    )


def salvage():
    """After failures: the tables, figures and report that can be made from what exists."""
    write_config()
    shell(f"python scripts/salvage.py --config {plan.root}/config.json")


def write_config():
    """The study's configuration, as the report needs it."""
    from robustgen.core.files import write_json

    write_json(f"{plan.root}/config.json", study.model_dump(mode="json"))
