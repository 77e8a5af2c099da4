"""Our attacks against those of torchattacks and foolbox on the same net and the same images."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from robustgen.attacks import pgd
from robustgen.attacks import torchattacks as wrapper
from robustgen.attacks.types import Attacked, Spec
from robustgen.bench import net as bench_net
from robustgen.bench import race as bench
from robustgen.bench.contenders import Contender, contenders
from robustgen.core.refusal import Refused
from robustgen.nets.classifier import frozen

EPS, STEP = 8 / 255, 2 / 255
ROUNDING = 1e-6  # images differ by rounding only: a few units in the last place of numbers up to 1
# share of pixels whose gradient is so near 0 that the sum over images and their mean may round to
# other signs
FLIPPED = 1e-3
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def case() -> tuple[nn.Sequential, Tensor, Tensor]:
    """A small trained net in fp32, 24 images, and labels of which every third is wrong."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, x, y = bench_net.trained(width=8, train=1500, attack=24, device="cpu")
    wrong = torch.where(torch.arange(24) % 3 == 0, (y + 1) % 10, y)
    return frozen(model), x, wrong


def spec(**changes: object) -> Spec:
    return Spec(**{"eps": EPS, "step": STEP, "steps": 5, **changes})  # type: ignore[arg-type]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def mean_loss(model: nn.Module, x: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        return cross_entropy(model(x), y).item()


def wrapped(
    case: tuple[nn.Sequential, Tensor, Tensor],
    *,
    seed: int = 0,
    name: str = "PGD",
    **options: object,
) -> Attacked:
    settings = {
        key: options.pop(key)
        for key in ("steps", "norm", "weight", "target", "eps")
        if key in options
    }
    return wrapper.attack(
        *case, spec=spec(options={"name": name, **options}, **settings), generator=generator(seed)
    )


@pytest.mark.parametrize("steps", [1, 5, 10])
def test_linf_agrees_with_torchattacks(
    case: tuple[nn.Sequential, Tensor, Tensor], steps: int
) -> None:
    import torchattacks

    model, x, y = case
    ours = pgd.attack(
        model, x, y, spec=spec(steps=steps, random_start=False), generator=generator()
    ).images
    theirs = torchattacks.PGD(model, eps=EPS, alpha=STEP, steps=steps, random_start=False)(x, y)
    assert ((ours - theirs).abs() > ROUNDING).float().mean() <= FLIPPED
    assert mean_loss(model, ours, y) == pytest.approx(mean_loss(model, theirs, y), rel=1e-4)


def test_linf_agrees_with_torchattacks_from_the_same_random_start(
    case: tuple[nn.Sequential, Tensor, Tensor],
) -> None:
    import torchattacks

    model, x, y = case
    ours = pgd.attack(model, x, y, spec=spec(), generator=generator(7)).images
    start = x + EPS * (2 * torch.rand(x.shape, generator=generator(7)) - 1)
    attacker = torchattacks.PGD(model, eps=EPS, alpha=STEP, steps=5, random_start=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tensor, "uniform_", lambda noise, *_: noise.copy_(start - x))
        theirs = attacker(x, y)
    assert ((ours - theirs).abs() > ROUNDING).float().mean() <= FLIPPED


def test_l2_agrees_with_torchattacks(case: tuple[nn.Sequential, Tensor, Tensor]) -> None:
    import torchattacks

    model, x, y = case
    given = spec(norm="l2", eps=0.5, step=0.2, random_start=False)
    ours = pgd.attack(model, x, y, spec=given, generator=generator()).images
    theirs = torchattacks.PGDL2(model, eps=0.5, alpha=0.2, steps=5, random_start=False)(x, y)
    assert (ours - theirs).abs().max() <= ROUNDING


def test_l2_agrees_with_foolbox(case: tuple[nn.Sequential, Tensor, Tensor]) -> None:
    foolbox = pytest.importorskip("foolbox")
    model, x, y = case
    given = spec(norm="l2", eps=0.5, step=0.2, random_start=False)
    ours = pgd.attack(model, x, y, spec=given, generator=generator()).images
    attacker = foolbox.attacks.L2PGD(abs_stepsize=0.2, steps=5, random_start=False)
    theirs = attacker(foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu"), x, y, epsilons=0.5)[
        1
    ]
    assert (ours - theirs).abs().max() <= ROUNDING


@pytest.mark.parametrize(("norm", "eps", "order"), [("linf", EPS, torch.inf), ("l2", 0.5, 2.0)])
def test_stays_in_the_ball_and_an_image(
    case: tuple[nn.Sequential, Tensor, Tensor], norm: str, eps: float, order: float
) -> None:
    model, x, y = case
    found = pgd.attack(
        model, x, y, spec=spec(norm=norm, eps=eps, step=eps), generator=generator()
    ).images
    assert (found - x).flatten(1).norm(p=order, dim=1).max() <= eps + ROUNDING
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("name", ["PGD", "APGD"])
def test_wrapper_depends_on_its_generator_only(
    case: tuple[nn.Sequential, Tensor, Tensor], name: str
) -> None:
    torch.manual_seed(1)
    before, first = torch.get_rng_state(), wrapped(case, name=name).images
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(wrapped(case, name=name).images, first)
    assert not torch.equal(wrapped(case, name=name, seed=1).images, first)


@pytest.mark.parametrize("steps", [1, 4])
def test_wrapper_counts_one_pass_each_way_per_step(
    case: tuple[nn.Sequential, Tensor, Tensor], steps: int
) -> None:
    found = wrapped(case, steps=steps)
    assert found.backwards == steps
    assert steps <= found.forwards <= steps + 1


def test_mended_apgd_counts_one_gradient_more_than_steps(
    case: tuple[nn.Sequential, Tensor, Tensor],
) -> None:
    found = wrapped(case, name="APGD", mended=True)
    assert found.backwards == 5 + 1  # the gradient of the start sets the step size


def test_published_apgd_leaves_misclassified_images_and_mended_attacks_them(
    case: tuple[nn.Sequential, Tensor, Tensor],
) -> None:
    model, x, y = case
    wrong = model(x).argmax(dim=1) != y
    published, mended = (
        wrapped(case, name="APGD").images,
        wrapped(case, name="APGD", mended=True).images,
    )
    assert wrong.any()
    assert torch.equal(published[wrong], x[wrong])
    assert (mended[wrong] != x[wrong]).flatten(1).any(dim=1).all()
    assert mean_loss(model, mended, y) >= mean_loss(model, published, y)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"weight": 1.0}, "use kind pgd"),
        ({"target": "least_likely"}, "use kind pgd"),
        ({"name": "TIFGSM"}, "is not wrapped; options.name may be"),
        ({"norm": "l2"}, "write norm: linf"),
        ({"mended": True}, "belongs to APGD"),
    ],
)
def test_wrapper_refuses_with_a_sentence(
    case: tuple[nn.Sequential, Tensor, Tensor], options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        wrapped(case, **options)  # type: ignore[arg-type]


def tiny(**changes: object) -> list[str]:
    given = {
        "images": 8,
        "batch": 4,
        "steps": 2,
        "rounds": 1,
        "width": 8,
        "train": 64,
        "threads": 1,
        **changes,
    }
    return [word for name, value in given.items() for word in (f"--{name}", str(value))]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], None]:
    """The command `scripts/bench.py`, which writes its results before it judges them."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "scripts"))
    monkeypatch.delitem(sys.modules, "bench", raising=False)
    from bench import main

    return main


def test_bench_compares_four_peers_and_writes_rows(
    command: Callable[[list[str]], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command([*tiny(), "--out", str(tmp_path / "bench.json")])
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert {row["name"].split(",")[0] for row in rows} == {"torchattacks", "foolbox"}
    assert len(rows) == 4
    for row in rows:
        assert set(row) == {"name", "ours", "peer", "ratio", "n", "agreement", "machine"}
        assert row["n"] == 8
        assert (
            row["agreement"]["loss_ratio"]
            == row["agreement"]["loss_ours"] / row["agreement"]["loss_peer"]
        )
    assert len({len(line) for line in capsys.readouterr().out.splitlines()[:5]}) == 1


def test_bench_fails_loudly_where_a_peer_is_stronger(
    command: Callable[[list[str]], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def uneven(model: nn.Module, own: nn.Module, given: Spec) -> list[Contender]:
        strong = contenders(model, own, replace(given, eps=1.0, step=0.5))[0]
        return [Contender("robustgen", lambda x, _: x), Contender("a peer", strong.run)]

    monkeypatch.setattr(bench, "contenders", uneven)
    with pytest.raises(bench.Disagreement, match=r"is below 99% of .*, that of a peer"):
        command([*tiny(), "--out", str(tmp_path / "bench.json")])
    assert (tmp_path / "bench.json").exists()


def test_ratio_is_the_median_of_the_turns_and_slowness_is_only_a_warning() -> None:
    rows = bench.compare(
        {"robustgen": [4.0, 9.0, 20.0], "P, as used": [2.0, 3.0, 20.0]},
        {"robustgen": 1.0, "P, as used": 1.0},
        {},
    )
    assert rows[0]["ratio"] == 2.0
    assert bench.warnings(rows) == ["Warning: 2.00 times the speed of P, as used, less than 2.5."]
    bench.judge(rows)


def test_a_loss_that_is_no_number_is_no_agreement() -> None:
    rows = bench.compare(
        {"robustgen": [1.0], "P": [1.0]}, {"robustgen": float("nan"), "P": 1.0}, {}
    )
    with pytest.raises(bench.Disagreement):
        bench.judge(rows)


def test_bench_refuses_empty_settings(command: Callable[[list[str]], None], tmp_path: Path) -> None:
    with pytest.raises(Refused, match="at least 1 for --images"):
        command([*tiny(images=0), "--out", str(tmp_path / "bench.json")])
