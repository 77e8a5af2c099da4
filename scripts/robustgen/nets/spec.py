"""What a net is, apart from its weights: told by the configuration, and by a weights file only to
be compared with it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustgen.core.files import BadFile
from robustgen.core.refusal import Refused
from robustgen.core.values import number, short, whole

if TYPE_CHECKING:
    from robustgen.data.store import Images

# of a configuration's net; the rest is told by the data set
KEYS = ("net", "options", "size", "mean", "std")


@dataclass(frozen=True)
class NetSpec:
    """The module that builds a net, its options, and the form of the images and logits."""

    net: str
    channels: int
    classes: int
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no net can be built from."""
        if not isinstance(self.net, str) or not isinstance(self.options, dict):
            raise Refused(
                f"A net is a module's name with a map of options, not {self.net!r} with "
                f"{self.options!r}."
            )
        for name in ("channels", "classes", "size"):
            whole(f"A net's {name}", getattr(self, name), least=1)
        for name, least in (("mean", -1e6), ("std", 1e-6)):
            values = getattr(self, name)
            if not isinstance(values, tuple) or len(values) not in (1, self.channels):
                raise Refused(
                    f"datasets.*.{name} is {values!r} for {self.channels} channels; give one "
                    "number, or one each."
                )
            for value in values:
                number(f"datasets.*.{name}", value, least=least)

    @classmethod
    def of(cls, net: dict[str, Any], images: Images) -> NetSpec:
        """The spec of a configuration's net (its KEYS) for the images of a data set."""
        if not isinstance(net, dict) or set(net) != set(KEYS):
            raise Refused(f"A net is given as a JSON map of {', '.join(KEYS)}, not {net!r}.")
        channels = images.images.shape[1]
        mean, std = (_per_channel(net[name], channels) for name in ("mean", "std"))
        return cls(net["net"], channels, len(images.names), net["size"], mean, std, net["options"])


def compare(path: str | Path, text: str, spec: NetSpec, names: tuple[str, ...]) -> None:
    """Refuse a weights file whose own spec (JSON) differs from `spec` in one of `names`; nothing is
    built from the file's.
    """
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFile(
            f"{path} does not say which net it belongs to ({error}); train the model again."
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
            f"{path} holds the weights of another net: {'; '.join(pairs)}. Name the net that "
            "it is of, or train again."
        )


def _per_channel(values: Any, channels: int) -> tuple[Any, ...]:
    found = tuple(values) if isinstance(values, list | tuple) else (values,)
    return found * channels if len(found) == 1 else found
