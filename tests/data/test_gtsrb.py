"""The readers of GTSRB and BelgiumTS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from robustgen.core.refusal import Refused
from robustgen.data.sets import belgiumts, gtsrb
from traffic import ANSWERS, folders, picture, write_gtsrb


def test_gtsrb_agrees_with_torchvisions_reader_and_transform(tmp_path: Path) -> None:
    from torchvision.datasets import GTSRB
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.functional import resize

    write_gtsrb(tmp_path)
    pool = gtsrb.load(size=32, root=str(tmp_path), options={})
    assert pool.names == gtsrb.NAMES
    assert len(gtsrb.NAMES) == 43
    for part, split in enumerate(("train", "test")):
        theirs = GTSRB(tmp_path, split=split)
        images = [
            np.asarray(resize(image, [32, 32], InterpolationMode.BILINEAR)) for image, _ in theirs
        ]
        assert (pool.images[pool.part == part].transpose(0, 2, 3, 1) == np.stack(images)).all()
        assert pool.labels[pool.part == part].tolist() == [label for _, label in theirs]


def test_gtsrb_keeps_the_classes_and_sizes_that_are_asked_for(tmp_path: Path) -> None:
    write_gtsrb(tmp_path)
    pixels = picture(tmp_path / "gtsrb/GTSRB/Training/00003/small.ppm", 24, 24)
    pool = gtsrb.load(size=24, root=str(tmp_path), options={"classes": [14, 3]})
    assert pool.names == ("Stop", "Speed limit (60km/h)")
    assert pool.labels.tolist() == [1, 1, 1, 0, 0] + [
        int(i * 5 % 43 == 3) for i in range(86) if i * 5 % 43 in (3, 14)
    ]
    # of that size already: no pixel changes
    assert (pool.images[2].transpose(1, 2, 0) == pixels).all()
    assert (
        len(gtsrb.load(size=24, root=str(tmp_path), options={"classes": [14, 3], "min_side": 25}))
        == 8
    )
    with pytest.raises(Refused, match=r"no test images of .*lower min_side"):
        gtsrb.load(size=24, root=str(tmp_path), options={"min_side": 35})


def test_gtsrb_refuses_an_empty_class(tmp_path: Path) -> None:
    write_gtsrb(tmp_path, {7: 0})
    with pytest.raises(
        Refused,
        match=(
            r"no training or no test images of Speed limit \(100km/h\); lower min_side, or leave"
        ),
    ):
        gtsrb.load(size=24, root=str(tmp_path), options={})
    assert len(gtsrb.load(size=24, root=str(tmp_path), options={"classes": [8, 9]}).names) == 2


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            lambda root: (root / ANSWERS).write_text("Filename,ClassId\n00000.ppm,1\n"),
            "must have lines with the columns Filename",
        ),
        (
            lambda root: (root / ANSWERS).write_text("Filename;ClassId\n"),
            ("must have lines with the columns Filename"),
        ),
        (lambda root: (root / ANSWERS).write_bytes(b"\xff\xfe\x00\x81"), "is no table of text"),
        (
            lambda root: (root / ANSWERS).write_text("Filename;ClassId\n00000.ppm;43\n"),
            ("gives 00000.ppm the class '43'"),
        ),
        (
            lambda root: (root / ANSWERS).write_text("Filename;ClassId\n00000.ppm\n"),
            ("gives 00000.ppm the class ''"),
        ),
        (
            lambda root: (root / ANSWERS).write_text("Filename;ClassId\n../a.ppm;1\n"),
            ("which is no name of an image"),
        ),
        (
            lambda root: (root / ANSWERS).write_text("Filename;ClassId\n9.ppm;1\n"),
            ("9.ppm is missing; the list that names it"),
        ),
        (lambda root: (root / ANSWERS).unlink(), "GT-final_test.csv is missing; gtsrb needs it"),
        (
            lambda root: (root / "gtsrb/GTSRB/Training/00042").rename(root / "elsewhere"),
            ("00042 is missing; gtsrb needs it"),
        ),
        (lambda root: (root / "gtsrb/GTSRB/Training/00043").mkdir(), "has the folder 00043"),
        (
            lambda root: (root / "gtsrb/GTSRB/Training/00001/a.ppm").write_bytes(
                b"P6\n40 40\n255\nabc"
            ),
            "a.ppm is no readable image",
        ),
        (
            lambda root: (root / "gtsrb/GTSRB/Training/00001/a.ppm").write_bytes(
                b"%!PS-Adobe-3.0 EPSF"
            ),
            "is no readable image",
        ),
    ],
)
def test_gtsrb_refuses_what_is_damaged(
    tmp_path: Path, spoil: Callable[[Path], object], sentence: str
) -> None:
    write_gtsrb(tmp_path)
    spoil(tmp_path)
    with pytest.raises(Refused, match=sentence):
        gtsrb.load(size=24, root=str(tmp_path), options={})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"classes": [43, 1]}, "gtsrb: classes must be a list of different entries out of 0 to 42"),
        ({"classes": [1, 1]}, "different entries"),
        ({"min_side": -1}, "gtsrb: min_side must be a whole number"),
        ({"roi": True}, "gtsrb has no option roi; it knows only classes, min_side"),
    ],
)
def test_gtsrb_refuses_wrong_options(
    tmp_path: Path, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        gtsrb.load(size=24, root=str(tmp_path), options=options)


def test_belgiumts_leaves_out_classes_without_test_images(tmp_path: Path) -> None:
    folders(tmp_path / "BelgiumTSC/Training", {3: 1}, classes=62)
    folders(tmp_path / "BelgiumTSC/Testing", {1: 0}, classes=62)
    pool = belgiumts.load(size=24, root=str(tmp_path), options={})
    assert pool.names[:3] == ("class 00000", "class 00002", "class 00003")
    assert np.bincount(pool.labels[pool.part == 0])[:4].tolist() == [2, 2, 1, 2]
    assert len(pool.names) == 61
    with pytest.raises(Refused, match="fewer than two classes"):
        belgiumts.load(size=24, root=str(tmp_path), options={"min_side": 41})
    with pytest.raises(Refused, match="belgiumts has no option classes"):
        belgiumts.load(size=24, root=str(tmp_path), options={"classes": [1]})
