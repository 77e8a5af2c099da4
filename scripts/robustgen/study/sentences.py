"""What validation finds wrong, in sentences that call types by plain words."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from types import UnionType
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from robustgen.core.words import nearest, shown
from robustgen.study.fields import Name, Words, WrongKeys
from robustgen.study.schema import Study

PLAIN = {str: ("text", "texts"), bool: ("true or false", "true or false")}
OPTIONS = "options"  # the key of a block below which settings of its kind stand
KEY = "[key]"  # where validation speaks of a key and not of its value


def sentences(error: ErrorDetails) -> list[str]:
    """The place of an error and what must stand there; one sentence for each key of a map."""
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, WrongKeys):
        path = ".".join(map(str, error["loc"]))
        return [f"{path}.{key}: {said}." for key, said in cause.said.items()]
    return [_sentence(error)]


def _sentence(error: ErrorDetails) -> str:
    loc, kind, value = error["loc"], error["type"], error["input"]
    path = ".".join(str(part) for part in loc if part != KEY)
    if kind == "extra_forbidden":
        return f"{path}: unknown key{_meant(str(loc[-1]), _keys(loc[:-1]))}"
    if kind == "missing":
        return f"{path}: is missing and has no default."
    if kind == "too_short":
        return f"{path}: is empty; give at least one value."
    if kind == "value_error":
        return f"{path}: {error['msg'].removeprefix('Value error, ')}."
    if kind == "invalid_key" or loc[-1:] == (KEY,):
        return (
            f"{path}: a key must be {called(Name)}, not "
            f"{shown(value if loc[-1:] == (KEY,) else loc[-1])}."
        )
    return f"{path}: must be {called(*_at(loc))}, not {shown(value)}."


def _meant(key: str, known: list[str]) -> str:
    """What an unknown key may be meant to be."""
    hint = nearest(key, known)
    if OPTIONS not in known or "did you mean" in hint:
        return hint
    return f"{hint.removesuffix('.')}; settings of the kind belong below `{OPTIONS}`."


def called(annotation: Any, metadata: Iterable[Any] = (), *, several: bool = False) -> str:
    """A type in words: `a whole number above 0`; `several` of them: `whole numbers above 0`."""
    for words in (one for one in metadata if isinstance(one, Words)):
        return words.several if several else words.one
    origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return called(inside[0], inside[1:], several=several)
    if origin is typing.Literal:
        return f"one of {', '.join(map(str, inside))}"
    if origin is tuple:
        return f"a list of {called(inside[0], several=True)}"
    if origin in (typing.Union, UnionType):
        return " or ".join("null" if one is type(None) else called(one) for one in inside)
    return PLAIN[annotation][several] if annotation in PLAIN else "a map of keys"


def _at(loc: tuple[int | str, ...]) -> tuple[Any, list[Any]]:
    """The type and its metadata at a place of the study."""
    annotation: Any = Study
    metadata: list[Any] = []
    for part in loc:
        bare = _bare(annotation)
        if isinstance(bare, type) and issubclass(bare, BaseModel):
            field = bare.model_fields[str(part)]
            annotation, metadata = field.annotation, field.metadata
        else:
            inside = typing.get_args(bare)
            annotation, metadata = inside[0] if typing.get_origin(bare) is tuple else inside[-1], []
    return annotation, metadata


def _bare(annotation: Any) -> Any:
    """A type without the null that may stand in its place, and without metadata."""
    if typing.get_origin(annotation) in (typing.Union, UnionType):
        annotation = next(one for one in typing.get_args(annotation) if one is not type(None))
    return (
        typing.get_args(annotation)[0]
        if typing.get_origin(annotation) is typing.Annotated
        else annotation
    )


def _keys(loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the block at `loc` may hold."""
    block = _bare(_at(loc)[0])
    return (
        list(block.model_fields) if isinstance(block, type) and issubclass(block, BaseModel) else []
    )
