"""MAGIC: images by gradients of one classifier that look like a source and follow a target mask,
judged by a segmenter and a classifier trained apart from it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.data.store import Images
from robustgen.measures.types import Context, Measured
from robustgen.synthesis.image_statistics import distance, total_variation_l1
from robustgen.synthesis.magic_search import Reference, compared, pixels, reference
from robustgen.synthesis.magic_searches import Searches
from robustgen.synthesis.overlap import iou
from robustgen.synthesis.sources import sources
from robustgen.synthesis.synthesizer import Synthesizer, synthesizer
from robustgen.synthesis.target_masks import targets

ON = "model"
OF = "synthesizer"
UNIT = "image"
KEYS = ("start",)
AXES = ("mode",)
OPTIONS = {
    "modes": {
        "one_of": ("shape", "position", "copy"),
        "several": True,
        "default": ("shape", "position", "copy"),
        "means": "Target masks: that of another source, the own one moved, or both places.",
    },
    "sources": {
        "type": "whole number",
        "least": 1,
        "default": 10,
        "up_to": ("test",),
        "means": "Test images of which others are made, the first ones with a mask.",
    },
    "starts": {
        "type": "whole number",
        "least": 1,
        "default": 5,
        "means": "Searches for each source and target, from noise of their own.",
    },
    "steps": {"type": "whole number", "least": 1, "default": 500, "means": "Steps of Adam."},
    "lr": {
        "type": "number",
        "above": 0,
        "default": 0.1,
        "means": "Largest learning rate, in quarters of the pixels' range.",
    },
    "classes": {
        "type": "whole number",
        "several": True,
        "different": True,
        "least": 0,
        "default": (),
        "means": "Classes of the sources, by their numbers; all where empty.",
    },
    "masks": {
        "folder": True,
        "default": None,
        "means": "Folder of the sources' masks, grey PNG files named by the image's place in the "
        "data set, <index>.png, for data sets without masks of their own.",
    },
    "weight_class": {
        "type": "number",
        "least": 0,
        "default": 1.0,
        "means": "Weight of the cross entropy to the class that the net sees in the source.",
    },
    "weight_statistics": {
        "type": "number",
        "least": 0,
        "default": 500.0,
        "means": "Weight of the distance of feature statistics.",
    },
    "weight_mask": {
        "type": "number",
        "least": 0,
        "default": 30.0,
        "means": "Weight of the patch encoder's cross entropy to the target mask.",
    },
    "weight_tv_l1": {
        "type": "number",
        "least": 0,
        "default": 0.2,
        "means": "Weight of the total variation by absolute differences.",
    },
    "weight_tv_l2": {
        "type": "number",
        "least": 0,
        "default": 0.2,
        "means": "Weight of the total variation by norms of differences.",
    },
    "weight_norm": {
        "type": "number",
        "least": 0,
        "default": 0.00001,
        "means": "Weight of the image's own L2 norm.",
    },
    "patch_steps": {
        "type": "whole number",
        "least": 1,
        "default": 300,
        "means": "Steps in which the patch encoder learns a source and its mask.",
    },
    "patch_width": {
        "type": "whole number",
        "least": 1,
        "default": 16,
        "means": "Channels of the patch encoder, and of the critic's first layer.",
    },
    "critic": {
        "type": "true or false",
        "default": False,
        "means": "Whether a patch critic of each source has a say too.",
    },
    "weight_critic": {
        "type": "number",
        "least": 0,
        "default": 0.05,
        "only": {"critic": (True,)},
        "means": "Weight of its verdict.",
    },
    "shown": {
        "type": "whole number",
        "least": 1,
        "default": 4,
        "means": "Sources that are kept as pictures, with their masks and results.",
    },
}


@dataclass(frozen=True)
class Given:
    """The sources, on the device."""

    x: Tensor  # [S,c,h,w] in [0,1]
    masks: Tensor  # [S,h,w]
    targets: Tensor  # [modes,S,h,w]
    index: np.ndarray  # [S]
    labels: np.ndarray  # [S]


@dataclass(frozen=True)
class Made:
    """Images [modes,starts,S,c,h,w] in [0,1] and which of them [modes,starts,S] are finite."""

    images: Tensor
    finite: Tensor


def measure(
    model: Synthesizer, images: Images, *, options: Mapping[str, Any], context: Context
) -> Measured:
    """Rows per mode, source and start: `iou` of the segmenter's mask with the target and
    `iou_source` of the source's own mask with it, which says what no change would give;
    `probability` of the class `aimed` that the net sees in the source, and whether the judge sees
    it, `judged`; distance of feature `statistics`; `tv`; `diversity`, the mean L2 distance to the
    other starts.

    A search that ends in NaN is named and left out. Arrays of the sources shown: `images` uint8
    [m,c,h,w], `masks` [m,h,w], `targets` [modes,m,h,w], `results` uint8 [modes,m,starts,c,h,w],
    `labels` and `index` [m], and as JSON in bytes `modes` and `names` of the classes.
    """
    synthesizer(model).part("segmenter")
    given = _given(images, options, context)
    searches = Searches(model.net, options, context, index=given.index)
    v = searches(given.x, given.masks, given.targets)
    made = _made(v, given, options["modes"])
    known = reference(model.net, given.x)
    columns = [
        _columns(model, given, known, Made(x, fine), target)
        for x, fine, target in zip(made.images, made.finite, given.targets, strict=True)
    ]
    frames = [
        frame.assign(mode=mode)[["mode", *frame]]
        for mode, frame in zip(options["modes"], columns, strict=True)
    ]
    rows = pd.concat(frames, ignore_index=True)
    return Measured(rows, _arrays(images.names, given, made, options), axes=AXES)


def _given(images: Images, options: Mapping[str, Any], context: Context) -> Given:
    part, device = sources(images, options), context.device
    x, y = part.tensors()
    masks = torch.from_numpy(part.masks)
    wanted = torch.stack([targets(masks, y, mode) for mode in options["modes"]])
    return Given(x.to(device), masks.to(device), wanted.to(device), part.index, part.labels)


def _made(v: Tensor, given: Given, modes: tuple[str, ...]) -> Made:
    """The images, clipped; searches that ended in NaN are named."""
    finite = v.flatten(3).isfinite().all(dim=3)
    if not finite.any():
        raise Refused("Every search ends in NaN; lower `lr` of the measure.")
    for mode, start, source in (~finite).nonzero().tolist():
        told = f"test image {given.index[source]}, mode {modes[mode]}, start {start}"
        print(f"left out, for the search ends in NaN: {told}", file=sys.stderr, flush=True)
    return Made(pixels(v.nan_to_num()).clamp(0, 1), finite)


@torch.no_grad()
def _columns(
    model: Synthesizer, given: Given, known: Reference, made: Made, target: Tensor
) -> pd.DataFrame:
    """The rows of one mode, of images [starts,S,c,h,w]."""
    starts, count = made.finite.shape
    seen = [_seen(model, x, given, known, target) for x in made.images]
    columns = {name: torch.stack([one[name] for one in seen]) for name in seen[0]}
    columns["diversity"] = diversity(made.images, made.finite)
    same = {"iou_source": iou(given.masks, target), "aimed": known.classes}
    columns |= {name: value.expand(starts, count) for name, value in same.items()}
    place = np.nonzero(made.finite.T.cpu().numpy())  # sources, starts
    named = {"index": given.index[place[0]], "label": given.labels[place[0]], "start": place[1]}
    return pd.DataFrame(
        named | {name: value.T.cpu().numpy()[place] for name, value in columns.items()}
    )


def _seen(
    model: Synthesizer, x: Tensor, given: Given, known: Reference, target: Tensor
) -> dict[str, Tensor]:
    """What the networks see in images x [S,c,h,w], one of each source, [S] each."""
    found, classes = model.net.tapped(x), known.classes
    own = found.scores.softmax(dim=1).gather(1, classes[:, None])[:, 0]
    return {
        "iou": iou(model.part("segmenter")(x) > 0, target),
        "probability": own,
        "judged": model.judge(x).argmax(dim=1) == classes,
        "statistics": distance(compared(found), known.statistics),
        "tv": total_variation_l1(x),
    }


def diversity(x: Tensor, finite: Tensor) -> Tensor:
    """The mean L2 distance [starts,S] of images [starts,S,c,h,w] to the other finite ones of the
    same source; 0 where there is no other.
    """
    flat = x.flatten(2).transpose(0, 1)  # [S,starts,d]
    both = finite.T[:, :, None] & finite.T[:, None, :]
    both = both & ~torch.eye(len(x), dtype=torch.bool, device=x.device)
    total = torch.where(both, torch.cdist(flat, flat), 0.0).sum(dim=2)
    return (total / both.sum(dim=2).clamp_min(1)).T


def _arrays(
    names: tuple[str, ...], given: Given, made: Made, options: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    shown = slice(options["shown"])
    results = _bytes(made.images[:, :, shown].transpose(1, 2))
    arrays = {
        "images": _bytes(given.x[shown]),
        "masks": given.masks[shown].cpu().numpy(),
        "targets": given.targets[:, shown].cpu().numpy(),
        "results": results,
        "labels": given.labels[shown],
        "index": given.index[shown],
    }
    told = {"modes": list(options["modes"]), "names": list(names)}
    return arrays | {
        name: np.frombuffer(json.dumps(value).encode(), np.uint8) for name, value in told.items()
    }


def _bytes(x: Tensor) -> np.ndarray:
    found: np.ndarray = (255 * x).round().byte().contiguous().cpu().numpy()
    return found
