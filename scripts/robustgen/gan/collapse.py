"""When training of a pair has failed: its samples have become far worse than they were."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from robustgen.training.trainer import Stop

FAR = 2.0  # times the best FID


class Collapse(nn.Module):
    """The best FID so far, and for how many epochs in turn it was above twice that."""

    best: Tensor
    epochs: Tensor

    def __init__(self, *, patience: int) -> None:
        super().__init__()
        self.patience = patience
        self.register_buffer("best", torch.tensor(torch.inf, dtype=torch.float64))
        self.register_buffer("epochs", torch.tensor(0))

    def check(self, fid: float) -> None:
        """Take note of an epoch's FID; stop training where samples stay far worse."""
        self.best.fill_(min(float(self.best), fid))
        self.epochs.fill_(int(self.epochs) + 1 if fid > FAR * float(self.best) else 0)
        if int(self.epochs) >= self.patience:
            raise Stop(
                f"the FID has been above twice its best, {float(self.best):.4g}, for "
                f"{self.patience} epochs"
            )
