"""Our attacks against those of torchattacks and foolbox on the same net and the same images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from libraries import Case, Found, run
from norms import generator
from robustgen.attacks import pgd
from robustgen.attacks import torchattacks as wrapper
from robustgen.attacks.types import Spec
from robustgen.core.refusal import Refused
from robustgen.data.pool import TEST, TRAIN
from robustgen.data.sets import signs
from robustgen.data.store import to_float
from robustgen.nets.classifier import Normalize, Plain
from robustgen.nets.resnet import ResNet

EPS, STEP = 8 / 255, 2 / 255
ROUNDING = 1e-6  # images differ by rounding only: a few units in the last place of numbers up to 1
# share of pixels whose gradient is so near 0 that the sum over images and their mean may round to
# other signs
FLIPPED = 1e-3
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def case() -> Case:
    """A small trained net in fp32, 24 images, and labels of which every third is wrong."""
    pool = signs.load(size=32, root=None, options={"train": 1500, "test": 24})
    parts = [np.flatnonzero(pool.part == part) for part in (TRAIN, TEST)]
    images = [to_float(torch.from_numpy(pool.images[part])) for part in parts]
    labels = [torch.from_numpy(pool.labels[part]) for part in parts]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = ResNet(channels=3, classes=len(pool.names), size=32, width=8)
        model = nn.Sequential(Normalize((0.5,) * 3, (0.25,) * 3), net)
        train(model, images[0], labels[0])
    y = labels[1]
    wrong = torch.where(torch.arange(24) % 3 == 0, (y + 1) % len(pool.names), y)
    return Plain(model), images[1], wrong


def train(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """Four epochs of Adam with a rate that falls to zero, so that the loss has a meaning."""
    batches = [rows for _ in range(4) for rows in torch.randperm(len(y)).split(32)]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=len(batches))
    for rows in batches:
        optimizer.zero_grad()
        cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
        schedule.step()


def spec(**changes: object) -> Spec:
    """5 steps within 8/255; what is no field of a Spec is an option."""
    fields = {"eps": EPS, "steps": 5} | {
        key: changes.pop(key) for key in ("eps", "steps", "norm") if key in changes
    }
    return Spec(**fields, options={"step": STEP} | changes)  # type: ignore[arg-type]


def mean_loss(model: nn.Module, x: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        return cross_entropy(model(x), y).item()


def wrapped(case: Case, *, seed: int = 0, name: str = "PGD", **options: object) -> Found:
    step = {"step": None} if name == "APGD" else {}
    return run(wrapper, case, spec(name=name, **step, **options), seed=seed)


@pytest.mark.parametrize("steps", [1, 5, 10])
def test_linf_agrees_with_torchattacks(case: Case, steps: int) -> None:
    import torchattacks

    model, x, y = case
    ours = pgd.attack(
        model, x, y, spec=spec(steps=steps, random_start=False), generator=generator()
    ).images
    theirs = torchattacks.PGD(model, eps=EPS, alpha=STEP, steps=steps, random_start=False)(x, y)
    assert ((ours - theirs).abs() > ROUNDING).float().mean() <= FLIPPED
    assert mean_loss(model, ours, y) == pytest.approx(mean_loss(model, theirs, y), rel=1e-4)


def test_linf_agrees_with_torchattacks_from_the_same_random_start(
    case: Case,
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


def test_l2_agrees_with_torchattacks(case: Case) -> None:
    import torchattacks

    model, x, y = case
    given = spec(norm="l2", eps=0.5, step=0.2, random_start=False)
    ours = pgd.attack(model, x, y, spec=given, generator=generator()).images
    theirs = torchattacks.PGDL2(model, eps=0.5, alpha=0.2, steps=5, random_start=False)(x, y)
    assert (ours - theirs).abs().max() <= ROUNDING


def test_l2_agrees_with_foolbox(case: Case) -> None:
    """Image by image: of several, foolbox takes the sum of their losses and we the mean, and where
    a unit lies at its kink the rounding of the one may send an image another way than the other.
    """
    foolbox = pytest.importorskip("foolbox")
    model, images, labels = case
    given = spec(norm="l2", eps=0.5, step=0.2, random_start=False)
    attacker = foolbox.attacks.L2PGD(abs_stepsize=0.2, steps=5, random_start=False)
    peer = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")
    for x, y in zip(images.split(1), labels.split(1), strict=True):
        ours = pgd.attack(model, x, y, spec=given, generator=generator()).images
        theirs = attacker(peer, x, y, epsilons=0.5)[1]
        assert (ours - theirs).abs().max() <= ROUNDING


@pytest.mark.parametrize(("norm", "eps", "order"), [("linf", EPS, torch.inf), ("l2", 0.5, 2.0)])
def test_stays_in_the_ball_and_an_image(case: Case, norm: str, eps: float, order: float) -> None:
    model, x, y = case
    found = pgd.attack(
        model, x, y, spec=spec(norm=norm, eps=eps, step=eps), generator=generator()
    ).images
    assert (found - x).flatten(1).norm(p=order, dim=1).max() <= eps + ROUNDING
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("name", ["PGD", "APGD"])
def test_wrapper_depends_on_its_generator_only(case: Case, name: str) -> None:
    torch.manual_seed(1)
    before, first = torch.get_rng_state(), wrapped(case, name=name).images
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(wrapped(case, name=name).images, first)
    assert not torch.equal(wrapped(case, name=name, seed=1).images, first)


@pytest.mark.parametrize("steps", [1, 4])
def test_wrapper_counts_one_pass_each_way_per_step(case: Case, steps: int) -> None:
    found = wrapped(case, steps=steps)
    assert (found.forwards, found.backwards) == (steps, steps)


def test_fixed_apgd_counts_one_gradient_more_than_steps(
    case: Case,
) -> None:
    found = wrapped(case, name="APGD", fixed=True)
    assert found.backwards == 5 + 1  # the gradient of the start sets the step size


def test_published_apgd_leaves_misclassified_images_and_fixed_attacks_them(
    case: Case,
) -> None:
    model, x, y = case
    wrong = model(x).argmax(dim=1) != y
    published, fixed = (
        wrapped(case, name="APGD").images,
        wrapped(case, name="APGD", fixed=True).images,
    )
    assert wrong.any()
    assert torch.equal(published[wrong], x[wrong])
    assert (fixed[wrong] != x[wrong]).flatten(1).any(dim=1).all()
    assert mean_loss(model, fixed, y) >= mean_loss(model, published, y)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"lambda_": 1.0}, "Option lambda_ .*unknown option"),
        ({"target": "least_likely"}, "Option target .*unknown option"),
        ({"name": "TIFGSM"}, "must be one of FGSM, PGD"),
        ({"norm": "l2"}, "write norm: linf"),
        ({"fixed": True}, "belongs to name APGD"),
    ],
)
def test_wrapper_refuses_with_a_sentence(
    case: Case, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        wrapped(case, **options)  # type: ignore[arg-type]
