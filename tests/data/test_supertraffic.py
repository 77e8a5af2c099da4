"""Traffic signs: GTSRB, BelgiumTSC, DFG and their merge, from tiny files in the original
layouts.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robustgen.core.refusal import Refused
from robustgen.data.formats import crops
from robustgen.data.formats.label_map import read_map
from robustgen.data.sets import belgiumts, dfg, gtsrb, supertraffic
from traffic import folders, picture, write_gtsrb

TINY = (
    "sign,gtsrb,dfg,belgiumts,note\nyield,13,II-1,19,\nstop,14,II-2,21 22,two folders\nlimit "
    "30,1,II-30-30,,\n"
)


def write_dfg(
    root: Path, codes: tuple[str, ...] = ("II-1", "II-2", "II-30-30")
) -> dict[str, np.ndarray]:
    """DFG with two photographs a part; each shows every sign once at 20 x 24 and once at 40 x 36.

    Gives the photographs.
    """
    photos = {}
    for part in ("train", "test"):
        images, annotations = [], []
        for i in range(2):
            name = f"{part}{i}.jpg"
            path = root / "DFG/JPEGImages" / name
            picture(path, 120, 200)
            photos[name] = np.asarray(Image.open(path))
            images.append({"id": 7 * i, "file_name": name, "height": 120, "width": 200})
            for k in range(len(codes)):
                for box in ([10.4 * k, 3.6, 20, 24], [50 + 40.2 * k, 60, 40, 36]):
                    annotations.append(
                        {"image_id": 7 * i, "category_id": k, "bbox": box, "ignore": False}
                    )
            annotations.append(
                {"image_id": 7 * i, "category_id": 0, "bbox": [0, 0, 50, 50], "ignore": True}
            )
        held = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": k, "name": c} for k, c in enumerate(codes)],
        }
        (root / f"DFG/{part}.json").write_text(json.dumps(held))
    return photos


def test_dfg_crops_its_boxes_opening_each_photograph_once_to_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = write_dfg(tmp_path)
    read: list[str] = []
    convert = Image.Image.convert
    monkeypatch.setattr(
        Image.Image,
        "convert",
        lambda photo, mode: read.append(photo.filename) or convert(photo, mode),
    )
    pool = dfg.load(size=24, root=str(tmp_path), options={})
    assert sorted(Path(path).name for path in read) == sorted(photos)
    assert pool.names == ("II-1", "II-2", "II-30-30")
    assert (pool.labels.tolist(), pool.part.tolist()) == (
        [0, 0, 1, 1, 2, 2] * 4,
        [0] * 12 + [1] * 12,
    )
    box = Image.fromarray(photos["train1.jpg"][4:28, 10:30])  # y 3.6 to 27.6, x 10.4 to 30.4
    assert (
        pool.images[8].transpose(1, 2, 0)
        == np.asarray(box.resize((24, 24), Image.Resampling.BILINEAR))
    ).all()
    assert len(dfg.load(size=24, root=str(tmp_path), options={"min_side": 21})) == 12


def test_a_box_ends_at_the_edge_and_one_outside_is_refused(tmp_path: Path) -> None:
    pixels = picture(tmp_path / "a.png", 30, 50)
    listed = [
        crops.Crop(tmp_path / "a.png", "a", 0, box)
        for box in ((-3, 10, 20, 40), (40, 0, 41, 90), (5, 5, 5, 9))
    ]
    found = crops.measured(listed, min_side=0)
    assert [crop.box for crop in found] == [(0, 10, 20, 30), (40, 0, 41, 30)]
    assert (crops.pixels(found[:1], size=20)[0].transpose(1, 2, 0) == pixels[10:30, :20]).all()
    with pytest.raises(Refused, match=r"a\.png has 50 x 30 pixels, so no box"):
        crops.measured([crops.Crop(tmp_path / "a.png", "a", 0, (50, 0, 60, 10))], min_side=0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda held: held.pop("images"), "not in COCO's form .*'images'"),
        (
            lambda held: held["images"][0].update(file_name="../a.jpg"),
            ("not in COCO's form .*photograph '../a.jpg'"),
        ),
        (
            lambda held: held["annotations"][0].update(category_id=9),
            ("not in COCO's form .*KeyError: 9"),
        ),
        (lambda held: held["annotations"][0].update(bbox=[1, 2, 3]), "not in COCO's form"),
        (
            lambda held: held["annotations"][0].update(bbox=[1, 2, -3, 4]),
            ("not in COCO's form .*the box"),
        ),
        (
            lambda held: held["annotations"][0].update(bbox=[1, 2, float("nan"), 4]),
            ("not in COCO's form .*the box"),
        ),
        (lambda held: held["annotations"].append(3), "not in COCO's form"),
        (
            lambda held: held["images"][0].update(file_name="gone.jpg"),
            ("gone.jpg is missing; the list that names it needs it"),
        ),
    ],
)
def test_dfg_refuses_annotations_of_another_form(
    tmp_path: Path, change: Callable[[dict], object], sentence: str
) -> None:
    write_dfg(tmp_path)
    held = json.loads((tmp_path / "DFG/test.json").read_text())
    change(held)
    (tmp_path / "DFG/test.json").write_text(json.dumps(held))
    with pytest.raises(Refused, match=sentence):
        dfg.load(size=24, root=str(tmp_path), options={})
    (tmp_path / "DFG/test.json").write_text("{")
    with pytest.raises(Refused, match=r"test\.json is not in COCO's form"):
        dfg.load(size=24, root=str(tmp_path), options={})


@pytest.fixture
def merged(tmp_path: Path) -> Path:
    """All three data sets and a map of three signs, map.csv."""
    write_gtsrb(tmp_path, {13: 9, 1: 30}, test=1)
    for part in belgiumts.PARTS:
        folders(
            tmp_path / "BelgiumTSC" / part,
            {21: 8},
            classes=62,
            side=32 if part == "Testing" else 31,
        )
    write_dfg(tmp_path)
    (tmp_path / "map.csv").write_text(TINY)
    return tmp_path


def test_supertraffic_counts_what_is_large_enough_and_takes_the_most_frequent(merged: Path) -> None:
    options = {"map": str(merged / "map.csv"), "classes": 2}
    pool = supertraffic.load(size=32, root=str(merged), options=options)
    # limit 30: 30 + 1 of gtsrb, 4 of dfg; stop: 2 + 1, 4, and of belgiumts 8 + 2 (its training
    # images are too small);
    assert pool.names == ("limit 30", "stop")  # yield: 9 + 1, 4, 2
    assert np.bincount(pool.labels).tolist() == [35, 17]
    assert np.bincount(pool.labels[pool.part == 1]).tolist() == [3, 13]
    small = supertraffic.load(size=32, root=str(merged), options={**options, "min_side": 0})
    assert np.bincount(small.labels).tolist() == [39, 31]


def test_equally_frequent_signs_come_in_the_alphabets_order() -> None:
    listed = [crops.Crop(Path("a"), key, 0) for key in ("b", "c", "a", "c", "d")]
    assert supertraffic.most_frequent(listed, 3, path=Path("map"), min_side=0) == ["c", "a", "b"]


def test_supertraffic_reads_only_the_sources_that_are_named(merged: Path) -> None:
    (merged / "DFG").rename(merged / "elsewhere")
    (merged / "BelgiumTSC").rename(merged / "elsewhere too")
    options = {"map": str(merged / "map.csv"), "classes": 2, "sources": ["gtsrb"]}
    assert np.bincount(
        supertraffic.load(size=32, root=str(merged), options=options).labels
    ).tolist() == [31, 10]
    with pytest.raises(Refused, match=r"train\.json is missing; dfg needs it"):
        supertraffic.load(
            size=32, root=str(merged), options={**options, "sources": ["gtsrb", "dfg"]}
        )


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("13,II-1", "44,II-1", "gtsrb has no class '44', which 'yield' names"),
        ("II-30-30", "II-30-31", "dfg has no class 'II-30-31'"),
        ("21 22", "21 19", "class '19' of belgiumts stands under 'yield' and 'stop'"),
        ("sign,gtsrb", "gtsrb,sign", "give it the columns sign, gtsrb, dfg, belgiumts, note"),
        (",two folders", "", "each line needs a sign and 5 cells; correct the line 'stop, 14"),
        (
            "limit 30,1,II-30-30",
            "stop,1,II-30-30",
            ("leads to only 2 signs .*, but classes asks for 3"),
        ),
        (TINY, "", "is no table of text"),
    ],
)
def test_supertraffic_refuses_a_wrong_map(merged: Path, old: str, new: str, sentence: str) -> None:
    (merged / "map.csv").write_text(TINY.replace(old, new))
    with pytest.raises(Refused, match=sentence):
        supertraffic.load(
            size=32, root=str(merged), options={"map": str(merged / "map.csv"), "classes": 3}
        )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"sources": ["lisa"]},
            ("sources must be a list of different entries out of gtsrb, dfg, belgiumts"),
        ),
        ({"classes": 1}, "classes must be a whole number of at least 2"),
        ({"map": "none.csv", "sources": ["gtsrb"]}, "none.csv is missing; supertraffic needs it"),
        ({"top": 10}, "supertraffic has no option top"),
    ],
)
def test_supertraffic_refuses_wrong_options(
    tmp_path: Path, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        supertraffic.load(size=32, root=str(tmp_path), options=options)


def test_the_label_map_has_every_gtsrb_class_once_and_no_unknown_belgian_one() -> None:
    known = {"gtsrb": gtsrb.list_keys(None), "belgiumts": belgiumts.list_keys(None)}
    signs = read_map(
        supertraffic.MAP, known=known, columns=supertraffic.SOURCES, data="supertraffic"
    )
    assert [key for source, key in signs if source == "gtsrb"] == gtsrb.list_keys(None)
    assert len(set(signs.values())) == 43
    with supertraffic.MAP.open(encoding="utf-8", newline="") as file:
        codes = [code for line in csv.DictReader(file) for code in line["dfg"].split()]
    assert len(codes) == len(set(codes)) == 16
