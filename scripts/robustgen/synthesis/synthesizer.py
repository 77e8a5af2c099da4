"""A classifier whose gradients make images, with the networks that tell how good they are and were
trained apart from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from robustgen.core.refusal import Refused
from robustgen.gan.features_of import FeaturesOf
from robustgen.gan.types import Frozen
from robustgen.nets.classifier import Classifier, Plain
from robustgen.nets.spec import Spec

GIVES = "synthesizer"
PARTS = {
    "net": "classifier",
    "judge": "classifier",
    "generator": "generator?",
    "denoiser": "denoiser?",
    "segmenter": "segmenter?",
    "distance": "distance?",
}
OPTIONS: dict[str, dict[str, Any]] = {}


def freeze(
    net: nn.Sequential | None,
    parts: Mapping[str, Any],
    *,
    spec: Spec,
    dtype: object,
    device: str,
) -> Synthesizer:
    """The synthesizer of its parts."""
    del net, dtype
    plain = [role for role in ("net", "judge") if not isinstance(parts[role], Plain)]
    if plain:
        raise Refused(
            f"The part `{plain[0]}` of kind synthesizer must be a plain trained net, which shows "
            "its layers."
        )
    return Synthesizer(parts, classes=spec.classes).to(device)


class Synthesizer(Frozen):
    """`net` makes images; `judge` says which class they show and gives the features of FID."""

    def __init__(self, parts: Mapping[str, Any], *, classes: int) -> None:
        super().__init__()
        self.net: Plain = parts["net"]
        self.judge: Plain = parts["judge"]
        self.features = FeaturesOf(self.judge)
        self.generator: Any = parts.get("generator")
        self.denoiser: Any = parts.get("denoiser")
        self.segmenter: Any = parts.get("segmenter")
        self.distance: Any = parts.get("distance")
        self.classes = classes

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.net(x)
        return scores

    def part(self, role: str) -> Any:
        """A part that may be left out, refused where it is needed and not there."""
        found = getattr(self, role)
        if found is None:
            raise Refused(
                f"This measure needs the part `{role}` of the synthesizer; name a model of such a "
                "kind in its `parts`."
            )
        return found


def synthesizer(model: Classifier | nn.Module) -> Synthesizer:
    """The model, refused where it is no synthesizer."""
    if not isinstance(model, Synthesizer):
        raise Refused("Synthesis is measured on models of kind synthesizer alone.")
    return model
