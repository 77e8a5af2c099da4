"""The network inside a trained model."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

from robustgen.core.refusal import Refused
from robustgen.nets.spec import Spec

Net = TypeVar("Net", bound=nn.Module)


def learnt(net: nn.Sequential | None, form: type[Net], spec: Spec) -> Net:
    """The last module of a model's network, which is of this form; refused without weights."""
    if net is None:
        raise Refused(
            f"The model of kind {spec.kind} has no weights; train it, or name a file of them."
        )
    inner = net[-1]
    assert isinstance(inner, form)
    return inner
