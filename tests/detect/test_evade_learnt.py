"""Attacks that know a detector that learns: gradients against finite differences, and on a small
trained net the detector's own verdict of what the attack makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from robustgen.attacks import noise, pgd
from robustgen.attacks.types import Spec
from robustgen.core import kinds
from robustgen.core.files import write_json
from robustgen.core.refusal import Refused
from robustgen.core.rows import with_axes, write_rows
from robustgen.core.tensors import write_arrays
from robustgen.data.store import Images, read_split
from robustgen.detect import evade_learnt, kd_bu, lid, supervised
from robustgen.detect.rows import filled, read, validation
from robustgen.detect.types import Fitted
from robustgen.measures.scores import scores
from robustgen.measures.types import Look, Reference
from robustgen.nets import weights
from robustgen.nets.classifier import Classifier, Plain
from robustgen.nets.spec import Spec as ModelSpec

EPS, SEED = 0.2, 5
ENTRIES: dict[str, dict[str, Any]] = {
    "kd_bu": {"kind": "kd_bu", "options": {"passes": 20}},
    "lid": {"kind": "lid", "options": {"k": 15, "batch": 60}},
}
SPLITS = {"train": 400, "validation": 240, "test": 120}


# --- gradients
# ---------------------------------------------------------------------------------------


class Smooth(Classifier):
    """A small classifier in float64, smooth everywhere."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Linear(12, 8).double()
        linear, dropout = nn.Linear(8, 3).double(), nn.Dropout(0.3)
        self.net = SimpleNamespace(linear=linear, dropout=dropout)
        self.requires_grad_(False)
        linear.requires_grad_(False)

    def look(self, x: Tensor) -> Look:
        features = self.first(x.double().flatten(1)).tanh()
        z = self.net.linear(features)
        return {"layers": [features, z], "features": features, "scores": z}


@pytest.mark.parametrize("kind", ENTRIES)
def test_the_gradient_of_the_statistic_is_that_of_finite_differences(kind: str) -> None:
    """(s(x + h v) - s(x - h v)) / 2h along random directions v, in float64; neighbours and the
    predicted class do not change within h.
    """
    rng = np.random.default_rng(0)
    pool = rng.integers(0, 256, (60, 3, 2, 2), dtype=np.uint8)
    images = Images(pool, np.arange(60) % 3, np.arange(60), ("a", "b", "c"))
    model, module = Smooth(), {"kd_bu": kd_bu, "lid": lid}[kind]
    columns = module.columns(
        model,
        Reference(model, images, 60, "cpu"),
        options=ENTRIES[kind]["options"],
        generator=torch.Generator().manual_seed(0),
    )
    x = torch.rand(5, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    names = sorted(columns(model.look(x)))
    fitted = supervised.LogOdds(_planted(len(names)), tuple(f"mine.{name}" for name in names))
    statistic = evade_learnt.log_odds(columns, fitted, "mine", "cpu")

    def of(x: Tensor) -> Tensor:
        return statistic(model.look(x))

    rows = pd.DataFrame({f"mine.{name}": v.numpy() for name, v in columns(model.look(x)).items()})
    np.testing.assert_allclose(of(x).numpy(), fitted(rows), rtol=1e-9)
    asked = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(of(asked).sum(), asked)
    assert (gradient.flatten(1).abs().amax(dim=1) > 0).all()
    h = 1e-6
    for seed in range(5):
        v = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(seed))
        slope = (of(x + h * v) - of(x - h * v)) / (2 * h)
        torch.testing.assert_close(
            (gradient * v).flatten(1).sum(dim=1), slope, rtol=1e-4, atol=1e-6
        )


def _planted(columns: int) -> Any:
    """A logistic regression whose weights are none of them 0."""
    rng = np.random.default_rng(columns)
    x = np.concatenate([rng.normal(0, 1, (60, columns)), rng.normal(1, 2, (60, columns))])
    return supervised._regression(x, np.arange(120) >= 60)


# --- a small trained net, attacked and defended
# ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lab:
    """A trained net, its data, and the rows of clean and attacked images in files."""

    folder: Path
    model: Plain

    def part(self, split: str) -> Images:
        return read_split(self.folder, split)

    def learnt(self, name: str) -> dict[str, Any]:
        """What the attack's job hands over."""
        files = {
            attack: {
                "scores": str(self.folder / f"{attack}.parquet"),
                "measured": str(self.folder / f"{attack}-{name}.parquet"),
            }
            for attack in ("clean", "pgd", "noise")
        }
        return {
            "settings": settings(name),
            "rows": files,
            "data": str(self.folder),
            "reference": SPLITS["train"],
            "seed": SEED,
            "batch": 100,
        }

    def measure(self, name: str) -> Any:
        module = kinds.load("measures", ENTRIES[name]["kind"])
        return module.measure(
            self.model,
            Reference(self.model, self.part("train"), 100, "cpu"),
            options=ENTRIES[name]["options"],
            generator=torch.Generator().manual_seed(SEED),
        )

    def fitted(self, name: str) -> Fitted:
        """The defender's own fit, from the files."""
        told = self.learnt(name)
        rows = {
            attack: read(of["scores"], {name: of["measured"]})
            for attack, of in told["rows"].items()
        }
        entry = filled(name, settings(name))
        module = kinds.load("detectors", entry["kind"])
        return module.sound(validation(rows["clean"], rows, entry), settings=entry)[0]

    def judged(self, name: str, x: Tensor) -> np.ndarray:
        """The detector's own statistic of images [n]."""
        look = self.model.look(x)
        found = {f"{name}.{key}": value for key, value in self.measure(name)(look, look).items()}
        return self.fitted(name).statistic(pd.DataFrame(found))


def settings(name: str) -> dict[str, Any]:
    entry = ENTRIES[name]
    options = {"fit": "pgd", "noise": "noise", **entry["options"]}
    return {"name": name, "kind": entry["kind"], "fpr": 0.05, "options": options}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    folder = tmp_path_factory.mktemp("lab")
    _write_data(folder)
    made = Lab(folder, _trained(read_split(folder, "train")))
    for attack in ("clean", "pgd", "noise"):
        versions = {split: _version(made, attack, split) for split in ("validation", "test")}
        _write(made, attack, versions, {"": lambda x, y: scores(made.model(x), y)})
        for name in ENTRIES:
            _write(made, attack, versions, {f"-{name}": _columns(made, name)})
    return made


def _write_data(folder: Path) -> None:
    """Three smooth patterns under noise."""
    rng, n = np.random.default_rng(0), sum(SPLITS.values())
    coarse = torch.from_numpy(rng.random((3, 1, 4, 4)))
    patterns = nn.functional.interpolate(coarse, size=16, mode="bilinear").numpy()
    labels = np.arange(n) % 3
    images = 0.5 + 0.35 * (patterns[labels] - 0.5) + 0.08 * rng.normal(size=(n, 1, 16, 16))
    pool = (images.clip(0, 1) * 255).astype(np.uint8)
    write_arrays(folder / "pool.safetensors", {"images": pool, "labels": labels})
    write_json(folder / "pool.json", {"names": ["a", "b", "c"], "shape": list(pool.shape)})
    ends = np.cumsum([0, *SPLITS.values()])
    splits = {name: np.arange(ends[number], ends[number + 1]) for number, name in enumerate(SPLITS)}
    write_arrays(folder / "splits.safetensors", splits)


def _trained(part: Images) -> Plain:
    options = {"width": 6, "blocks": [1, 1], "dropout": 0.3}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = weights.untrained(ModelSpec("resnet", 1, 3, 16, (0.5,), (0.25,), options))
        optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
        x, y = part.tensors()
        for epoch in range(6):
            order = torch.randperm(len(x), generator=torch.Generator().manual_seed(epoch))
            for batch in order.split(50):
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
                optimizer.step()
    return Plain(net.eval())


def _version(lab: Lab, attack: str, split: str) -> Tensor:
    x, y = lab.part(split).tensors()
    rng = torch.Generator().manual_seed(0)
    if attack == "pgd":
        return _pgd(lab, x, y)
    if attack == "noise":
        return noise.attack(lab.model, x, y, spec=Spec(EPS / 2), generator=rng).images
    return x


def _pgd(lab: Lab, x: Tensor, y: Tensor) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return pgd.attack(lab.model, x, y, spec=Spec(EPS, 20), generator=rng).images


def _columns(lab: Lab, name: str) -> Any:
    measure = lab.measure(name)

    def of(x: Tensor, _: Tensor) -> dict[str, np.ndarray]:
        look = lab.model.look(x)
        found: dict[str, np.ndarray] = measure(look, look)
        return found

    return of


def _write(lab: Lab, attack: str, versions: dict[str, Tensor], columns: dict[str, Any]) -> None:
    """The rows of an attack, with the columns under each ending of the file's name."""
    axes = {} if attack == "clean" else {"eps": EPS}
    for ending, of in columns.items():
        frames = []
        for split, x in versions.items():
            part = lab.part(split)
            y = torch.from_numpy(part.labels)
            start = {"dataset": "lab", "model": "net", "seed": 0, "attack": attack, **axes}
            start |= {"split": split, "index": part.index}
            if not ending:
                wrong = (lab.model(x).argmax(dim=1) != y).numpy()
                start |= {"label": part.labels, "success": wrong}
            frames.append(pd.DataFrame(start | of(x, y)))
        rows = with_axes(pd.concat(frames, ignore_index=True), axes)
        write_rows(lab.folder / f"{attack}{ending}.parquet", rows, unit="image")


def spec(lab: Lab, name: str, **options: Any) -> Spec:
    return Spec(EPS, 40, options={"detector": name, "learnt": lab.learnt(name)} | options)


@cache
def evading(lab: Lab, name: str) -> Tensor:
    x, y = lab.part("test").tensors()
    rng = torch.Generator().manual_seed(1)
    return evade_learnt.attack(lab.model, x, y, spec=spec(lab, name), generator=rng).images


@pytest.mark.parametrize("name", ENTRIES)
def test_the_attacks_statistic_is_the_detectors_own(lab: Lab, name: str) -> None:
    known = evade_learnt.detector(lab.model, spec(lab, name), aim=0.2, device="cpu")
    for x in (evading(lab, name), lab.part("test").tensors()[0]):
        np.testing.assert_allclose(
            known.see(x).s.numpy(), lab.judged(name, x), rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize("name", ENTRIES)
def test_it_passes_the_detector_where_pgd_is_caught(lab: Lab, name: str) -> None:
    x, y = lab.part("test").tensors()
    threshold, passing = lab.fitted(name).threshold, {}
    for attack, found in {"pgd": _pgd(lab, x, y), "evade": evading(lab, name)}.items():
        fooled = (lab.model(found).argmax(dim=1) != y).numpy()
        passing[attack] = float((fooled & (lab.judged(name, found) < threshold)).mean())
        assert fooled.mean() > 0.8
        assert (found - x).abs().max() <= EPS + 1e-6
    assert passing["evade"] > passing["pgd"] + 0.3


def test_the_limit_is_passed_by_the_share_of_clean_images_that_it_aims_at(lab: Lab) -> None:
    limits = [
        evade_learnt.detector(lab.model, spec(lab, "lid"), aim=aim, device="cpu").limit
        for aim in (0.1, 0.5)
    ]
    clean = lab.part("validation")
    judged = lab.judged("lid", clean.tensors()[0][1::2])
    assert [(judged > limit).mean() for limit in limits] == pytest.approx([0.1, 0.5], abs=0.01)
    assert limits[0] < lab.fitted("lid").threshold  # stricter than the detector itself


def test_the_passes_of_fitting_are_not_counted_so_that_every_batch_costs_the_same(
    lab: Lab,
) -> None:
    x, y = (tensor[:6] for tensor in lab.part("test").tensors())
    of = Spec(EPS, 3, options={"detector": "lid", "learnt": lab.learnt("lid")})
    for _ in range(2):
        rng = torch.Generator().manual_seed(0)
        found = evade_learnt.attack(lab.model, x, y, spec=of, generator=rng)
        assert (found.forwards, found.backwards) == (3 + 4, 3)


def test_what_cannot_be_known_is_refused(lab: Lab) -> None:
    x, y = (tensor[:2] for tensor in lab.part("test").tensors())

    def run(model: Any, of: Spec) -> None:
        evade_learnt.attack(model, x, y, spec=of, generator=torch.Generator())

    with pytest.raises(Refused, match=r"ask for what their detector is fitted on"):
        run(lab.model, Spec(EPS, options={"detector": "lid"}))
    with pytest.raises(Refused, match="Option detector of kind evade_learnt: is missing"):
        run(lab.model, Spec(EPS, options={"learnt": lab.learnt("lid")}))
    energy = lab.learnt("lid") | {"settings": {"name": "lid", "kind": "energy", "fpr": 0.1}}
    with pytest.raises(Refused, match="Detector lid of kind energy has no `columns`"):
        run(lab.model, Spec(EPS, options={"detector": "lid", "learnt": energy}))
    coarse = Plain(nn.Sequential(lab.model.normalize, lab.model.net), dtype=torch.bfloat16)
    with pytest.raises(Refused, match="set their precision to fp32"):
        run(coarse, spec(lab, "lid"))
