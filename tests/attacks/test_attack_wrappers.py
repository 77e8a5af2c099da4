"""What every wrapped attack keeps: it depends on its generator alone, leaves no trace, counts
passes, refuses in sentences.
"""

from __future__ import annotations

import sys
from math import inf
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from libraries import CLASSES, FOOLBOX, MINIMUM, TORCH, Case, linear_net, run, small_net, spec
from robustgen.attacks import autoattack, foolbox, noise, torchattacks
from robustgen.attacks.types import Spec
from robustgen.core.refusal import Refused

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    # foolbox's import of scipy
    pytest.mark.filterwarnings("ignore:Please import `gaussian_filter`:DeprecationWarning"),
]


@pytest.fixture
def case() -> Case:
    return small_net()


@pytest.fixture
def plane() -> Case:
    return linear_net()


def numpy_state() -> np.ndarray:
    """The global generator of numpy, which must not change."""
    return np.random.get_state()[1].copy()  # noqa: NPY002


EVERY = [
    *(
        (torchattacks, spec(name, **{**changes, "eps": 0.1}))
        for name, (changes, _) in TORCH.items()
    ),
    *((torchattacks, spec(name, eps=inf, norm="l2")) for name in ("CW", "DeepFool")),
    *((torchattacks, spec(name, fixed=True)) for name in ("APGD", "APGDT", "Square")),
    *(
        (foolbox, spec(name, **changes, eps=inf if name in MINIMUM else 0.1))
        for name, (_, changes, _) in FOOLBOX.items()
    ),
    (
        autoattack,
        spec(
            steps=3,
            version="custom",
            attacks=["apgd-ce", "fab", "square"],
            n_queries=5,
        ),
    ),
    (noise, spec(steps=1)),
]
RANDOM = {
    "PGD",
    "PGDL2",
    "EOTPGD",
    "APGD",
    "APGDT",
    "Square",
    "LinfPGD",
    "L2PGD",
    "BoundaryAttack",
    None,
}


@pytest.mark.parametrize(
    ("module", "given"),
    EVERY,
    ids=[
        (f"{m.__name__.split('.')[-1]}-{'-'.join(map(str, s.options.values()))}") for m, s in EVERY
    ],
)
def test_each_wrapper_depends_on_its_generator_and_leaves_no_trace(
    case: Case, module: ModuleType, given: Spec
) -> None:
    model, x, y = case
    dropout = nn.Dropout(0.0)
    module_classifier = nn.Sequential(model, dropout).eval()
    dropout.train()
    torch.manual_seed(1)
    states, image = (torch.get_rng_state(), numpy_state()), x.clone()
    first = run(module, (module_classifier, x, y), given)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(numpy_state(), states[1])
    assert torch.equal(x, image)
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())
    assert dropout.training
    assert not model.training
    torch.manual_seed(2)
    assert torch.equal(run(module, (module_classifier, x, y), given).images, first.images)
    if given.options.get("name") in RANDOM:
        assert not torch.equal(
            run(module, (module_classifier, x, y), given, seed=4).images, first.images
        )


def test_autoattack_puts_the_tracing_function_back(case: Case) -> None:
    before = sys.gettrace()
    trace = lambda *_: None  # noqa: E731
    sys.settrace(trace)
    try:
        run(
            autoattack,
            case,
            spec(eps=0.3, steps=2, version="custom", attacks=["apgd-ce"]),
        )
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)


@pytest.mark.parametrize(
    ("module", "given", "forwards", "backwards"),
    [
        (torchattacks, spec("FGSM", steps=1), 1, 1),
        (torchattacks, spec("PGD"), 4, 4),
        (torchattacks, spec("EOTPGD", eot=3), 12, 12),
        (torchattacks, spec("APGD", eot=3, fixed=True), 16, 15),
        (torchattacks, spec("DeepFool", eps=inf, norm="l2", steps=1), 1 + 1, CLASSES),
        (foolbox, spec("LinfPGD", restarts=2), 10, 8),
        (foolbox, spec("DDN", eps=inf, norm="l2"), 5 + 2, 4),
    ],
)
def test_counts_are_passes_per_image(
    plane: Case, module: ModuleType, given: Spec, forwards: int, backwards: int
) -> None:
    """Where the smallest perturbation is sought, one more forward pass tells whether one was
    found.
    """
    found = run(module, plane, given)
    assert (found.forwards, found.backwards) == (forwards, backwards)


SMALL, UNBOUNDED = "has no budget; write eps: \\[unbounded\\]", "needs a budget; write a finite eps"
NAMELESS = [(autoattack, {"steps": 1}), (noise, {"steps": 1})]
REFUSED: list[tuple[ModuleType, Spec, str]] = [
    *((torchattacks, spec(name, norm="l2"), SMALL) for name in ("CW", "DeepFool")),
    *((foolbox, spec(name, norm=FOOLBOX[name][1].get("norm", "linf")), SMALL) for name in MINIMUM),
    *(
        (torchattacks, spec(name, eps=inf, norm=changes.get("norm", "linf")), UNBOUNDED)
        for name, (changes, _) in TORCH.items()
    ),
    *(
        (foolbox, spec(name, eps=inf, norm=changes.get("norm", "linf")), UNBOUNDED)
        for name, (_, changes, _) in FOOLBOX.items()
        if name not in MINIMUM
    ),
    *((module, spec(eps=inf, **more), UNBOUNDED) for module, more in NAMELESS),
    *(
        (module, spec(lambda_=1.0), r"Option lambda_ of kind \w+: unknown option")
        for module in (torchattacks, foolbox, autoattack, noise)
    ),
    *(
        (module, spec(target="least_likely"), r"Option target of kind \w+: unknown option")
        for module in (torchattacks, foolbox, autoattack, noise)
    ),
    (torchattacks, spec("AutoAttack"), "10 iterations instead of 100; use kind autoattack"),
    (torchattacks, spec("TIFGSM"), "must be one of FGSM, PGD, .*, not 'TIFGSM'"),
    (foolbox, spec("EADAttack"), "must be one of LinfPGD, .*, not 'EADAttack'"),
    (torchattacks, spec("PGD", norm="l2"), "an attack in linf, not in l2; write norm: linf"),
    (torchattacks, spec("CW", eps=inf), "an attack in l2, not in linf; write norm: l2"),
    (torchattacks, spec("FGSM"), "FGSM .* always takes 1; leave steps out, or write 1"),
    (foolbox, spec("LinfFastGradient"), "always takes 1; leave steps out"),
    (autoattack, spec(), "Standard of kind autoattack always takes 100; leave steps out"),
    (noise, spec(), "Kind noise takes no steps; leave steps out"),
    (torchattacks, spec("APGD", steps=0), "cannot be shown after 0 steps; take at least 1"),
    (foolbox, spec("DDN", eps=inf, norm="l2", steps=0), "cannot be shown after 0 steps"),
    (torchattacks, spec("PGD", restarts=2), "belongs to name APGD, APGDT, Square, not to PGD"),
    (foolbox, spec("DDN", eps=inf, norm="l2", restarts=2), "belongs to name .*, not to DDN"),
    (torchattacks, spec("PGD", eot=2), "belongs to name EOTPGD, APGD, APGDT, not to PGD"),
    (foolbox, spec("LinfPGD", eot=2), "Option eot of kind foolbox: unknown option"),
    (torchattacks, spec("PGD", fixed=True), "fixed .* belongs to name APGD, APGDT, Square"),
    (torchattacks, spec("PGD", alpa=1), "Option alpa of kind torchattacks: unknown option"),
    (foolbox, spec("DDN", eps=inf, norm="l2", c=1), "Option c of kind foolbox: unknown option"),
    (foolbox, spec("DDN", eps=inf, norm="l2", overshoot=1), "belongs to name L2DeepFool"),
    (torchattacks, spec("Square", loss="dlr"), "must not be dlr beside name Square"),
    (autoattack, spec(version="fast"), "must be one of standard, .*, not 'fast'"),
    (autoattack, spec(name="standard"), "Option name of kind autoattack: unknown option"),
    (autoattack, spec(attacks=["square"], steps=1), "belongs to version custom, not to standard"),
    (autoattack, spec(restarts=2, steps=1), "belongs to version custom, not to standard"),
    (autoattack, spec(eot=5, steps=1, version="rand"), "belongs to version custom, not to rand"),
    (autoattack, spec(version="custom"), "attacks .* is missing; it must be a list out of apgd-ce"),
    (autoattack, spec(version="custom", attacks=["pgd"]), "must be a list out of apgd-ce"),
    (autoattack, spec(version="custom", attacks=[]), "must be a list out of apgd-ce"),
]


@pytest.mark.parametrize(("module", "given", "sentence"), REFUSED)
def test_what_cannot_be_meant_is_refused(
    case: Case, module: ModuleType, given: Spec, sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        run(module, case, given)


@pytest.mark.parametrize(
    ("module", "given", "classes", "sentence"),
    [
        (
            torchattacks,
            spec("APGDT"),
            3,
            ("APGDT on the DLR loss needs at least 4 classes, the classifier has 3"),
        ),
        (
            torchattacks,
            spec("APGD", loss="dlr"),
            2,
            ("needs at least 3 classes, the classifier has 2"),
        ),
        (
            autoattack,
            spec(steps=1),
            3,
            (
                "apgd-t needs at least 4 classes, the classifier has 3; choose others in version "
                "custom"
            ),
        ),
        (autoattack, spec(steps=1, version="rand"), 2, "apgd-dlr needs at least 3 classes"),
    ],
)
def test_too_few_classes_are_refused(
    plane: Case, module: ModuleType, given: Spec, classes: int, sentence: str
) -> None:
    few = nn.Sequential(nn.Flatten(), nn.Linear(64, classes))
    with pytest.raises(Refused, match=sentence):
        run(module, (few, plane[1], plane[2] % classes), given)


@pytest.mark.parametrize("module", [torchattacks, foolbox, autoattack, noise])
def test_images_outside_the_cube_are_refused(case: Case, module: ModuleType) -> None:
    with pytest.raises(Refused, match="normalisation is the net's first layer"):
        run(module, (case[0], 2 * case[1], case[2]), spec())
