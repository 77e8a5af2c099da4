"""A kernel density per class: how likely the features of an image are under those of reference
images of one class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from robustgen.core.refusal import Refused
from robustgen.measures.density import bandwidth, log_density


@dataclass(frozen=True)
class ClassDensity:
    """Gaussian kernel densities of one bandwidth h, one per class."""

    groups: list[np.ndarray]  # [m_k,d] float64, the reference features of class k
    names: Sequence[str]
    h: float

    @classmethod
    def fit(cls, features: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> ClassDensity:
        """The densities of reference features [m,d]; h by leave-one-out likelihood."""
        groups = [features[labels == k].astype(np.float64) for k in range(len(names))]
        return cls(groups, names, bandwidth(groups))

    def __call__(self, features: Any, classes: Any, xp: Any = np) -> Any:
        """log p(features | class) [n] of features [n,d] in float64 and classes [n], arrays of
        library `xp`; torch's can be differentiated.
        """
        found = xp.zeros(len(features), dtype=xp.float64, device=features.device)
        for k in xp.unique(classes).tolist():
            mine, points = classes == k, xp.asarray(self._points(k), device=features.device)
            found[mine] = log_density(features[mine], points, self.h, xp)
        return found

    def _points(self, k: int) -> np.ndarray:
        if not len(self.groups[k]):
            raise Refused(
                f"No reference image is of class {self.names[k]!r}, which the net predicts; raise "
                "datasets.*.evaluate.reference."
            )
        return self.groups[k]
