"""Which way the loss of an image rises: the input gradient of cross entropy up to a positive factor
per image.
"""

from __future__ import annotations

import torch
from torch import Tensor

from robustgen.attacks.loop import input_gradient
from robustgen.attacks.losses import Loss
from robustgen.core.refusal import Refused
from robustgen.data.store import check_images
from robustgen.nets.classifier import Classifier


def log_odds(y: Tensor) -> Loss:
    """log((1 - p_y) / p_y) = log sum_{k != y} exp(z_k) - z_y: the log-odds against the label.

    grad CE = (1 - p_y) grad log_odds, exactly. In fp32 a confident net's p_y rounds to 1, and the
    gradient of CE loses its largest part or vanishes; that of the log-odds keeps its direction.
    """

    def loss(z: Tensor) -> Tensor:
        others = z.scatter(1, y[:, None], -torch.inf)
        return torch.logsumexp(others, dim=1) - z.gather(1, y[:, None]).squeeze(1)

    return loss


def directions(classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
    """grad_x CE(z(x), y) / (1 - p_y) [n,c,h,w]: the direction of the input gradient, which does not
    underflow.
    """
    check_images(x)
    found = input_gradient(classifier, log_odds(y))(x)
    if not found.isfinite().all():
        bad = int((~found.isfinite()).flatten(1).any(dim=1).sum())
        raise Refused(
            f"The input gradient is infinite or NaN for {bad} of {len(x)} images; train the "
            "classifier again."
        )
    return found


def vanished(gradient: Tensor) -> Tensor:
    """Which images [n] have a gradient that is zero in every pixel, and so no direction."""
    return (gradient == 0).flatten(1).all(dim=1)
