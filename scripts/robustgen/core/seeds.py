"""Randomness that is passed: a generator is named by the study's seed and the axes that it may
depend on.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch


def seed_of(study_seed: int, **axes: str | int | float) -> int:
    """A 63-bit seed from the study's seed and named axes; an axis that is left out is shared on
    purpose.
    """
    text = json.dumps([study_seed, sorted(axes.items())])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(study_seed: int, **axes: str | int | float) -> torch.Generator:
    """A torch generator on the CPU, so that every device sees the same numbers."""
    import torch

    return torch.Generator().manual_seed(seed_of(study_seed, **axes))


def numpy_generator(study_seed: int, **axes: str | int | float) -> np.random.Generator:
    """The same for code that does without torch."""
    import numpy as np

    return np.random.Generator(np.random.PCG64(seed_of(study_seed, **axes)))
