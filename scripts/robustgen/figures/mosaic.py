"""Images side by side on one axis."""

from __future__ import annotations

from typing import Any

import numpy as np


def show(axis: Any, grid: np.ndarray) -> None:
    """Draw images [lines,columns,c,h,w] in [0,1] side by side, with one white pixel between."""
    lines, columns, channels, h, w = grid.shape
    canvas = np.ones((lines * (h + 1), columns * (w + 1), channels))
    for line in range(lines):
        for column in range(columns):
            top, left = line * (h + 1), column * (w + 1)
            canvas[top : top + h, left : left + w] = grid[line, column].transpose(1, 2, 0)
    axis.imshow(canvas.squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    axis.grid(visible=False)
