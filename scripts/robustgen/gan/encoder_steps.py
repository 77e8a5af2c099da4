"""The steps of an encoder and its adversary in turn, and how far the encoder's codes are from their
prior.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam

from robustgen.core.progress import progress
from robustgen.data.store import to_float
from robustgen.gan.adversaries import adversary
from robustgen.gan.encoder import ResNet
from robustgen.gan.types import Distance, Generator, signed
from robustgen.training.augment import augment
from robustgen.training.trainer import Trainer
from robustgen.training.types import Data, Part, Recipe, Seed

PAIRS = 256  # of training images, whose mean distance is the typical one
EVALUATION_BATCH = 250
WEIGHTS = {"image": 0.1, "latent": 1.0}  # of the adversary, where no weight is given


class Typical(nn.Module):
    """The mean distance d0 of random pairs of training images, in which losses are measured."""

    d0: Tensor

    def __init__(self, distance: Distance, images: Tensor, source: torch.Generator) -> None:
        super().__init__()
        count = min(PAIRS, len(images) // 2)
        order = torch.randperm(len(images), generator=source)[: 2 * count].to(images.device)
        one, other = to_float(images[order]).chunk(2)
        with torch.no_grad():
            self.register_buffer("d0", distance(distance.target(one), other).mean())


class Inverting(Trainer):
    """An encoder and its adversary."""

    def __init__(
        self,
        model: nn.Module,
        encoder: ResNet,
        recipe: Recipe,
        data: Data,
        seed: Seed,
        dtype: torch.dtype,
        generator: Generator,
        distance: Distance,
    ) -> None:
        self.epochs, self.options = recipe.epochs, recipe.options
        self.data, self.seed, self.dtype = data, seed, dtype
        self.device = data.train.labels.device
        self.model, self.encoder = model.to(self.device), encoder
        encoder.to(memory_format=torch.channels_last)
        self.generator, self.distance = generator, distance
        kind, weight = self.options["adversary"], self.options["weight"]
        self.weight = WEIGHTS[kind] if weight is None else weight
        self.adversary = adversary(kind, generator, self.options).to(self.device)
        self.typical = Typical(distance, data.train.images, seed(use="typical"))
        self.modules = {
            "model": self.model,
            "adversary": self.adversary,
            "typical": self.typical,
        }
        betas = (self.options["beta1"], self.options["beta2"])
        self.optimizers = {
            name: Adam(module.parameters(), lr=self.options["lr"], betas=betas)
            for name, module in (("encoder", encoder), ("adversary", self.adversary))
        }

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the training split; means of the loss terms per image."""
        self.model.train()
        self.adversary.train()
        learns = self._adversary_learns(number)
        source = self.seed(use="noise", epoch=number)
        batches = self._batches(self.seed(use="order", epoch=number))
        self._set_rate(number)
        what = f"epoch {number + 1}/{self.epochs}, batches"
        told = [
            self._step(index, source, learns=learns)
            for index in progress(batches, total=len(batches), what=what, last=False)
        ]
        return {name: float(torch.stack([one[name] for one in told]).mean()) for name in told[0]}

    @torch.no_grad()
    def judge(self) -> dict[str, float]:
        """The loss on validation images and its terms, and how codes differ from their prior. Of
        the negative distance more is better; losses by an adversary that learns cannot be compared
        from epoch to epoch.
        """
        self.model.eval()
        self.adversary.eval()
        totals, codes = torch.zeros(2), []
        part = self.data.validation
        for images, y in zip(
            part.images.split(EVALUATION_BATCH), part.labels.split(EVALUATION_BATCH), strict=True
        ):
            distance, deceived, z, _ = self._terms(to_float(images), y)
            totals += torch.stack([distance.sum(), deceived.sum()]).cpu()
            codes.append(z.cpu())
        distance, deceived = (totals / len(part.labels)).tolist()
        return {
            "validation_distance": distance,
            "validation_adversarial": deceived,
            "validation_loss": distance + self.weight * deceived,
            **unlike_prior(torch.cat(codes)),
            "score": -distance,
        }

    def _set_rate(self, number: int) -> None:
        left = 1 - number / self.epochs if self.options["decay"] else 1.0
        for optimizer in self.optimizers.values():
            optimizer.param_groups[0]["lr"] = left * self.options["lr"]

    def _adversary_learns(self, number: int) -> bool:
        return bool(number >= self.options.get("fixed", 0) * self.epochs)

    def _batches(self, source: torch.Generator) -> list[Tensor]:
        """Indices of whole batches; a rest of the images is left out of this epoch."""
        count = len(self.data.train.labels)
        batch = min(self.options["batch"], count)
        order = torch.randperm(count, generator=source)[: count - count % batch]
        return list(order.to(self.device).split(batch))

    def _step(self, index: Tensor, source: torch.Generator, *, learns: bool) -> dict[str, Tensor]:
        """One step of the encoder and, where it learns, one of the adversary."""
        part: Part = self.data.train
        x = augment(
            to_float(part.images[index]), flip=self.options["flip"], crop=0, generator=source
        )
        y = part.labels[index]
        self.adversary.requires_grad_(False)
        distance, deceived, z, made = self._terms(x, y)
        told = {"distance": distance.mean(), "adversarial": deceived.mean()}
        loss = told["distance"] + self.weight * told["adversarial"]
        _descend(self.optimizers["encoder"], loss)
        self.adversary.requires_grad_(True)
        with torch.set_grad_enabled(learns), self._autocast():
            own = self.adversary.loss(x, made.detach(), z.detach(), y, source)
        if learns:
            _descend(self.optimizers["adversary"], own)
        return {name: term.detach() for name, term in {**told, "adversary": own}.items()}

    def _terms(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Distances over the typical one [n], adversarial losses [n], codes and inversions."""
        with self._autocast():
            z = self.encoder(signed(x).contiguous(memory_format=torch.channels_last))
        z = z.float()
        made = self.generator(z, y)
        with torch.no_grad():
            target = self.distance.target(x)
        distance = self.distance(target, made) / self.typical.d0
        with self._autocast():
            return distance, self.adversary.deceived(made, z, y), z, made

    def _autocast(self) -> torch.autocast:
        enabled = self.dtype == torch.bfloat16
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled)


def unlike_prior(z: Tensor) -> dict[str, float]:
    """How codes [n,d] differ from N(0, I): the mean of ||z||^2 / d, and medians over dimensions of
    the statistic and the p-value of Kolmogorov and Smirnov's test against N(0, 1).
    """
    from scipy.stats import kstest

    found = kstest(z.double().numpy(), "norm", axis=0)
    return {
        "code_square": float(z.square().mean()),
        "code_ks": float(np.median(found.statistic)),
        "code_p_value": float(np.median(found.pvalue)),
    }


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
