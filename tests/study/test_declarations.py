"""What every kind of every room declares of itself: literals that agree with each other, with its
code and with what the plan reads of them.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from robustgen.core import kinds
from robustgen.core.literals import constant, literal, module, tree
from robustgen.core.options import ENTRIES, REQUIRED, Option, declared
from robustgen.core.rows import UNITS
from robustgen.study.named import LITERALS
from robustgen.study.plan import SORTS
from robustgen.study.schema import Evaluate

ALL = [(room, kind) for room in kinds.FUNCTIONS for kind in kinds.kinds(room)]
EVERY = pytest.mark.parametrize(("room", "kind"), ALL)
TYPES = {"text", "whole number", "number", "true or false", *ENTRIES}


def known(room: str, kind: str, name: str = "OPTIONS") -> dict[str, Option]:
    return dict(declared(room, kind, name) or {})


@EVERY
def test_every_option_is_well_formed_and_its_default_fits(room: str, kind: str) -> None:
    assert declared(room, kind) is not None
    for constant_ in ("OPTIONS", "VIEWS"):
        for name, option in known(room, kind, constant_).items():
            assert name.isidentifier(), name
            assert option.type in TYPES, name
            assert option.default in (None, REQUIRED) or option.fits(option.default), name
            assert option.means.endswith("."), name
            assert not any(line.endswith(" ") for line in option.means.splitlines()), name
            assert not (option.one_of and option.default == ()), name


@EVERY
def test_options_speak_of_options_that_are_there_and_of_values_that_these_may_have(
    room: str, kind: str
) -> None:
    options = known(room, kind)
    for name, option in options.items():
        others = {*option.only, *option.never, option.below_option[0], option.instead}
        others |= {option.radius}
        assert others - {""} <= set(options) - {name}, name
        for other, values in option.only.items():
            assert all(options[other].fits(value) for value in values), name
        for other, barred in option.never.items():
            assert all(options[other].fits(value) for value in barred), name
            assert all(option.fits(value) for values in barred.values() for value in values), name
        assert {*option.up_to, *option.below_each} <= set(Evaluate.model_fields), name
        assert option.among in ("", "steps"), name


@EVERY
def test_every_literal_that_is_read_before_any_import_is_one_of_its_form(
    room: str, kind: str
) -> None:
    for name, types in LITERALS[room].items():
        value = literal(room, kind, name)
        assert value is None or isinstance(value, types), name


def asked() -> Iterator[tuple[str, str]]:
    """(room, constant) that the package reads of kinds: literal("models", kind, "PARTS")."""
    for path in kinds.ROOT.rglob("*.py"):
        for node in ast.walk(tree(path)):
            match node:
                case ast.Call(
                    func=ast.Name(id="literal" | "constant" | "declared"),
                    args=[ast.Constant(value=str(room)), _, ast.Constant(value=str(name)), *_],
                ):
                    yield room, name


def test_every_literal_that_the_package_reads_is_checked_in_own_modules() -> None:
    read = set(asked())
    assert len(read) > 15
    assert read <= {(room, name) for room, names in LITERALS.items() for name in names}


@EVERY
def test_a_module_says_in_its_first_sentence_what_it_is(room: str, kind: str) -> None:
    path = kinds.find(room, kind)
    assert path
    said = ast.get_docstring(tree(path)) or ""
    first, _, _ = said.partition("\n\n")
    assert first[:1].isupper() or first[:1].isdigit()
    assert first.endswith((".", ":"))


@EVERY
def test_every_option_that_a_module_reads_is_declared(room: str, kind: str) -> None:
    """Options are read as options["x"] and options.get("x"), whose names the syntax tree tells; an
    attack may also be handed what its NEEDS name.
    """
    path = kinds.find(room, kind)
    assert path
    read = set()
    for node in ast.walk(tree(path)):
        match node:
            case (
                ast.Subscript(value=of, slice=ast.Constant(value=str(name)))
                | ast.Call(
                    func=ast.Attribute(value=of, attr="get" | "pop"),
                    args=[ast.Constant(value=str(name)), *_],
                )
            ):
                if ast.unparse(of).endswith(("options", "options']")):
                    read.add(name)
    needs = constant("attacks", kind, "NEEDS") if room == "attacks" else ()
    assert read <= {*known(room, kind), *needs}


def test_a_declaration_is_read_once_and_again_when_its_file_changes(
    own: Callable[[str], str],
) -> None:
    text = "OPTIONS = {'depth': {'means': 'How deep.', 'default': '%s'}}\ndef attack(): pass\n"
    kind = own(text % "a")
    first = declared("attacks", kind)
    assert declared("attacks", kind) is first
    path = kinds.find("attacks", kind)
    assert path
    path.write_text(text % "b")
    os.utime(path, ns=(1, 1))
    assert [one["depth"].default for one in (first or {}, declared("attacks", kind) or {})] == [
        "a",
        "b",
    ]


# --- literals that name something -----------------------------------------------------------------


@pytest.mark.parametrize("kind", kinds.kinds("models"))
def test_what_a_model_declares_names_its_own_options_and_parts(kind: str) -> None:
    options = known("models", kind)
    side: dict[str, Any] = literal("models", kind, "SIDE", {})
    assert {value for value in side.values() if isinstance(value, str)} <= set(options)
    with_option = literal("models", kind, "SHOWN_WITH", {})
    assert set(with_option) <= set(constant("models", kind, "SHOWS"))
    assert set(with_option.values()) <= set(options)
    given = {literal("models", one, "GIVES", "classifier") for one in kinds.kinds("models")}
    parts = {part.removesuffix("?") for part in literal("models", kind, "PARTS", {}).values()}
    assert parts <= given


@pytest.mark.parametrize("kind", kinds.kinds("measures"))
def test_what_a_measure_declares_names_its_own_options_and_what_models_show(kind: str) -> None:
    assert literal("measures", kind, "ON") in ("model", "attack")
    assert literal("measures", kind, "UNIT") in UNITS
    assert set(constant("measures", kind, "MEASURED_BY")) <= set(known("measures", kind))
    shown = {one for model in kinds.kinds("models") for one in constant("models", model, "SHOWS")}
    assert set(constant("measures", kind, "LOOKS_AT")) <= {*shown, "scores"}


@pytest.mark.parametrize("kind", kinds.kinds("attacks"))
def test_what_an_attack_declares_names_its_own_options(kind: str) -> None:
    assert literal("attacks", kind, "TAKES") is not None
    assert set(constant("attacks", kind, "REPEATS")) <= set(known("attacks", kind))
    shown = {one for model in kinds.kinds("models") for one in constant("models", model, "SHOWS")}
    assert set(constant("attacks", kind, "LOOKS_AT")) <= shown


@pytest.mark.parametrize("kind", kinds.kinds("objectives"))
def test_what_an_objective_declares_names_its_own_options(kind: str) -> None:
    assert literal("objectives", kind, "INNER") in (None, *known("objectives", kind))


@pytest.mark.parametrize(
    ("room", "kind"), [(room, kind) for room, kind in ALL if room in ("tables", "figures")]
)
def test_an_output_is_made_from_sorts_of_files_or_kinds_of_measures(room: str, kind: str) -> None:
    assert literal(room, kind, "NEEDS") is not None
    needs = constant(room, kind, "NEEDS")
    assert set(needs) <= {*SORTS, *kinds.kinds("measures")}


def test_a_detector_that_measures_is_a_measure_too() -> None:
    own = {kind: module("detectors", kind) for kind in kinds.kinds("detectors")}
    measuring = {kind for kind, found in own.items() if found and "measure" in found.names}
    assert measuring == set(own) & set(kinds.kinds("measures"))
