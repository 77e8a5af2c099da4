"""The net of the bench: a ResNet10 trained briefly on the embedded traffic signs, so that its loss
has a meaning.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from robustgen.data.pool import TEST, TRAIN, Pool
from robustgen.data.sets import signs
from robustgen.data.store import to_float
from robustgen.nets import weights
from robustgen.nets.spec import Spec

SIZE, CHANNELS = 32, 3
EPOCHS, BATCH, RATE = 4, 32, 1e-3


def trained(
    *, width: int, train: int, attack: int, device: str, dtype: torch.dtype = torch.float32
) -> tuple[nn.Sequential, Tensor, Tensor]:
    """(model, images to attack, their labels): the model in fp32, contiguous and in evaluation
    mode, as users hold it.
    """
    pool = signs.load(size=SIZE, root=None, options={"train": train, "test": attack})
    model = weights.untrained(_spec(len(pool.names), width))
    model = model.to(device).to(memory_format=torch.channels_last)
    _train(model, *_part(pool, TRAIN, device), dtype)
    return model.to(memory_format=torch.contiguous_format).eval(), *_part(pool, TEST, device)


def _spec(classes: int, width: int) -> Spec:
    options = {"width": width, "blocks": (1, 1, 1, 1)}
    mean, std = (0.5,) * CHANNELS, (0.25,) * CHANNELS
    return Spec("resnet", CHANNELS, classes, SIZE, mean, std, options)


def _part(pool: Pool, part: int, device: str) -> tuple[Tensor, Tensor]:
    chosen = np.flatnonzero(pool.part == part)
    images, labels = torch.from_numpy(pool.images[chosen]), torch.from_numpy(pool.labels[chosen])
    return to_float(images).to(device), labels.to(device)


def _train(model: nn.Module, x: Tensor, y: Tensor, dtype: torch.dtype) -> None:
    """A few epochs of Adam on cross entropy, computed in `dtype` on fp32 weights, with a rate that
    falls to zero.
    """
    generator = torch.Generator().manual_seed(0)
    batches = [
        rows
        for _ in range(EPOCHS)
        for rows in torch.randperm(len(y), generator=generator).to(y.device).split(BATCH)
    ]
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=len(batches))
    model.train()
    for rows in batches:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(y.device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            z = model(x[rows].contiguous(memory_format=torch.channels_last))
        cross_entropy(z.float(), y[rows]).backward()
        optimizer.step()
        schedule.step()
