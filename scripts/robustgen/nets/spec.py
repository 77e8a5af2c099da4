"""What a model is, apart from its weights: told by the configuration, and by a weights file only
to be compared with it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from robustgen.core.files import BadFile, read_json
from robustgen.core.literals import literal
from robustgen.core.refusal import Refused
from robustgen.core.values import number, short, whole

CLASSIFIER = "classifier"  # what a kind gives that does not say otherwise in GIVES


@dataclass(frozen=True)
class Spec:
    """The kind of a model, its options, and the form of its images and scores."""

    kind: str
    channels: int
    classes: int
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no model can be built from."""
        if not isinstance(self.kind, str) or not isinstance(self.options, dict):
            raise Refused(
                f"A model is a kind with a map of options, not {self.kind!r} with {self.options!r}."
            )
        for name in ("channels", "classes", "size"):
            whole(f"A model's {name}", getattr(self, name), least=1)
        for name, least in (("mean", -1e6), ("std", 1e-6)):
            values = getattr(self, name)
            if not isinstance(values, tuple) or len(values) not in (1, self.channels):
                raise Refused(
                    f"datasets.*.{name} is {values!r} for {self.channels} channels; give one "
                    "number, or one each."
                )
            for value in values:
                number(f"datasets.*.{name}", value, least=least)


@dataclass(frozen=True)
class Model:
    """A model as a job is told of it: a node of the graph, with its parts."""

    name: str
    kind: str
    options: dict[str, Any]
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    data: Path  # folder of its data set, which tells its channels and classes
    weights: Path | None  # none where nothing is trained
    draws: int  # fresh draws on which a randomised classifier is judged
    parts: dict[str, Model]

    @classmethod
    def of(cls, plain: Any) -> Model:
        """The model of a plain map, as the plan writes it for a command line."""
        names = cls.__dataclass_fields__
        if not isinstance(plain, dict) or set(plain) != set(names):
            raise Refused(f"A model is given as a JSON map of {', '.join(names)}, not {plain!r}.")
        values = dict(plain)
        values |= {name: _several(plain[name]) for name in ("mean", "std")}
        values["data"] = Path(plain["data"])
        values["weights"] = Path(plain["weights"]) if plain["weights"] else None
        values["parts"] = {role: cls.of(part) for role, part in plain["parts"].items()}
        return cls(**values)

    def spec(self) -> Spec:
        """The model's spec, with the channels and classes of its data set."""
        facts = read_json(self.data / "pool.json")
        channels, classes = int(facts["shape"][1]), len(facts["names"])
        mean, std = (_per_channel(values, channels) for values in (self.mean, self.std))
        return Spec(self.kind, channels, classes, self.size, mean, std, self.options)

    def files(self) -> list[Path]:
        """The weights of the model and of all its parts: what its answers depend on."""
        own = [self.weights] if self.weights else []
        return own + [path for part in self.parts.values() for path in part.files()]


def gives(kind: str) -> str:
    """What a kind of model gives: a classifier, unless it says otherwise in GIVES."""
    return str(literal("models", kind, "GIVES", CLASSIFIER))


def model(text: str) -> Model:
    """The model of a command line's JSON."""
    return Model.of(json.loads(text))


def compare(path: str | Path, text: str, spec: Spec, names: tuple[str, ...]) -> None:
    """Refuse a weights file whose own spec (JSON) differs from `spec` in one of `names`; nothing
    is built from the file's.
    """
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFile(
            f"{path} does not say which model it belongs to ({error}); train the model again."
        ) from error
    told = told if isinstance(told, dict) else {}
    wanted = json.loads(json.dumps(asdict(spec)))
    wrong = [name for name in names if name not in told or told[name] != wanted[name]]
    if wrong:
        both = ((name, short(repr(told.get(name))), short(repr(wanted[name]))) for name in wrong)
        pairs = (
            f"{name} is {theirs} in the file and {ours} in the configuration"
            for name, theirs, ours in both
        )
        raise BadFile(
            f"{path} holds the weights of another model: {'; '.join(pairs)}. Name the model that "
            "it is of, or train again."
        )


def _several(values: Any) -> tuple[Any, ...]:
    return tuple(values) if isinstance(values, list | tuple) else (values,)


def _per_channel(values: tuple[Any, ...], channels: int) -> tuple[Any, ...]:
    return values * channels if len(values) == 1 else values
