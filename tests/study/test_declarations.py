"""What kinds declare of themselves: literals that agree with the code and with the libraries behind
it.
"""

from __future__ import annotations

import ast
import inspect
from math import inf
from typing import Any, get_args

import pytest

from robustgen.core import kinds, options
from robustgen.core.literals import literal, module
from robustgen.stats import rules
from robustgen.study.schema import Attack

# rooms whose kinds take options
OPTIONAL = ["data", "nets", "attacks", "detect", "measures", "tables", "figures"]


@pytest.mark.parametrize(
    ("room", "kind"), [(room, kind) for room in OPTIONAL for kind in kinds.kinds(room)]
)
def test_every_kind_declares_its_options_and_every_default_fits(room: str, kind: str) -> None:
    known = options.declared(room, kind)
    assert known is not None
    for name, option in known.items():
        assert option.means.endswith("."), name
        assert option.default in (None, options.REQUIRED) or option.fits(option.default), name
        assert set(option.only) <= set(known), name


@pytest.mark.parametrize(
    ("room", "kind"), [(room, kind) for room in OPTIONAL for kind in kinds.kinds(room)]
)
def test_every_option_that_a_module_reads_is_declared(room: str, kind: str) -> None:
    """Options are read as options.get("x") and spec["options"].get("x"), whose names the syntax
    tree tells.
    """
    path = kinds.find(room, kind)
    assert path
    read = {
        node.args[0].value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("get", "pop")
        and "options" in ast.unparse(node.func.value)
        and isinstance(node.args[0], ast.Constant)
    }
    assert read <= set(options.declared(room, kind) or {})


@pytest.mark.parametrize("kind", kinds.kinds("attacks"))
def test_every_attack_declares_what_it_takes_of_an_entry(kind: str) -> None:
    found = literal("attacks", kind, "TAKES")
    taken = {"": found} if isinstance(found, tuple) else next(iter(found.values()))
    settings = {*Attack.model_fields, "linf", "l2"}
    assert all({"linf", "l2"} & set(names) and set(names) <= settings for names in taken.values())
    if isinstance(found, dict):
        (option,) = found
        assert (
            set((options.declared("attacks", kind) or {})[option].one_of)
            == set(taken)
            >= set(literal("attacks", kind, "STEPS"))
        )


def test_the_names_of_statistics_are_those_of_their_module() -> None:
    found = module("stats", "statistics")
    assert found
    (names,) = [
        node for node in ast.walk(found.values["STATISTICS"]) if isinstance(node, ast.Tuple)
    ]
    assert tuple(ast.unparse(name) for name in names.elts) == rules.NAMES


def offers(kind: str) -> dict[str, Any]:
    return dict(kinds.load("attacks", kind).OFFERS)


@pytest.mark.parametrize("kind", ["torchattacks", "foolbox"])
def test_what_library_attacks_take_is_what_their_wrappers_offer(kind: str) -> None:
    """A wrapper refuses at run time by its OFFERS what the declaration refuses before any job."""
    taken = literal("attacks", kind, "TAKES")["name"]
    steps = literal("attacks", kind, "STEPS")
    assert list(taken) == list(offers(kind))
    for name, offer in offers(kind).items():
        names = set(taken[name])
        assert {norm for norm in ("linf", "l2") if norm in names} == set(offer.norms), name
        assert ("eps" in names, "restarts" in names, "eot" in names) == (
            not offer.minimum,
            offer.restarts,
            offer.eot,
        ), name
        assert ("steps" in names, steps.get(name)) == (
            offer.iterates,
            None if offer.iterates else 1,
        ), name


@pytest.mark.parametrize("kind", ["torchattacks", "foolbox"])
def test_options_of_library_attacks_are_the_arguments_that_the_wrapper_leaves_free(
    kind: str,
) -> None:
    """Arguments that a Spec fills are no options, nor are those that take objects or that the
    wrapper sets itself.
    """
    import foolbox
    import torchattacks

    from robustgen.attacks.types import Spec

    wrapper, known = kinds.load("attacks", kind), options.declared("attacks", kind) or {}
    library = torchattacks if kind == "torchattacks" else foolbox.attacks
    for name, offer in offers(kind).items():
        make = getattr(library, getattr(wrapper, "CLASSES", {}).get(name, name))
        filled = {
            "model",
            "eps",
            "n_classes",
            *offer.arguments(Spec(eps=inf, step=1, steps=1, norm=offer.norms[0])),
        }
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
            if name in option.only.get("name", ()) and key != "mended"
        }
        assert set(mine) == set(free), name
        assert all(
            option.default in (None, free[key]) and option.fits(free[key])
            for key, option in mine.items()
        ), name


def test_the_members_of_autoattack_are_those_of_the_package() -> None:
    from pyautoattack.autoattack import AttackName

    known = options.declared("attacks", "autoattack") or {}
    assert set(known["attacks"].one_of) == set(get_args(AttackName))
    assert known["version"].one_of == kinds.load("attacks", "autoattack").VERSIONS
