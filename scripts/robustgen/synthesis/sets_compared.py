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
    """The places of n images in parts that are drawn at random, the same for every n images.

    Made images stand by classes in turn. A part of consecutive ones would hold hardly two of a
    class, which makes the mean kernel within it, and so KID, too small.
    """
    order = np.random.Generator(np.random.PCG64(0)).permutation(n)
    return [np.sort(part) for part in np.array_split(order, max(1, min(PARTS, n // LEAST)))]


def compared(real: np.ndarray, made: np.ndarray) -> Iterator[dict[str, float]]:
    """For each part of the made images `kid` of the part, `fid` of the whole, and n of the whole;
    a part is compared with all real ones.
    """
    whole = frechet(real, made)
    for number, part in enumerate(parts_of(len(made))):
        sizes = {"n": len(made), "n_real": len(real)}
        yield {"part": number, "kid": kid(real, made[part]), "fid": whole, **sizes}
