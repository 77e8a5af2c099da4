"""Sweeps that are refused before any pass."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from robustgen.attacks.cells import Sweep
from robustgen.attacks.types import Spec
from robustgen.core.refusal import Refused

Own = Callable[[str], str]  # a module's text -> its kind
pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    # foolbox's import of scipy
    pytest.mark.filterwarnings("ignore:Please import `gaussian_filter`:DeprecationWarning"),
]


def made(kind: str, sweep: dict[str, tuple[Any, ...]], norm: str = "linf", **options: Any) -> Sweep:
    return Sweep(kind, sweep, norm, options)


TAKES = 'TAKES = ("l2", "eps")\nOPTIONS = {}\ndef attack(): pass\n'


@pytest.mark.parametrize(
    ("kind", "norm", "sweep", "options", "words"),
    [
        ("pgd", "linf", {"eps": (), "steps": (1,)}, {}, r"eps must be a list of different"),
        ("pgd", "linf", {"eps": (0.1,), "steps": (1, 1)}, {}, r"steps must be a list of different"),
        ("pgd", "linf", {"eps": (0.1,), "eot": ([1],)}, {}, r"eot cannot be swept over \[1\]"),
        ("pgd", "linf", {"eps": (0.1,), "weight": (1,)}, {}, "Option weight .*unknown option"),
        ("pgd", "linf", {"eps": (0.1,), "eot": (0,)}, {}, "eot .*of at least 1, not 0"),
        ("pgd", "linf", {"steps": (1,)}, {}, "Kind pgd needs a budget; write a finite eps"),
        ("pgd", "linf", {"eps": (8,)}, {}, "write 8/255"),
        ("noise", "linf", {"eps": (0.1,), "steps": (1,)}, {}, "Kind noise takes no steps; leave"),
        ("noise", "linf", {"eps": (inf,)}, {}, "Kind noise needs a budget"),
        (
            "autoattack",
            "linf",
            {"eps": (0.1,), "steps": (50,)},
            {},
            "Standard of kind autoattack always takes 100; leave steps out, or write 100",
        ),
        (
            "foolbox",
            "l2",
            {"eps": (0.1,), "steps": (4,)},
            {"name": "DDN"},
            r"DDN of kind foolbox seeks the smallest perturbation .* \[unbounded\], not 0.1",
        ),
        (
            "torchattacks",
            "linf",
            {"eps": (0.1,), "steps": (0, 4)},
            {"name": "APGD"},
            "APGD of kind torchattacks cannot be shown after 0 steps",
        ),
        (
            "torchattacks",
            "l2",
            {"eps": (0.1,), "steps": (4,)},
            {"name": "PGD"},
            "PGD of kind torchattacks is an attack in linf, not in l2; write norm: linf",
        ),
    ],
)
def test_what_a_kind_does_not_take_is_refused_before_any_pass(
    kind: str, norm: str, sweep: dict[str, Any], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        made(kind, sweep, norm, **options)


def test_the_one_step_count_of_a_protocol_may_be_named() -> None:
    assert made("autoattack", {"eps": (0.1,), "steps": (100,)}).cells()[0]["steps"] == 100
    assert made("torchattacks", {"eps": (0.1,), "steps": (1,)}, name="FGSM").axes()[1] == "steps"


def test_a_module_of_ones_own_that_declares_what_it_takes_is_held_to_it(own: Own) -> None:
    kind = own(TAKES)
    assert made(kind, {"eps": (0.1,)}, "l2").axes() == ["eps"]
    with pytest.raises(Refused, match=f"Kind {kind} is an attack in l2, not in linf"):
        made(kind, {"eps": (0.1,)})
    with pytest.raises(Refused, match=f"Kind {kind} takes no steps"):
        made(kind, {"eps": (0.1,), "steps": (3,)}, "l2")
    free = own("def attack(): pass\n")
    assert made(free, {"steps": (3,), "anything": ("a", "b")}).axes() == ["steps", "anything"]


def test_an_entry_with_an_unknown_key_is_refused_with_the_nearest() -> None:
    with pytest.raises(Refused, match="not 'options_'; did you mean 'options'"):
        Sweep.of({"kind": "pgd", "sweep": {"eps": [0.1]}, "options_": {}})


def test_a_spec_s_step_is_in_pixels_or_a_share_of_eps() -> None:
    assert Spec(0.4).step == 0.05
    assert Spec(0.4, options={"rel_step": 0.5}).step == 0.2
    assert Spec(0.4, options={"rel_step": 0.5, "step": 0.01}).step == 0.01
