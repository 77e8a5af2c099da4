"""The training loop: what it keeps, when it ends; a killed run ends with the same bytes."""

from __future__ import annotations

import copy
import math
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from robustgen.core.contracts import Broken
from robustgen.core.seeds import generator
from robustgen.core.tensors import read_meta
from robustgen.training.checkpoint import Learned
from robustgen.training.ema import Ema
from robustgen.training.loop import Diverged, Run, train
from robustgen.training.trainer import Stop, Trainer

pytestmark = pytest.mark.usefixtures("one_thread")

SEED = partial(generator, 3, seed=0, model="m")
Metrics = dict[str, float]


class Killed(Exception):
    pass


class Scripted(Trainer):
    """In epoch n the one weight becomes n; metrics are as written, and None stops."""

    def __init__(self, *script: tuple[Metrics, Metrics] | None) -> None:
        self.script, self.epochs, self.seen = script, len(script), 0
        model = nn.Linear(1, 1, bias=False)
        self.modules = {"model": model}
        self.optimizers = {"sgd": torch.optim.SGD(model.parameters(), lr=0.1)}

    def epoch(self, number: int) -> Metrics:
        found = self.script[number]
        nn.init.constant_(self.modules["model"].weight, number + 1)
        self.seen = number
        if found is None:
            raise Stop("the generator collapsed")
        return found[0]

    def judge(self) -> Metrics:
        return dict(self.script[self.seen][1])


def scored(*scores: float) -> Scripted:
    return Scripted(*(({"loss": 1.0}, {"score": score}) for score in scores))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(seed=SEED, checkpoint=tmp_path / "checkpoint.safetensors", key="k")


def weight(learned: Learned) -> float:
    return learned.weights["weight"].item()


# --- what is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ((0.1, 0.9, 0.5), 2),
        ((-5.0, -3.0, -4.0), 2),  # as of an FID, of which less is better
        ((-1e9, -2e9), 1),
        ((0.0, 0.0), 1),  # the first of equal ones
        ((0.5, 0.7, 0.7), 2),
    ],
)
def test_the_state_of_the_highest_score_is_kept(
    run: Run, scores: tuple[float, ...], best: int
) -> None:
    learned = train(scored(*scores), run)
    assert learned.progress.best_epoch == best
    assert weight(learned) == best
    assert learned.progress.score == scores[best - 1]
    assert learned.progress.epoch == len(scores)


def test_the_columns_of_the_history_are_the_metrics_in_their_order(run: Run) -> None:
    script = [({"loss": 3.0, "gap": 1.0}, {"fid": 9.0, "score": -9.0, "a": 0.5})] * 2
    history = train(Scripted(*script), run).progress.history
    assert [list(entry) for entry in history] == [["epoch", "loss", "gap", "fid", "a"]] * 2
    assert [list(entry.values()) for entry in history] == [[n, 3.0, 1.0, 9.0, 0.5] for n in (1, 2)]


def test_a_line_per_epoch_shows_all_metrics(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    train(Scripted(({"loss": 0.12344, "mean_gap": 2e-6}, {"fid": 31.0, "score": -31.0})), run)
    assert capsys.readouterr().err == "epoch 1/1: loss 0.1234, mean gap 2e-06, fid 31\n"


def test_metrics_that_are_tensors_become_plain_numbers(run: Run) -> None:
    history = train(Scripted(({"loss": torch.tensor(0.5)}, {"score": 1})), run).progress.history
    assert history == [{"epoch": 1, "loss": 0.5}]
    assert type(history[0]["loss"]) is float


# --- when it ends ---------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["loss", "fid", "score"])
def test_a_metric_that_is_no_finite_number_is_divergence_and_is_named(
    run: Run, name: str, value: float
) -> None:
    good = ({"loss": 1.0}, {"fid": 2.0, "score": -2.0})
    bad = tuple({key: value if key == name else x for key, x in part.items()} for part in good)
    with pytest.raises(Diverged) as refused:
        train(Scripted(good, bad, good), run)
    assert str(refused.value) == (
        f"Training diverged in epoch 2: its {name} is {value}. The state after epoch 1 is kept in "
        "checkpoint.safetensors. Lower the learning rate of the recipe, or set compute.precision "
        "to fp32."
    )
    assert '"epoch": 1' in read_meta(run.checkpoint)["progress"]


def test_divergence_in_the_first_epoch_names_no_state_that_is_kept(run: Run) -> None:
    with pytest.raises(Diverged) as refused:
        train(Scripted(({"loss": math.nan}, {"score": 1.0})), run)
    assert "is kept" not in str(refused.value)
    assert not run.checkpoint.exists()


def test_a_state_that_diverged_is_not_judged(run: Run) -> None:
    trainer = Scripted(({"loss": math.nan}, {}))  # a judge without a score would be refused
    with pytest.raises(Diverged, match="its loss is nan"):
        train(trainer, run)


def test_an_early_stop_keeps_the_best_state_and_tells_the_reason(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    script = [({"loss": 1.0}, {"score": score}) for score in (0.9, 0.5)]
    learned = train(Scripted(*script, None, script[0]), run)
    assert weight(learned) == learned.progress.best_epoch == 1
    assert len(learned.progress.history) == learned.progress.epoch == 2
    said = "stopped in epoch 3: the generator collapsed; the state of epoch 1 is kept\n"
    assert capsys.readouterr().err.endswith(said)


def test_a_run_that_stopped_and_is_started_again_stops_again_with_the_same(run: Run) -> None:
    script = ({"loss": 1.0}, {"score": 0.9})
    first = train(Scripted(script, None), run)
    again = train(Scripted(script, None), run)
    assert weight(first) == weight(again) == 1
    assert first.progress == again.progress


def test_a_stop_before_there_is_a_state_is_refused(run: Run) -> None:
    with pytest.raises(Diverged, match=r"stopped in epoch 1, before .* the generator collapsed"):
        train(Scripted(None, ({"loss": 1.0}, {"score": 1.0})), run)


# --- contracts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ([({"loss": 1.0}, {"fid": 2.0})], "must give `score`, .* it gives fid"),
        ([({"loss": 1.0}, {"loss": 2.0, "score": 1.0})], "loss names two columns"),
        ([({"epoch": 1.0}, {"score": 1.0})], "epoch names two columns"),
        (
            [({"loss": 1.0}, {"score": 1.0}), ({"cost": 1.0}, {"score": 1.0})],
            "the metrics of epoch 2 are epoch, cost, those of epoch 1 were epoch, loss",
        ),
    ],
)
def test_a_trainer_that_breaks_its_contract_is_refused(
    run: Run, script: list[tuple[Metrics, Metrics]], words: str
) -> None:
    with pytest.raises(Broken, match=words):
        train(Scripted(*script), run)


def test_an_optimiser_whose_state_no_checkpoint_can_hold_is_refused(run: Run) -> None:
    trainer = scored(1.0)
    layer = trainer.modules["model"]
    optimizer = torch.optim.LBFGS(layer.parameters())

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = layer(torch.ones(1, 1)).square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    trainer.optimizers = {"lbfgs": optimizer}
    with pytest.raises(Broken, match=r"optimizer\.lbfgs\.0\..* but a checkpoint holds tensors"):
        train(trainer, run)


# --- kill and resume ------------------------------------------------------------------------------


class Pair(Trainer):
    """A generator and a critic of numbers around 2, with an average of the generator.

    It draws from torch's own state (dropout, noise), and the rate of one of its two parameter
    groups falls from epoch to epoch, so that a resumed run differs unless all of that comes back.
    """

    def __init__(self, epochs: int, dies_in_step: int | None = None) -> None:
        torch.manual_seed(0)
        self.epochs, self.steps, self.dies_in_step = epochs, 0, dies_in_step
        self.make = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
        self.tell = nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1))
        self.ema = Ema(self.make, decay=0.9)
        self.modules = {"make": self.make, "tell": self.tell, "ema": self.ema}
        groups = [{"params": self.make[:3].parameters(), "lr": 0.02}]
        groups += [{"params": self.make[3].parameters(), "lr": 0.01}]
        self.optimizers = {
            "make": torch.optim.Adam(groups, betas=(0.5, 0.9)),
            "tell": torch.optim.Adam(self.tell.parameters(), lr=0.02),
        }

    def epoch(self, number: int) -> Metrics:
        self.make.train()
        self.tell.train()
        losses = [self._step() for _ in range(10)]
        self.optimizers["make"].param_groups[1]["lr"] *= 0.5
        return {"critic": sum(one for one, _ in losses), "maker": sum(two for _, two in losses)}

    def _step(self) -> tuple[float, float]:
        if self.steps == self.dies_in_step:
            raise Killed
        self.steps += 1
        softplus = nn.functional.softplus
        real, fake = 2 + 0.5 * torch.randn(16, 1), self.make(torch.randn(16, 2))
        critic = (softplus(-self.tell(real)) + softplus(self.tell(fake.detach()))).mean()
        self._descend("tell", critic)
        maker = softplus(-self.tell(fake)).mean()
        self._descend("make", maker)
        self.ema.update(self.make)
        return critic.item(), maker.item()

    def _descend(self, name: str, loss: Tensor) -> None:
        self.optimizers[name].zero_grad()
        loss.backward()
        self.optimizers[name].step()

    @torch.no_grad()
    def judge(self) -> Metrics:
        z = torch.randn(200, 2, generator=SEED(use="validation"))
        distance = (self.ema(z).mean() - 2).abs().item()
        return {"distance": distance, "score": -distance}

    def kept(self) -> dict[str, Tensor]:
        return self.ema.average.state_dict()


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether names and bytes are equal."""
    return one.keys() == other.keys() and all(
        one[name].numpy().tobytes() == other[name].numpy().tobytes() for name in one
    )


@pytest.mark.parametrize("step", [10, 15, 29])  # the first of epoch 2, its middle, the last of 3
def test_two_players_killed_and_resumed_end_with_the_same_bytes(
    run: Run, tmp_path: Path, step: int
) -> None:
    straight = Pair(4)
    whole = train(straight, Run(SEED, tmp_path / "whole.safetensors", "k"))
    with pytest.raises(Killed):
        train(Pair(4, dies_in_step=step), run)
    torch.rand(5)  # the state of torch's own numbers is another one in a new process
    resumed = Pair(4)
    learned = train(resumed, run)
    assert resumed.steps == 40 - step // 10 * 10  # it went on instead of starting again
    assert same(learned.weights, whole.weights)
    assert learned.progress == whole.progress
    for name, module in straight.modules.items():
        assert same(module.state_dict(), resumed.modules[name].state_dict())
    assert run.checkpoint.read_bytes() == (tmp_path / "whole.safetensors").read_bytes()


def test_two_players_learn_and_the_average_of_the_best_epoch_is_kept(run: Run) -> None:
    trainer = Pair(12)
    learned = train(trainer, run)
    distances = [entry["distance"] for entry in learned.progress.history]
    assert learned.progress.score == -min(distances)
    assert distances.index(min(distances)) == learned.progress.best_epoch - 1 > 0
    kept = copy.deepcopy(trainer.ema)
    kept.average.load_state_dict(learned.weights)
    z = torch.randn(200, 2, generator=SEED(use="validation"))
    assert (kept(z).mean() - 2).abs().item() == min(distances)


def test_settings_of_parameter_groups_come_back(run: Run) -> None:
    with pytest.raises(Killed):
        train(Pair(4, dies_in_step=20), run)
    resumed = Pair(2)  # all of its epochs are done
    train(resumed, run)
    groups = resumed.optimizers["make"].param_groups
    assert [group["lr"] for group in groups] == [0.02, 0.01 / 4]
    assert [group["betas"] for group in groups] == [(0.5, 0.9)] * 2


def test_a_checkpoint_of_another_key_is_not_taken_up(run: Run) -> None:
    train(scored(0.9, 0.1), run)
    other = Run(run.seed, run.checkpoint, "another")
    learned = train(scored(0.2, 0.3), other)
    assert (learned.progress.best_epoch, learned.progress.score) == (2, 0.3)


def test_a_run_that_is_done_trains_nothing_more(run: Run) -> None:
    first = train(scored(0.9, 0.1), run)
    again = train(scored(0.2, 0.3), run)
    assert again.progress == first.progress
    assert weight(again) == weight(first) == 1
