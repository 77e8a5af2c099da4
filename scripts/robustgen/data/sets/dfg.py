"""DFG, Slovenian traffic signs: photographs of streets with annotated boxes around 200 kinds of
sign.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustgen.core.refusal import Refused
from robustgen.data.formats.crops import Box, Crop, in_both_parts, measured, to_pool
from robustgen.data.options import refuse_unknown
from robustgen.data.pool import TEST, TRAIN, Pool, read_count
from robustgen.data.root import must_exist, root_of

SOURCES: tuple[str, ...] = ("dfg",)
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
FOLDER, IMAGES = "DFG", "JPEGImages"
PARTS = {"train.json": TRAIN, "test.json": TEST}


def load(*, size: int, root: str | None, options: Mapping[str, object]) -> Pool:
    """The annotated signs below <root>/DFG, cropped and resized to size x size, of all classes that
    have some in both parts.

    Annotations marked `ignore` are left out, and so are, by `options.min_side`, boxes whose shorter
    side has fewer pixels.
    """
    refuse_unknown(options, known=("min_side",), data="dfg")
    read_count(size, name="dfg: size", least=1)
    min_side = read_count(options.get("min_side", 0), name="dfg: min_side")
    found = measured(list_crops(root), min_side=min_side)
    names = {key: key for key in in_both_parts(found, list_keys(root))}
    return to_pool(found, names=names, size=size, data="dfg")


def list_keys(root: str | None) -> list[str]:
    """The codes of all classes, as the training annotations list them."""
    return [*_read(_folder(root) / "train.json")[1].values()]


def list_crops(root: str | None) -> list[Crop]:
    """Every annotated sign that is not to be ignored, named by its code in the Slovenian
    rulebook.
    """
    folder = _folder(root)
    return [
        crop
        for name, part in PARTS.items()
        for crop in _crops(folder / name, folder / IMAGES, part)
    ]


def _folder(root: str | None) -> Path:
    return root_of(root, data="dfg", holds=FOLDER) / FOLDER


def _crops(path: Path, images: Path, part: int) -> list[Crop]:
    files, codes, annotations = _read(path)
    try:
        return [
            Crop(
                path=images / files[each["image_id"]],
                key=codes[each["category_id"]],
                part=part,
                box=_box(each["bbox"]),
            )
            for each in annotations
            if not each.get("ignore")
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _refusal(path, error) from error


def _read(path: Path) -> tuple[dict[Any, str], dict[Any, str], list[dict[str, Any]]]:
    """The photographs' names and the classes' codes by their numbers, and the annotations."""
    try:
        found = json.loads(must_exist(path, data="dfg").read_text(encoding="utf-8"))
        files = {each["id"]: _plain_name(each["file_name"]) for each in found["images"]}
        return (
            files,
            {each["id"]: str(each["name"]) for each in found["categories"]},
            found["annotations"],
        )
    except Refused:
        raise
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _refusal(path, error) from error


def _box(bbox: list[float]) -> Box:
    """[x,y,w,h] as whole pixels: each edge goes to the nearest."""
    x, y, width, height = bbox
    if not all(math.isfinite(value) for value in bbox) or width < 0 or height < 0:
        raise ValueError(f"the box {bbox}")
    return round(x), round(y), round(x + width), round(y + height)


def _plain_name(name: str) -> str:
    if not name or Path(name).name != name:
        raise ValueError(f"the photograph {name!r}")
    return name


def _refusal(path: Path, error: Exception) -> Refused:
    return Refused(
        f"{path} is not in COCO's form ({type(error).__name__}: {error}); delete it and get it "
        "again."
    )
