"""Checks of plain values that a Python call hands in, as the configuration checks them before a
job.
"""

from __future__ import annotations

from collections.abc import Collection
from math import inf, isfinite
from numbers import Integral, Real

from robustgen.core.refusal import Refused


def one_of(name: str, value: object, known: Collection[str]) -> None:
    """Refuse what is none of the known words."""
    if value not in known:
        raise Refused(f"{name} must be one of {', '.join(known)}, not {value!r}.")


def whole(name: str, value: object, *, least: int) -> None:
    """Refuse what is no whole number of at least `least`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or int(value) < least:
        raise Refused(f"{name} must be a whole number of at least {least}, not {value!r}.")


def number(name: str, value: object, *, least: float = -inf, finite: bool = True) -> None:
    """Refuse what is no number of at least `least`; NaN is none."""
    fine = isinstance(value, Real) and not isinstance(value, bool) and float(value) >= least
    if not fine or (finite and not isfinite(value)):  # type: ignore[arg-type]
        wanted = ("a finite number" if finite else "a number") + (
            (f" of at least {least:g}") if least > -inf else ""
        )
        raise Refused(f"{name} must be {wanted}, not {value!r}.")


def form(value: object) -> str:
    """What a tensor or array is, for a sentence: `Tensor float32 [4, 3, 32, 32]`; of anything else
    the type.
    """
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return (
            f"{type(value).__name__} {str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
        )
    return f"a {type(value).__name__}"


def short(text: str, most: int = 120) -> str:
    """The text, cut where it is long."""
    return text if len(text) <= most else f"{text[:most]}..."
