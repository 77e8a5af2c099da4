"""The Frechet distance of two sets of features beside pytorch-fid's, which takes the square root of
a matrix: d = 2048 and n = 1,000, as for FID on as many images.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import asdict
from statistics import median
from typing import Any

import numpy as np

from robustgen.bench.rows import Disagreement, Row
from robustgen.bench.settings import Settings
from robustgen.core.meter import processor
from robustgen.measures.frechet import frechet

D, N = 2048, 1000
TURNS = 5  # of ours, which takes a fraction of a second
PEER = "pytorch-fid 0.3.0"
FASTER = 20.0
DIFFERENCE = 1e-3  # relative; pytorch-fid's root is not exact where a covariance has no full rank


def pairs(settings: Settings) -> list[Row]:
    """One row: distances per second of both, from features on."""
    source = np.random.default_rng(0)
    mix = source.normal(size=(64, D)) / 8
    a, b = (source.normal(shift, 1, (N, 64)) @ mix + 0.3 * source.normal(size=(N, D))
            for shift in (0.0, 0.2))  # fmt: skip
    frechet(a[:50], b[:50])  # a first call loads libraries
    taken, mine = _timed(frechet, a, b, turns=TURNS)
    longer, theirs = _timed(_peer, a, b)
    machine: dict[str, Any] = {"processor": processor(), **asdict(settings)}
    agreement = {"ours": mine, "peer": theirs, "difference": abs(mine - theirs) / abs(theirs)}
    return [
        Row(
            name=PEER,
            ours=1 / taken,
            peer=1 / longer,
            ratio=longer / taken,
            n=N,
            agreement=agreement,
            machine=machine,
        )
    ]


def judge(rows: list[Row]) -> list[str]:
    """By how much the two distances differ, refused where it is more than a thousandth; a warning
    where ours is slower than it should be.
    """
    (row,) = rows
    apart = row["agreement"]["difference"]
    if not apart <= DIFFERENCE:
        raise Disagreement(
            f"The Frechet distance is {row['agreement']['ours']:.6g}, by pytorch-fid "
            f"{row['agreement']['peer']:.6g}; one of the two is wrong."
        )
    said = [f"Frechet distances differ by {apart:.1e} from pytorch-fid's."]
    if row["ratio"] < FASTER:
        said.append(
            f"Warning: {row['ratio']:.1f} times as fast as pytorch-fid, less than {FASTER:g}."
        )
    return said


def _timed(distance: Any, a: np.ndarray, b: np.ndarray, *, turns: int = 1) -> tuple[float, float]:
    """(median seconds of the turns, the distance)."""
    taken = []
    for _ in range(turns):
        start = time.perf_counter()
        found = float(distance(a, b))
        taken.append(time.perf_counter() - start)
    return median(taken), found


def _peer(a: np.ndarray, b: np.ndarray) -> float:
    """pytorch-fid's distance of the moments that it computes of features."""
    from pytorch_fid.fid_score import calculate_frechet_distance

    moments = [moment for x in (a, b) for moment in (x.mean(axis=0), np.cov(x, rowvar=False))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of scipy's sqrtm
        return float(calculate_frechet_distance(*moments))
