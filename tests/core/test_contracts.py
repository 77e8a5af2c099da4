"""What modules of a user's own give back is checked where they give it, in a sentence that names
the module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from norms import generator
from robustgen.attacks import sweep
from robustgen.attacks.accepted import accepted
from robustgen.attacks.cells import Sweep
from robustgen.attacks.types import Attacked, Spec
from robustgen.core.contracts import Broken, RefusedModule, blamed
from robustgen.core.refusal import Refused

EPS = 8 / 255
AXES: dict[str, Any] = {"eps": (EPS,), "steps": (3,)}
Own = Callable[[str], str]  # a module's text -> its kind

# --- who is blamed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "def make():\n    raise OSError",
            (r"failed with OSError: without a text \(lab\d+/mine.py, line 2\); fix"),
        ),
        (
            "def make():\n    return int('x')",
            (r"failed with ValueError: invalid .* \(lab\d+/mine.py, line 2\)"),
        ),
        (
            "import torch\ndef make():\n    torch.zeros(2) @ torch.zeros(3)",
            r"failed with RuntimeError: .* \(lab\d+/mine.py, line 3\)",
        ),
        (
            "def make(more):\n    pass",
            (r"failed with TypeError: make\(\) missing .* \(where the project calls it\)"),
        ),
        (
            "def other():\n    pass",
            (
                r"failed with AttributeError: .* has no attribute 'make' \(where the project calls "
                r"it\)"
            ),
        ),
        (
            "import no_such_module",
            (r"failed with ModuleNotFoundError: .* \(lab\d+/mine.py, line 1\)"),
        ),
        ("def make(:", r"failed with SyntaxError: .* \(lab\d+/mine.py, line 1\)"),
    ],
)
def test_an_exception_of_a_users_module_is_one_sentence_with_its_line(
    own: Own, text: str, words: str
) -> None:
    from robustgen.core import kinds

    kind = own(text)
    with (
        pytest.raises(RefusedModule, match=rf"^Attack {kind} at eps 1 {words}") as found,
        blamed("Attack", kind, at=" at eps 1"),
    ):
        kinds.load("attacks", kind).make()
    assert "\n" not in str(found.value)
    assert found.value.__cause__ is not None


def test_refusals_pass_and_the_projects_own_defects_keep_their_traceback(own: Own) -> None:
    with pytest.raises(Refused, match=r"^as it is$"), blamed("Attack", own("")):
        raise Refused("as it is")
    with pytest.raises(OSError, match="disk"), blamed("Attack", "pgd"):
        raise OSError("disk")
    with pytest.raises(KeyError), blamed("Attack", own("")):
        _a_defect_of_ours({})
    with pytest.raises(RefusedModule, match=r"^Attack pgd: too long$"), blamed("Attack", "pgd"):
        raise Broken("too long")


def _a_defect_of_ours(values: dict[str, int]) -> int:
    return values["gone"]


# --- attacks --------------------------------------------------------------------------------------

ATTACK = """
import torch
from robustgen.attacks.types import Attacked

def attack(classifier, images, labels, *, spec, generator):
    n = len(images)
    return {}
"""


def attacked(kind: str, **changes: Any) -> list[Attacked]:
    swept = {axis: changes.pop(axis, default) for axis, default in AXES.items()}
    sweep_ = Sweep(kind, swept, options={"step": 0.01}, **changes)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 4)).requires_grad_(False)
    x = torch.rand(5, 3, 4, 4, generator=generator())
    return list(sweep.run(model, x, torch.zeros(5).long(), sweep=sweep_, seed=0))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("images", r"an attack returns robustgen.*Attacked\(images\), not Tensor\."),
        ("None", "not NoneType"),
        (
            "Attacked(images[:2], 1, 1)",
            r"must be Tensor float32 \[5, 3, 4, 4\], .* not Tensor float32 \[2, 3, 4, 4\]",
        ),
        ("Attacked(images.double(), 1, 1)", r"not Tensor float64 \[5, 3, 4, 4\]"),
        ("Attacked(images.numpy(), 1, 1)", "must be a float tensor .*not ndarray float32"),
        ("Attacked(images * float('nan'), 1, 1)", "5 of 5 attacked images hold NaN"),
        ("Attacked(images - 1, 1, 1)", r"must lie in \[0,1\]; they lie in \[-.*clip them"),
        (
            "Attacked((images + 2 * spec.eps).clamp(0, 1), 1, 1)",
            r"5 of 5 .* 0\.062.* in linf, beyond eps = 0\.0313",
        ),
        ("Attacked(images.add_(0.1).clamp_(0, 1), 1, 1)", r"beyond eps = 0\.0313"),
        (
            "Attacked(images, -1, 1)",
            "forwards, passes per image, must be a number of at least 0, not -1",
        ),
        ("Attacked(images, 1, float('nan'))", "backwards, .* not nan"),
        ("Attacked(images, torch.ones(5), 1)", "forwards, .* not tensor"),
        ("1 / 0", r"failed with ZeroDivisionError: division by zero \(lab\d+/mine.py, line 7\)"),
    ],
)
def test_what_an_attack_returns_is_checked_and_its_module_and_cell_are_named(
    own: Own, answer: str, words: str
) -> None:
    kind = own(ATTACK.format(answer))
    with pytest.raises(
        RefusedModule, match=rf"^Attack {kind} at eps 0.0313725, steps 3:? .*{words}"
    ):
        attacked(kind)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_rounding_is_no_breach_and_an_attack_may_leave_gradients_on_its_images(
    own: Own, norm: str
) -> None:
    step = (
        "delta.sign() * spec.eps"
        if norm == "linf"
        else ("delta * spec.eps / delta.flatten(1).norm(dim=1)[:, None, None, None]")
    )
    text = ATTACK.replace(
        "n = len(images)", f"delta = torch.ones_like(images)\n    moved = images + ({step})"
    )
    (found,) = attacked(
        own(text.format("Attacked(moved.clamp(0, 1).requires_grad_(), 1, 1)")), norm=norm
    )
    assert len(found.images) == 5


@pytest.mark.parametrize(("eps", "declared"), [(float("inf"), ""), (0.1, "BALL = False\n")])
def test_without_a_ball_no_distance_is_asked_for(own: Own, eps: float, declared: str) -> None:
    kind = own(declared + ATTACK.format("Attacked(1 - images, 0, 0)"))
    assert len(attacked(kind, eps=(eps,))) == 1


def test_a_shared_trajectory_must_hold_every_step_count(own: Own) -> None:
    text = ATTACK.format("{3: Attacked(images, 0, 0)}").replace("generator)", "generator, at)")
    kind = own(text.replace("def attack", "def snapshots"))
    assert len(attacked(kind)) == 1
    with pytest.raises(RefusedModule, match=f"Attack {kind} at eps .*, steps 9.* KeyError: 9"):
        attacked(kind, steps=(3, 9))


def test_an_attack_that_works_in_place_harms_no_other_cell(own: Own) -> None:
    kind = own(ATTACK.format("Attacked(images.mul_(1 - spec.eps / 2), 1, 1)"))
    first, second = attacked(kind, steps=(1, 2))
    assert torch.equal(first.images, second.images)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"norm": "Linf"}, "norm must be one of linf, l2, not 'Linf'"),
        ({"eps": 8}, "eps is 8, but images lie in .*8/255"),
        ({"eps": -0.1}, "eps must be a number of at least 0, not -0.1"),
        ({"eps": float("nan")}, "eps must be a number"),
        ({"eps": "8/255"}, "eps must be a number"),
        ({"steps": -1}, "steps must be a whole number of at least 0"),
        ({"steps": 2.5}, "steps must be a whole number"),
        ({"steps": True}, "steps must be a whole number"),
    ],
)
def test_a_spec_that_no_attack_can_mean_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        Spec(**{"eps": EPS, "steps": 3, **wrong})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"target": "rnd"}, "target .* must be one of none, random, least_likely, not 'rnd'"),
        ({"step": -1.0}, "step .* must be a number above 0"),
        ({"step": float("nan")}, "step .* must be a number above 0"),
        ({"restarts": 0}, "restarts .* must be a whole number of at least 1"),
        ({"eot": 0}, "eot .* must be a whole number of at least 1"),
        ({"lambda_": float("inf")}, "lambda_ .* must be a number, not inf"),
        ({"stp": 0.1}, "stp .* unknown option; did you mean 'step'"),
    ],
)
def test_options_of_a_spec_that_its_kind_cannot_mean_are_refused(
    wrong: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        accepted("pgd", Spec(EPS, 3, options=wrong))
    with pytest.raises(Refused, match=words):
        Sweep("pgd", {"eps": (EPS,), "steps": (3,)}, options=wrong)


@pytest.mark.parametrize(
    "fine", [{"eps": 8, "norm": "l2"}, {"eps": float("inf")}, {"eps": 0, "steps": 0}]
)
def test_a_spec_that_means_something_is_not(fine: dict[str, Any]) -> None:
    Spec(**{"eps": EPS, "steps": 3, **fine})


@pytest.mark.parametrize(
    "axis",
    [
        {"steps": (0, 5, 5)},
        {"eps": (EPS, 0.031372549)},
        {"lambda_": (0.5, 0.5)},
        {"target": ("none", "none")},
        {"steps": ()},
        {"eps": ()},
    ],
)
def test_a_sweep_holds_no_cell_twice(axis: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="must be a list of different values"):
        Sweep("pgd", {**AXES, **axis})
