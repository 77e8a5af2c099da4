"""Classifiers ready for use: built from the configuration's spec, and found to answer as a
classifier must.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from robustgen.core.contracts import Broken, blamed
from robustgen.core.values import form
from robustgen.data.store import Images, to_float
from robustgen.nets import classifier
from robustgen.nets.spec import NetSpec

PROBE = 2  # images on which a net is tried


def ready(
    path: str | Path,
    net: dict[str, Any],
    images: Images,
    *,
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
) -> nn.Sequential:
    """The frozen classifier of a weights file, tried on the first images."""
    spec = NetSpec.of(net, images)
    model = classifier.frozen(classifier.load(path, spec), dtype=dtype, device=device)
    check_logits(model, spec, probe(images).to(device))
    return model


def probe(images: Images) -> Tensor:
    """The images on which a net is tried."""
    return to_float(torch.from_numpy(images.images[:PROBE]))


def check_logits(model: nn.Module, spec: NetSpec, x: Tensor) -> None:
    """Refuse a net that does not give one finite logit per class for images x [n,c,h,w]."""
    with blamed("Net", spec.net), torch.no_grad(), torch.random.fork_rng(devices=[]):
        z = model(x)
        if (
            not isinstance(z, Tensor)
            or not z.is_floating_point()
            or z.shape != (len(x), spec.classes)
        ):
            raise Broken(
                f"logits must be float [{len(x)}, {spec.classes}], one per class of the data "
                f"set, not {form(z)}."
            )
        if not z.isfinite().all():
            raise Broken(
                "it gives NaN or infinite logits, before any training or attack; look for the "
                "layer that makes them."
            )
