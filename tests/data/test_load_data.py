"""What a data module hands over, and how it is split: each class in every part, or a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conftest import ROOT
from load_data import main
from robustgen.core.refusal import Refused
from robustgen.data import own
from robustgen.data.splits import class_counts, split

MODULE = """
import numpy as np
from robustgen.data.pool import Pool

def images(value=9):
    return np.full((6, 3, 4, 4), value, np.uint8)

def load(*, size, root, options):
    part, labels = np.array([0, 0, 0, 1, 1, 1], np.uint8), np.array([0, 1, 2] * 2)
    {body}
"""


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Loads the data of a module of one's own whose `load` ends with the given line; gives the
    pool's file.
    """
    monkeypatch.syspath_prepend(tmp_path)

    def load(name: str, text: str) -> Path:
        (tmp_path / "lab").mkdir(exist_ok=True)
        (tmp_path / f"lab/{name}.py").write_text(text)
        main(
            [
                "--kind",
                f"lab.{name}",
                "--size",
                "4",
                "--root",
                str(tmp_path),
                "--out",
                str(tmp_path / "pool.safetensors"),
            ]
        )
        return tmp_path / "pool.safetensors"

    return load


def test_a_module_of_ones_own_hands_over_a_pool(loaded: Callable[..., Path]) -> None:
    pool = loaded(
        "fine", MODULE.format(body=("return Pool(images(), labels, part, ('a', 'b', 'c'))"))
    )
    facts = json.loads(pool.with_suffix(".json").read_text())
    assert (facts["names"], facts["parts"], facts["shape"]) == (
        ["a", "b", "c"],
        [3, 3],
        [6, 3, 4, 4],
    )


@pytest.mark.parametrize(
    ("name", "body", "sentence"),
    [
        (
            "pair",
            "return images(), labels",
            r"lab.pair: load must return robustgen.*Pool\(images, labels, .* not a tuple",
        ),
        ("nothing", "pass", "Data set lab.nothing: load must return .*Pool.* not a NoneType"),
        (
            "black",
            "return Pool(images(1), labels, part, ('a', 'b', 'c'))",
            "lab.black: its images hold no value above 1",
        ),
        (
            "gap",
            "return Pool(images(), labels, part, (*'abcde',))",
            ("Data set lab.gap: it gives no training images of d, e; add"),
        ),
        (
            "part",
            "return Pool(images(), np.sort(labels), part, (*'abc',))",
            ("lab.part: it gives no training images of c; add"),
        ),
        (
            "test",
            "return Pool(images(), labels * part, part, (*'abc',))",
            ("lab.test: it gives no training images of b, c"),
        ),
    ],
)
def test_what_is_no_whole_pool_is_refused_with_the_modules_name(
    loaded: Callable[..., Path], tmp_path: Path, name: str, body: str, sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        loaded(name, MODULE.format(body=body))
    assert not (tmp_path / "pool.safetensors").exists()


def test_a_module_without_the_function_is_refused(loaded: Callable[..., Path]) -> None:
    with pytest.raises(
        Refused,
        match=(r"Data set lab.empty failed with AttributeError: .* has no attribute 'load'"),
    ):
        loaded("empty", "x = 1\n")


@pytest.mark.parametrize(
    ("validation", "sentence"),
    [
        (
            1,
            (
                "split validation has no image of class .*; raise datasets.mine.validation, which "
                "leaves 1 images .*train.npz"
            ),
        ),
        (
            29,
            (
                "split train has no image of class .*; lower datasets.mine.validation, which "
                "leaves 1 images"
            ),
        ),
        (30, "out of 30 training images; set datasets.mine.validation to a number from 1 to 29"),
    ],
)
def test_a_split_that_lacks_a_class_says_what_to_change(validation: int, sentence: str) -> None:
    part, labels = np.repeat([0, 1], 30).astype(np.uint8), np.arange(60) % 3
    with pytest.raises(Refused, match=f"mine: .*{sentence}"):
        split(part, labels, validation=validation, seed=0, dataset="mine")


def test_a_split_of_labels_as_large_as_they_may_be_takes_no_memory() -> None:
    part, labels = np.repeat([0, 1], 30).astype(np.uint8), np.arange(60) % 3 * 1_500_000_000
    tracemalloc.start()
    parts = split(part, labels, validation=15, seed=0, dataset="mine")
    assert class_counts(parts["test"], labels, 3) == [10, 0, 0]
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


# --- files of one's own ---------------------------------------------------------------------------


def test_the_files_of_ones_own_are_listed_and_no_others(tmp_path: Path) -> None:
    for name in (
        "mine/train.npz",
        "mine/test.npz",
        "mine/notes.txt",
        "photos/train/a/1.JPEG",
        "photos/.cache/x",
        "my map.csv",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    path = str(tmp_path / "my map.csv")

    def listed(kind: str, **options: object) -> list[str]:
        return [
            str(file.relative_to(tmp_path)) for file in own.own_files(kind, options, str(tmp_path))
        ]

    assert listed("npz", folder="mine") == ["mine/test.npz", "mine/train.npz"]
    assert listed("npz", folder=str(tmp_path / "mine")) == ["mine/test.npz", "mine/train.npz"]
    assert listed("imagenette", folder="photos") == ["photos/train/a/1.JPEG"]
    assert listed("lab.mine", folder="mine") == [
        "mine/notes.txt",
        "mine/test.npz",
        "mine/train.npz",
    ]
    assert listed("supertraffic", map=path) == ["my map.csv"]
    assert listed("supertraffic", map=str(tmp_path / "none.csv")) == []
    assert (
        listed("npz", folder="none")
        == listed("npz", folder=3)
        == listed("npz")
        == listed("mnist", sources=["mine"])
        == []
    )
    (tmp_path / "mine/test.npz").unlink()
    assert listed("npz", folder="mine") == ["mine/train.npz"]


def test_the_files_of_ones_own_lie_below_the_environments_root_where_none_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROBUSTGEN_DATA", str(tmp_path))
    (tmp_path / "train.npz").touch()
    assert own.own_files("npz", {"folder": "."}, None) == (tmp_path / "train.npz",)


def test_the_files_of_ones_own_are_found_without_numpy_and_torch() -> None:
    code = "import sys, robustgen.data.own; sys.exit(bool({'numpy', 'torch'} & {*sys.modules}))"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=ROOT / "scripts", check=False).returncode
        == 0
    )
