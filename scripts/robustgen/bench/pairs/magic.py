"""MAGIC: sources and starts in one flat batch, with what is known of sources computed once and one
pass per step, beside one image at a time by torch alone.

ours                     the search of `synthesis/magic_search.py`
loop, as published       one image after the other; in each step the source's features and the patch
                         encoder's answer to it are computed again, and the image goes through the
                         net twice, for its scores and for its features
loop, what is known once the same loop with both kept, and one pass per step

Both take the same steps from the same starts; the objectives that they end at show that they
compute the same.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import Adam

from robustgen.bench.rows import Disagreement, Row
from robustgen.bench.settings import Settings
from robustgen.bench.turns import Runner, in_turn, machine
from robustgen.nets import device, resnet
from robustgen.nets.classifier import Normalize, Plain
from robustgen.synthesis.image_statistics import distance, statistics
from robustgen.synthesis.image_statistics import total_variation_l1 as tv_l1
from robustgen.synthesis.image_statistics import total_variation_l2 as tv_l2
from robustgen.synthesis.magic_search import (
    Search,
    Weights,
    class_loss,
    normalized,
    pixels,
    rate,
    reference,
)
from robustgen.synthesis.patch_encoder import learnt, mask_loss, patch_encoder
from robustgen.synthesis.per_source import PerSource

CLASSES, SIZE, WIDTH, PATCH_WIDTH = 10, 32, 8, 16
SOURCES, STARTS, STEPS, TURNS = 3, 4, 8, 2
LIVE, CACHED = "loop, as published", "loop, what is known once"
FASTER = {LIVE: 2.0, CACHED: 1.0}
DIFFERENCE = 0.01  # of an objective, on average
WEIGHTS = Weights(class_=1, statistics=500, mask=30, tv_l1=0.001, tv_l2=0.001, norm=0.00001)


def pairs(settings: Settings) -> list[Row]:
    """One row per loop: images per second of both, and by how much their objectives differ."""
    place = device.use(device=settings.device, threads=settings.threads)
    bench = Sides(place)
    runners: dict[str, Runner] = {  # starts [r,S,c,h,w] -> objectives [r,S]
        "ours": bench.flat,
        LIVE: lambda v: bench.looped(v, cached=False),
        CACHED: lambda v: bench.looped(v, cached=True),
    }
    turns = in_turn(runners, bench.starts())
    where = machine(settings, dtype=torch.float32, device=place)
    return [turns.row(name, where, each=SOURCES * STARTS) for name in (LIVE, CACHED)]


def judge(rows: list[Row]) -> list[str]:
    """How far objectives differ, refused where they are others; a warning where ours is slower than
    it should be.
    """
    said = []
    for row in rows:
        apart = row["agreement"]["mean_difference"]
        told = f"Objectives of MAGIC in a flat batch and of the {row['name']} differ by {apart:.2%}"
        if not apart <= DIFFERENCE:
            raise Disagreement(f"{told} on average; one of the two is wrong.")
        said.append(f"{told} on average.")
        if row["ratio"] < FASTER[row["name"]]:
            said.append(
                f"Warning: {row['ratio']:.2f} times the speed of the {row['name']}, less than "
                f"{FASTER[row['name']]}."
            )
    return said


class Sides:
    """An untrained net, random sources with disks as masks, and both ways of searching."""

    def __init__(self, place: str) -> None:
        source = torch.Generator().manual_seed(0)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            net = resnet.build(channels=3, classes=CLASSES, size=SIZE, width=WIDTH)
        self.net = Plain(nn.Sequential(Normalize((0.5,), (0.25,)), net), device=place)
        self.x = torch.rand((SOURCES, 3, SIZE, SIZE), generator=source).to(place)
        across = torch.arange(SIZE, device=place) - SIZE / 2
        disk = (across[:, None] ** 2 + across[None] ** 2).sqrt() < SIZE / 4
        self.masks = disk.expand(SOURCES, SIZE, SIZE).float()
        self.target = self.masks.roll(SIZE // 8, dims=2)[0]
        self.encoders = [self._encoder(k) for k in range(SOURCES)]

    def _encoder(self, k: int) -> PerSource:
        generators = [torch.Generator().manual_seed(k)]
        made = patch_encoder(3, PATCH_WIDTH, generators).to(self.x.device)
        return learnt(made, normalized(self.x[k : k + 1]), self.masks[:1], steps=2, lr=0.01)

    def starts(self) -> list[Tensor]:
        """Noise [r,S,c,h,w] for each turn."""
        source = torch.Generator().manual_seed(1)
        shape = (STARTS, SOURCES, 3, SIZE, SIZE)
        return [torch.randn(shape, generator=source).to(self.x.device) for _ in range(TURNS)]

    def flat(self, v: Tensor) -> Tensor:
        """The objectives [r,S] at the end of the search of the project."""
        encoder = patch_encoder(3, PATCH_WIDTH, [torch.Generator() for _ in self.encoders])
        for name in ("weights", "biases"):
            for place, weight in enumerate(getattr(encoder, name)):
                own = [getattr(one, name)[place] for one in self.encoders]
                weight.data = torch.cat(own)
        encoder = encoder.to(v.device).requires_grad_(False)
        targets = self.target.expand(len(v), SOURCES, SIZE, SIZE)
        known = reference(self.net, self.x)
        search = Search(self.net, encoder, known, targets, WEIGHTS, STEPS, 0.1)
        ends = search(v)
        with torch.no_grad():
            return search.losses(ends)

    def looped(self, v: Tensor, *, cached: bool) -> Tensor:
        """The same by a search of one image after the other."""
        ends = [
            [self._one(v[r, s], s, cached=cached) for s in range(SOURCES)] for r in range(len(v))
        ]
        return torch.stack([torch.stack(line) for line in ends])

    def _one(self, v: Tensor, s: int, *, cached: bool) -> Tensor:
        """The objective at the end of the search from v [c,h,w] for source s."""
        v = v.clone().requires_grad_()
        optimizer, known = Adam([v], lr=0.1), self._known(s)
        for step in range(STEPS):
            optimizer.param_groups[0]["lr"] = 0.1 * rate(step, STEPS)
            optimizer.zero_grad()
            known = known if cached else self._known(s)
            self._loss(v, s, known, cached=cached).backward()
            optimizer.step()
        with torch.no_grad():
            return self._loss(v, s, known, cached=cached)

    @torch.no_grad()
    def _known(self, s: int) -> tuple[list[Tensor], Tensor]:
        """Taps and class of a source; as published, the patch encoder sees it in each step too."""
        x = self.x[s : s + 1]
        self.encoders[s](normalized(x)[None])
        return self.net.taps(x), self.net(x).argmax(dim=1)

    def _loss(
        self, v: Tensor, s: int, known: tuple[list[Tensor], Tensor], *, cached: bool
    ) -> Tensor:
        x, w = pixels(v)[None], WEIGHTS
        if cached:
            seen = self.net.tapped(x)
            taps, scores = seen.taps, seen.scores
        else:
            taps, scores = self.net.taps(x), self.net(x)
        apart = distance(*([statistics(t) for t in one[:-1]] for one in (taps, known[0])))[0]
        masks = mask_loss(self.encoders[s](v[None, None]), self.target)[0, 0]
        total = w.class_ * class_loss(scores[None], known[1])[0, 0] + w.statistics * apart
        total = total + w.mask * masks + w.tv_l1 * tv_l1(v) + w.tv_l2 * tv_l2(v)
        return total + w.norm * v.norm()
