"""What one image costs a model."""

from __future__ import annotations

from robustgen.core import kinds
from robustgen.nets.spec import Spec
from robustgen.nets.weights import untrained

COUNTED: dict[str, int] = {}  # spec -> operations: a study has many models of one form


def flops(spec: Spec) -> int:
    """Floating point operations of a forward pass of one image through the kind's own network,
    counted without computing anything; 0 where the kind has none. A network that takes no images
    makes such a pass in its method `once`.
    """
    form = repr(spec)
    if form not in COUNTED:
        COUNTED[form] = _counted(spec)
    return COUNTED[form]


def _counted(spec: Spec) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    if not hasattr(kinds.load("models", spec.kind), "build"):
        return 0
    with torch.device("meta"):
        model = untrained(spec).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            once = getattr(model[1], "once", None)
            once() if once else model(torch.zeros(1, spec.channels, spec.size, spec.size))
    return int(counter.get_total_flops())


def passes_of_parts(spec: Spec) -> float:
    """How often a model passes an image through its parts, forwards, in one pass of its own: what
    the kind's function `passes(options, classes)` says, else once.
    """
    module = kinds.load("models", spec.kind)
    counted = getattr(module, "passes", None)
    return float(counted(spec.options, spec.classes)) if counted else 1.0
