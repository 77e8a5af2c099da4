"""Energy and decision regions on planes through an image and its two attacked versions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgen.core.rows import read_rows
from robustgen.figures import cells
from robustgen.figures.style import Picture, blank, panels

NEEDS = ("plane",)
OPTIONS: dict[str, dict[str, object]] = {}
LEVELS = 14
GRIDS = ("energy", "prediction", "lead", "inside")
ENDS = ((0, 0), (1, 0), (0, 1))
# these points and their names
MARKED = np.array([(a + beside, b + 0.07) for a, b in ENDS for beside in (0, 0.2, 0.4)])
WIDE = 4.0  # how much wider than high a name is
NAMED = 0.04  # the share of a plane from which on a region bears its class's name


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A line of panels per model, one per image, with one scale of E per line."""
    rows = read_rows([path for path in files["plane"] if path.endswith(".parquet")])
    rows = rows[rows["model"].isin(list(spec["models"]))]
    rows = rows[rows["seed"] == rows.groupby("model")["seed"].transform("min")]
    lines = [
        (model, list(rows[rows["model"] == model].groupby("index", sort=False)))
        for model in spec["models"]
    ]
    figure, axes = panels(len(lines), max(len(planes) for _, planes in lines) or 1, size=(3.0, 3.2))
    for line, (model, planes) in zip(axes, lines, strict=True):
        for axis in line[len(planes) :]:
            blank(axis, "" if planes else f"{model}: no planes")
        if planes:
            levels = _levels(pd.concat([found["energy"] for _, found in planes]))
            filled = [
                _panel(axis, found, levels) for axis, (_, found) in zip(line, planes, strict=False)
            ]
            figure.colorbar(filled[0], ax=line.tolist(), label="E(x)", shrink=0.85, pad=0.01)
    caption = (
        "Each panel is the plane through a test image x that the net has right and the images that "
        "two attacks make of it, at "
        "(0,0), (1,0) and (0,1); the angle between both ways is given, drawn as a right one. "
        "Colour: E(x), dark where the net "
        "finds an image likely. White lines are borders between the classes that are named in "
        "their regions. Images outside of "
        "the dotted line have pixels beyond black or white and are cut back to them. Of several "
        "repetitions the first is shown."
    )
    return Picture(figure, "Energy around single images", caption + absent)


def _levels(energies: pd.Series) -> np.ndarray:
    from matplotlib.ticker import MaxNLocator

    return np.asarray(MaxNLocator(LEVELS).tick_values(float(energies.min()), float(energies.max())))


def _panel(axis: Any, rows: pd.DataFrame, levels: np.ndarray) -> Any:
    first = rows.iloc[0]
    a, b = np.unique(rows["a"]), np.unique(rows["b"])
    energy, prediction, lead, inside = (
        rows.pivot(index="b", columns="a", values=name).to_numpy() for name in GRIDS
    )
    filled = axis.contourf(a, b, energy, levels=levels, cmap=_colours())
    # by how much class k leads, or trails where another class is predicted: 0 at the border
    for k in np.unique(prediction):
        _border(axis, a, b, np.where(prediction == k, lead, -lead), linewidths=1.0)
    _border(axis, a, b, inside - 0.5, linewidths=0.8, linestyles="dotted")
    _regions(axis, rows)
    for place, name in zip(
        ENDS, ("x", *(cells.name(first[name]) for name in ("first", "second"))), strict=True
    ):
        axis.plot(*place, marker="o", ms=4, color="white", mec="black", mew=0.8)
        text = axis.annotate(
            name,
            place,
            xytext=(4, 4),
            textcoords="offset points",
            fontsize=8,
            color="white",
            fontweight="bold",
        )
        _outlined(text)
    region = rows.loc[rows["prediction"] == rows["label"], "region"].iloc[0]
    eps = first["first_eps"] if first["first_eps"] == first["second_eps"] else None
    angle = np.degrees(np.arccos(np.clip(first["cosine"], -1, 1)))
    axis.set_title(
        f"{cells.heading(first['dataset'], first['model'], eps)}\n{region}, angle {angle:.0f}°"
    )
    axis.set(xticks=[0, 1], yticks=[0, 1], aspect="equal")
    axis.grid(visible=False)
    return filled


def _border(axis: Any, a: np.ndarray, b: np.ndarray, field: np.ndarray, **look: Any) -> None:
    """The line on which a field is 0, where it has one."""
    if field.min() < 0 < field.max():
        axis.contour(a, b, field, levels=[0.0], colors="white", **look)


def _regions(axis: Any, rows: pd.DataFrame) -> None:
    """Each larger region's name, as far as it can be from other regions, the frame and the marked
    points.
    """
    places = rows[["a", "b"]].to_numpy()
    low, high = places.min(axis=0), places.max(axis=0)
    for name in rows["region"].unique():
        mine = (rows["region"] == name).to_numpy()
        if mine.mean() >= NAMED:
            own, scale = places[mine], np.array([WIDE, 1.0])
            frame = (np.minimum(own - low, high - own) / scale).min(axis=1)
            others = np.concatenate([places[~mine], MARKED])
            room = np.minimum(
                frame, [np.hypot(*((others - point) / scale).T).min() for point in own]
            )
            text = axis.text(
                *own[room.argmax()],
                name,
                ha="center",
                va="center",
                fontsize=7,
                color="white",
                fontstyle="italic",
            )
            _outlined(text)


def _colours() -> Any:
    """Viridis without its lightest end, on which white lines would not be seen."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["viridis"](np.linspace(0, 0.8, 256)))


def _outlined(text: Any) -> None:
    from matplotlib.patheffects import withStroke

    text.set_path_effects([withStroke(linewidth=1.5, foreground="0.15")])
