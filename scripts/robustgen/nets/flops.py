"""What one image costs a net."""

from __future__ import annotations

from robustgen.nets.classifier import NetSpec, classifier


def flops(spec: NetSpec) -> int:
    """Floating point operations of one forward pass of one image, counted without computing
    anything.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        model = classifier(spec).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(torch.zeros(1, spec.channels, spec.size, spec.size))
    return int(counter.get_total_flops())
