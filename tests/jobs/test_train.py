"""The training job: what it writes of a net that is trained or brought along, from which weights
it starts, what it hands a trainer, and what it refuses before the first epoch.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import made
import train as command
from own_trainings import NET, STILL
from robustgen.core.contracts import RefusedModule
from robustgen.core.files import BadFile, read_json
from robustgen.core.refusal import Refused
from robustgen.core.tensors import read_meta
from robustgen.data.store import read_split
from robustgen.jobs.train import TrainJob, _key, run
from robustgen.nets import weights
from robustgen.nets.spec import Model

pytestmark = pytest.mark.usefixtures("one_thread")

Own = Callable[[str], str]
RECIPE = {"trainer": "supervised", "epochs": 2, "options": {"batch": 10, "lr": 0.01}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.made(tmp_path_factory.mktemp("made"))


@pytest.fixture
def make(folder: Path, tmp_path: Path) -> Callable[..., TrainJob]:
    """A job that trains the net of the folder from nothing, or differs from that."""

    def job(model: dict[str, Any] | None = None, **changes: Any) -> TrainJob:
        told = {name: value for name, value in made.ALIKE.items() if name not in ("batch", "part")}
        told |= {"recipe": RECIPE, "weights": None, "keys": {}, "precision": "fp32"}
        told |= {"out": tmp_path / "out/weights.safetensors", **changes}
        net = {"name": "m", "weights": None, **(model or {})}
        return TrainJob(model=made.net(folder, **net), **told)

    return job


def history(job: TrainJob) -> list[list[str]]:
    text = job.out.with_name("history.csv").read_text(encoding="utf-8")
    return [line.split(",") for line in text.splitlines()]


# --- what is written ------------------------------------------------------------------------------


def test_a_trained_net_has_weights_a_history_and_facts_for_its_costs(
    make: Callable[..., TrainJob],
) -> None:
    job = make()
    facts = run(job)
    head, *lines = history(job)
    assert head[0] == "epoch"
    assert {"loss", "validation_accuracy", "judged_accuracy"} <= set(head)
    assert [line[0] for line in lines] == ["1", "2"]
    best = max(lines, key=lambda line: float(line[head.index("judged_accuracy")]))
    assert facts["best_epoch"] == int(best[0])
    assert facts["best_score"] == pytest.approx(float(best[head.index("judged_accuracy")]))
    assert facts["precision"] == "torch.float32"
    assert not job.out.with_name(".checkpoint.safetensors").exists()
    assert json.loads(read_meta(job.out)["spec"])["kind"] == "resnet"
    weights.load(job.out, job.model.spec())


def test_brought_weights_are_written_in_our_form_with_an_empty_history(
    make: Callable[..., TrainJob], folder: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.safetensors"
    state = weights.untrained(made.NET)[1].state_dict()
    save_file({renamed(name): value for name, value in state.items()}, own)
    job = make(recipe=None, weights=own, keys={"body.": "stages."})
    facts = run(job)
    assert history(job) == [["epoch"]]
    assert facts == {"weights": str(own), "sha256": digest(own)}
    found = load_file(job.out)
    assert all(torch.equal(found[f"1.{name}"], value) for name, value in state.items())


def renamed(name: str) -> str:
    return name.replace("stages.", "body.")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_command_writes_costs_beside_the_weights(
    make: Callable[..., TrainJob], folder: Path, tmp_path: Path
) -> None:
    """As the rule calls it, with the model as the plan writes it."""
    plain = {
        "name": "m",
        "kind": "resnet",
        "options": made.NET.options,
        "size": 32,
        "mean": [0.5],
        "std": [0.25],
        "data": str(folder),
        "weights": None,
        "draws": 5,
        "parts": {},
    }
    out = tmp_path / "weights.safetensors"
    flags = ["--model", json.dumps(plain), "--recipe", json.dumps(RECIPE), "--threads", "1"]
    command.main([*flags, "--device", "cpu", "--precision", "fp32", "--out", str(out)])
    costs = read_json(tmp_path / "costs.json")
    assert (costs["rule"], costs["model"], costs["seed"]) == ("train", "m", 0)
    assert costs["best_epoch"] in (1, 2)
    assert costs["seconds"] > 0
    job = make()
    run(job)
    assert job.out.read_bytes() == out.read_bytes()


# --- the beginning --------------------------------------------------------------------------------


def test_training_starts_from_the_weights_of_the_part_start(
    make: Callable[..., TrainJob], own: Own, folder: Path
) -> None:
    """A trainer that changes nothing leaves the weights that training started from."""
    start = made.net(folder, "other")
    job = make({"parts": {"start": start}}, recipe=still(own))
    run(job)
    first = load_file(folder / "weights.safetensors")
    found = load_file(job.out)
    assert found.keys() == first.keys()
    assert all(torch.equal(found[name], first[name]) for name in first)
    head, line, *_ = history(job)
    assert dict(zip(head, line, strict=True)) == {
        "epoch": "1",
        "images": "30",
        "parts": "0",  # `start` is none that the trainer is handed
        "held": "20",
    }


def still(own: Own, **options: Any) -> dict[str, Any]:
    return {"trainer": own(STILL), "epochs": 1, "options": options}


def test_without_a_start_the_first_weights_come_from_seed_and_name(
    make: Callable[..., TrainJob], own: Own, tmp_path: Path
) -> None:
    recipe = still(own)
    found = []
    for number, (name, seed) in enumerate([("m", 0), ("m", 0), ("m", 1), ("n", 0)]):
        job = make({"name": name}, seed=seed, recipe=recipe, out=tmp_path / f"{number}/w.st")
        torch.rand(number)  # the state of torch's own numbers does not matter
        run(job)
        found.append(load_file(job.out)["1.linear.weight"])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert not torch.equal(found[0], found[3])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 8, "dropout": 0.2}, "options is .*'width': 4.* in the file and .*'width': 8"),
        ({"width": 4}, "holds the weights of another model: options"),
    ],
)
def test_a_start_of_another_form_is_refused(
    make: Callable[..., TrainJob], folder: Path, options: dict[str, Any], words: str
) -> None:
    job = make({"options": options, "parts": {"start": made.net(folder, "other")}})
    with pytest.raises(BadFile, match=words):
        run(job)
    assert not job.out.exists()


def test_other_parts_are_handed_to_the_trainer_frozen(
    make: Callable[..., TrainJob], own: Own, folder: Path
) -> None:
    teacher = made.net(folder, "teacher")
    job = make({"parts": {"teacher": teacher}}, recipe=still(own))
    run(job)
    head, line = history(job)
    shown = dict(zip(head, map(float, line), strict=True))
    assert (shown["parts"], shown["moves"]) == (1, 0)
    images = torch.from_numpy(read_split(folder, "train").images[:1]).float() / 255
    expected = made.classifier(folder)(images)[0, 0].item()
    assert shown["first"] == pytest.approx(expected, rel=1e-4)


def test_the_key_of_a_checkpoint_knows_options_and_parts(
    make: Callable[..., TrainJob], folder: Path, tmp_path: Path
) -> None:
    """A part without weights is its options alone: a checkpoint of others is not taken up. Where
    the study lies does not matter.
    """
    base = make({"parts": {"teacher": part(folder, std=0.1)}})

    def key(job: TrainJob) -> str:
        return _key(job, "cpu", torch.float32)

    same = make({"parts": {"teacher": part(folder, std=0.1)}}, out=tmp_path / "elsewhere/w.st")
    others = [
        make({"parts": {"teacher": part(folder, std=0.2)}}),
        make({"parts": {"tutor": part(folder, std=0.1)}}),
        make({"parts": {}}),
        make({"parts": base.model.parts, "options": {"width": 8}}),
        replace(base, threads=2),
        replace(base, code="other"),
        replace(base, seed=1),
        replace(base, recipe={**RECIPE, "epochs": 3}),
    ]
    assert key(same) == key(base)
    assert len({key(job) for job in (base, *others)}) == len(others) + 1


def part(folder: Path, **options: Any) -> Model:
    return made.net(folder, "part", weights=None, options=options)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("return x[:, 1:] if self.training else x", r"logits must be float \[2, 4\], .*\[2, 3\]"),
        ("return x if self.training else x[:, 1:]", r"logits must be float \[2, 4\], .*\[2, 3\]"),
        ("return x / 0 if self.training else x", "it gives NaN or infinite logits"),
        ("return x.softmax(1).argmax(1)", "logits must be float"),
    ],
)
def test_a_net_is_tried_in_both_modes_before_it_is_trained(
    make: Callable[..., TrainJob], own: Own, line: str, words: str
) -> None:
    kind = own(NET.format(line))
    with pytest.raises(RefusedModule, match=f"^Net {re.escape(kind)}: {words}"):
        run(make({"kind": kind, "options": {}}))


def test_the_trial_moves_no_batch_norm(make: Callable[..., TrainJob], own: Own) -> None:
    """It is made on copies: with a trainer that changes nothing, means stay 0 and variances 1."""
    job = make({"kind": own(NET.format("pass")), "options": {}}, recipe=still(own))
    run(job)
    found = load_file(job.out)
    assert found["1.norm.running_mean"].tolist() == [0, 0, 0]
    assert found["1.norm.running_var"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"trainer": "supervized"}, "There is no kind 'supervized' in trainers; known are .*super"),
        ({"options": {"lr": -1}}, "Trainer supervised, option lr: must be a number above 0"),
        ({"options": {"rate": 1}}, "Trainer supervised, option rate: unknown option"),
        ({"objective": {"kind": "standrad"}}, "There is no kind 'standrad' in objectives"),
        ({"objective": {"options": {"eps": 1}}}, "Objective standard, option eps: unknown option"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, not 0"),
        ({"lr": 0.1}, "A recipe has no 'lr'; .* settings of its kind belong below `options`"),
    ],
)
def test_a_recipe_that_means_nothing_is_refused_before_the_first_epoch(
    make: Callable[..., TrainJob], recipe: dict[str, Any], words: str
) -> None:
    job = make(recipe=RECIPE | recipe)
    with pytest.raises(Refused, match=words):
        run(job)
    assert not job.out.with_name(".checkpoint.safetensors").exists()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("def trainer(", "def coach(", "failed with AttributeError: .*'trainer'"),
        ('"score": 0.5', '"accuracy": 0.5', "a trainer's judge must give `score`"),
        ("return shown", "return 1 / 0", "failed with ZeroDivisionError: division by zero"),
    ],
)
def test_a_trainer_of_ones_own_that_breaks_its_contract_is_named(
    make: Callable[..., TrainJob], own: Own, old: str, new: str, words: str
) -> None:
    kind = own(STILL.replace(old, new))
    with pytest.raises(RefusedModule, match=f"^Trainer {re.escape(kind)}:? {words}"):
        run(make(recipe={"trainer": kind, "epochs": 1}))


def test_an_objective_of_ones_own_that_fails_is_named(
    make: Callable[..., TrainJob], own: Own
) -> None:
    text = (
        "OPTIONS = {}\ndef loss(*given, **named):\n    return 1 / 0\ndef correct(*given, **named):"
    )
    kind = own(text + "\n    pass\n")
    with pytest.raises(RefusedModule, match=f"^Objective {re.escape(kind)} failed with ZeroDiv"):
        run(make(recipe=RECIPE | {"objective": {"kind": kind}}))
