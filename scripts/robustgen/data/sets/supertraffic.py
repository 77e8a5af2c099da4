"""SuperTraffic-10: the ten kinds of sign of which GTSRB, DFG and BelgiumTSC together have the most
images.

An Ju's thesis merges the three, drops images of less than 32 x 32 pixels and keeps the ten largest
classes, but prints neither its table of equivalent classes nor the ten. The table here,
config/supertraffic.csv, is ours: a class is mapped where independent public tables agree, or where
its code says what it shows; no other is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from robustgen.core.refusal import Refused
from robustgen.data.formats.crops import Crop, measured, to_pool
from robustgen.data.formats.label_map import read_map
from robustgen.data.options import read_choices, read_text, refuse_unknown
from robustgen.data.pool import Pool, read_count
from robustgen.data.sets import belgiumts, dfg, gtsrb

SOURCES: tuple[str, ...] = ("gtsrb", "dfg", "belgiumts")
READERS = {"gtsrb": gtsrb, "dfg": dfg, "belgiumts": belgiumts}
LISTS: tuple[str, ...] = ("config/supertraffic.csv",)
MAP = Path(__file__).resolve().parents[4] / LISTS[0]
SIZES: tuple[int, int | None] = (1, None)  # smallest and largest side in pixels
CHANNELS = 3
OPTIONS = {
    "classes": {
        "type": "whole number",
        "least": 2,
        "default": 10,
        "means": "How many kinds of sign, the most frequent ones.",
    },
    "map": {"default": "config/supertraffic.csv", "means": "File of the label map."},
    "min_side": {
        "type": "whole number",
        "least": 0,
        "default": 32,
        "means": "Images whose shorter side is shorter are left out.",
    },
    "sources": {
        "one_of": ("gtsrb", "dfg", "belgiumts"),
        "several": True,
        "default": ("gtsrb", "dfg", "belgiumts"),
        "means": "Which of the three are merged.",
    },
}


def load(*, size: int, root: str | None, options: Mapping[str, object]) -> Pool:
    """The signs with the most images, most frequent first, resized to size x size, in the parts
    that their sources assign.

    `options`: classes, how many signs (10); min_side, the least shorter side in pixels (32);
    sources, which of the three to read (all); map, a label map of your own.
    """
    refuse_unknown(options, known=OPTIONS, data="supertraffic")
    read_count(size, name="supertraffic: size", least=1)
    classes = read_count(options.get("classes", 10), name="supertraffic: classes", least=2)
    min_side = read_count(options.get("min_side", 32), name="supertraffic: min_side")
    sources = read_choices(
        options.get("sources", SOURCES), known=SOURCES, name="supertraffic: sources"
    )
    path = Path(read_text(options.get("map", str(MAP)), name="supertraffic: map"))
    found = measured(merge(sources, path, root=root), min_side=min_side)
    signs = most_frequent(found, classes, path=path, min_side=min_side)
    return to_pool(found, names={sign: sign for sign in signs}, size=size, data="supertraffic")


def merge(sources: Sequence[str], path: Path, *, root: str | None) -> list[Crop]:
    """Every crop of the sources whose class is mapped, named by its sign."""
    known = {source: READERS[source].list_keys(root) for source in sources}
    signs = read_map(path, known=known, columns=SOURCES, data="supertraffic")
    listed = [(source, crop) for source in sources for crop in READERS[source].list_crops(root)]
    return [
        replace(crop, key=signs[source, crop.key])
        for source, crop in listed
        if (source, crop.key) in signs
    ]


def most_frequent(crops: Sequence[Crop], classes: int, *, path: Path, min_side: int) -> list[str]:
    """The signs with the most crops, training and test counted together; among equals the alphabet
    decides.
    """
    counts = Counter(crop.key for crop in crops)
    if len(counts) < classes:
        have = f"{path} leads to only {len(counts)} signs with images of at least {min_side} pixels"
        raise Refused(
            f"supertraffic: {have}, but classes asks for {classes}; map more signs or ask for "
            "fewer."
        )
    return sorted(counts, key=lambda sign: (-counts[sign], sign))[:classes]
