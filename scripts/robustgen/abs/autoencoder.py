"""Training of ABS and E-ABS (Algorithm 1 of An Ju's thesis): encoders and decoders against latent
discriminators, one step of each per batch, both by Adam.

Where the model is not discriminative, each class's autoencoder sees images of its class alone; its
discriminator, if it has one, also sees latents of images of another class, as the thesis advises.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.optim import Adam

from robustgen.abs.batches import balanced, mixed
from robustgen.abs.losses import cost, deception, discrimination
from robustgen.abs.net import Autoencoders, sampled
from robustgen.core.progress import progress
from robustgen.core.refusal import Refused
from robustgen.data.store import to_float
from robustgen.training.trainer import Trainer
from robustgen.training.types import Data, Recipe, Seed

EVALUATION_BATCH = 250
OPTIONS = {
    "batch": {"type": "whole number", "least": 2, "default": 512, "means": "Images per step."},
    "lr": {"type": "number", "above": 0, "default": 0.001, "means": "Learning rate of Adam."},
    "halved_every": {
        "type": "whole number",
        "least": 1,
        "default": 200,
        "means": "Epochs after which the learning rate is halved, again and again.",
    },
    "gamma": {
        "type": "number",
        "least": 0,
        "default": 10.0,
        "means": "Weight of the loss that tells classes apart, where the model is discriminative.",
    },
    "noise": {
        "type": "number",
        "least": 0,
        "default": 0.2,
        "means": "Standard deviation of Gaussian noise on training images.",
    },
}


def trainer(
    model: nn.Module,
    *,
    recipe: Recipe,
    data: Data,
    seed: Seed,
    dtype: torch.dtype,
    parts: Mapping[str, nn.Module],
) -> Players:
    """The trainer of a model of kind eabs; it needs no parts."""
    inner = cast(nn.Sequential, model)[-1]
    if not isinstance(inner, Autoencoders):
        raise Refused("Trainer autoencoder trains models of kind eabs alone.")
    return Players(model, inner, recipe, data, seed, dtype)


class Players(Trainer):
    """Encoders with decoders, and latent discriminators where the model has them."""

    def __init__(
        self,
        model: nn.Module,
        net: Autoencoders,
        recipe: Recipe,
        data: Data,
        seed: Seed,
        dtype: torch.dtype,
    ) -> None:
        self.epochs, self.options = recipe.epochs, recipe.options
        self.data, self.seed, self.dtype = data, seed, dtype
        self.device = data.train.labels.device
        self.model, self.net = model.to(self.device), net
        for part in (net.encoder, net.decoder):  # linear layers have no such order
            part.to(memory_format=torch.channels_last)
        lr = self.options["lr"]
        mine = [*net.encoder.parameters(), *net.decoder.parameters()]
        self.optimizers = {"autoencoder": Adam(mine, lr=lr)}
        if net.discriminator is not None:
            self.optimizers["discriminator"] = Adam(net.discriminator.parameters(), lr=lr)
        self.modules = {"model": self.model}
        self.start = 0.0  # of the epoch, for the images per second

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the training split; means of the loss terms per image."""
        self.start = time.monotonic()
        self.model.train()
        lr = self.options["lr"] / 2 ** (number // self.options["halved_every"])
        for optimizer in self.optimizers.values():
            optimizer.param_groups[0]["lr"] = lr
        generator = self.seed(use="noise", epoch=number)
        batches = self._batches(self.seed(use="order", epoch=number))
        what = f"epoch {number + 1}/{self.epochs}, batches"
        steps = [
            self._step(index, generator)
            for index in progress(batches, total=len(batches), what=what, last=False)
        ]
        means = torch.stack([torch.stack(list(step.values())) for step in steps]).mean(dim=0)
        return {"lr": lr, **dict(zip(steps[0], means.tolist(), strict=True))}

    @torch.no_grad()
    def judge(self) -> dict[str, float]:
        """The objective (2.5) on validation images without noise, of whose negative more is
        better, its terms, and the accuracy by the encoder alone.
        """
        self.model.eval()
        generator, part = self.seed(use="validation"), self.data.validation
        totals = torch.zeros(4)
        batches = zip(*(t.split(EVALUATION_BATCH) for t in (part.images, part.labels)), strict=True)
        for images, y in batches:
            x = to_float(images)
            mean, log_variance = self.net.encode(x)
            z = sampled(mean, log_variance, generator)
            costs, priors = cost(x, self.net.decoder(z)), self.net.prior(z, mean, log_variance)
            right = (costs + priors).argmin(dim=1) == y
            terms = (
                _own(costs, y),
                _own(priors, y),
                discrimination(costs, y),
                right.float().mean(),
            )
            totals += torch.stack(terms).cpu() * len(y)
        reconstruction, prior, told, accuracy = (totals / len(part.labels)).tolist()
        loss = reconstruction + prior + self._gamma() * told
        return {
            "validation_reconstruction": reconstruction,
            "validation_prior": prior,
            "validation_loss": loss,
            "encoder_accuracy": accuracy,
            "score": -loss,
        }

    def describe(self, entry: dict[str, float]) -> str:
        """Loss terms and speed."""
        speed = len(self.data.train.labels) / (time.monotonic() - self.start)
        return (
            f"epoch {entry['epoch']}/{self.epochs}: reconstruction "
            f"{entry['reconstruction']:.4g}, prior {entry['prior']:.3g}, validation loss "
            f"{entry['validation_loss']:.4g}, encoder's accuracy "
            f"{entry['encoder_accuracy']:.2%}, {speed:.0f} images/s"
        )

    def _gamma(self) -> float:
        return float(self.options["gamma"]) if self.net.shared else 0.0

    def _batches(self, generator: torch.Generator) -> list[Tensor]:
        labels, size = self.data.train.labels, self.options["batch"]
        if self.net.shared:
            return mixed(labels, size, generator)
        names = [str(k) for k in range(self.net.classes)]
        return balanced(labels, size, names, generator)

    def _step(self, index: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """One step of the autoencoders and one of the discriminators; the terms of the losses."""
        part = self.data.train
        x = to_float(part.images[index])  # [n,c,h,w], or [n,K,c,h,w] of balanced batches
        noise = torch.randn(x.shape, generator=generator).to(x)
        x = x + self.options["noise"] * noise
        y = part.labels[index] if self.net.shared else None
        with self._autocast():
            mean, log_variance = self.net.encode(x)
        mean, log_variance = mean.float(), log_variance.float()
        z = sampled(mean, log_variance, generator)
        with self._autocast():
            images = self.net.decoder(z)
        costs, priors = cost(x, images), self.net.prior(z, mean, log_variance)
        terms = {"reconstruction": _own(costs, y), "prior": _own(priors, y)}
        loss = terms["reconstruction"] + terms["prior"]
        if y is not None:
            terms["discrimination"] = discrimination(costs, y)
            loss = loss + self._gamma() * terms["discrimination"]
        _descend(self.optimizers["autoencoder"], loss)
        if self.net.discriminator is not None:
            terms["deception"] = self._discriminate(x, z.detach(), generator)
        return {name: term.detach() for name, term in terms.items()}

    def _discriminate(self, x: Tensor, z: Tensor, generator: torch.Generator) -> Tensor:
        """One step of the discriminators on latents z of the batch and on draws of the prior."""
        encoded = [z[:, :1]] if self.net.shared else [z, self._of_others(x, generator)]
        drawn = torch.randn(encoded[0].shape, generator=generator).to(z)
        loss = deception(self.net.judged(drawn), *(self.net.judged(one) for one in encoded))
        _descend(self.optimizers["discriminator"], loss)
        return loss

    @torch.no_grad()
    def _of_others(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Latents that each class's encoder makes of an image of another class."""
        shift = int(torch.randint(1, self.net.classes, (), generator=generator))
        self.net.encoder.eval()  # such images shall not move its batch norms
        with self._autocast():
            mean, log_variance = self.net.encode(x.roll(shift, dims=1))
        self.net.encoder.train()
        return sampled(mean.float(), log_variance.float(), generator)

    def _autocast(self) -> torch.autocast:
        enabled = self.dtype == torch.bfloat16
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled)


def _own(values: Tensor, y: Tensor | None) -> Tensor:
    """The mean over images of values [n,K] of their own class; of balanced batches all are."""
    return values.mean() if y is None else values.gather(1, y[:, None]).mean()


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
