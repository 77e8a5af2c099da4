"""What training takes, in plain values, and what a trainer is handed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from robustgen.core.option_faults import problems
from robustgen.core.options import declared, filled
from robustgen.core.refusal import Refused
from robustgen.core.values import whole

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Seed = Callable[..., "torch.Generator"]  # named axes -> generator


@dataclass(frozen=True)
class Objective:
    """What is minimised: a kind of the room `objectives`, with all its options filled."""

    kind: str = "standard"
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse options that the kind does not take, and fill the others."""
        object.__setattr__(self, "options", _options("objectives", self.kind, self.options))


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a model is trained: a kind of the room `trainers`, with all its options filled."""

    epochs: int
    trainer: str = "supervised"
    options: dict[str, Any] = field(default_factory=dict)
    objective: Objective = field(default_factory=Objective)

    def __post_init__(self) -> None:
        """Refuse what would be taken for something else, and options that the kind does not
        take.
        """
        whole("A recipe's epochs", self.epochs, least=1)
        object.__setattr__(self, "options", _options("trainers", self.trainer, self.options))

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Recipe:
        """The recipe of a configuration's plain map."""
        names = tuple(cls.__dataclass_fields__)
        _known("recipe", plain, names)
        if "epochs" not in plain:
            raise Refused("A recipe needs `epochs`, the number of passes over the training split.")
        objective = plain.get("objective", {})
        _known("recipe's objective", objective, tuple(Objective.__dataclass_fields__))
        return cls(**{**plain, "objective": Objective(**objective)})


@dataclass(frozen=True)
class Part:
    """Images (uint8 [n,c,h,w]) and labels (int64 [n]) of a split, on the training device, and masks
    (uint8 [n,h,w], 1 on the object) where the data set has them.
    """

    images: Tensor
    labels: Tensor
    masks: Tensor | None = None


@dataclass(frozen=True)
class Data:
    """The splits that training may see."""

    train: Part
    validation: Part


def _known(what: str, plain: object, names: tuple[str, ...]) -> None:
    """Refuse what is no map, and keys that nothing reads."""
    form = ", ".join(names)
    if not isinstance(plain, Mapping):
        raise Refused(f"A {what} must be a map of {form}, not {plain!r}.")
    if unknown := [name for name in plain if name not in names]:
        raise Refused(
            f"A {what} has no {', '.join(map(repr, unknown))}; its keys are {form}, and settings "
            "of its kind belong below `options`."
        )


def _options(room: str, kind: str, given: object) -> dict[str, Any]:
    """All options of a kind; refused with a sentence for each one that is wrong.

    A value that equals its default is not checked: a default may be what nobody could write, such
    as a list of none.
    """
    what = f"{room.removesuffix('s').capitalize()} {kind}"
    if not isinstance(given, Mapping):
        raise Refused(f"{what}: options must be a map of names to values, not {given!r}.")
    plain = {name: _plain(value) for name, value in given.items()}
    known = declared(room, kind)
    if known is not None:
        asked = {
            name: value
            for name, value in plain.items()
            if name not in known or not _same(value, _plain(known[name].default))
        }
        wrong = [f"{what}, option {name}: {said}" for name, said in problems(asked, known)]
        if wrong:
            raise Refused(" ".join(wrong))
    return filled(room, kind, plain)


def _plain(value: Any) -> Any:
    """A list as a tuple, as defaults are written and as JSON cannot hold them."""
    return tuple(value) if isinstance(value, list) else value


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and value == default
