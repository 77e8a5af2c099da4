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


def compared(real: np.ndarray, made: np.ndarray) -> Iterator[dict[str, float]]:
    """For each part of the made images `kid` of the part, `fid` of the whole, and n of the whole.

    Part p holds the images p, p + parts, p + 2 parts, ... and is compared with all real ones.
    """
    parts = max(1, min(PARTS, len(made) // LEAST))
    whole = frechet(real, made)
    for part in range(parts):
        yield {
            "part": part,
            "kid": kid(real, made[part::parts]),
            "fid": whole,
            "n": len(made),
            "n_real": len(real),
        }
