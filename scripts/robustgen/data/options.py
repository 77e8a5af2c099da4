"""A data set's options: what a configuration may ask of it, and the sentence for everything
else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from robustgen.core.refusal import Refused

Entry = TypeVar("Entry", int, str)
MANY = 12  # from here on, choices are shown by the first and the last


def refuse_unknown(options: Mapping[str, object], *, known: Iterable[str], data: str) -> None:
    """Refuse every option that the data set does not know."""
    if unknown := sorted(set(options) - set(known)):
        offer = f"knows only {', '.join(known)}" if [*known] else "has none"
        raise Refused(f"The data set {data} has no option {', '.join(unknown)}; it {offer}.")


def refuse_resizing(size: int, *, native: int, data: str) -> None:
    """Refuse every size but the one in which the images are distributed."""
    if size != native:
        raise Refused(
            f"{data} has images of {native} pixels, which are not resized; set its size to "
            f"{native}, not {size}."
        )


def refuse_too_large(count: int, *, size: int, per_pixel: int, data: str) -> None:
    """Refuse a size at which `count` images, of so many bytes per pixel, pass the memory of the
    machine.
    """
    need, have = (
        count * size * size * per_pixel,
        os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
    )
    if need > have:
        images = f"{count} images of {size} x {size} pixels take {need / 2**30:.0f} GiB of memory"
        raise Refused(f"{data}: {images}, this machine has {have / 2**30:.0f}; set a lower size.")


def read_choices(value: object, *, known: Sequence[Entry], name: str) -> list[Entry]:
    """The given list of different entries out of `known`, in its own order."""
    entries: list[Any] = list(value) if isinstance(value, list | tuple) else []
    known_only = all(type(entry) is type(known[0]) and entry in known for entry in entries)
    if not entries or not known_only or len(set(entries)) < len(entries):
        offer = (
            f"{known[0]} to {known[-1]}"
            if len(known) > MANY
            else ", ".join(str(entry) for entry in known)
        )
        raise Refused(f"{name} must be a list of different entries out of {offer}, not {value!r}.")
    return entries


def read_text(value: object, *, name: str) -> str:
    """The given text, refused where it is none or empty, or where no path can hold it."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise Refused(f"{name} must be a text that is not empty, not {value!r}.")
    return value
