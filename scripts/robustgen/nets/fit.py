"""The tensors of a file of another program under the names of a net."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from torch import Tensor

from robustgen.nets import keymap
from robustgen.nets.keymap import Keys
from robustgen.nets.spec import Spec

State = dict[str, Tensor]

WRAPPERS = ("module.", "model.")  # prefixes of modules around a net
NET = "1."  # the net's in a model of ours, whose first layer is the normalisation
# of a batch norm; some libraries do not write it, and inference does not use it
COUNTER = "num_batches_tracked"
NORMALISING = {"mu": "mean", "mean": "mean", "sigma": "std", "std": "std"}


@dataclass(frozen=True)
class Held:
    """A tensor of a file: its name there without wrappers, its name in the net (None where it is
    dropped), and the entry of the key map that says so.
    """

    theirs: str
    ours: str | None
    key: str | None
    tensor: Tensor


@dataclass(frozen=True)
class Fit:
    """The tensors of a file beside those that the net of a spec wants."""

    held: list[Held]
    wanted: State
    spec: Spec
    keys: Keys
    ordered: bool  # whether the file keeps the order of the layers

    def state(self) -> State:
        """The tensors by the net's names; the net's own counters of batches where it has none."""
        counters = {name: value for name, value in self.wanted.items() if name.endswith(COUNTER)}
        held = {
            one.ours: one.tensor
            for one in self.held
            if one.ours and (one.ours in self.wanted or not one.theirs.endswith(COUNTER))
        }
        return counters | held

    def normalising(self) -> list[Held]:
        """The file's own normalisation, of which the key map says nothing."""
        return [
            one
            for one in self.held
            if one.key is None
            and one.ours not in self.wanted
            and last(one.theirs) in NORMALISING
            and one.tensor.numel() in (1, self.spec.channels)
        ]


def fit(state: State, wanted: State, *, spec: Spec, keys: Keys, ordered: bool) -> Fit:
    """The tensors of a file beside those of the net, whose own are `wanted`."""
    keymap.check(keys)
    held = [_held(name, tensor, wanted, keys) for name, tensor in state.items()]
    return Fit(held, wanted, spec, keys, ordered)


def last(name: str) -> str:
    """The last part of a tensor's name, such as `weight`."""
    return name.rsplit(".", 1)[-1]


def _held(name: str, tensor: Tensor, wanted: Collection[str], keys: Keys) -> Held:
    bare = name
    for prefix in WRAPPERS:
        bare = bare if bare in wanted else bare.removeprefix(prefix)
    for theirs in (name, bare):
        key = keymap.matching(theirs, keys)
        if key is not None:
            return Held(theirs, keymap.turned(theirs, key, keys[key]), key, tensor)
    inner = bare.removeprefix(NET)
    ours = inner if bare not in wanted and inner in wanted else bare
    return Held(bare, ours, None, tensor)
