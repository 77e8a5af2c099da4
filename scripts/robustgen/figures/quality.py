"""Quality of synthesis against the budget of adversarial training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from robustgen.figures.style import COLOURS, Picture, panels
from robustgen.figures.synthesized import net_said
from robustgen.stats.intervals import Interval, mean
from robustgen.tables.synthesis_rows import gained, rate, rows_of

NEEDS = ("generated", "generated_fid", "restored")
OPTIONS: dict[str, dict[str, object]] = {}


def draw(files: dict[str, list[str]], *, spec: dict[str, Any], absent: str) -> Picture:
    """Three panels: accuracy of the judge on generated images, their KID, and the gain of filled
    holes and enlarged images over their baselines; the nets along the axis.
    """
    made, sets, restored = (rows_of(files, name) for name in NEEDS)
    generation = made[made["task"] == "generation"]
    ends = sets[(sets["task"] == "generation") & (sets["stage"] == "end")]
    figure, axes = panels(1, 3, size=(3.2, 3.0))
    models = spec["models"]
    _line(axes[0, 0], models, generation, lambda part: _percent(rate(part, "judged")), "")
    _line(axes[0, 1], models, ends, lambda part: mean(part["kid"].to_numpy()), "")
    for number, task in enumerate(("inpainting", "super_resolution")):
        rows = restored[restored["task"] == task]
        _line(axes[0, 2], models, rows, lambda part: gained(part, "psnr", "psnr_base"),
              task.replace("_", "-"), COLOURS[number])  # fmt: skip
    said = ("judge sees the class, %", "KID of generated images", "gain in PSNR, dB")
    for axis, label in zip(axes[0], said, strict=True):
        axis.set_ylabel(label)
        axis.set_xticks(range(len(models)), [net_said(one) for one in models.values()],
                        rotation=25, ha="right", fontsize=7)  # fmt: skip
    axes[0, 2].axhline(0, color="0.6", linewidth=0.7)
    if axes[0, 2].get_legend_handles_labels()[0]:
        axes[0, 2].legend(fontsize=7)
    caption = (
        "Left: share of generated images in which an independent net sees their class. Middle: KID "
        "by that net's features, lower is nearer to real images. Right: gain in PSNR over the mean "
        "colour (inpainting) and bicubic enlargement (super-resolution), above 0 where the net "
        "helps. The axis names how the nets were trained. Bars: 95 % intervals over images, of KID "
        "over parts of the set, or over seeds." + absent
    )
    return Picture(figure, "Quality of synthesis against robustness", caption)


def _line(
    axis: Any,
    models: dict[str, Any],
    rows: pd.DataFrame,
    number: Callable[[pd.DataFrame], Interval],
    label: str,
    colour: str = COLOURS[0],
) -> None:
    """Points with bars, one for each model that has rows."""
    parts = [(place, rows[rows["model"] == model]) for place, model in enumerate(models)]
    found = [(place, number(part)) for place, part in parts if len(part)]
    if not found:
        return
    x, y = [place for place, _ in found], [one.value for _, one in found]
    bars = [[one.value - one.low for _, one in found], [one.high - one.value for _, one in found]]
    axis.errorbar(x, y, yerr=bars, marker="o", linewidth=1, elinewidth=0.7, color=colour,
                  label=label or None)  # fmt: skip


def _percent(one: Interval) -> Interval:
    return Interval(*(100 * value for value in one))
