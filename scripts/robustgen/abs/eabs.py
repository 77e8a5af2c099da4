"""ABS and E-ABS (An Ju 2021, chapter 2): a class's score is how well its autoencoder explains the
image, found by inference; see robustgen.abs.net for what the three switches mean.

All switches on is E-ABS, all off is ABS; images are taken in [0,1], whatever mean and std say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from robustgen.abs.candidates import candidates
from robustgen.abs.frozen import Folded
from robustgen.abs.inference import Inference
from robustgen.abs.net import Autoencoders
from robustgen.abs.shapes import shape
from robustgen.abs.synthesis import Synthesis
from robustgen.nets.device import precision
from robustgen.nets.spec import Spec

BOTH = 3  # a forward and a backward pass, in forward passes
PARTS: dict[str, str] = {}
SHOWS = ("reconstructions", "costs", "priors", "means", "log_variances")
OPTIONS: dict[str, dict[str, Any]] = {
    "shape": {
        "one_of": ("mnist", "supertraffic", "svhn"),
        "means": "Layers of Table 2.1: mnist for 28 pixels, the others for 32.",
    },
    "width": {
        "type": "number",
        "above": 0,
        "default": 1.0,
        "means": "Factor of all hidden channels.",
    },
    "latent": {
        "type": "whole number",
        "least": 1,
        "default": None,
        "means": "Dimensions of the latents; the shape's own (10, 16, 40) where empty.",
    },
    "adversarial": {
        "type": "true or false",
        "default": True,
        "means": "A: match the latents' prior by a discriminator, else by KL divergence.",
    },
    "discriminative": {
        "type": "true or false",
        "default": True,
        "means": "D: one encoder for all classes and a loss that tells classes apart.",
    },
    "variational": {
        "type": "true or false",
        "default": True,
        "means": "V: inference fits mean and variance of the latents, else one point.",
    },
    "beta": {
        "type": "number",
        "least": 0,
        "default": 1.0,
        "means": "Weight of the prior, in training and in inference.",
    },
    "dropout": {
        "type": "number",
        "least": 0,
        "below": 1,
        "default": 0.2,
        "means": "Dropout behind the encoder's convolutions and the decoder's linear layer.",
    },
    "candidates": {
        "type": "whole number",
        "least": 1,
        "default": 8000,
        "means": "Random starts of inference; the best is taken, or the encoder's if it is better.",
    },
    "cache_gib": {
        "type": "number",
        "above": 0,
        "default": 2.0,
        "means": "Memory that the candidates' reconstructions may take, in GiB.",
    },
    "lr": {
        "type": "number",
        "above": 0,
        "default": 0.05,
        "means": "Learning rate of Adam in inference.",
    },
    "steps": {
        "type": "whole number",
        "least": 0,
        "default": 50,
        "means": "Steps of Adam in inference.",
    },
    "samples": {
        "type": "whole number",
        "least": 1,
        "default": 5,
        "means": "Draws of the latents in the final estimate, where variational.",
    },
    "runs": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "means": "Whole inferences over which scores are averaged.",
    },
    "at_once": {
        "type": "whole number",
        "least": 1,
        "default": 1000,
        "means": "Pairs of image and class that are inferred at a time; bounds the memory.",
    },
    "search": {
        "one_of": ("auto", "bf16", "fp32"),
        "default": "auto",
        "means": "Precision of decoders while inference searches; the final estimate is fp32. auto "
        "takes bf16 where it is faster.",
    },
}
VIEWS = {
    "gradient": {
        "one_of": ("detached", "unrolled"),
        "default": "detached",
        "means": "What an attack differentiates: detached holds the latents found fixed, eq. 2.9; "
        "unrolled goes through the steps of inference.",
    },
    "steps": {
        "type": "whole number",
        "least": 0,
        "default": 50,
        "means": "Steps of inference.",
    },
    "samples": {
        "type": "whole number",
        "least": 1,
        "default": 5,
        "means": "Draws of the final estimate.",
    },
    "runs": {
        "type": "whole number",
        "least": 1,
        "default": 1,
        "means": "Whole inferences over which scores are averaged.",
    },
    "temperature": {
        "type": "number",
        "above": 0,
        "default": 1.0,
        "means": "Divides the scores, for attacks whose cross entropy has no gradient where scores "
        "lie far apart.",
    },
}
DEFAULTS = {name: option.get("default") for name, option in OPTIONS.items()}


def build(*, channels: int, classes: int, size: int, **options: Any) -> nn.Module:
    """The networks, untrained."""
    told = {**DEFAULTS, **options}
    of = shape(
        told["shape"],
        channels=channels,
        size=size,
        width=told["width"],
        latent=told["latent"],
    )
    return Autoencoders(
        of,
        channels=channels,
        classes=classes,
        adversarial=told["adversarial"],
        discriminative=told["discriminative"],
        beta=told["beta"],
        dropout=told["dropout"],
    )


def passes(options: Mapping[str, Any], classes: int) -> float:
    """Forward passes of a decoder that a pass over one image costs, in passes of all K decoders."""
    told = {**DEFAULTS, **options}
    samples = told["samples"] if told["variational"] else 1
    return float(told["runs"] * (1 + BOTH * told["steps"] + samples))


def freeze(
    net: nn.Sequential,
    parts: Mapping[str, Any],
    *,
    spec: Spec,
    dtype: torch.dtype,
    device: str,
) -> Synthesis:
    """The classifier by inference, with its candidates."""
    del parts, dtype
    inner = net[1].to(device).eval().requires_grad_(False)
    assert isinstance(inner, Autoencoders)
    return inferring(inner, {**DEFAULTS, **spec.options}, spec=spec, device=device)


def inferring(net: Autoencoders, told: Mapping[str, Any], *, spec: Spec, device: str) -> Synthesis:
    """The classifier of trained networks with all options `told`."""
    exact = Folded(net.decoder, torch.float32).to(device)
    search = precision(told["search"], device)
    quick = exact if search == torch.float32 else Folded(net.decoder, search).to(device)
    cached = candidates(
        net,
        quick,
        count=told["candidates"],
        noisy=told["variational"],
        pixels=spec.channels * spec.size**2,
        most=told["cache_gib"],
    )
    infer = Inference(net, quick, cached, variational=told["variational"])
    return Synthesis(infer, exact, told)
