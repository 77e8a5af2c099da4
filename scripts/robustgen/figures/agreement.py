"""The cosine of each net's input gradient with a denoiser's score, against the noise."""

from __future__ import annotations

from typing import Any

import pandas as pd

from robustgen.figures.style import COLOURS, Picture, blank, legend, panels
from robustgen.figures.synthesized import net_said
from robustgen.tables.synthesis_rows import average, rows_of

NEEDS = ("score_agreement",)
OPTIONS: dict[str, dict[str, object]] = {}
TITLES = {"marginal": "-grad E(x) = grad logsumexp z", "joint": "-grad E(x,y) = grad z_y"}
APART = 0.02  # of the nets' bars, as a share of sigma


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """A panel for each energy with a line per net."""
    rows = rows_of(files, NEEDS[0])
    figure, axes = panels(1, 2, size=(3.4, 2.8), sharey=True)
    for axis, (column, title) in zip(axes[0], TITLES.items(), strict=True):
        if rows.empty:
            blank(axis, "no rows")
            continue
        axis.axhline(0, color="0.6", linewidth=0.7)
        for number, (model, facts) in enumerate(spec["models"].items()):
            _line(axis, rows[rows["model"] == model], column, net_said(facts), number)
        axis.set_title(title)
        axis.set_xscale("log")
        sigmas = sorted(rows["sigma"].unique())
        axis.set_xticks(sigmas, [f"{one:g}" for one in sigmas])
        axis.minorticks_off()
        axis.set_xlabel("sigma of the noise")
    axes[0, 0].set_ylabel("cosine with the denoiser's score")
    legend(figure, columns=3)
    caption = (
        "A net's input gradient as an estimated score: the mean cosine of the angle between the "
        "negative gradient of the net's energy and the score of noisy images, which a denoiser "
        "estimates; 1 where both point the same way, 0 where they have nothing in common, below 0 "
        "where a step that lowers the net's energy makes the image less likely by the denoiser. "
        "Noise of standard deviation sigma is added to test images, the same for all nets. Left: "
        "the energy E(x) = -logsumexp of the logits. Right: E(x,y) = -logit of the true class. "
        "Bars: 95 % intervals over images, or over seeds; the nets lie a little apart along the "
        "axis." + absent
    )
    return Picture(figure, "Input gradients as scores", caption)


def _line(axis: Any, rows: pd.DataFrame, column: str, label: str, number: int) -> None:
    """Points with bars, one for each sigma."""
    found = {sigma: average(part, column) for sigma, part in rows.groupby("sigma")}
    if not found:
        return
    x, y = [sigma * (1 + APART * number) for sigma in found], [one.value for one in found.values()]
    bars = [
        [one.value - one.low for one in found.values()],
        [one.high - one.value for one in found.values()],
    ]
    axis.errorbar(x, y, yerr=bars, marker="o", ms=4, linewidth=1, elinewidth=0.7, capsize=2,
                  color=COLOURS[number % len(COLOURS)], label=label)  # fmt: skip
