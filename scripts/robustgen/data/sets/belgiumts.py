"""BelgiumTSC, the Belgian traffic signs for classification: photographs of 62 kinds of sign."""

from __future__ import annotations

from collections.abc import Mapping

from robustgen.data.formats.class_folders import list_folders
from robustgen.data.formats.crops import Crop, in_both_parts, measured, to_pool
from robustgen.data.options import refuse_unknown
from robustgen.data.pool import TEST, TRAIN, Pool, read_count
from robustgen.data.root import root_of

SOURCES: tuple[str, ...] = ("belgiumts",)
SIZES: tuple[int, int | None] = (1, None)  # smallest and largest side in pixels
CHANNELS = 3
OPTIONS = {
    "min_side": {
        "type": "whole number",
        "least": 0,
        "default": 0,
        "means": "Images whose shorter side is shorter are left out.",
    },
}
FOLDER = "BelgiumTSC"
PARTS = {"Training": TRAIN, "Testing": TEST}
CLASSES = 62


def load(*, size: int, root: str | None, options: Mapping[str, object]) -> Pool:
    """The images below <root>/BelgiumTSC, resized as a whole to size x size, of all classes that
    have some in both parts.

    Some kinds of sign were met too seldom to appear among the test images. `options.min_side`
    leaves out images whose shorter side has fewer pixels.
    """
    refuse_unknown(options, known=("min_side",), data="belgiumts")
    read_count(size, name="belgiumts: size", least=1)
    min_side = read_count(options.get("min_side", 0), name="belgiumts: min_side")
    found = measured(list_crops(root), min_side=min_side)
    names = {key: f"class {int(key):05d}" for key in in_both_parts(found, list_keys(root))}
    return to_pool(found, names=names, size=size, data="belgiumts")


def list_keys(root: str | None) -> list[str]:
    """The numbers of all classes; nothing is read."""
    return [str(k) for k in range(CLASSES)]


def list_crops(root: str | None) -> list[Crop]:
    """Every image, named by the number of its class."""
    base = root_of(root, data="belgiumts", holds=FOLDER) / FOLDER
    listed = [
        list_folders(base / name, part=part, classes=CLASSES, data="belgiumts")
        for name, part in PARTS.items()
    ]
    return [crop for crops in listed for crop in crops]
