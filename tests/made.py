"""What the tests of jobs and of measures of a model share: a small data set with its net, jobs of
it, and a study's measures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from robustgen.core.files import write_json
from robustgen.core.rows import write_rows
from robustgen.core.tensors import write_arrays
from robustgen.jobs import attack, measure, score
from robustgen.jobs.attack import AttackJob
from robustgen.jobs.measure import MeasureJob
from robustgen.jobs.score import ScoreJob
from robustgen.nets import weights
from robustgen.nets.classifier import Plain
from robustgen.nets.spec import Model, Spec

SIDE = 32  # the least that the net takes
NET = Spec("resnet", 3, 4, SIDE, (0.5,) * 3, (0.25,) * 3, {"width": 4, "dropout": 0.2})
PGD = {"kind": "pgd", "norm": "linf", "options": {"rel_step": 0.25}}
ATTACKS = {  # sweeps, as a job is told of them
    "pgd": PGD | {"sweep": {"eps": [0.1, 0.2], "steps": [0, 2, 5]}},
    "he_pgd": PGD | {"sweep": {"eps": [0.1, 0.2], "steps": [0, 2, 5], "lambda_": [0.0, 1.2, 2.0]}},
}
MODELS: dict[str, Any] = {
    f"made_{name}": {
        "dataset": "made",
        "merged": [],
        "published": "",
        "kind": "resnet",
        "options": {},
        "family": objective["kind"],
        "parts": {},
        "objective": objective,
    }
    for name, objective in (
        ("standard", {"kind": "standard"}),
        ("quasi", {"kind": "adversarial", "norm": "l2", "eps": 0.01}),
        ("robust", {"kind": "adversarial", "norm": "linf", "eps": 8 / 255}),
    )
}
SPLITS = {"validation": 20, "test": 30}
ALIKE: dict[str, Any] = {  # settings that all jobs share
    "study_seed": 0,
    "seed": 0,
    "device": "cpu",
    "threads": 1,
    "batch": 5,
    "code": "",
    "part": None,
}
SPEC: dict[str, Any] = {
    "models": MODELS,
    "attacks": {name: {**sweep, "view": {}, "images": None} for name, sweep in ATTACKS.items()},
    "detectors": {},
    "options": {},
}


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def linear(weights: Tensor, bias: Tensor) -> nn.Sequential:
    """A classifier z = W x + b, W [K,d]."""
    layer = nn.Linear(weights.shape[1], len(weights))
    layer.weight.data, layer.bias.data = weights, bias
    return nn.Sequential(nn.Flatten(), layer).requires_grad_(False)


def made(base: Path) -> Path:
    """The folder, now with a data set of 80 images and an untrained net that is right on the first
    12; 30 of them for tests, 30 for training, 20 for validation.
    """
    torch.manual_seed(0)
    untrained = weights.untrained(NET).eval()
    last = untrained[1].linear
    last.weight.data *= 40  # scores that differ
    images = (random(80, 3, SIDE, SIDE) * 255).byte().numpy()
    x = torch.from_numpy(images).float() / 255
    last.bias.data -= Plain(untrained)(x).mean(dim=0)  # so that all classes are predicted
    weights.save(base / "weights.safetensors", untrained, NET)
    z = Plain(untrained)(x)
    labels = (z.argmax(dim=1) + (torch.arange(80) >= 12)).remainder(4)
    labels[30:] = torch.arange(50) % 4  # so that no class lacks images for training
    write_arrays(base / "pool.safetensors", {"images": images, "labels": labels.numpy()})
    facts = {"names": ["ant", "bee", "cat", "dog"], "shape": list(images.shape)}
    write_json(base / "pool.json", facts)
    splits = {"train": np.arange(30, 60), "validation": np.arange(60, 80), "test": np.arange(30)}
    write_arrays(base / "splits.safetensors", splits)
    return base


def classifier(folder: Path) -> Plain:
    """The net of the folder, ready for inference."""
    return Plain(weights.load(folder / "weights.safetensors", NET))


def net(folder: Path, name: str = "made_standard", **changes: Any) -> Model:
    """The net of the folder, as a job is told of it."""
    files = {"data": folder, "weights": folder / "weights.safetensors", "parts": {}, "draws": 1}
    form = {"size": SIDE, "mean": (0.5,), "std": (0.25,), "kind": "resnet"}
    return Model(**{"name": name, **form, "options": NET.options, **files, **changes})


def attack_job(folder: Path, out: Path, **changes: Any) -> AttackJob:
    """A job that attacks the net by PGD at two budgets and two step counts."""
    sweep = PGD | {"sweep": {"eps": [0.02, 0.05], "steps": [0, 2]}}
    told: dict[str, Any] = {"model": net(folder), "sweep": sweep, "view": {}, "told": {}}
    told |= {"splits": SPLITS, "precision": "fp32", "out": out}
    return AttackJob(**{"first": out.with_name("first.safetensors")} | told | ALIKE | changes)


def score_job(folder: Path, out: Path, **changes: Any) -> ScoreJob:
    """A job that scores the net on clean images."""
    told: dict[str, Any] = {"dataset": "made", "model": net(folder), "attack": "clean"}
    told |= {"images": None, "splits": SPLITS, "out": out}
    return ScoreJob(**told | ALIKE | changes)


def measure_job(folder: Path, out: Path, kind: str, **changes: Any) -> MeasureJob:
    """A job that measures the net on clean images."""
    told: dict[str, Any] = {
        "dataset": "made",
        "model": net(folder),
        "attack": "clean",
        "measure": kind,
        "kind": kind,
        "options": {},
        "attacks": {},
        "images": None,
        "splits": SPLITS,
        "reference": 20,
        "out": out,
    }
    return MeasureJob(**told | ALIKE | changes)


def done(job: AttackJob | ScoreJob | MeasureJob) -> dict[str, bytes]:
    """Run a job as its command does; the files beside its output, shards left out."""
    if isinstance(job, AttackJob):
        attack.run(job)
    elif isinstance(job, ScoreJob):
        if (rows := score.run(job)) is not None:
            write_rows(job.out, rows, unit="image")
    else:
        measure.run(job)
    files = (path for path in job.out.parent.iterdir() if path.is_file())
    return {path.name: path.read_bytes() for path in sorted(files)}


def measured(
    folder: Path,
    kind: str,
    options: dict[str, Any],
    *,
    name: str = "made_standard",
    seed: int = 0,
    attack: str = "clean",
    images: Path | None = None,
) -> list[str]:
    """The files of a measure of the net, under the name of a model: rows and arrays."""
    place = folder / name / f"seed{seed}" / attack / kind
    place.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {"options": options, "attacks": ATTACKS, "seed": seed, "reference": 30}
    told |= {"model": net(folder, name), "splits": {"test": 30}}
    told |= {"attack": attack, "images": images}
    job = measure_job(folder, place / "rows.parquet", kind, **told)
    measure.run(job)
    return [str(job.out), str(job.arrays)]


def measured_of_all(folder: Path, kind: str, options: dict[str, Any]) -> list[str]:
    """The files of a measure of the same net under the names of three models."""
    return [path for name in MODELS for path in measured(folder, kind, options, name=name)]
