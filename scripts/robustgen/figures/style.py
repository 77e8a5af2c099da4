"""The one style of all figures, and how they are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from robustgen.core.contracts import Broken
from robustgen.core.files import atomic, write_json
from robustgen.core.values import form

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# told apart by colour-blind readers too (Okabe and Ito)
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
BLUE, ORANGE, GREEN, PURPLE = COLOURS[:4]
PANEL = (3.4, 2.6)  # inches
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "pdf.fonttype": 42,
    "savefig.dpi": 160,
}


@dataclass(frozen=True)
class Picture:
    """A figure with its title and a caption that can be read without the text."""

    figure: Figure
    title: str
    caption: str


@contextmanager
def styled() -> Iterator[None]:
    """Matplotlib in our style, without a display."""
    import matplotlib as mpl

    mpl.use("agg")
    with mpl.rc_context(STYLE):
        yield


def panels(
    rows: int, columns: int, *, size: tuple[float, float] = PANEL, **options: Any
) -> tuple[Figure, np.ndarray]:
    """A figure with rows x columns axes [rows, columns]."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size[0] * columns, size[1] * rows))
    axes: np.ndarray = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, axes


def legend(figure: Figure, *, columns: int) -> None:
    """One legend below all panels, for it is the same in each."""
    named = [
        pair for axis in figure.axes for pair in zip(*axis.get_legend_handles_labels(), strict=True)
    ]
    handles = {name: handle for handle, name in named}
    place: dict[str, Any] = {"loc": "outside lower center", "ncols": columns, "fontsize": 8}
    figure.legend(handles.values(), handles.keys(), **place)


def blank(axes: Axes, words: str) -> None:
    """A panel that says why it is empty."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, words, ha="center", va="center", wrap=True)


def checked(picture: Any) -> Picture:
    """What a figure's `draw` gave, refused unless it is a Picture of a figure and two texts."""
    from matplotlib.figure import Figure

    if not isinstance(picture, Picture):
        raise Broken(
            "draw must return robustgen.figures.style.Picture(figure, title, caption), not "
            f"{form(picture)}."
        )
    for name, wanted in (("figure", Figure), ("title", str), ("caption", str)):
        if not isinstance(getattr(picture, name), wanted):
            raise Broken(
                f"a Picture's {name} must be a {wanted.__name__}, not "
                f"{form(getattr(picture, name))}."
            )
    return picture


def write(picture: Picture, path: Path) -> None:
    """Write `path` (png) with its neighbours .pdf and .json (title and caption, for the report)."""
    checked(picture)
    with atomic(path) as temporary:
        picture.figure.savefig(temporary, format="png")
    # what was laid out stays where it is: to lay it out again takes as long as to draw it
    picture.figure.set_layout_engine("none")
    with atomic(path.with_suffix(".pdf")) as temporary:
        picture.figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})
    write_json(path.with_suffix(".json"), {"title": picture.title, "caption": picture.caption})
