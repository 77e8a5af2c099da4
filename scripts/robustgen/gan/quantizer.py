"""Vector quantisation of a discriminator's features (FQ-GAN, Zhao et al. 2020): each position takes
its nearest code, and codes follow the features by moving averages.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

SMOOTHING = 1e-5  # of Laplace, so that no code divides by zero
DEAD = 1e-2  # a code that counts less is put on a feature of the batch


@dataclass(frozen=True)
class Quantised:
    """What a quantiser makes of features [n,c,h,w]."""

    codes: Tensor  # [n,c,h,w], the nearest ones
    commitment: Tensor  # [n], mean squares of codes - features
    perplexity: Tensor  # exp of the entropy of how often codes are taken


class Quantizer(nn.Module):
    """Codes [k,c] with counts N and sums m: N <- d N + (1-d) n, m <- d m + (1-d) sum of features,
    codes = m / N.
    """

    codes: Tensor
    counts: Tensor
    sums: Tensor
    started: Tensor

    def __init__(self, codes: int, channels: int, *, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("codes", torch.zeros(codes, channels))
        self.register_buffer("counts", torch.ones(codes))
        self.register_buffer("sums", torch.zeros(codes, channels))
        self.register_buffer("started", torch.tensor(False))

    def forward(self, features: Tensor, source: torch.Generator | None = None) -> Quantised:
        """The features quantised by the present codes, which then learn in training mode where
        `source` draws for them.
        """
        features = features.float()
        n, c, h, w = features.shape
        flat = features.detach().permute(0, 2, 3, 1).reshape(-1, c)  # [p,c]
        learns = self.training and source is not None
        if learns and not self.started:
            self._start(self._rows(flat, source))
        nearest = self._nearest(flat)
        taken = self.codes[nearest].reshape(n, h, w, c).permute(0, 3, 1, 2)
        found = Quantised(
            taken, (taken - features).square().mean(dim=(1, 2, 3)), self._perplexity(nearest)
        )
        if learns:
            self._learn(flat, nearest, source)
        return found

    def _nearest(self, flat: Tensor) -> Tensor:
        """The index [p] of the nearest code of each feature [p,c]."""
        distances = self.codes.square().sum(dim=1) - 2 * flat @ self.codes.T
        return distances.argmin(dim=1)

    def _perplexity(self, nearest: Tensor) -> Tensor:
        shares = torch.bincount(nearest, minlength=len(self.codes)) / len(nearest)
        return torch.special.entr(shares).sum().exp()

    @torch.no_grad()
    def _start(self, rows: Tensor) -> None:
        """Put the codes on features of the first batch."""
        self.codes.copy_(rows)
        self.sums.copy_(rows)
        self.counts.fill_(1)
        self.started.fill_(True)

    @torch.no_grad()
    def _learn(self, flat: Tensor, nearest: Tensor, source: torch.Generator | None) -> None:
        """One step of the moving averages; dead codes begin anew on features of the batch."""
        count = torch.bincount(nearest, minlength=len(self.codes)).to(flat)
        total = torch.zeros_like(self.sums).index_add_(0, nearest, flat)
        self.counts.lerp_(count, 1 - self.decay)
        self.sums.lerp_(total, 1 - self.decay)
        dead = self.counts < DEAD
        rows = self._rows(flat, source)
        self.counts.masked_fill_(dead, 1)
        self.sums.copy_(torch.where(dead[:, None], rows, self.sums))
        whole = self.counts.sum()
        smooth = (self.counts + SMOOTHING) / (whole + len(self.counts) * SMOOTHING) * whole
        self.codes.copy_(self.sums / smooth[:, None])

    def _rows(self, flat: Tensor, source: torch.Generator | None) -> Tensor:
        """As many of the features [p,c] as there are codes, drawn at random."""
        k, p = len(self.codes), len(flat)
        drawn = (
            torch.randperm(p, generator=source)[:k]
            if p >= k
            else torch.randint(0, p, (k,), generator=source)
        )
        return flat[drawn.to(flat.device)]
