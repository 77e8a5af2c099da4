"""GTSRB, the German traffic sign recognition benchmark: photographs of 43 kinds of sign."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from robustgen.core.refusal import Refused
from robustgen.data.formats.class_folders import list_folders
from robustgen.data.formats.crops import Crop, measured, to_pool
from robustgen.data.options import read_choices, refuse_unknown
from robustgen.data.pool import TEST, TRAIN, Pool, read_count
from robustgen.data.root import must_exist, root_of

SOURCES: tuple[str, ...] = ("gtsrb",)
TRAIN_TEST = (26_640, 12_630)  # of training and of test, as published
SIZES: tuple[int, int | None] = (1, None)  # smallest and largest side in pixels
CHANNELS = 3
OPTIONS = {
    "classes": {
        "type": "whole number",
        "several": True,
        "different": True,
        "least": 0,
        "most": 42,
        "default": None,
        "means": (
            "Numbers of the classes to keep, in the order of their labels; all where left out."
        ),
    },
    "min_side": {
        "type": "whole number",
        "least": 0,
        "default": 0,
        "means": "Images whose shorter side is shorter are left out.",
    },
}
FOLDER = "gtsrb"
TRAINING, IMAGES, ANSWERS = "GTSRB/Training", "GTSRB/Final_Test/Images", "GT-final_test.csv"
# fmt: off
NAMES = (
    "Speed limit (20km/h)", "Speed limit (30km/h)", "Speed limit (50km/h)", "Speed limit (60km/h)",
    "Speed limit (70km/h)", "Speed limit (80km/h)", "End of speed limit (80km/h)",
    "Speed limit (100km/h)", "Speed limit (120km/h)", "No passing",
    "No passing for vehicles over 3.5 metric tons", "Right-of-way at the next intersection",
    "Priority road", "Yield", "Stop",
    "No vehicles", "Vehicles over 3.5 metric tons prohibited", "No entry", "General caution", (
        "Dangerous curve to the left"
    ),
    "Dangerous curve to the right", "Double curve", "Bumpy road", "Slippery road", (
        "Road narrows on the right"
    ), "Road work",
    "Traffic signals", "Pedestrians", "Children crossing", "Bicycles crossing",
    "Beware of ice/snow", "Wild animals crossing", "End of all speed and passing limits",
    "Turn right ahead", "Turn left ahead", "Ahead only", "Go straight or right",
    "Go straight or left", "Keep right", "Keep left", "Roundabout mandatory", "End of no passing",
    "End of no passing by vehicles over 3.5 metric tons",
)
# fmt: on


def load(*, size: int, root: str | None, options: Mapping[str, object]) -> Pool:
    """The training and 12,630 test images below <root>/gtsrb, where torchvision puts them, resized
    as a whole to size x size.

    Torchvision's archive has 26,640 training images, the benchmark's final one 39,209; both are
    read. `options.classes` lists the numbers of the classes to keep, in the order of their labels;
    `options.min_side` leaves out images whose shorter side has fewer pixels.
    """
    refuse_unknown(options, known=("classes", "min_side"), data="gtsrb")
    read_count(size, name="gtsrb: size", least=1)
    chosen = read_choices(
        options.get("classes", [*range(len(NAMES))]), known=range(len(NAMES)), name="gtsrb: classes"
    )
    min_side = read_count(options.get("min_side", 0), name="gtsrb: min_side")
    names = {str(k): NAMES[k] for k in chosen}
    found = measured([crop for crop in list_crops(root) if crop.key in names], min_side=min_side)
    return to_pool(found, names=names, size=size, data="gtsrb")


def list_keys(root: str | None) -> list[str]:
    """The numbers of all classes; nothing is read."""
    return [str(k) for k in range(len(NAMES))]


def list_crops(root: str | None) -> list[Crop]:
    """Every image, named by the number of its class: training images by their folders, test images
    by the answers' table.
    """
    base = root_of(root, data="gtsrb", holds=FOLDER) / FOLDER
    training = list_folders(base / TRAINING, part=TRAIN, classes=len(NAMES), data="gtsrb")
    return training + _read_answers(must_exist(base / ANSWERS, data="gtsrb"), base / IMAGES)


def _read_answers(path: Path, images: Path) -> list[Crop]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = [*csv.DictReader(file, delimiter=";", skipinitialspace=True)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(
            f"{path} is no table of text ({error}); delete it and get it again."
        ) from error
    if not lines or not {"Filename", "ClassId"} <= {*lines[0]}:
        raise Refused(
            f"{path} must have lines with the columns Filename and ClassId, separated by "
            "semicolons; get it again."
        )
    return [_read_answer(line, path, images) for line in lines]


def _read_answer(line: dict[str, str | None], path: Path, images: Path) -> Crop:
    name, key = line["Filename"] or "", line["ClassId"] or ""
    if key not in list_keys(None):
        raise Refused(
            f"{path} gives {name} the class {key!r}, but gtsrb has the classes 0 to "
            f"{len(NAMES) - 1}; get it again."
        )
    if not name or Path(name).name != name:
        raise Refused(
            f"{path} names the file {name!r}, which is no name of an image in {images}; get it "
            "again."
        )
    return Crop(path=images / name, key=key, part=TEST)
