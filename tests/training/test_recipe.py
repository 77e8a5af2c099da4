"""Recipes and objectives: options are those that the kind declares, filled with its defaults; all
else is refused with a sentence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from robustgen.core import kinds
from robustgen.core.refusal import Refused
from robustgen.training.types import Objective, Recipe

DEFAULTS = {
    "batch": 128,
    "optimizer": "sgd",
    "lr": 0.1,
    "weight_decay": 5e-4,
    "schedule": "onecycle",
    "flip": True,
    "crop": 0,
    "label_smoothing": 0.0,
}


def test_the_rooms_hold_the_kinds_of_this_package() -> None:
    assert "supervised" in kinds.kinds("trainers")
    assert {"standard", "gaussian", "adversarial"} <= set(kinds.kinds("objectives"))


def test_options_that_are_left_out_are_the_defaults() -> None:
    assert Recipe(epochs=3).options == DEFAULTS
    assert Recipe(epochs=3, options={"lr": 0.2}).options == {**DEFAULTS, "lr": 0.2}
    assert Recipe(epochs=3).objective == Objective("standard", {})
    assert Objective("adversarial", {"eps": 0.1}).options == {
        "norm": "linf",
        "eps": 0.1,
        "steps": 7,
        "rel_step": 0.25,
    }


def test_a_recipe_of_plain_values_is_the_recipe() -> None:
    objective = Objective("adversarial", {"eps": 0.1})
    recipe = Recipe(
        epochs=3, options={"schedule": "multistep", "milestones": (1, 2)}, objective=objective
    )
    plain = {
        "trainer": "supervised",
        "epochs": 3,
        "options": {"schedule": "multistep", "milestones": [1, 2]},
        "objective": {"kind": "adversarial", "options": {"eps": 0.1}},
    }
    assert Recipe.of(plain) == recipe
    assert Recipe.of({"epochs": 3}) == Recipe(epochs=3)


@pytest.mark.parametrize("kind", ["standard", "gaussian", "adversarial"])
def test_a_filled_recipe_passes_through_json_unchanged(kind: str) -> None:
    given = {"standard": {}, "gaussian": {"sigma": 0.2}, "adversarial": {"eps": 0.1}}[kind]
    recipe = Recipe(epochs=3, objective=Objective(kind, given))
    plain = {**vars(recipe), "objective": vars(recipe.objective)}
    assert Recipe.of(json.loads(json.dumps(plain))) == recipe


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            {"schedule": "linear"},
            "schedule: must be one of onecycle, multistep, cosine, constant, not 'linear'.",
        ),
        ({"optimizer": "adamw"}, "optimizer: must be one of sgd, adam, not 'adamw'."),
        ({"batch": 2.5}, "batch: must be a whole number of at least 1, not 2.5."),
        ({"batch": 0}, "batch: must be a whole number of at least 1, not 0."),
        ({"lr": math.nan}, "lr: must be a number above 0, not nan."),
        ({"lr": 0}, "lr: must be a number above 0, not 0."),
        ({"lr": "1e-2"}, "lr: must be a number above 0, not '1e-2'; write 0.01."),
        ({"gamma": 0.0}, "gamma: must be a number above 0, not 0.0."),
        ({"weight_decay": -1e-4}, "weight_decay: must be a number of at least 0, not -0.0001."),
        ({"flip": 1}, "flip: must be true or false, not 1."),
        ({"crop": -1}, "crop: must be a whole number of at least 0, not -1."),
        ({"crop": False}, "crop: must be a whole number of at least 0, not false."),
        (
            {"milestones": [2, -1]},
            "milestones: must be a list of whole numbers of at least 0, not [2, -1].",
        ),
        (
            {"label_smoothing": 1.0},
            "label_smoothing: must be a number of at least 0 and below 1, not 1.0.",
        ),
        ({"bach": 10}, "bach: unknown option; did you mean 'batch'?"),
    ],
)
def test_a_wrong_option_of_a_trainer_is_refused_with_one_sentence(
    wrong: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused) as refused:
        Recipe(epochs=3, options=wrong)
    assert str(refused.value) == f"Trainer supervised, option {words}"


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("adversarial", {}, "eps: is missing; it must be a number above 0."),
        ("adversarial", {"eps": 0.0}, "eps: must be a number above 0, not 0.0."),
        ("adversarial", {"eps": -1.0}, "eps: must be a number above 0, not -1.0."),
        ("adversarial", {"eps": 0.1, "norm": "Linf"}, "norm: must be one of linf, l2, not 'Linf'."),
        (
            "adversarial",
            {"eps": 0.1, "steps": 0},
            "steps: must be a whole number of at least 1, not 0.",
        ),
        (
            "adversarial",
            {"eps": 0.1, "rel_step": 0},
            "rel_step: must be a number above 0, not 0.",
        ),
        ("gaussian", {}, "sigma: is missing; it must be a number above 0."),
        ("gaussian", {"sigma": 0}, "sigma: must be a number above 0, not 0."),
        ("gaussian", {"sigma": 0.1, "eps": 0.1}, "eps: unknown option; known: sigma."),
        ("standard", {"sigma": 0.1}, "sigma: unknown option; this kind has none."),
    ],
)
def test_a_wrong_option_of_an_objective_is_refused_with_one_sentence(
    kind: str, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused) as refused:
        Objective(kind, given)
    assert str(refused.value) == f"Objective {kind}, option {words}"


def test_each_of_two_wrong_options_has_its_sentence() -> None:
    with pytest.raises(Refused) as refused:
        Recipe(epochs=3, options={"lr": -1, "crop": -1})
    assert str(refused.value).count("Trainer supervised, option ") == 2


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ({}, "A recipe needs `epochs`, the number of passes over the training split."),
        ({"epochs": 0}, "A recipe's epochs must be a whole number of at least 1, not 0."),
        (
            {"epochs": 3, "lr": 0.1},
            "A recipe has no 'lr'; its keys are epochs, trainer, options, objective, and settings "
            "of its kind belong below `options`.",
        ),
        (
            {"epochs": 3, "objective": {"kind": "gaussian", "sigma": 0.1}},
            "A recipe's objective has no 'sigma'; its keys are kind, options, and settings of its "
            "kind belong below `options`.",
        ),
        (
            {"epochs": 3, "objective": "gaussian"},
            "A recipe's objective must be a map of kind, options, not 'gaussian'.",
        ),
        (
            {"epochs": 3, "options": [1]},
            "Trainer supervised: options must be a map of names to values, not [1].",
        ),
    ],
)
def test_a_map_that_is_no_recipe_is_refused_with_one_sentence(
    plain: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused) as refused:
        Recipe.of(plain)
    assert str(refused.value) == words


def test_options_of_a_users_own_objective_are_checked_alike(own: Callable[[str], str]) -> None:
    kind = own(
        'OPTIONS = {"beta": {"type": "number", "least": 1, "means": "A weight."}}\n'
        "def loss(): ...\n"
        "def correct(): ...\n"
    )
    assert Objective(kind, {"beta": 6}).options == {"beta": 6}
    with pytest.raises(Refused, match=r"option beta: must be a number of at least 1, not 0\.5\."):
        Objective(kind, {"beta": 0.5})
