"""The masks that MAGIC's images are to follow, made of the sources' own masks."""

from __future__ import annotations

import torch
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.synthesis.overlap import iou

MODES = ("shape", "position", "copy")
ALIKE = 0.8  # intersection over union from which on two masks count as the same shape


def targets(masks: Tensor, labels: Tensor, mode: str) -> Tensor:
    """Masks [S,h,w] of one mode from the sources' masks [S,h,w] and labels [S].

    shape     the mask of the next source, in cyclic order, that is of another class and overlaps
              the own by an intersection over union below 0.8; of the next one where none is
    position  the own mask, shifted towards the side at which there is most room
    copy      the own mask and the shifted one together
    """
    if mode == "shape":
        return torch.stack([_of_another(masks, labels, place) for place in range(len(masks))])
    moved = torch.stack([shifted(mask) for mask in masks])
    return moved if mode == "position" else moved | masks


def shifted(mask: Tensor) -> Tensor:
    """A mask [h,w] moved left, right, up or down, to where its distance from the edge is largest
    (the first of these where two are): by this distance, and by at least a quarter of the side;
    what leaves the image is cut off.
    """
    rows, columns = (mask.any(dim=axis).nonzero()[:, 0] for axis in (1, 0))
    (h, w), zero = mask.shape, mask.new_zeros(mask.shape)
    rooms = {
        (0, -1): int(columns[0]),
        (0, 1): w - 1 - int(columns[-1]),
        (-1, 0): int(rows[0]),
        (1, 0): h - 1 - int(rows[-1]),
    }
    (down, right), room = max(rooms.items(), key=lambda pair: pair[1])
    step = max(room, (h if down else w) // 4)
    dy, dx = down * step, right * step
    zero[max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)] = mask[
        max(-dy, 0) : h + min(-dy, 0), max(-dx, 0) : w + min(-dx, 0)
    ]
    return zero


def _of_another(masks: Tensor, labels: Tensor, place: int) -> Tensor:
    count = len(masks)
    if count < 2:
        raise Refused("Mode shape takes its target from another source; ask for 2 `sources`.")
    others = [(place + step) % count for step in range(1, count)]
    unlike = [
        one
        for one in others
        if labels[one] != labels[place] and float(iou(masks[one], masks[place])) < ALIKE
    ]
    return masks[(unlike or others)[0]]
