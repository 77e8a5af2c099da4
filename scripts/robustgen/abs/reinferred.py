"""A trained model of kind eabs under another inference: Table 2.6's V-ABS, AV-ABS, DV-ABS and E-ABS
share their networks with ABS, A-ABS, D-ABS and AD-ABS, for variational is a matter of inference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from robustgen.abs import eabs
from robustgen.abs.synthesis import Synthesis
from robustgen.core.refusal import Refused
from robustgen.nets.spec import Spec

PARTS = {"trained": "classifier"}
SHOWS = ("reconstructions", "costs", "priors", "means", "log_variances")
OPTIONS = {
    "variational": {
        "type": "true or false",
        "default": True,
        "means": "V: inference fits mean and variance of the latents, else one point.",
    },
}

VIEWS = {  # as those of eabs
    "gradient": {
        "one_of": ("detached", "unrolled"),
        "default": "detached",
        "means": "What an attack differentiates; see eabs.",
    },
    "steps": {"type": "whole number", "least": 0, "default": 50, "means": "Steps of inference."},
    "samples": {"type": "whole number", "least": 1, "default": 5, "means": "Draws at the end."},
    "runs": {"type": "whole number", "least": 1, "default": 1, "means": "Whole inferences."},
    "temperature": {"type": "number", "above": 0, "default": 1.0, "means": "Divides scores."},
}


def passes(options: Mapping[str, Any], classes: int) -> float:
    """Passes of the trained model that a pass over one image costs; about one."""
    del options, classes
    return 1.0


def freeze(
    net: nn.Sequential | None,
    parts: Mapping[str, Any],
    *,
    spec: Spec,
    dtype: torch.dtype,
    device: str,
) -> Synthesis:
    """The classifier of the trained networks, all settings but `variational` being theirs."""
    del net, dtype
    trained = parts["trained"]
    if not isinstance(trained, Synthesis):
        raise Refused("The part `trained` of kind reinferred must be a model of kind eabs.")
    told = {**trained.told, "variational": spec.options.get("variational", True)}
    return eabs.inferring(trained.infer.net, told, spec=spec, device=device)
