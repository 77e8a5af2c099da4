"""Why the tensors of a file do not fit a net, in a sentence with the key map to write."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import torch
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.nets import keymap
from robustgen.nets.fit import COUNTER, NORMALISING, Fit, Held, State, last

# last parts of names that have one meaning everywhere
PARTS = ("weight", "bias", "running_mean", "running_var")
SHOWN = 3  # names that a sentence lists


def refuse(fit: Fit, path: object) -> None:
    """Refuse a file whose tensors are not those of the net."""
    problems = list(_problems(fit))
    if problems:
        raise Refused(
            f"{path} does not fit the net that models.* names: it {'; it '.join(problems)}. "
            f"{_advice(fit)}"
        )


def _problems(fit: Fit) -> Iterator[str]:
    """What does not fit, each said of the file."""
    state, normalising = fit.state(), fit.normalising()
    if lacking := fit.wanted.keys() - state.keys():
        yield f"lacks {_some(lacking)}"
    if extra := state.keys() - fit.wanted.keys() - {one.ours for one in normalising}:
        yield f"has {_some(extra)}, which the net has not"
    both = fit.wanted.keys() & state.keys()
    if shapes := [name for name in both if state[name].shape != fit.wanted[name].shape]:
        yield f"has other shapes in {_some(shapes)}"
    names = [one.ours for one in fit.held]
    if twice := [name for name in both if names.count(name) > 1]:
        yield f"has more than one tensor for {_some(twice)}"
    if unused := fit.keys.keys() - {one.key for one in fit.held}:
        yield (
            f"has nothing that `keys` calls {_some(unused)}, neither a name nor a prefix that ends "
            'in "."'
        )
    if normalising:
        yield from _normalised(fit, normalising)


def _normalised(fit: Fit, normalising: list[Held]) -> Iterator[str]:
    """What the file says of normalisation, which the data set's mean and std do here."""
    yield (
        f"has {_some([one.theirs for one in normalising])} of a normalisation, which here is done "
        "before the net by datasets.*.mean and std"
    )
    for one in normalising:
        name = NORMALISING[last(one.theirs)]
        configured = torch.tensor(getattr(fit.spec, name), dtype=torch.float64)
        values = one.tensor.flatten().double()
        if not (values - configured).abs().max() < 1e-5:
            yield (
                f"says that {one.theirs} is {_values(values)}, where datasets.*.{name} is "
                f"{_values(configured)}"
            )


def _advice(fit: Fit) -> str:
    """The key map to write, where the shapes are the net's in its order; else where they differ."""
    normalising = fit.normalising()
    theirs = {one.theirs: one.tensor for one in fit.held if one.ours and one not in normalising}
    theirs, ours = _sorted(theirs, fit), _sorted(fit.wanted, fit)
    for their, our in zip([*theirs, None], [*ours, None], strict=False):
        if not _alike(their, theirs, our, ours):
            return (
                f"In order, the first tensors that differ are {_shown(their, theirs)} in the file "
                f"and {_shown(our, ours)} in the net; check kind and options, or write the names "
                "as keys: {theirs: ours}."
            )
    drops = {key: "" for key, value in fit.keys.items() if not value}
    drops |= {one.theirs: "" for one in normalising}
    text = _yaml(keymap.shortest(dict(zip(theirs, ours, strict=True))) | drops)
    return (
        f"In order the tensors have the shapes of the net's; if they are its layers, write {text}."
    )


def _sorted(state: State, fit: Fit) -> State:
    """The tensors without counters, in an order in which file and net can be compared."""
    names = list(state) if fit.ordered else sorted(state)
    return {name: state[name] for name in names if not name.endswith(COUNTER)}


def _alike(their: str | None, theirs: State, our: str | None, ours: State) -> bool:
    """Whether two tensors may be the same; those named `bias` and `weight` are not."""
    if their is None or our is None:
        return their is our
    same = last(their) == last(our) or last(their) not in PARTS
    return same and theirs[their].shape == ours[our].shape


def _shown(name: str | None, state: State) -> str:
    return "none" if name is None else f"{name} {list(state[name].shape)}"


def _yaml(keys: dict[str, str]) -> str:
    import yaml

    text = yaml.safe_dump(keys, default_flow_style=True, sort_keys=False, width=10**6)
    return f"keys: {text.strip()}"


def _values(values: Tensor) -> str:
    return ", ".join(f"{value:.6g}" for value in values.tolist())


def _some(names: Collection[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(sorted(names)[:SHOWN]) + more
