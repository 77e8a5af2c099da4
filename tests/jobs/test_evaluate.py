"""The evaluation in one call against the commands of a study, value by value, and what it refuses.

The oracle is the study itself: the same images lie in a made data set, and each job is run by its
script, as a rule runs it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

import attack as attack_command
import detect as detect_command
import measure as measure_command
import score as score_command
from made import random
from robustgen.core.files import write_json
from robustgen.core.refusal import Refused
from robustgen.core.rows import axes_of, read_rows
from robustgen.core.tensors import read_arrays, write_arrays
from robustgen.jobs.evaluate import Evaluation, evaluate
from robustgen.nets import weights
from robustgen.nets.classifier import Classifier, Plain
from robustgen.nets.ready import ready
from robustgen.nets.spec import Model, Spec
from robustgen.stats.detection import summarise
from stochastic import NOISY

pytestmark = pytest.mark.usefixtures("one_thread")

SIDE, CLASSES, STUDY_SEED, SEED, BATCH = 32, 4, 3, 7, 16
COUNTS = {"train": 60, "validation": 70, "test": 50}
NET = Spec("resnet", 3, CLASSES, SIDE, (0.5,) * 3, (0.25,) * 3, {"width": 4, "dropout": 0.2})
ATTACKS: dict[str, dict[str, Any]] = {
    "pgd": {
        "kind": "pgd",
        "sweep": {"eps": ["8/255", 0.1], "steps": [0, 3]},
        "options": {"rel_step": "1/2"},
    },
    "noise": {"kind": "noise", "sweep": {"eps": [0.05]}},
    "few": {"kind": "pgd", "norm": "l2", "sweep": {"eps": [0.5], "steps": [2]}, "images": 20},
    "knows": {
        "kind": "evade",
        "sweep": {"eps": [0.1], "steps": [3]},
        "options": {"detector": "two_sided"},
    },
}
FIT = {"fit": "pgd", "noise": "noise"}
DETECTORS: dict[str, dict[str, Any]] = {
    "energy": {"kind": "energy", "fpr": 0.1, "options": {"temperatures": [0.5, 1]}},
    "lid": {"kind": "lid", "fpr": 0.1, "options": {**FIT, "k": 5, "batch": 30}},
    "kd_bu": {"kind": "kd_bu", "fpr": 0.1, "options": {**FIT, "passes": 4}},
}
MEASURED_BY = {"lid": {"k": 5, "batch": 30}, "kd_bu": {"passes": 4}}


class Study:
    """The jobs of a study of one model, run by their scripts."""

    def __init__(self, folder: Path, model: dict[str, Any]) -> None:
        self.folder, self.model = folder, model
        self.data = folder / "data"

    def run(self) -> None:
        for name in ("clean", *ATTACKS):
            if name != "clean":
                self._attack(name)
            self._score(name)
            for detector in MEASURED_BY:
                self._measure(name, detector)
        for name in ATTACKS:
            self._detect(name)

    def rows(self, sort: str, *names: str) -> pd.DataFrame:
        """The rows of a sort, with the places of images in their split as index."""
        paths = [self.folder / f"{name}-{sort}.parquet" for name in names]
        found = read_rows(paths).drop(columns="unit")
        splits = read_arrays(self.data / "splits.safetensors")
        places = {int(one): at for index in splits.values() for at, one in enumerate(index)}
        if "index" in found:
            found["index"] = found["index"].map(places)
        return found

    def _counts(self, name: str) -> dict[str, int]:
        most = ATTACKS.get(name, {}).get("images", 10**6)
        return {split: min(COUNTS[split], most) for split in ("validation", "test")}

    def _common(self, name: str) -> list[str]:
        settings = {
            "model": json.dumps(self.model),
            "splits": json.dumps(self._counts(name)),
            "study-seed": STUDY_SEED,
            "seed": SEED,
            "device": "cpu",
            "threads": 1,
            "batch": BATCH,
            "costs": self.folder / "costs.json",
        }
        return [f"--{key}={value}" for key, value in settings.items()]

    def _images(self, name: str) -> list[str]:
        return [] if name == "clean" else [f"--images={self.folder / name}.safetensors"]

    def _attack(self, name: str) -> None:
        entry = {key: value for key, value in ATTACKS[name].items() if key != "images"}
        told = {"clean": f"{self.folder}/clean-scores.parquet"} if name == "knows" else {}
        attack_command.main(
            [
                *self._common(name),
                f"--sweep={json.dumps(entry)}",
                f"--told={json.dumps(told)}",
                f"--out={self.folder / name}.safetensors",
                "--precision=fp32",
            ]
        )

    def _score(self, name: str) -> None:
        out = self.folder / f"{name}-scores.parquet"
        named = ["--dataset=made", f"--attack={name}", f"--out={out}"]
        score_command.main([*self._common(name), *self._images(name), *named])

    def _measure(self, name: str, detector: str) -> None:
        options = {"kind": detector, "options": MEASURED_BY[detector], "attacks": {}}
        measure_command.main(
            [
                *self._common(name),
                *self._images(name),
                f"--attack={name}",
                "--dataset=made",
                f"--measure={detector}",
                f"--measured-by={json.dumps(options)}",
                f"--reference={COUNTS['train']}",
                f"--out={self.folder / name}-{detector}.parquet",
            ]
        )

    def _detect(self, name: str) -> None:
        others = {one: f"{self.folder}/{one}-scores.parquet" for one in ("pgd", "noise")}
        measured = {
            detector: {
                one: f"{self.folder}/{one}-{detector}.parquet" for one in ("clean", *ATTACKS)
            }
            for detector in MEASURED_BY
        }
        settings = {
            "detectors": json.dumps(DETECTORS),
            "attack": name,
            "clean": f"{self.folder}/clean-scores.parquet",
            "attacked": f"{self.folder}/{name}-scores.parquet",
            "others": json.dumps(others),
            "measured": json.dumps(measured),
            "statistics": f"{self.folder}/{name}-statistics.parquet",
            "thresholds": f"{self.folder}/{name}-thresholds.parquet",
        }
        detect_command.main([f"--{key}={value}" for key, value in settings.items()])


def made(folder: Path) -> Path:
    """A data set of three splits, and an untrained net that errs on every tenth image."""
    torch.manual_seed(0)
    net = weights.untrained(NET).eval()
    net[1].linear.weight.data *= 40  # scores that differ
    count = sum(COUNTS.values())
    images = (random(count, 3, SIDE, SIDE) * 255).byte()
    net[1].linear.bias.data -= Plain(net)(images / 255).mean(dim=0)  # and predict every class
    weights.save(folder / "weights.safetensors", net, NET)
    z = Plain(net)(images / 255)
    labels = (z.argmax(dim=1) + (torch.arange(count) % 10 == 0)).remainder(CLASSES)
    data = folder / "data"
    write_arrays(data / "pool.safetensors", {"images": images.numpy(), "labels": labels.numpy()})
    names = [f"class {k}" for k in range(CLASSES)]
    write_json(data / "pool.json", {"names": names, "shape": list(images.shape)})
    order = np.random.default_rng(0).permutation(count)
    ends = np.cumsum(list(COUNTS.values()))[:-1]
    parts = dict(zip(COUNTS, np.split(order, ends), strict=True))
    write_arrays(data / "splits.safetensors", parts)
    return folder


def node(folder: Path) -> dict[str, Any]:
    """The net, as a plan tells a job of it."""
    return {
        "name": "net",
        "kind": "resnet",
        "options": NET.options,
        "size": SIDE,
        "mean": [0.5],
        "std": [0.25],
        "data": str(folder / "data"),
        "weights": str(folder / "weights.safetensors"),
        "draws": 2,
        "parts": {},
    }


def split_of(study: Study, name: str) -> tuple[Tensor, Tensor]:
    pool = read_arrays(study.data / "pool.safetensors")
    index = read_arrays(study.data / "splits.safetensors")[name]
    return torch.from_numpy(pool["images"][index]) / 255, torch.from_numpy(pool["labels"][index])


def called(study: Study, classifier: Classifier, **changes: Any) -> Evaluation:
    settings: dict[str, Any] = {
        "validation": split_of(study, "validation"),
        "reference": split_of(study, "train"),
        "attacks": ATTACKS,
        "detectors": DETECTORS,
        "dataset": "made",
        "model": study.model["name"],
        "draws": study.model["draws"],
        "study_seed": STUDY_SEED,
        "seed": SEED,
        "batch": BATCH,
        "device": "cpu",
    }
    return evaluate(classifier, *split_of(study, "test"), **settings | changes)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = made(tmp_path_factory.mktemp("made"))
    found = Study(folder, node(folder))
    found.run()
    return found


def classifier_of(study: Study) -> Classifier:
    model = Model.of(study.model)
    assert model.weights is not None
    return Plain(weights.load(model.weights, model.spec()))


@pytest.fixture(scope="module")
def found(study: Study) -> Evaluation:
    return called(study, classifier_of(study))


def same(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """Equal rows, bit by bit, whatever their order, and equal axes."""
    assert axes_of(ours) == axes_of(theirs)
    order = [name for name in theirs if theirs[name].dtype.kind not in "f"]
    order += [name for name in axes_of(theirs) if name not in order]
    sorted_ = [rows.sort_values(order, ignore_index=True) for rows in (ours, theirs)]
    pd.testing.assert_frame_equal(*sorted_, check_exact=True)


def test_the_scores_are_those_of_a_study(study: Study, found: Evaluation) -> None:
    theirs = study.rows("scores", "clean", *ATTACKS)
    same(found.scores, theirs)
    assert len(theirs) == 120 + 4 * 120 + 120 + 40 + 120


def test_the_statistics_and_thresholds_are_those_of_a_study(
    study: Study, found: Evaluation
) -> None:
    same(found.statistics, study.rows("statistics", *ATTACKS))
    same(found.thresholds, study.rows("thresholds", *ATTACKS))
    assert set(found.statistics["detector"]) == set(DETECTORS)
    sound = found.thresholds[found.thresholds["protocol"] == "sound"]
    assert (sound["why"] == "").all()


def test_the_images_are_those_of_a_study(study: Study, found: Evaluation) -> None:
    arrays = read_arrays(study.folder / "pgd.safetensors")
    assert [version.cell["steps"] for version in found.images["pgd"]] == [0, 3, 0, 3]
    for number, version in enumerate(found.images["pgd"]):
        assert version.images is not None
        np.testing.assert_array_equal(version.images, arrays[f"test.{number}"])


def test_the_summary_has_rates_of_every_detector(found: Evaluation) -> None:
    rates = summarise(found.statistics, found.thresholds)
    assert set(rates["detector"]) == set(DETECTORS)
    assert set(rates["attack"]) == set(ATTACKS)


def test_a_randomised_classifier_gets_the_rows_of_a_study(
    study: Study, own: Callable[[str], str]
) -> None:
    """Two draws per image, from the same random numbers; `view` quiets the noise under attack."""
    kind = own(NOISY)
    told = {**study.model, "name": "noisy", "kind": kind, "weights": None, "options": {"std": 0.2}}
    noisy = Study(study.folder, told | {"parts": {"base": study.model}})
    entry = {"kind": "pgd", "sweep": {"eps": [0.1], "steps": [2]}, "options": {"eot": 2}}
    out = study.folder / "noisy.safetensors"
    sweep = [f"--sweep={json.dumps(entry)}", '--view={"std": 0.05}', "--precision=fp32"]
    attack_command.main([*noisy._common("noisy"), *sweep, f"--out={out}"])
    noisy._score("noisy")
    model = Model.of(noisy.model)
    images = ready(model, _images(study))
    attacks = {"noisy": entry | {"view": {"std": 0.05}}}
    one = called(noisy, images, attacks=attacks, detectors={})
    theirs = read_rows(study.folder / "noisy-scores.parquet", draws=True).drop(columns="unit")
    ours = one.scores[one.scores["attack"] == "noisy"].reset_index(drop=True)
    assert sorted(set(ours["draw"])) == [0, 1]
    np.testing.assert_array_equal(ours[["z_0", "linf"]], theirs[["z_0", "linf"]])


def _images(study: Study) -> Any:
    from robustgen.data.store import read_split

    return read_split(study.data, "test")


def test_a_detector_that_compares_asks_for_reference_images(study: Study) -> None:
    with pytest.raises(Refused, match="Detector lid compares with training images; give some"):
        called(study, classifier_of(study), reference=None)


def test_a_detector_s_attack_must_be_among_the_attacks(study: Study) -> None:
    with pytest.raises(Refused, match="learns from noise, of which no rows are given"):
        called(study, classifier_of(study), attacks={"pgd": ATTACKS["pgd"]})
