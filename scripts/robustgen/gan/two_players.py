"""The steps of a generator and its discriminator in turn, with the moving average of the generator,
which is judged and kept.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.optim import Adam

from robustgen.core.progress import progress
from robustgen.gan.augmented import augmented
from robustgen.gan.collapse import Collapse
from robustgen.gan.hinge import deceiving, judging
from robustgen.gan.pair import Judge, Pair, Verdict, spread
from robustgen.gan.samples_in_training import Fid, Sampler
from robustgen.gan.types import Features, prior
from robustgen.training.augment import augment
from robustgen.training.ema import Ema
from robustgen.training.trainer import Trainer
from robustgen.training.types import Data, Recipe, Seed


class Players(Trainer):
    """A generator and a discriminator."""

    def __init__(
        self,
        model: nn.Module,
        pair: Pair,
        recipe: Recipe,
        data: Data,
        seed: Seed,
        dtype: torch.dtype,
        features: Features,
    ) -> None:
        self.epochs, self.options = recipe.epochs, recipe.options
        self.data, self.seed, self.dtype = data, seed, dtype
        self.device = data.train.labels.device
        self.model, self.pair = model.to(self.device), pair
        pair.to(memory_format=torch.channels_last)
        self.generator, self.discriminator = pair.generator, cast(Judge, pair.discriminator)
        self.ema = Ema(self.generator, decay=self.options["ema"])
        self.collapse = Collapse(patience=self.options["patience"])
        self.modules = {"model": self.model, "ema": self.ema, "collapse": self.collapse}
        betas = (self.options["beta1"], self.options["beta2"])
        players = {"generator": self.generator, "discriminator": self.discriminator}
        # not fused: that kernel pairs memory, which a checkpoint lays out otherwise, with weights
        self.optimizers = {
            name: Adam(one.parameters(), betas=betas) for name, one in players.items()
        }
        self.sampler = Sampler(pair, self.ema.average, seed=seed, device=self.device, dtype=dtype)
        self.fid = Fid(features, data.validation, most=self.options["judged"])
        self.classes = int(data.train.labels.max()) + 1
        self.done = 0  # epochs

    def epoch(self, number: int) -> dict[str, float]:
        """The steps of an epoch; means of losses and logits."""
        self.model.train()
        order, source = self._order(number), self.seed(use="noise", epoch=number)
        what, found = f"epoch {number + 1}/{self.epochs}, steps", []
        for step in progress(range(self._steps()), total=self._steps(), what=what, last=False):
            self._set_rates(number * self._steps() + step)
            told = [self._discriminate(index, source) for index in order[step]]
            found.append(_means(told) | self._generate(source))
            self._average(number * self._steps() + step)
        self.done = number + 1
        self.sampler.snap(self.done, self.epochs)
        return {name: float(value) for name, value in _means(found).items()}

    def judge(self) -> dict[str, float]:
        """The FID of samples of the averaged generator, of whose negative more is better."""
        fid = self.fid(self.sampler)
        self.collapse.check(fid)
        return {"fid": fid, "score": -fid}

    def kept(self) -> dict[str, Tensor]:
        """The pair, whose generator is the averaged one."""
        state = self.model.state_dict()
        prefix = next(name for name, one in self.model.named_modules() if one is self.pair)
        average = self.ema.average.state_dict()
        state |= {f"{prefix}.generator.{name}": value for name, value in average.items()}
        samples = self.sampler.progress(self.done, self.epochs)
        return state if samples is None else state | {f"{prefix}.progress": samples}

    def _steps(self) -> int:
        """Steps of the generator per epoch."""
        shown = self.options["batch"] * self.options["n_dis"]
        return int(self.options["steps_per_epoch"] or max(1, len(self.data.train.labels) // shown))

    def _order(self, number: int) -> list[list[Tensor]]:
        """Indices of training images for each step of the discriminator in each of the
        generator's: fresh orders of all of them, one after another.
        """
        source, count = self.seed(use="order", epoch=number), len(self.data.train.labels)
        batch, n_dis, steps = self.options["batch"], self.options["n_dis"], self._steps()
        whole = -(-steps * n_dis * batch // count)
        order = torch.cat([torch.randperm(count, generator=source) for _ in range(whole)])
        chunks = order[: steps * n_dis * batch].to(self.device).split(batch)
        return [list(chunks[i : i + n_dis]) for i in range(0, len(chunks), n_dis)]

    def _set_rates(self, step: int) -> None:
        left = 1 - step / (self.epochs * self._steps()) if self.options["decay"] else 1.0
        for name, optimizer in self.optimizers.items():
            optimizer.param_groups[0]["lr"] = left * self.options[f"{name}_lr"]

    def _average(self, step: int) -> None:
        self.ema.decay = self.options["ema"] if step >= self.options["ema_start"] else 0.0
        self.ema.update(self.generator)

    def _discriminate(self, index: Tensor, source: torch.Generator) -> dict[str, Tensor]:
        """One step of the discriminator on training images and samples."""
        x, y = self._real(index, source), self.data.train.labels[index]
        with torch.no_grad():
            fakes, drawn = self._fake(len(x), source)
        verdict = self._judged(torch.cat([x, fakes]), torch.cat([y, drawn]), source)
        real, fake = verdict.logits.chunk(2)
        loss, told = judging(real, fake), {"real": real.mean(), "fake": fake.mean()}
        told = {"loss_discriminator": loss, **told}
        if verdict.commitment is not None and verdict.perplexity is not None:
            told |= {"commitment": verdict.commitment.mean(), "perplexity": verdict.perplexity}
            loss = loss + 2 * verdict.commitment.mean()  # of real ones, and of samples
        self._descend("discriminator", loss)
        return {name: value.detach() for name, value in told.items()}

    def _generate(self, source: torch.Generator) -> dict[str, Tensor]:
        """One step of the generator."""
        self.discriminator.requires_grad_(False)
        fakes, y = self._fake(self.options["generator_batch"], source)
        verdict = self._judged(fakes, y, source)
        loss = deceiving(verdict.logits)
        told = {"loss_generator": loss.detach()}
        if verdict.commitment is not None:
            loss = loss + verdict.commitment.mean()
        self._descend("generator", loss)
        self.discriminator.requires_grad_(True)
        return told

    def _real(self, index: Tensor, source: torch.Generator) -> Tensor:
        """Training images in [-1,1], mirrored and with noise as the options say."""
        x = self.data.train.images[index].float()
        if self.options["noise"]:
            x = (x + torch.rand(x.shape, generator=source).to(x)) / 128 - 1
        else:
            x = x / 127.5 - 1
        return augment(x, flip=self.options["flip"], crop=0, generator=source)

    def _fake(self, count: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
        """Samples [n,c,h,w] in [-1,1] of classes drawn evenly, and the classes [n]."""
        z = prior(count, self.generator.latent, source).to(self.device)
        y = torch.randint(0, self.classes, (count,), generator=source).to(self.device)
        with self._autocast():
            return self.generator(spread(z, self.generator.slots), y).float(), y

    def _judged(self, x: Tensor, y: Tensor, source: torch.Generator) -> Verdict:
        x = augmented(x, self.options["policy"], source)
        with self._autocast():
            return self.discriminator.verdict(x, y, source)

    def _autocast(self) -> torch.autocast:
        enabled = self.dtype == torch.bfloat16
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled)

    def _descend(self, name: str, loss: Tensor) -> None:
        self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[name].step()


def _means(found: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each of several named values."""
    return {name: torch.stack([one[name] for one in found]).mean() for name in found[0]}
