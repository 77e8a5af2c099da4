"""Paths and addresses with spaces, quotes, braces, shell syntax and letters beyond ASCII, in every
place that takes one.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

import load_data
from robustgen.core.refusal import Refused
from robustgen.core.tensors import read_arrays
from robustgen.data.download.sources import REGISTER, data_root, read_register
from robustgen.data.formats.label_map import read_map
from robustgen.data.own import own_files
from robustgen.data.sets import npz
from serving import Server, fetch, places, row

ODD = [
    "a space",
    'it\'s "quoted"',
    "$(touch executed) `x`",
    "{word} {{x}}",
    "[a-z]*?",
    "ünï 文字",
    "100%25 #1",
    "-flag",
    "a\nline",
]
NAMES = pytest.mark.parametrize("name", ODD)


@NAMES
@pytest.mark.parametrize(
    "kind", ["folder", "folder/", "file:", "file://", "file:// encoded", "http"]
)
def test_a_mirror_and_a_root_may_have_any_name(
    server: Server, tmp_path: Path, name: str, kind: str
) -> None:
    copy, root = tmp_path / name / "copy", tmp_path / f"{name} root"
    copy.mkdir(parents=True)
    (copy / f"{name}.bin").write_bytes(b"it")
    server.files[f"/deep%20er/{quote(name)}.bin"] = b"it"
    encoded = f"file://{quote(str(copy))}"
    kinds = {
        "folder": str(copy),
        "folder/": f"{copy}/",
        "file:": f"file:{copy}",
        "file://": f"file://{copy}",
    }
    mirror = {**kinds, "file:// encoded": encoded, "http": f"{server.url}/deep er/"}[kind]
    fetch(root, row(f"{name}.bin", url="http://x.invalid/"), mirror=mirror, offline=kind != "http")
    assert places(root) == {f"{name}.bin", ".robustgen/toy.pins.json"}
    assert not os.path.exists("executed")


def test_an_address_of_the_register_is_encoded_once(server: Server, tmp_path: Path) -> None:
    server.files["/a%20b/%C3%BC%25.bin?x=1&y=%202"] = b"it"
    fetch(tmp_path, row("a.bin", url=f"{server.url}/a b/ü%25.bin?x=1&y= 2"))
    assert (tmp_path / "a.bin").read_bytes() == b"it"


@pytest.mark.parametrize(
    "address", ["http://[half/a.bin", "http://ü" + "x" * 70 + ".invalid/a.bin"]
)
def test_what_is_no_address_is_one_sentence_without_further_tries(
    tmp_path: Path, address: str
) -> None:
    with pytest.raises(Refused, match=r"is no address"):
        fetch(tmp_path, row("a.bin", url=address))


@NAMES
def test_an_archive_may_hold_files_of_any_name(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(f"top/{name}/a", b"A")
    (tmp_path / f"{name}.zip").write_bytes(buffer.getvalue())
    fetch(
        tmp_path, row(f"{name}.zip", url="http://x.invalid/"), row(f"{name}/", within=f"{name}.zip")
    )
    assert places(tmp_path) == {f"{name}.zip", f"{name}/a"}


@NAMES
def test_a_root_a_folder_and_a_map_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / f"{name} root" / name
    folder.mkdir(parents=True)
    for part in npz.PARTS:
        np.savez(
            folder / f"{part}.npz",
            images=np.arange(64, dtype=np.uint8).reshape(4, 4, 4),
            labels=np.arange(4) % 2,
        )
    out, options = tmp_path / name / "pool.safetensors", json.dumps({"folder": name})
    load_data.main(
        [
            "--kind=npz",
            "--size=4",
            f"--options={options}",
            (f"--root={folder.parent}"),
            f"--out={out}",
        ]
    )
    assert len(read_arrays(out)["labels"]) == 8
    assert own_files("npz", {"folder": name}, str(folder.parent)) == (
        folder / "test.npz",
        folder / "train.npz",
    )
    (folder / f"{name}.csv").write_text("sign,gtsrb,note\nstop,14,\n")
    assert read_map(
        folder / f"{name}.csv", known={"gtsrb": ["14"]}, columns=["gtsrb"], data="x"
    ) == {("gtsrb", "14"): "stop"}
    assert own_files("supertraffic", {"map": str(folder / f"{name}.csv")}, None) == (
        folder / f"{name}.csv",
    )


@pytest.mark.parametrize("name", ["a file", "a\0b"])
def test_a_root_that_is_no_folder_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(
        Refused, match=(r"The data root .* is no folder; set data.root or ROBUSTGEN_DATA to one")
    ):
        data_root(str(tmp_path / name))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"\xff\xfe\0", "is no table of text"),
        (b"", "must have the columns"),
        (None, "the line 'a,b' has 2 cells instead of 11"),
    ],
)
def test_a_damaged_register_is_one_sentence(
    tmp_path: Path, text: bytes | None, sentence: str
) -> None:
    (tmp_path / "sources.csv").write_bytes(
        REGISTER.read_bytes() + b"a,b\n" if text is None else text
    )
    with pytest.raises(Refused, match=sentence):
        read_register(tmp_path / "sources.csv")
