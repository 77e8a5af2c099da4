"""The structure of E-ABS, from the shapes of Table 2.1: figure 2.2 of An Ju's thesis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from robustgen.abs.shapes import SHAPES, Layer, Shape
from robustgen.figures.style import BLUE, GREEN, ORANGE, PURPLE, Picture, panels

NEEDS = ()
OPTIONS = {
    "shape": {
        "one_of": ("mnist", "supertraffic", "svhn"),
        "default": "mnist",
        "means": "The shape of Table 2.1 that is drawn.",
    },
}
TOP, BOTTOM = 1.0, 0.0


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """One panel: the shared encoder, the latents with their discriminator, one of K decoders."""
    del files
    name = spec["options"]["shape"]
    of = SHAPES[name]
    figure, axes = panels(1, 1, size=(9.0, 3.0))
    axis = axes[0, 0]
    axis.set_axis_off()
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.15, 1.2))
    _column(axis, 0.10, "encoder $Q(z|x)$, shared", _said(of.encoder), BLUE)
    _box(axis, 0.34, 0.62, "mean, log variance", GREEN)
    _box(axis, 0.34, 0.42, f"z: {of.latent} dimensions", GREEN)
    _column(axis, 0.58, "discriminator $D(z)$", _neurons(of), PURPLE, top=0.9)
    _column(axis, 0.85, "decoder $G_k(z)$, one of K", ["linear", *_said(of.decoder)], ORANGE)
    for start, end in ((0.19, 0.26), (0.42, 0.49)):
        axis.annotate("", (end, 0.52), (start, 0.52), arrowprops={"arrowstyle": "->"})
    axis.annotate(
        "",
        (0.76, 0.25),
        (0.42, 0.36),
        arrowprops={"arrowstyle": "->", "connectionstyle": "arc3,rad=0.12"},
    )
    caption = (
        f"Shape {name} of Table 2.1: channels, kernel, stride and padding of each layer, with "
        "batch normalisation and (leaky) ReLU behind all but the last; dropout behind the "
        "encoder's convolutions and the decoder's linear layer. ABS has no discriminator and an "
        "encoder for each class." + absent
    )
    return Picture(figure, "Structure of E-ABS", caption)


def _said(layers: Sequence[Layer]) -> list[str]:
    return [
        f"{layer.channels or 'c'}, {layer.kernel} x {layer.kernel}, "
        f"stride {layer.stride}, pad {layer.padding}"
        for layer in layers
    ]


def _neurons(of: Shape) -> list[str]:
    return [f"{n} neurons" for n in of.discriminator] + ["1: drawn from the prior?"]


def _column(
    axis: Any, x: float, title: str, lines: list[str], colour: str, *, top: float = TOP
) -> None:
    """Boxes below each other under a title."""
    axis.text(x, top + 0.12, title, ha="center", fontsize=8, weight="bold")
    step = (top - BOTTOM) / max(len(lines), 5)
    for place, line in enumerate(lines):
        _box(axis, x, top - step * (place + 0.5), line, colour)


def _box(axis: Any, x: float, y: float, text: str, colour: str) -> None:
    style = {"boxstyle": "round,pad=0.3", "fc": colour, "ec": "none", "alpha": 0.25}
    axis.text(x, y, text, ha="center", va="center", fontsize=7, bbox=style)
