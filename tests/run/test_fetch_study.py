"""Real data inside of a study: its downloads are jobs of their own, and only what they bring
decides what runs again.
"""

from __future__ import annotations

import gzip
import hashlib
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from conftest import Copy
from robustgen.study.config import ConfigError, checked
from robustgen.study.plan import Plan

FILES = {
    "train-images-idx3-ubyte.gz": (400, 28, 28),
    "train-labels-idx1-ubyte.gz": (400,),
    "t10k-images-idx3-ubyte.gz": (30, 28, 28),
    "t10k-labels-idx1-ubyte.gz": (30,),
}
OVERLAY = {
    "study": "tiny_mnist",
    "seeds": [0],
    "outputs": ["fig_sheets"],
    "datasets": {
        "mnist": {
            "kind": "mnist",
            "size": 28,
            "validation": 100,
            "evaluate": {"validation": 10, "test": 10},
        }
    },
    "figures": {"fig_sheets": {"kind": "sheet", "datasets": ["mnist"]}},
}


def idx(shape: tuple[int, ...]) -> bytes:
    values = np.arange(np.prod(shape)) % (10 if len(shape) == 1 else 251)
    return gzip.compress(
        struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
        + values.astype(np.uint8).tobytes(),
        mtime=0,
    )


@pytest.fixture
def mirrored(make_copy: Callable[[], Copy], tmp_path: Path) -> Copy:
    """A project whose register knows a tiny MNIST, which a folder mirrors, and a study of it."""
    copy = make_copy()
    register = (copy.folder / "config/sources.csv").read_text().splitlines()
    lines = {line.split(",")[1]: line for line in register if line.startswith("mnist,")}
    for name, shape in FILES.items():
        body, place = idx(shape), tmp_path / "mirror/MNIST/raw" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
        cells = lines[f"MNIST/raw/{name}"].split(",")
        cells[5:8] = [str(len(body)), hashlib.md5(body).hexdigest(), ""]
        register[register.index(lines[f"MNIST/raw/{name}"])] = ",".join(cells)
    (copy.folder / "config/sources.csv").write_text("\n".join(register) + "\n")
    data = {"root": str(tmp_path / "root"), "mirror": str(tmp_path / "mirror"), "offline": True}
    (copy.folder / "tests/tiny.yaml").write_text(yaml.safe_dump({**OVERLAY, "data": data}))
    return copy


def test_downloads_come_first_and_a_new_fetch_of_the_same_files_reruns_nothing(
    mirrored: Copy, tmp_path: Path
) -> None:
    mirrored.snakemake("data")
    assert sorted(path.name for path in (tmp_path / "root/MNIST/raw").iterdir()) == sorted(FILES)
    assert not (mirrored.folder / "results/tiny_mnist/data").exists()
    assert mirrored.pending() == {
        "load_data",
        "split_data",
        "draw_figure",
        "judge_claims",
        "write_config",
        "write_report",
    }
    mirrored.snakemake()
    assert (mirrored.folder / "results/tiny_mnist/figures/fig_sheets.png").exists()
    (tmp_path / "root/MNIST/raw/t10k-labels-idx1-ubyte.gz").unlink()
    mirrored.snakemake("data", "--forcerun", "fetch")
    assert (tmp_path / "root/MNIST/raw/t10k-labels-idx1-ubyte.gz").exists()
    assert mirrored.pending() == set()


def study(**dataset: object) -> Plan:
    entry = {**OVERLAY["datasets"]["mnist"], **dataset}  # type: ignore[index]
    return Plan(checked({**OVERLAY, "datasets": {"mnist": entry}}))


def test_a_data_set_asks_for_its_downloads_and_for_no_others() -> None:
    assert study().receipts("mnist") == ["results/tiny_mnist/sources/mnist.json"]
    assert study(kind="digits").receipts("mnist") == []
    assert study(kind="svhn", size=32, options={"sources": ["svhn", "svhn_extra"]}).sources(
        "mnist"
    ) == ("svhn", "svhn_extra")
    assert study(kind="imagenette", options={"folder": "mine"}).sources("mnist") == ()
    assert study(kind="supertraffic", options={"sources": ["gtsrb"]}).sources("mnist") == ("gtsrb",)
    assert study(kind="supertraffic").lists("mnist") == ("config/supertraffic.csv",)
    assert study(kind="supertraffic", options={"map": "mine.csv"}).lists("mnist") == ("mine.csv",)


@pytest.mark.parametrize("asked", [["svhm"], [], "svhn"])
def test_downloads_that_a_data_set_does_not_have_are_refused_before_any_job(asked: object) -> None:
    with pytest.raises(
        ConfigError, match=(r"options\.sources: must be a list out of svhn, svhn_extra, not")
    ):
        study(kind="svhn", options={"sources": asked})
