"""What attacks declare in TAKES and OPTIONS, against their code and the libraries behind them."""

from __future__ import annotations

import inspect
from math import inf
from typing import Any, get_args

import pytest

from robustgen.attacks.accepted import accepted
from robustgen.attacks.library import READ
from robustgen.attacks.types import NORMS, Spec
from robustgen.core import kinds
from robustgen.core.literals import literal
from robustgen.core.options import declared

WORDS = {*NORMS, "eps", "nearest", "steps", "start"}
OURS = [
    "autoattack",
    "corruption",
    "estimated",
    "foolbox",
    "growing_noise",
    "lda",
    "noise",
    "other_images",
    "pgd",
    "torchattacks",
]
LIBRARIES = ["torchattacks", "foolbox"]
pytestmark = [
    # foolbox's import of scipy
    pytest.mark.filterwarnings("ignore:Please import `gaussian_filter`:DeprecationWarning"),
]


def taken(kind: str) -> dict[str, tuple[str, ...]]:
    """What each attack of a kind takes; of a kind with one attack under an empty name."""
    found = literal("attacks", kind, "TAKES")
    return next(iter(found.values())) if isinstance(found, dict) else {"": found}


def test_these_kinds_are_found() -> None:
    assert set(OURS) <= set(kinds.kinds("attacks"))


@pytest.mark.parametrize("kind", OURS)
def test_takes_says_norms_budget_steps_and_start_alone(kind: str) -> None:
    for name, words in taken(kind).items():
        assert set(words) <= WORDS, name
        assert not {"eps", "nearest"} <= set(words), name
        assert "start" not in words or "steps" in words, name
        assert bool({"eps", "nearest"} & set(words)) == bool(set(NORMS) & set(words)), name


@pytest.mark.parametrize("kind", [*LIBRARIES, "autoattack"])
def test_each_value_of_the_option_takes_something_and_a_fixed_step_count_excludes_steps(
    kind: str,
) -> None:
    (option,) = literal("attacks", kind, "TAKES")
    known = declared("attacks", kind) or {}
    assert known[option].one_of == tuple(taken(kind))
    fixed = {name for name, words in taken(kind).items() if "steps" not in words}
    assert set(literal("attacks", kind, "STEPS")) == fixed
    for entry in known.values():
        assert all(set(values) <= set(known[other].one_of) for other, values in entry.only.items())


@pytest.mark.parametrize("kind", LIBRARIES)
def test_options_are_the_arguments_of_the_library_that_the_wrapper_leaves_free(kind: str) -> None:
    """Arguments that the wrapper fills are no options, nor are those that take objects."""
    import foolbox
    import torchattacks

    wrapper, known = kinds.load("attacks", kind), declared("attacks", kind) or {}
    library = torchattacks if kind == "torchattacks" else foolbox.attacks
    assert list(wrapper.ARGUMENTS) == list(taken(kind))
    for name, words in taken(kind).items():
        eps = 0.1 if "eps" in words else inf
        spec = accepted(kind, Spec(eps, norm=words[0], options={"name": name}))
        filled = {"model", "eps", "n_classes", *wrapper.ARGUMENTS[name](spec)}
        make = getattr(library, getattr(wrapper, "CLASSES", {}).get(name, name))
        free = {
            key: value.default
            for key, value in inspect.signature(make).parameters.items()
            if key not in filled
            and isinstance(value.default, int | float | str)
            and key not in ("rel_stepsize", "tensorboard")
        }
        mine = {
            key: option
            for key, option in known.items()
            if name in option.only.get("name", ()) and key not in READ
        }
        assert set(mine) == set(free), name
        for key, option in mine.items():
            assert option.default in (None, free[key]), (name, key)
            assert option.fits(free[key]), (name, key)


def test_the_members_of_autoattack_are_those_of_the_package() -> None:
    from pyautoattack.autoattack import AttackName

    known: dict[str, Any] = declared("attacks", "autoattack") or {}
    assert set(known["attacks"].one_of) == set(get_args(AttackName))


@pytest.mark.parametrize(
    ("name", "start"), [("PGD", True), ("PGD", False), ("PGDL2", True), ("EOTPGD", True)]
)
def test_options_of_the_step_reach_the_library(name: str, start: bool) -> None:
    norm = "l2" if name == "PGDL2" else "linf"
    given = Spec(0.4, 3, norm, {"name": name, "rel_step": 0.25, "random_start": start})
    arguments = kinds.load("attacks", "torchattacks").ARGUMENTS[name](
        accepted("torchattacks", given)
    )
    assert (arguments["alpha"], arguments["steps"], arguments["random_start"]) == (0.1, 3, start)
