"""How well models explain images: means by hand, at the last step and on test images alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import with_axes, write_rows
from robustgen.stats import intervals
from robustgen.tables import likelihoods

AXES = ("eps", "steps")
SPEC: dict[str, Any] = {
    "models": {"eabs": {"dataset": "digits", "merged": []}},
    "attacks": {},
    "options": {},
}


def cell(
    attack: str, elbo: list[float], *, seed: int = 0, split: str = "test", steps: int = 0
) -> pd.DataFrame:
    eps = 0.1 if steps else 0.0
    named = {"dataset": "digits", "model": "eabs", "seed": seed, "attack": attack, "eps": eps}
    parts = {"elbo": elbo, "lead": 5.0, "reconstruction": 2.0, "prior": 0.25}
    frame = pd.DataFrame({"index": range(len(elbo))} | parts)
    return frame.assign(**named, steps=steps, split=split)


def made(folder: Path, *cells: pd.DataFrame) -> Any:
    path = folder / "rows.parquet"
    write_rows(path, with_axes(pd.concat(cells), AXES), unit="image", axes=AXES)
    files = {"explanation": [str(path), str(folder / "arrays.safetensors")]}
    return likelihoods.make(files, spec=SPEC, paper=pd.DataFrame(), absent=" Gone.")


def test_each_kind_of_images_is_a_row_of_means_over_test_images(tmp_path: Path) -> None:
    table = made(
        tmp_path,
        cell("clean", [-10.0, -12.0, -14.0]),
        cell("clean", [-500.0], split="validation"),
        cell("pgd", [-20.0, -30.0], steps=8),
        cell("pgd", [-1.0, -1.0], steps=2),
    )
    assert [line[2:4] for line in table.printed()] == [["clean", "3"], ["pgd (0.1, 8 steps)", "2"]]
    clean, pgd = (row for _, row in table.rows.iterrows())
    expected = intervals.mean([-10.0, -12.0, -14.0])
    assert (clean["elbo"], clean["elbo_low"], clean["elbo_high"]) == tuple(expected)
    assert (pgd["elbo"], pgd["lead"], pgd["reconstruction"], pgd["prior"]) == (-25, 5, 2, 0.25)
    assert table.note.endswith("over images. Data: digits. Gone.")


def test_of_several_seeds_the_interval_is_over_seeds(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    each = [rng.normal(-10 - seed, 0.1, 50).tolist() for seed in range(3)]
    table = made(tmp_path, *[cell("clean", elbo, seed=seed) for seed, elbo in enumerate(each)])
    (row,) = (one for _, one in table.rows.iterrows())
    found = intervals.mean([float(np.mean(elbo)) for elbo in each])
    assert (row["n"], row["elbo_low"]) == (50, found.low)
    assert "over 3 seeds" in table.note
