"""Pictures of attacked images: the bytes of the attack's own job where the batch is the same."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from made import ALIKE, ATTACKS, SPLITS, attack_job, classifier, done, made, measured
from robustgen.attacks.cells import Sweep
from robustgen.core.refusal import Refused
from robustgen.core.rows import axes_of, read_rows
from robustgen.core.seeds import seed_of
from robustgen.core.tensors import read_arrays
from robustgen.data.store import Images, read_split
from robustgen.measures.types import Context
from robustgen.synthesis import pictures

COUNT = ALIKE["batch"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def kept(folder: Path) -> tuple[Any, dict[str, np.ndarray]]:
    rows, arrays = measured(folder, "pictures", {"attacks": ["pgd", "he_pgd"], "images": COUNT})
    return read_rows(rows), read_arrays(arrays)


def test_the_images_are_those_of_the_attacks_own_job(
    folder: Path, kept: tuple[Any, dict[str, np.ndarray]]
) -> None:
    """PGD at its largest budget and most steps is the last of the job's cells."""
    out = folder / "attack" / "images.safetensors"
    out.parent.mkdir()
    done(attack_job(folder, out, sweep=ATTACKS["pgd"], splits={"test": SPLITS["test"]}))
    cells = [name for name in read_arrays(out) if name.startswith("test.") and name[5:].isdigit()]
    last = max(cells, key=lambda name: int(name[5:]))
    np.testing.assert_array_equal(kept[1]["attacked"][0], read_arrays(out)[last][:COUNT])


def test_what_is_kept_says_what_it_is(
    folder: Path, kept: tuple[Any, dict[str, np.ndarray]]
) -> None:
    rows, arrays = kept
    told = json.loads(arrays["attacks"].tobytes())
    assert told[0] == {"attack": "pgd", "norm": "linf", "eps": 0.2, "steps": 5}
    assert told[1] == {"attack": "he_pgd", "norm": "linf", "eps": 0.2, "steps": 5, "lambda_": 0.0}
    images = read_split(folder, "test")
    np.testing.assert_array_equal(arrays["images"], images.images[:COUNT])
    with torch.no_grad():
        z = classifier(folder)(torch.from_numpy(arrays["attacked"][1]))
    np.testing.assert_array_equal(arrays["predictions"][2], z.argmax(dim=1).numpy())
    assert axes_of(rows) == ["eps", "steps", "lambda_"]
    assert rows["linf"].max() == pytest.approx(0.2, abs=1e-6)
    assert rows["attack"].tolist() == ["pgd"] * COUNT + ["he_pgd"] * COUNT


def test_of_a_sweep_one_cell_is_shown() -> None:
    sweep = Sweep.of(ATTACKS["he_pgd"] | {"sweep": {"eps": [0.1, 0.2], "eot": [3, 5]}})
    assert pictures.shown(sweep).cells() == [{"eps": 0.2, "eot": 3}]


def test_an_attack_that_is_told_of_rows_is_refused(folder: Path) -> None:
    entry = {"kind": "evade", "sweep": {"eps": [0.1]}, "options": {"detector": "two_sided"}}
    context = Context(partial(seed_of, 0, seed=0), {"evade": entry}, COUNT, "cpu")
    part: Images = read_split(folder, "test")
    with pytest.raises(Refused, match="Attack evade is told of score rows"):
        pictures.measure(
            classifier(folder), part, options={"attacks": ["evade"], "images": 2}, context=context
        )
