"""DiffAugment (Zhao et al. 2020): random changes of real and generated images in [-1,1] through
which gradients flow, drawn on the CPU so that every device sees the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from robustgen.core.refusal import Refused

SHIFT = 1 / 8  # of the side, the farthest translation
CUT = 1 / 2  # of the side, the square that is cut out


def augmented(x: Tensor, policy: Sequence[str], generator: torch.Generator) -> Tensor:
    """Images [n,c,h,w] after the changes that `policy` names, each image's its own."""
    for name in policy:
        if name not in CHANGES:
            raise Refused(
                f"DiffAugment has no {name!r}; a policy is a list out of {', '.join(CHANGES)}."
            )
        x = CHANGES[name](x, generator)
    return x


def colour(x: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness + U(-1/2, 1/2), saturation times U(0, 2), contrast times U(1/2, 3/2)."""
    draws = torch.rand((3, len(x), 1, 1, 1), generator=generator).to(x)
    x = x + draws[0] - 0.5
    grey = x.mean(dim=1, keepdim=True)
    x = grey + (x - grey) * 2 * draws[1]
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (x - mean) * (draws[2] + 0.5)


def translation(x: Tensor, generator: torch.Generator) -> Tensor:
    """Shifts by up to 1/8 of the side in each direction, with zeros outside."""
    n, c, h, w = x.shape
    most = int(h * SHIFT + 0.5)
    offsets = torch.randint(0, 2 * most + 1, (2, n), generator=generator).to(x.device)
    padded = pad(x, (most, most, most, most))
    rows = offsets[0][:, None] + torch.arange(h, device=x.device)  # [n,h]
    columns = offsets[1][:, None] + torch.arange(w, device=x.device)  # [n,w]
    moved = padded.gather(2, rows[:, None, :, None].expand(n, c, h, w + 2 * most))
    return moved.gather(3, columns[:, None, None, :].expand(n, c, h, w))


def cutout(x: Tensor, generator: torch.Generator) -> Tensor:
    """A square of half the side becomes zero, at a random place that may reach over the edge."""
    n, _, h, w = x.shape
    side = int(h * CUT + 0.5)
    centres = torch.randint(0, h + (1 - side % 2), (2, n), generator=generator).to(x.device)
    rows = _inside(torch.arange(h, device=x.device), centres[0], side)
    columns = _inside(torch.arange(w, device=x.device), centres[1], side)
    cut = rows[:, :, None] & columns[:, None, :]  # [n,h,w]
    return x.masked_fill(cut[:, None], 0)


def _inside(places: Tensor, centres: Tensor, side: int) -> Tensor:
    """Which places [m] lie in the interval of length `side` around each centre [n]: [n,m]."""
    start = (centres - side // 2)[:, None]
    return (places >= start) & (places < start + side)


def none(x: Tensor, generator: torch.Generator) -> Tensor:
    """The images as they are; no number is drawn."""
    del generator
    return x


CHANGES: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "none": none,
    "colour": colour,
    "translation": translation,
    "cutout": cutout,
}
