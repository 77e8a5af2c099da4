"""How far sets of images are from real ones by the judge's features: FID of the whole sets, and KID
of parts of them, whose spread gives an interval.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from robustgen.measures.frechet import frechet
from robustgen.measures.kid import kid

PARTS = 10  # at most, of a set
LEAST = 10  # images of a part


def parts_of(n: int) -> list[np.ndarray]:
    """The places of n images in parts of consecutive ones, so that classes in turn stand in each
    part alike.
    """
    return np.array_split(np.arange(n), max(1, min(PARTS, n // LEAST)))


def compared(real: np.ndarray, made: np.ndarray) -> Iterator[dict[str, float]]:
    """For each part of the made images `kid` of the part, `fid` of the whole, and n of the whole;
    a part is compared with all real ones.
    """
    whole = frechet(real, made)
    for number, part in enumerate(parts_of(len(made))):
        sizes = {"n": len(made), "n_real": len(real)}
        yield {"part": number, "kid": kid(real, made[part]), "fid": whole, **sizes}
